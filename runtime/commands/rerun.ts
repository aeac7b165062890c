// A new task from an ended one, also from a completed one: with its input, or another one, and its options.

import type { Caller } from "../core/caller.ts";
import { ConflictError } from "../core/errors.ts";
import { fairnessKeyOf, weightOf } from "../core/fairness.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { SubmitOptions } from "../core/submission.ts";
import { isTerminal, type TaskRecord, typeOf } from "../core/task.ts";
import { boundsOf } from "../core/task_bounds.ts";
import type { Values } from "../store/values.ts";
import type { Batch } from "./batch.ts";
import type { CommandContext } from "./context.ts";
import type { Idempotency } from "./idempotency.ts";
import { type IfMatch, readPresent } from "./present_task.ts";
import type { Submitted, Submitter } from "./submit.ts";

export interface RerunRequest {
  /** JSON value that replaces the input, or undefined to keep it. */
  input?: unknown;
  ifMatch?: IfMatch;
  idempotency?: Idempotency;
  caller: Caller;
}

/**
 * Submits a task like an ended one. It waits for nobody, unless its input refers to tasks, is in no group and
 * has no parent, and starts at once. Its definition may say that it is unique; nothing is taken from a cache.
 *
 * @throws {ConflictError} if the task has not ended.
 * @throws {NotFoundError | ForgottenError | PreconditionError} for the task, and all that a submit throws
 */
export async function rerun(
  { store, values }: Pick<CommandContext, "store" | "values">,
  submitter: Submitter,
  id: string,
  { input, ifMatch, idempotency, caller }: RerunRequest,
): Promise<Submitted> {
  const { record } = await readPresent(store, id, ifMatch);
  if (!isTerminal(record)) {
    throw new ConflictError(`only an ended task is run anew; this one is ${typeOf(record)}: cancel it first`);
  }
  const batch: Batch = {
    submissions: [{
      task: record.task,
      input: input === undefined ? await inputOf(values, record) : input,
      options: optionsOf(record),
      rerunOf: id,
      ...record.chunk && { chunk: true },
    }],
    pointerOf: (_, part) => part,
  };
  return await submitter.submit({ batch, idempotency, caller });
}

async function inputOf(values: Values, { id, input }: TaskRecord): Promise<unknown> {
  return JSON.parse("json" in input ? input.json : await values.load(id, input, "caller"));
}

function optionsOf(record: TaskRecord): SubmitOptions {
  const { priority, queue = DEFAULT_QUEUE, tags, metadata, timeoutMs, limits = [], rates } = record;
  const { softTimeoutMs, retry, maxCrashes, retentionMs, failureRetentionMs } = boundsOf(record);
  const turns = limits.find(({ key }) => fairnessKeyOf(key) !== null);
  const concurrency = limits.filter((limit) => limit !== turns);
  return {
    priority,
    queue,
    tags,
    metadata: JSON.parse(metadata),
    ...timeoutMs !== null && { timeoutMs },
    ...softTimeoutMs !== null && { softTimeoutMs },
    ...record.displayName !== undefined && { displayName: record.displayName },
    ...record.ignoreResult && { ignoreResult: true },
    retry,
    maxCrashes,
    retentionMs,
    failureRetentionMs,
    ...concurrency.length > 0 && { concurrency },
    ...rates && { rateLimit: rates },
    ...turns && { fairness: { key: fairnessKeyOf(turns.key)!, weight: weightOf(turns) } },
    debounce: false,
    cache: false,
  };
}
