// Runs one attempt: load the input → call the function → turn what it returned or threw into an Outcome.

import { askCache } from "./ask_cache.ts";
import type { Attempt } from "./attempt.ts";
import { parseBounded } from "../core/bounded_parse.ts";
import type { AnyDefinition } from "../core/define.ts";
import { sleep } from "../platform/clock.ts";
import { NewerRecordError, UnavailableError } from "../core/errors.ts";
import { bounded } from "../core/error_bounds.ts";
import type { Failure } from "../core/failed_attempt.ts";
import { hintsOf } from "../core/failure_hints.ts";
import { flowOf } from "../core/replace_with.ts";
import { NotJsonError, toJsonText, utf8Bytes } from "../core/json.ts";
import type { InputResolver } from "./input_resolver.ts";
import { type Mask, Redaction } from "../core/redaction.ts";
import type { Registry } from "../core/registry.ts";
import type { Runners } from "./runners/runners.ts";
import { type ChildTasks, contextOf, submitOf } from "./task_context.ts";
import { SoftTimeLimitError } from "../core/soft_time_limit.ts";
import type { TaskError } from "../core/task.ts";
import { errorOf, isA, RevivedError, stacksOf } from "../core/thrown_error.ts";
import type { Log } from "../platform/log.ts";
import type { Outcome } from "../core/transitions.ts";
import type { Tracing } from "../platform/tracing.ts";
import type { Values } from "../store/values.ts";

export interface ExecuteOptions {
  registry: Registry;
  runners: Runners;
  values: Values;
  inputs: InputResolver;
  children: ChildTasks;
  maxResultBytes: number;
  /** Keep stacks with errors: they can tell secrets, so only where the operator asked for them. */
  keepStacks: boolean;
  /** Left out, or null: nobody collects spans. */
  tracing?: Tracing | null;
  /** Gets a line for each failed attempt, with its stack. */
  log: Log;
}

/** Keeps the secrets of the input out of what is shown, once the input is known. */
interface Shown {
  mask: Mask | null;
}

const RETRY_AFTER_MS = 100;
const RETRY_AFTER_AT_MOST_MS = 5_000;

/** Runs an attempt to its end. Null: nothing is to be written, as the lease is lost or it took a result. */
export async function execute(attempt: Attempt, options: ExecuteOptions): Promise<Outcome | null> {
  let thrown: unknown;
  const shown: Shown = { mask: null };
  const returned = returnOf(attempt, options, shown, (error) => thrown = error);
  // A function that goes on after its attempt was stopped is left to itself.
  const outcome = await Promise.race([returned, attempt.stopped]);
  if (outcome?.kind === "timed-out") logFailure(attempt, outcome.error, null, options.log);
  else if (outcome?.kind === "failed" && !attempt.aborted && !isOrder(outcome)) {
    // A task that its function rejects ends as that wants: where in the code it says so tells nothing.
    const stacks = outcome.hints?.endsAs === "Rejected" ? null : stacksOf(thrown);
    logFailure(attempt, outcome.error, stacks && (shown.mask?.text(stacks) ?? stacks), options.log);
  }
  return outcome;
}

/** The function said what shall follow, and that is no failure. */
function isOrder({ hints }: Failure): boolean {
  return hints !== undefined && (hints.isAsked === true || hints.endsAs === "Ignored");
}

/** What was thrown is not handed on itself: reading it may throw. */
function logFailure({ record }: Attempt, error: TaskError, stack: string | null, log: Log): void {
  const { task, id, attempt, maxAttempts } = record;
  const { name, message, retryable } = error;
  const readable = new RevivedError({ name, message, retryable, stack: stack ?? undefined });
  const said = `attempt ${attempt} of ${maxAttempts} of task ${id} (${task}) failed`;
  log.error(said, readable, { task, id, attempt });
}

async function returnOf(
  attempt: Attempt,
  options: ExecuteOptions,
  shown: Shown,
  onThrown: (thrown: unknown) => void,
): Promise<Outcome | null> {
  const { registry, runners, keepStacks } = options;
  const definition = registry.get(attempt.record.task)!;
  try {
    const given = await untilAvailable(attempt, () => options.inputs.of(attempt.record));
    const { chunk } = attempt.record;
    const redact = definition.redact ?? attempt.record.redact;
    if (redact) attempt.reports.mask = shown.mask = new Redaction(redact, chunk).maskOf(given);
    const inputs = chunk ? given as unknown[] : [given];
    const parsed = inputs.map((each) => registry.parseInput(definition, each));
    const cached = attempt.record.cache
      ? await untilAvailable(attempt, () => askCache(attempt, definition, given, options))
      : null;
    if (cached?.isServed) return null;
    const runner = runners.of(definition);
    attempt.startTimeout();
    const results: unknown[] = [];
    const submit = submitOf(attempt, options.children);
    for (const input of parsed) {
      // Stopped while it waited for its input, or by what the function has done: it is not called again.
      if (attempt.aborted) return { kind: "released" };
      results.push(await runner(definition, contextOf(attempt, input, submit), attempt));
    }
    attempt.stopTimeout();
    const outcome = await outcomeOf(results, definition, attempt, options);
    return outcome.kind === "completed" && cached?.key ? { ...outcome, cacheKey: cached.key } : outcome;
  } catch (thrown) {
    onThrown(thrown);
    return outcomeOfThrown(thrown, attempt, keepStacks, shown);
  } finally {
    attempt.stopTimeout();
  }
}

async function outcomeOf(
  results: unknown[],
  { output }: AnyDefinition,
  attempt: Attempt,
  { values, maxResultBytes }: ExecuteOptions,
): Promise<Outcome> {
  // Stopped meanwhile: the value would never be read, so it is not stored.
  if (attempt.isCutOff) return { kind: "released" };
  const { chunk, ignoreResult } = attempt.record;
  const flow = flowOf(results[0]);
  if (flow !== null) return await replacedBy(flow, attempt, values);
  if (ignoreResult) return { kind: "completed", result: { json: "null" } };
  const text = toJsonText(chunk ? results : results[0]);
  for (const [i, result] of results.entries()) {
    const checked = parseBounded(output, result);
    if (checked.success) continue;
    const [{ path, message }] = checked.error.issues;
    const at = chunk ? [i, ...path] : path;
    return failure(
      "ResultInvalid",
      `the result breaks the definition's output schema at /${at.join("/")}: ${message}`,
    );
  }
  // A character has at most 3 bytes of UTF-8: most results need not be counted.
  const bytes = text.length * 3 > maxResultBytes ? utf8Bytes(text) : 0;
  if (bytes > maxResultBytes) {
    const limit = `the limit is ${maxResultBytes} bytes (MAX_RESULT_BYTES)`;
    return failure("ResultTooLarge", `the result has ${bytes} bytes; ${limit}`);
  }
  const result = await untilAvailable(attempt, () => values.store(attempt.id, text, attempt.record.input));
  return { kind: "completed", result };
}

async function replacedBy(flow: object, attempt: Attempt, values: Values): Promise<Outcome> {
  const { id, record } = attempt;
  if (record.chunk) {
    return failure("ReplaceRefused", "replaceWith(): a chunk has several inputs, and one result");
  }
  if (attempt.hasSubmitted) {
    const message =
      "replaceWith(): this attempt has submitted tasks with submit(): put them into the flow, " +
      "or return what they give";
    return failure("ReplaceRefused", message);
  }
  const text = toJsonText(flow);
  return {
    kind: "replaced",
    flow: await untilAvailable(attempt, () => values.store(id, text, record.input)),
  };
}

/** Repeats `work` while the database is away: that is no failure of the function. */
async function untilAvailable<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
  for (let pauseMs = RETRY_AFTER_MS;; pauseMs = Math.min(2 * pauseMs, RETRY_AFTER_AT_MOST_MS)) {
    try {
      return await work();
    } catch (error) {
      if (attempt.isCutOff || !(error instanceof UnavailableError)) throw error;
      await sleep(attempt.clock, pauseMs, attempt.stopSignal);
    }
  }
}

/** A result that cannot be kept. Another attempt would return the same. */
function failure(name: string, message: string): Outcome {
  return { kind: "failed", error: { name, message, retryable: false } };
}

function outcomeOfThrown(
  thrown: unknown,
  attempt: Attempt,
  keepStacks: boolean,
  { mask }: Shown,
): Outcome {
  if (isA(thrown, NewerRecordError)) {
    attempt.leaveToNewer(thrown);
    return { kind: "released", reason: "handed back: only a newer release can go on with it" };
  }
  if (isA(thrown, NotJsonError)) return failure("ResultNotSerializable", thrown.message);
  const hints = hintsOf(thrown);
  const said = errorOf(thrown, keepStacks);
  const error = mask ? bounded(mask.error(said)) : said;
  if (attempt.record.softTimeoutMs !== undefined && isA(thrown, SoftTimeLimitError)) {
    return { kind: "timed-out", error };
  }
  return hints === null ? { kind: "failed", error } : { kind: "failed", error, hints };
}
