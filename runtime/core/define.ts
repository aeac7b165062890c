// What a user writes: a definition has a name, schemas for input and output, and a function. This file
// imports nothing of KV or HTTP, so that a worker thread loads quickly.

import { z } from "zod";
import type {
  ConcurrencyOption,
  FairnessOption,
  Keyed,
  OneOrMore,
  RateLimitOption,
} from "./limit_options.ts";
import {
  type Bases,
  basesIn,
  type DefinedConcurrency,
  type QueueWithConcurrency,
} from "./base_concurrency.ts";
import type { RetryPolicy } from "./retry.ts";
import type { DeclaredSchedule } from "./schedule_config.ts";
import { faultOfRedact } from "./redaction.ts";
import { faultOfLimits } from "./soft_time_limit.ts";
import { unknownFields } from "./strict_object.ts";
import type { SubmitOptions } from "./submission.ts";
import type { TaskBounds } from "./task_bounds.ts";
import {
  type CacheDefaults,
  type DebounceDefaults,
  faultOfUnique,
  type UniqueDefaults,
} from "./unique_options.ts";

/** Any JSON value: inputs, results, chunks and log data are JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The task that a handler runs, with what bounds it. */
export interface TaskInfo extends TaskBounds {
  readonly id: string;
  readonly task: string;
  readonly maxAttempts: number;
  readonly queue: string;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly metadata: { readonly [key: string]: Json };
  readonly groupId: string | null;
  readonly parentId: string | null;
  /** What the function returns is not stored. */
  readonly ignoreResult: boolean;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /**
   * Names the attempt. It stays the same when an attempt is run again because its worker died, so that other
   * systems can recognise side effects that they have seen.
   */
  readonly token: string;
}

export interface TaskContext<Input> {
  readonly input: Input;
  readonly task: TaskInfo;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /**
   * Aborted by a cancel, a timeout, or the loss of the lease. Pass it on to `fetch` and the like. With a
   * SoftTimeLimitError as its reason: what the function still returns counts.
   */
  readonly signal: AbortSignal;
  /** How far the task is. Only the newest value is kept with the task; each written one is an event. */
  progress(current: number, total?: number, message?: string): void;
  /** Writes one line to the task's event stream. */
  log(message: string, data?: unknown): void;
  /** Streams a piece of output. Any JSON value of up to 30,000 characters. */
  emit(chunk: unknown): void;
  /**
   * Submits a child task. Resolves when it is on disk. When an attempt runs again, or another attempt runs,
   * the same submit at the same place finds the same child, and retries it if it did not complete.
   *
   * @param definition a definition, or its name.
   * @param input a child in it stands for its result: the new one starts when that is there
   */
  submit<Input extends z.ZodType, Output extends z.ZodType>(
    definition: Definition<string, Input, Output>,
    input: WithChildren<z.input<Input>>,
    options?: SubmitOptions,
  ): Promise<Child<z.output<Output>>>;
  submit(definition: string, input?: unknown, options?: SubmitOptions): Promise<Child>;
  /**
   * Submits a child task that joins the group of this task: whoever waits for the group waits for it, too,
   * and the group's policy holds for it. A group does not end as long as one of its tasks runs, so it is
   * never too late. Otherwise as `submit`.
   *
   * @throws {ConflictError} if this task is in no group, or its group was stopped.
   */
  addToGroup<Input extends z.ZodType, Output extends z.ZodType>(
    definition: Definition<string, Input, Output>,
    input: WithChildren<z.input<Input>>,
    options?: SubmitOptions,
  ): Promise<Child<z.output<Output>>>;
  addToGroup(definition: string, input?: unknown, options?: SubmitOptions): Promise<Child>;
}

/** An input in which a child may stand wherever its result would. */
export type WithChildren<T> = Child<T> | WithChildrenIn<T>;

type WithChildrenIn<T> = unknown extends T ? T
  : T extends readonly unknown[] ? { readonly [Index in keyof T]: WithChildren<T[Index]> }
  : T extends object ? { readonly [Field in keyof T]: WithChildren<T[Field]> }
  : T;

/** A child task. `String(child)` is its id. In the input of another child it stands for its result. */
export interface Child<Result = unknown> {
  readonly id: string;
  /**
   * Waits for its end, from when it is awaited. A function takes no slot of its worker until all that it
   * waits for has ended; then it goes on before new tasks begin.
   *
   * @throws {ChildFailedError} if it did not complete.
   */
  result(): Promise<Result>;
}

/** Defaults for the options of a submit. The options of a submit win. */
export interface DefinitionDefaults {
  timeoutMs?: number;
  /** Less than `timeoutMs`. */
  softTimeoutMs?: number;
  retry?: Partial<RetryPolicy>;
  maxCrashes?: number;
  priority?: number;
  /** Where its tasks wait for a worker: 1 to 64 of `a-z0-9_.-`. */
  queue?: string;
  retentionMs?: number;
  failureRetentionMs?: number;
  /** Not together with `cache`. */
  ignoreResult?: boolean;
}

/** Defaults whose keys may follow from the input. */
export interface KeyedDefaults<Input> {
  concurrency?: OneOrMore<Keyed<ConcurrencyOption, Input>>;
  rateLimit?: OneOrMore<Keyed<RateLimitOption, Input>>;
  fairness?: Keyed<FairnessOption, Input>;
  /** Its `key` may be a function of the input: `({ input }) => input.user`. */
  unique?: UniqueDefaults<Input>;
  /** Its `key` may be a function of the input. */
  debounce?: DebounceDefaults<Input>;
  /** Its `key` may be a function of the input. */
  cache?: CacheDefaults<Input>;
}

export interface DefinitionConfig<Name extends string, Input extends z.ZodType, Output extends z.ZodType>
  extends Omit<DefinitionDefaults, "queue">, Omit<KeyedDefaults<z.output<Input>>, "concurrency"> {
  /** Unique; letters, digits and `_ . -`, at most 100. */
  name: Name;
  description?: string;
  /** How many run at once: by key, and without a key of the definition as a whole. */
  concurrency?: DefinedConcurrency<z.output<Input>>;
  /**
   * Where its tasks wait for a worker: 1 to 64 of `a-z0-9_.-`; and how many tasks of that queue run at once,
   * if that is to be said here.
   */
  queue?: string | QueueWithConcurrency;
  /**
   * Of its function, at most 200 characters: tasks say which one they were submitted for, and cached results
   * of another one are not given again.
   */
  version?: string;
  /** What people call a run of it, where its submit does not say. A function gets the parsed input. */
  displayName?: string | ((context: { input: z.output<Input> }) => string | null);
  /**
   * JSON Pointers to secrets in the input, as "/password"; a part that is "*" means each element or member.
   * They are shown as "[redacted]" where tasks are shown, and are kept out of errors and log lines. The
   * function gets the input as it is.
   */
  redact?: readonly string[];
  input: Input;
  output?: Output;
  /**
   * Runs it on a worker thread: for CPU-bound work, which a cancel or a timeout can then end. Always
   * `import.meta.url`: the thread imports that module and looks for this definition among its exports.
   */
  thread?: string;
  /**
   * Schedules of this definition. They are there as long as the code says so, and keep where they stand when
   * it changes. Each needs a name of its own, but for one, which has the definition's.
   */
  schedules?: readonly DeclaredSchedule<z.input<Input>>[];
}

export type Handler<Input, Output> = (context: TaskContext<Input>) => Output | Promise<Output>;

export interface Definition<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  readonly description?: string;
  readonly version?: string;
  readonly displayName?: string | ((context: { input: z.output<Input> }) => string | null);
  readonly redact?: readonly string[];
  readonly input: Input;
  readonly output: Output;
  readonly thread?: string;
  readonly schedules?: readonly DeclaredSchedule[];
  readonly defaults: DefinitionDefaults;
  readonly keyed?: KeyedDefaults<z.output<Input>>;
  /** How many tasks run at once: of its own, and of its queue. */
  readonly bases?: Bases;
  readonly handler: Handler<z.output<Input>, z.input<Output>>;
}

/** A definition of any types. */
// deno-lint-ignore no-explicit-any
export type AnyDefinition = Definition<string, any, any>;

/** Where a function runs: on the main thread, or on a worker thread. */
export type RunnerKind = "inline" | "thread";
export const RUNNER_KINDS: readonly RunnerKind[] = ["inline", "thread"];

export function runnerOf({ thread }: AnyDefinition): RunnerKind {
  return thread === undefined ? "inline" : "thread";
}

/**
 * Checks the name and returns the definition. It registers nothing.
 *
 * An input schema that is a plain `z.object` refuses unknown fields, so that a misspelt field is not ignored;
 * use `z.looseObject` to accept them.
 *
 * @throws {TypeError} if the name is not 1 to 100 letters, digits or `_ . -`, or `queue`, `concurrency`,
 *   `unique`, `debounce` or `softTimeoutMs` breaks a rule.
 */
export function define<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType = z.ZodUnknown,
>(
  config: DefinitionConfig<Name, Input, Output>,
  handler: Handler<z.output<Input>, z.input<Output>>,
): Definition<Name, Input, Output> {
  const {
    name,
    description,
    input,
    output,
    thread,
    schedules,
    concurrency,
    rateLimit,
    fairness,
    unique,
    debounce,
    cache,
    version,
    displayName,
    redact,
    queue,
    ...rest
  } = config;
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(name)) {
    throw new TypeError(`Cannot define "${name}": a name is 1 to 100 letters, digits or _ . -`);
  }
  const fault = faultOfUnique({ unique, debounce, cache }) ?? faultOfLimits(rest) ?? faultOfRedact(redact) ??
    (version !== undefined && version.length > 200 ? "version has at most 200 characters" : null) ??
    (cache && rest.ignoreResult ? "ignoreResult and cache: what is not kept is not given again" : null);
  if (fault) throw new TypeError(`Cannot define "${name}": ${fault}`);
  const said = basesIn(concurrency, queue);
  if (typeof said === "string") throw new TypeError(`Cannot define "${name}": ${said}`);
  const defaults = said.queue === undefined ? rest : { ...rest, queue: said.queue };
  const keyed = { concurrency: said.concurrency, rateLimit, fairness, unique, debounce, cache };
  const isKeyed = Object.values(keyed).some((one) => one !== undefined);
  return {
    name,
    description,
    ...(version !== undefined && { version }),
    ...(displayName !== undefined && { displayName }),
    ...(redact !== undefined && { redact }),
    input: refuseUnknownFields(input),
    output: output ?? (z.unknown() as z.ZodType as Output),
    thread,
    ...(schedules && { schedules }),
    defaults,
    ...(isKeyed && { keyed }),
    ...(said.bases && { bases: said.bases }),
    handler,
  };
}

function refuseUnknownFields<T extends z.ZodType>(schema: T): T {
  const plain = schema instanceof z.ZodObject && schema.def.catchall === undefined;
  if (!plain) return schema;
  const { def } = schema.strict();
  return schema.clone({ ...def, error: def.error ?? unknownFields() }) as unknown as T;
}
