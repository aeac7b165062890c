// What a submit and a definition may say of limits by key.

import { z } from "zod";
import { once } from "./once.ts";
import { strictObject } from "./strict_object.ts";
import type { TaskLimit, TaskRate } from "./limit_terms.ts";

/** At most `limit` tasks with this key run at once, in all processes. */
export interface ConcurrencyOption {
  /** 1 to 200 characters, no control characters. Of a tenant's tasks it counts that tenant's only. */
  key: string;
  /** 0 to 10,000; 0 holds all. Left out: only a rule of `PUT /v1/limits/{pattern}` limits it. */
  limit?: number;
  /**
   * When no slot is free: `queue` (default) waits for one, `reject` refuses the submit (409 limit-full),
   * `cancel-new` ends the new task CANCELLED, `cancel-running` asks the oldest one to stop.
   */
  onFull?: "queue" | "reject" | "cancel-new" | "cancel-running";
}

/** So many tasks with this key start in a period, in all processes; the others wait, first in, first out. */
export interface RateLimitOption {
  /** As of {@linkcode ConcurrencyOption}. */
  key: string;
  /** 1 to 1,000,000 units in `periodMs`. Left out, both of them: only a rule limits it. */
  limit?: number;
  /** 1 ms to 31 days. */
  periodMs?: number;
  /** So many units may start at once after a pause. Default 1: they come evenly. */
  burst?: number;
  /** What a start of this task takes. Default 1. */
  units?: number;
}

/** Keys take turns: of a key with many tasks not all come before those of another key. */
export interface FairnessOption {
  /** As of {@linkcode ConcurrencyOption}. */
  key: string;
  /** 0.1 to 100; a key of weight 2 gets two turns in the time of one. Default 1. */
  weight?: number;
}

/** In a definition the key may follow from the input. A key of null is no limit. */
export type Keyed<Option extends { key: string }, Input> = Omit<Option, "key"> & {
  key: string | ((context: { input: Input }) => string | null);
};

export type OneOrMore<Option> = Option | Option[];

const MOST_OF_A_TASK = 4;
const LONGEST_KEY = 200;
export const LARGEST_LIMIT = 10_000;
const LARGEST_RATE = 1_000_000;
const LONGEST_PERIOD_MS = 31 * 24 * 60 * 60 * 1000;

export const limitKeySchema = once((): z.ZodType<string, string> =>
  z.string().min(1).max(LONGEST_KEY)
    // deno-lint-ignore no-control-regex -- a pattern that all readers of the document know
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, { error: "must not contain control characters" })
);
export const slotsSchema = once((): z.ZodType<number, number> => z.int().min(0).max(LARGEST_LIMIT));
export const unitsSchema = once((): z.ZodType<number, number> => z.int().min(1).max(LARGEST_RATE));
export const periodSchema = once((): z.ZodType<number, number> => z.int().min(1).max(LONGEST_PERIOD_MS));

const concurrency = once((): z.ZodType<ConcurrencyOption, ConcurrencyOption> =>
  strictObject({
    key: limitKeySchema().describe("At most `limit` tasks with this key run at once, in all processes."),
    limit: slotsSchema().optional().describe("0 holds all. Left out: only a rule limits it."),
    onFull: z.enum(["queue", "reject", "cancel-new", "cancel-running"]).optional()
      .describe("When no slot is free. Default: queue."),
  })
);

const rateLimit = once((): z.ZodType<RateLimitOption, RateLimitOption> =>
  strictObject({
    key: limitKeySchema().describe("`limit` units of tasks with this key start in `periodMs`."),
    limit: unitsSchema().optional().describe("Left out, with periodMs: only a rule limits it."),
    periodMs: periodSchema().optional(),
    burst: unitsSchema().optional().describe("So many units may start at once after a pause. Default 1."),
    units: unitsSchema().optional().describe("What a start of this task takes. Default 1."),
  }).superRefine(({ limit, periodMs, burst }, context) => {
    const missing = limit === undefined ? "limit" : periodMs === undefined ? "periodMs" : null;
    if (missing === null || [limit, periodMs, burst].every((one) => one === undefined)) return;
    const message = "limit and periodMs belong together: so many units in so many milliseconds";
    context.addIssue({ code: "custom", path: [missing], message });
  })
);

export const fairnessSchema = once((): z.ZodType<FairnessOption, FairnessOption> =>
  strictObject({
    key: limitKeySchema().describe("Keys take turns, whatever the number of their tasks."),
    weight: z.number().min(0.1).max(100).optional().describe("How many turns it gets. Default 1."),
  }).meta({ id: "Fairness" })
);

export type Concurrency = OneOrMore<ConcurrencyOption>;
export type RateLimit = OneOrMore<RateLimitOption>;

function oneOrMore<Option extends { key: string }>(
  one: z.ZodType<Option, Option>,
  id: string,
): z.ZodType<OneOrMore<Option>, OneOrMore<Option>> {
  const several = z.array(one).min(1).max(MOST_OF_A_TASK).superRefine((all, context) => {
    all.forEach(({ key }, i) => {
      if (all.findIndex((other) => other.key === key) === i) return;
      context.addIssue({ code: "custom", path: [i, "key"], message: "each key once" });
    });
  });
  return z.union([one, several]).meta({ id });
}

export const concurrencySchema = once(() => oneOrMore(concurrency(), "Concurrency"));
export const rateLimitSchema = once(() => oneOrMore(rateLimit(), "RateLimit"));

/** As they are stored. */
export function limitsOfOption(option: Concurrency): TaskLimit[] {
  return listOf(option).map(({ key, limit, onFull }) => ({
    key,
    ...(limit !== undefined && { limit }),
    ...(onFull !== undefined && onFull !== "queue" && { onFull }),
  }));
}

export function ratesOfOption(option: RateLimit): TaskRate[] {
  return listOf(option);
}

function listOf<Option>(option: OneOrMore<Option>): Option[] {
  return Array.isArray(option) ? option : [option];
}

/** What a definition says, for one input. */
export function keyedFor<Option extends { key: string }, Input>(
  keyed: OneOrMore<Keyed<Option, Input>>,
  input: Input,
): Option[] {
  return listOf(keyed).flatMap(({ key, ...rest }) => {
    const text = typeof key === "function" ? key({ input }) : key;
    return text === null ? [] : [{ ...rest, key: text } as unknown as Option];
  });
}
