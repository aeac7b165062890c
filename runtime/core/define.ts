// What a user writes: a definition is a name, a schema for what goes in and comes out, and the
// function itself. This file knows nothing of KV or HTTP, so a worker thread can import it cheaply.

import { z } from "zod";
import type { RetryPolicy } from "./retry.ts";
import type { SubmitOptions } from "./submission.ts";

/** Any JSON value: what inputs, results, chunks and log data are made of. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a handler may know about the task that it runs. */
export interface TaskInfo {
  readonly id: string;
  readonly task: string;
  readonly maxAttempts: number;
  readonly tags: readonly string[];
  readonly metadata: { readonly [key: string]: Json };
  readonly groupId: string | null;
  readonly parentId: string | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /**
   * Names the attempt. The same when an attempt is run again because its worker died, so other systems can tell by it
   * that they have seen its side effects before.
   */
  readonly token: string;
}

/** What a handler gets. */
export interface TaskContext<Input> {
  readonly input: Input;
  readonly task: TaskInfo;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborted by a cancel, a timeout, or the loss of the lease. Hand it to `fetch` and friends. */
  readonly signal: AbortSignal;
  /** Says how far the task is. Only the newest value is kept with the task; each flushed one is an event. */
  progress(current: number, total?: number, message?: string): void;
  /** Writes one line to the task's event stream. */
  log(message: string, data?: unknown): void;
  /** Streams a piece of output to whoever listens; it can be replayable later. Any JSON value of up to 30,000 characters. */
  emit(chunk: unknown): void;
  /**
   * Submits a task of its own. Resolves when it is on disk. An attempt that is run again, or another attempt, does not
   * submit it twice: the same submit at the same place finds the same task, and runs it again if it did not complete.
   *
   * @param definition a definition, or its name.
   */
  submit<Input extends z.ZodType, Output extends z.ZodType>(
    definition: Definition<string, Input, Output>,
    input: z.input<Input>,
    options?: SubmitOptions,
  ): Promise<Child<z.output<Output>>>;
  submit(definition: string, input?: unknown, options?: SubmitOptions): Promise<Child>;
}

/** A task that a function has submitted. */
export interface Child<Result = unknown> {
  readonly id: string;
  /**
   * Waits for its end. Meanwhile the function takes up no slot of its worker.
   *
   * @throws {ChildFailedError} if it did not complete.
   */
  result(): Promise<Result>;
}

/** A definition's own defaults for the options of a submit; a submit's options win. */
export interface DefinitionDefaults {
  timeoutMs?: number;
  retry?: Partial<RetryPolicy>;
  maxCrashes?: number;
  priority?: number;
  retentionMs?: number;
}

export interface DefinitionConfig<Name extends string, Input extends z.ZodType, Output extends z.ZodType>
  extends DefinitionDefaults {
  /** Unique; letters, digits and `_ . -`, at most 100. */
  name: Name;
  description?: string;
  input: Input;
  output?: Output;
  /**
   * Run on a worker thread of its own: for CPU-bound work, which a cancel or a timeout then really ends.
   * Always `import.meta.url`: the thread imports that module and looks for this definition among its exports.
   */
  thread?: string;
}

/** A handler's value, or a promise of it. */
export type Handler<Input, Output> = (context: TaskContext<Input>) => Output | Promise<Output>;

export interface Definition<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  readonly description?: string;
  readonly input: Input;
  readonly output: Output;
  readonly thread?: string;
  readonly defaults: DefinitionDefaults;
  readonly handler: Handler<z.output<Input>, z.input<Output>>;
}

/** A definition of any shape: what the registry holds. */
// deno-lint-ignore no-explicit-any
export type AnyDefinition = Definition<string, any, any>;

/**
 * Registers nothing by itself: it checks the name and returns the definition, to be collected in `tasks/mod.ts`.
 *
 * An input that is a plain `z.object` refuses unknown fields, so that a typing mistake is an answer and not a
 * silently ignored option; use `z.looseObject` to take them.
 *
 * @throws {TypeError} if the name is not 1 to 100 letters, digits or `_ . -`.
 */
export function define<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType = z.ZodUnknown,
>(
  config: DefinitionConfig<Name, Input, Output>,
  handler: Handler<z.output<Input>, z.input<Output>>,
): Definition<Name, Input, Output> {
  const { name, description, input, output, thread, ...defaults } = config;
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(name)) {
    throw new TypeError(`Cannot define "${name}": a name is 1 to 100 letters, digits or _ . -`);
  }
  return {
    name,
    description,
    input: refuseUnknownFields(input),
    output: output ?? (z.unknown() as z.ZodType as Output),
    thread,
    defaults,
    handler,
  };
}

function refuseUnknownFields<T extends z.ZodType>(schema: T): T {
  const plain = schema instanceof z.ZodObject && schema.def.catchall === undefined;
  return plain ? (schema.strict() as unknown as T) : schema;
}
