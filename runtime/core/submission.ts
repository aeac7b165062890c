// What a submit may say: one schema for HTTP, its documentation and the types of the runtime. It is made by
// the first submit, as are most schemas: a start that makes them all takes longer, and holds more.

import { z } from "zod";
import { type Compensation, compensationSchema } from "./compensation.ts";
import {
  type Concurrency,
  concurrencySchema,
  type FairnessOption,
  fairnessSchema,
  type RateLimit,
  rateLimitSchema,
} from "./limit_options.ts";
import { instant } from "./instant.ts";
import { NotJsonError, toJsonText, utf8Bytes } from "./json.ts";
import { once } from "./once.ts";
import { QUEUE_NAME, QUEUE_RULE } from "./queue.ts";
import type { RetryPolicy } from "./retry.ts";
import { retrySchema, retryShape } from "./retry_option.ts";
import type { ScheduledSlot } from "./task.ts";
import { type Elsewhere, strictObject } from "./strict_object.ts";
import {
  type CacheOptions,
  cacheSchema,
  type DebounceOptions,
  debounceSchema,
  type UniqueOptions,
  uniqueSchema,
} from "./unique_options.ts";
import { type WaitFor, waitForIds } from "./wait_for.ts";

/**
 * How and when a task runs. Without an option its definition's default holds, and else the one named here.
 */
export interface SubmitOptions {
  /** Start this much later. Not together with `runAt`. */
  delayMs?: number;
  /** Not before this instant, ISO 8601. In the past means now. */
  runAt?: string;
  /** Not started within this: CANCELLED Expired. */
  ttlMs?: number;
  /** Not started by this instant, ISO 8601: CANCELLED Expired. */
  expiresAt?: string;
  /** Longest time of one attempt. */
  timeoutMs?: number;
  /** After this the function's signal aborts with a SoftTimeLimitError; less than `timeoutMs`. */
  softTimeoutMs?: number;
  /** Default: one attempt. */
  retry?: Partial<RetryPolicy>;
  /** How often it is run again because its worker died; this uses up no attempt. Default 3. */
  maxCrashes?: number;
  /** −10 to 10, larger first. Default 0. */
  priority?: number;
  /** Where it waits for a worker: 1 to 64 of `a-z0-9_.-`. Default `default`. */
  queue?: string;
  /** What people call this run: 1 to 200 characters. */
  displayName?: string;
  /** At most 20, of 100 characters each. */
  tags?: string[];
  /** An object of yours: kept and shown, never looked at. */
  metadata?: unknown;
  /** How long it is kept after its end, unless that is a failure. Default 24 h. */
  retentionMs?: number;
  /** How long it is kept if it ends FAILED or CRASHED. Default 14 days. */
  failureRetentionMs?: number;
  /**
   * Tasks and groups that must have completed before it starts, by their ids; or, with conditions, have ended
   * in another way. Their results are not handed over.
   */
  waitFor?: WaitFor;
  /** Nothing of its result is stored: whoever asks gets null, and is told so. */
  ignoreResult?: boolean;
  /** An upstream that does not complete does not cancel it; a reference to it becomes `{error}`. */
  allowFailure?: boolean;
  /** At most so many tasks with a key run at once, in all processes; up to 4 keys. */
  concurrency?: Concurrency;
  /** So many tasks with a key start in a period, in all processes; up to 4 keys. */
  rateLimit?: RateLimit;
  /** Keys take turns, by their weights, within a priority. */
  fairness?: FairnessOption;
  /**
   * While one task of its definition has the key, no other one with this key is made. False: not even if the
   * definition says so.
   */
  unique?: UniqueOptions | false;
  /** Submits with one key, each soon after the one before, make one task. Not together with `unique`. */
  debounce?: DebounceOptions | false;
  /** A result that is there already is given again. False: not even if the definition says so. */
  cache?: CacheOptions | false;
  /** Of a task in a group: what takes it back if it completes and its group does not. */
  compensate?: Compensation<CompensationOptions>;
}

/** The options of a compensation. */
export type CompensationOptions = Omit<
  SubmitOptions,
  "compensate" | "waitFor" | "allowFailure" | "unique" | "debounce" | "cache" | "runAt" | "expiresAt"
>;

/** What a caller submits; a flow says a little more of each of its tasks. */
export interface Submission {
  task: string;
  input?: unknown;
  id?: string;
  options?: SubmitOptions;
  /** Its name in the flow. */
  node?: string;
  /**
   * The input is a list: the function is called with one after the other, and the result is the list of
   * results.
   */
  chunk?: boolean;
  /** The task whose function submits it. */
  parentId?: string;
  /** A group that its parent is in, which it joins. */
  joins?: { group: string; hasLimit: boolean };
  /** The schedule that submits it. */
  schedule?: ScheduledSlot;
  /** Of a task of the engine itself. */
  isBuiltin?: true;
  /** The ended task that it runs anew. */
  rerunOf?: string;
  /** The task that it takes back, and its place in the group of those that do so. */
  compensates?: { task: string; group: string; place: number; redact: string[] };
}

const YEAR_MS = 366 * 24 * 60 * 60 * 1000;
const LONGEST_METADATA = 4_096;
export const MOST_TAGS = 20;

const ms = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);

export const DISPLAY_NAME_RULE = "must have 1 to 200 characters, and no control characters";

export function isDisplayName(value: unknown): value is string {
  return typeof value === "string" && /^\P{Cc}{1,200}$/u.test(value);
}

const tag = once((): z.ZodType<string, string> =>
  z.string().min(1).max(100)
    .refine((text) => /^\P{Cc}*$/u.test(text), { error: "must not contain control characters" })
);

export const queueName = once((): z.ZodType<string, string> =>
  z.string().regex(QUEUE_NAME, { error: QUEUE_RULE })
);

const shapeOfEach = once(() => ({
  delayMs: ms(0, 10 * YEAR_MS).optional().describe("Start this much later. Not together with runAt."),
  runAt: instant().optional().describe("Not before this instant. In the past means now."),
  ttlMs: ms(1, 10 * YEAR_MS).optional().describe("Not started within this: CANCELLED Expired."),
  expiresAt: instant().optional().describe("Not started by this instant: CANCELLED Expired."),
  timeoutMs: ms(1, 7 * 24 * 60 * 60 * 1000).optional().describe("Longest time of one attempt."),
  softTimeoutMs: ms(1, 7 * 24 * 60 * 60 * 1000).optional()
    .describe("After this the function is told to end; what it returns then counts. Less than timeoutMs."),
  retry: retrySchema().optional(),
  maxCrashes: z.int().min(0).max(100).optional()
    .describe("How often it is run again because its worker died; this uses up no attempt. Default 3."),
  priority: z.int().min(-10).max(10).optional().describe("Larger first. Default 0."),
  queue: queueName().optional().describe("Where it waits for a worker. Default default."),
  displayName: z.string().refine(isDisplayName, { error: DISPLAY_NAME_RULE }).optional()
    .describe("What people call this run: 1 to 200 characters."),
  tags: z.array(tag()).max(MOST_TAGS).optional(),
  // No z.record: that drops a key named __proto__.
  metadata: z.unknown()
    .refine((value) => value === undefined || isObject(value), { error: "must be an object" })
    .superRefine((value, context) => {
      const message = value === undefined ? null : faultOfMetadata(value);
      if (message) context.addIssue({ code: "custom", message });
    })
    .optional()
    .meta({
      type: "object",
      additionalProperties: true,
      description: "Yours: kept and shown, never looked at.",
    }),
  retentionMs: ms(0, YEAR_MS).optional()
    .describe("How long it is kept after its end, unless that is a failure. Default 24 h."),
  failureRetentionMs: ms(0, YEAR_MS).optional()
    .describe("How long it is kept if it ends FAILED or CRASHED. Default 14 days, or what the service sets."),
  waitFor: waitForIds().optional(),
  allowFailure: z.boolean().optional()
    .describe("An upstream that does not complete does not cancel it; a reference to it becomes {error}."),
  ignoreResult: z.boolean().optional()
    .describe("Nothing of its result is stored: whoever asks gets null, and is told so."),
  concurrency: concurrencySchema().optional()
    .describe("At most so many tasks with a key run at once, in all processes; up to 4 keys."),
  rateLimit: rateLimitSchema().optional()
    .describe("So many tasks with a key start in a period, in all processes; up to 4 keys."),
  fairness: fairnessSchema().optional()
    .describe("Keys take turns, by their weights, within a priority."),
  unique: uniqueSchema().optional(),
  debounce: debounceSchema().optional(),
  cache: cacheSchema().optional(),
}));

const optionShape = once(() => ({
  ...shapeOfEach(),
  compensate: compensationSchema(
    shapeOfEach(),
    inOptionsOf(Object.keys(shapeOfEach())),
    each(retryFields(), "in retry"),
  ).optional().describe("Of a task in a group: what takes it back if it completes and its group does not."),
}));

function each(fields: string[], where: string): Elsewhere {
  return Object.fromEntries(fields.map((field) => [field, where]));
}

const retryFields = () => Object.keys(retryShape()).filter((field) => field !== "delayMs");

/** For whatever has `options`: fields that belong in there. */
export const inOptions = once((): Elsewhere => inOptionsOf(Object.keys(optionShape())));

function inOptionsOf(options: string[]): Elsewhere {
  return { ...each(options, "in options"), ...each(retryFields(), "in options.retry") };
}

/** They say the same. */
const NOT_TOGETHER = [["delayMs", "runAt"], ["ttlMs", "expiresAt"]] as const;

export const optionsSchema = once((): z.ZodType<SubmitOptions, SubmitOptions> =>
  schemaOfOptions({}, "SubmitOptions")
);

/** @param more what may be said beside the options of a task */
export function schemaOfOptions<Options extends SubmitOptions>(
  more: { [field in Exclude<keyof Options, keyof SubmitOptions>]: z.ZodType },
  id: string,
): z.ZodType<Options, Options> {
  return strictObject({ ...optionShape(), ...more }, {
    ...each(retryFields(), "in retry"),
    ...each(["task", "input", "inputs", "id", "map", "maxConcurrent"], "beside options"),
    ...each(["group"], "in the options of a batch, a map or a flow"),
  }).superRefine((given, context) => {
    const options = given as SubmitOptions;
    if (options.unique && options.debounce) {
      context.addIssue({ code: "custom", path: ["debounce"], message: "not together with unique" });
    }
    for (const [one, other] of NOT_TOGETHER) {
      if (options[one] === undefined || options[other] === undefined) continue;
      context.addIssue({
        code: "custom",
        path: [other],
        message: `not together with ${one}: they say the same`,
      });
    }
  }).meta({ id, not: { anyOf: NOT_TOGETHER.map(having) } }) as unknown as z.ZodType<Options, Options>;
}

/** In JSON Schema: an object that has all of these. Linters want to see each of them as a property, too. */
export function having(names: readonly string[]) {
  return { required: names, properties: Object.fromEntries(names.map((name) => [name, {}])) };
}

/** What a caller may say of it. */
export const submissionSchema = once((): z.ZodType<Submission, Submission> =>
  strictObject(
    {
      task: z.string().min(1).max(200).describe("The name of a definition."),
      input: z.unknown().optional().describe("What the definition's schema takes. Left out means {}."),
      id: z.uuid().toLowerCase().optional()
        .describe("An id of your own; a UUIDv7 keeps lists in order of time. 409 if it is taken."),
      options: optionsSchema().optional(),
    },
    { ...inOptions(), tasks: "in POST /v1/tasks/batch" },
    'in POST /v1/tasks/batch, as {"tasks": […]}',
  )
);

/** A function that submits a child may hand over anything. */
function faultOfMetadata(value: unknown): string | null {
  try {
    const bytes = utf8Bytes(toJsonText(value));
    return bytes <= LONGEST_METADATA ? null : `at most ${LONGEST_METADATA} bytes of JSON (got ${bytes})`;
  } catch (error) {
    if (error instanceof NotJsonError) return error.message;
    throw error;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
