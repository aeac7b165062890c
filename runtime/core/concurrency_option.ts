// What a submit and a definition may say of concurrency limits.

import { z } from "zod";
import { once } from "./once.ts";
import { strictObject } from "./strict_object.ts";
import type { TaskLimit } from "./task.ts";

/** At most `limit` tasks with this key run at once, in all processes. */
export interface ConcurrencyOption {
  /** 1 to 200 characters, no control characters. Of a tenant's tasks it counts that tenant's only. */
  key: string;
  /** 0 to 10,000; 0 holds all. Left out: only a rule of PUT /v1/limits/{pattern} limits it. */
  limit?: number;
  /**
   * When no slot is free: `queue` (default) waits for one, `reject` refuses the submit (409 limit-full),
   * `cancel-new` ends the new task CANCELLED, `cancel-running` asks the oldest one to stop.
   */
  onFull?: "queue" | "reject" | "cancel-new" | "cancel-running";
}

/** In a definition the key may follow from the input. A key of null is no limit. */
export interface KeyedConcurrency<Input> extends Omit<ConcurrencyOption, "key"> {
  key: string | ((context: { input: Input }) => string | null);
}

export const MOST_LIMITS_OF_A_TASK = 4;
export const LONGEST_LIMIT_KEY = 200;
export const LARGEST_LIMIT = 10_000;

export const limitKeySchema = once((): z.ZodType<string, string> =>
  z.string().min(1).max(LONGEST_LIMIT_KEY)
    .refine((text) => /^\P{Cc}*$/u.test(text), { error: "must not contain control characters" })
);

export const limitSchema = once((): z.ZodType<number, number> => z.int().min(0).max(LARGEST_LIMIT));

const one = once((): z.ZodType<ConcurrencyOption, ConcurrencyOption> =>
  strictObject({
    key: limitKeySchema().describe("At most `limit` tasks with this key run at once, in all processes."),
    limit: limitSchema().optional().describe("0 holds all. Left out: only a rule limits it."),
    onFull: z.enum(["queue", "reject", "cancel-new", "cancel-running"]).optional()
      .describe("When no slot is free. Default: queue."),
  })
);

export type Concurrency = ConcurrencyOption | ConcurrencyOption[];

export const concurrencySchema = once((): z.ZodType<Concurrency, Concurrency> =>
  z.union([
    one(),
    z.array(one()).min(1).max(MOST_LIMITS_OF_A_TASK).superRefine((all, context) => {
      all.forEach(({ key }, i) => {
        if (all.findIndex((other) => other.key === key) === i) return;
        context.addIssue({ code: "custom", path: [i, "key"], message: "each key once" });
      });
    }),
  ]).meta({ id: "Concurrency" })
);

/** As it is stored. */
export function limitsOfOption(option: Concurrency): TaskLimit[] {
  return (Array.isArray(option) ? option : [option]).map(({ key, limit, onFull }) => ({
    key,
    ...(limit !== undefined && { limit }),
    ...(onFull !== undefined && onFull !== "queue" && { onFull }),
  }));
}

/** What a definition says, for one input. */
export function concurrencyFor<Input>(
  keyed: KeyedConcurrency<Input> | KeyedConcurrency<Input>[],
  input: Input,
): ConcurrencyOption[] {
  return (Array.isArray(keyed) ? keyed : [keyed]).flatMap(({ key, ...rest }) => {
    const text = typeof key === "string" ? key : key({ input });
    return text === null ? [] : [{ ...rest, key: text }];
  });
}
