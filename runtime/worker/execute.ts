// The way of one attempt: load the input → run the function → normalise what came of it. Each step is small, and
// every way it can end is an Outcome.

import type { Attempt } from "./attempt.ts";
import type { AnyDefinition, TaskContext, TaskInfo } from "../core/define.ts";
import { isoAt, sleep } from "../platform/clock.ts";
import { UnavailableError } from "../core/errors.ts";
import { clip, NotJsonError, toJsonText, utf8Bytes } from "../core/json.ts";
import type { InputResolver } from "./input_resolver.ts";
import type { Registry } from "../core/registry.ts";
import type { Runners } from "./runners/runners.ts";
import type { SubmitOptions } from "../core/submission.ts";
import type { TaskError, TaskRecord } from "../core/task.ts";
import type { Outcome } from "../core/transitions.ts";
import type { Values } from "../store/values.ts";

/** What functions may do with tasks of their own (child_tasks.ts). */
export interface ChildTasks {
  submit(
    attempt: Attempt,
    place: number,
    task: string,
    input: unknown,
    options?: SubmitOptions,
  ): Promise<string>;
  result(attempt: Attempt, id: string): Promise<unknown>;
}

export interface ExecuteOptions {
  registry: Registry;
  runners: Runners;
  values: Values;
  inputs: InputResolver;
  children: ChildTasks;
  maxResultBytes: number;
  /** Keep stacks with errors: they can tell secrets, so only where the operator asked for them. */
  keepStacks: boolean;
}

/** Bytes of JSON. */
const LONGEST_ERROR_MESSAGE = 2_000;
const LONGEST_STACK = 2_000;
/** Characters of JSON with all causes. */
const LONGEST_ERROR = 2_500;
const DEEPEST_CAUSE = 3;
const ASK_AGAIN_MS = 100;
const ASK_AGAIN_AT_MOST_MS = 5_000;

/** Runs an attempt to its end. Null: the lease was lost, and there is nothing to write. */
export async function execute(attempt: Attempt, options: ExecuteOptions): Promise<Outcome | null> {
  const returned = returnOf(attempt, options);
  // Whichever is first; a function that goes on after its attempt was stopped is left to itself.
  return await Promise.race([returned, attempt.stopped]);
}

async function returnOf(attempt: Attempt, options: ExecuteOptions): Promise<Outcome> {
  const { registry, runners, keepStacks } = options;
  const definition = registry.get(attempt.record.task)!;
  let stopTimer: (() => void) | null = null;
  try {
    const given = await outlasting(attempt, () => options.inputs.of(attempt.record));
    const { chunk } = attempt.record;
    const inputs = chunk ? given as unknown[] : [given];
    const parsed = inputs.map((each) => registry.parseInput(definition, each));
    const runner = await runners.of(definition, () => attempt.signal);
    // Stopped while it was waiting for its input or a thread: the function need not begin at all.
    if (attempt.aborted) return { kind: "released" };
    stopTimer = startTimeout(attempt);
    const results: unknown[] = [];
    const submit = submitOf(attempt, options.children);
    for (const input of parsed) {
      if (attempt.aborted) return { kind: "released" };
      results.push(await runner(definition, contextOf(attempt, input, submit)));
    }
    stopTimer?.();
    return await outcomeOf(results, definition, attempt, options);
  } catch (thrown) {
    return outcomeOfThrown(thrown, keepStacks);
  } finally {
    stopTimer?.();
  }
}

function startTimeout(attempt: Attempt): (() => void) | null {
  const { timeoutMs } = attempt.record;
  return timeoutMs === null ? null : attempt.clock.timer(() => attempt.timeOut(timeoutMs), timeoutMs);
}

async function outcomeOf(
  results: unknown[],
  { output }: AnyDefinition,
  attempt: Attempt,
  { values, maxResultBytes }: ExecuteOptions,
): Promise<Outcome> {
  // Stopped meanwhile: nobody will look at the value, so it is not stored.
  if (attempt.aborted) return { kind: "released" };
  const { chunk } = attempt.record;
  const text = toJsonText(chunk ? results : results[0]);
  for (const [i, result] of results.entries()) {
    const checked = output.safeParse(result);
    if (checked.success) continue;
    const [{ path, message }] = checked.error.issues;
    const at = chunk ? [i, ...path] : path;
    return failure(
      "ResultInvalid",
      `the result breaks the definition's output schema at /${at.join("/")}: ${message}`,
    );
  }
  if (text.length * 3 > maxResultBytes) {
    const bytes = utf8Bytes(text);
    if (bytes > maxResultBytes) {
      const limit = `the limit is ${maxResultBytes} bytes (MAX_RESULT_BYTES)`;
      return failure("ResultTooLarge", `the result has ${bytes} bytes; ${limit}`);
    }
  }
  return {
    kind: "completed",
    result: await outlasting(attempt, () => values.store(attempt.id, text, attempt.record.input)),
  };
}

/** A database that is away, perhaps for minutes, is no failure of the function: it is asked until it answers. */
async function outlasting<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
  for (let pauseMs = ASK_AGAIN_MS;; pauseMs = Math.min(2 * pauseMs, ASK_AGAIN_AT_MOST_MS)) {
    try {
      return await work();
    } catch (error) {
      if (attempt.aborted || !(error instanceof UnavailableError)) throw error;
      await sleep(attempt.clock, pauseMs, attempt.signal);
    }
  }
}

/** A result that cannot be kept: trying again would not mend it. */
function failure(name: string, message: string): Outcome {
  return { kind: "failed", error: { name, message, retryable: false } };
}

/** Anything may be thrown, and looking at it may throw again. */
function outcomeOfThrown(thrown: unknown, keepStacks: boolean): Outcome {
  try {
    if (thrown instanceof NotJsonError) return failure("ResultNotSerializable", thrown.message);
    return { kind: "failed", error: errorOf(thrown, keepStacks) };
  } catch {
    const message = "something was thrown that cannot be read";
    return { kind: "failed", error: { name: "Error", message, retryable: true } };
  }
}

/** What was thrown, as far as it fits the record. */
export function errorOf(thrown: unknown, keepStacks: boolean): TaskError {
  const error = portrait(thrown, keepStacks, 0);
  // With all its causes it may be too long; then the outermost one says most.
  if (error.cause && JSON.stringify(error).length > LONGEST_ERROR) delete error.cause;
  return error;
}

function portrait(thrown: unknown, keepStacks: boolean, depth: number): TaskError {
  if (typeof thrown !== "object" || thrown === null) {
    return { name: "Error", message: clip(String(thrown), LONGEST_ERROR_MESSAGE), retryable: true };
  }
  const { name, message, cause, stack, retryable } = thrown as Partial<Error> & { retryable?: unknown };
  const error: TaskError = {
    name: clip(typeof name === "string" && name !== "" ? name : "Error", 100),
    message: clip(typeof message === "string" ? message : "", LONGEST_ERROR_MESSAGE),
    retryable: retryable !== false,
  };
  if (cause !== undefined && depth < DEEPEST_CAUSE) error.cause = portrait(cause, false, depth + 1);
  if (keepStacks && typeof stack === "string") error.stack = clip(stack, LONGEST_STACK);
  return error;
}

function submitOf(attempt: Attempt, children: ChildTasks): TaskContext<unknown>["submit"] {
  let place = 0;
  return async (definition: AnyDefinition | string, input: unknown, options?: SubmitOptions) => {
    const task = typeof definition === "string" ? definition : definition.name;
    const id = await children.submit(attempt, place++, task, input, options);
    // deno-lint-ignore no-explicit-any -- typed for those who call it
    return { id, result: () => children.result(attempt, id) as Promise<any> };
  };
}

function contextOf(
  attempt: Attempt,
  input: unknown,
  submit: TaskContext<unknown>["submit"],
): TaskContext<unknown> {
  const { record, reports } = attempt;
  // Made when the function asks for them: most never do.
  let info: TaskInfo | undefined;
  return {
    input,
    get task() {
      return info ??= infoOf(record);
    },
    attempt: record.attempt,
    get signal() {
      return attempt.signal;
    },
    progress: (current, total, message) => reports.progress(current, total, message),
    log: (message, data) => reports.log(message, data),
    emit: (chunk) => reports.emit(chunk),
    submit,
  };
}

function infoOf(record: TaskRecord): TaskInfo {
  return {
    id: record.id,
    task: record.task,
    maxAttempts: record.maxAttempts,
    tags: record.tags,
    metadata: JSON.parse(record.metadata),
    groupId: record.groups[0] ?? null,
    parentId: record.parentId,
    createdAt: isoAt(record.createdAt),
    token: `${record.id}:${record.attempt}`,
  };
}
