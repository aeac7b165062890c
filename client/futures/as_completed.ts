// as_completed over futures: one deadline, each future once, those that have ended first.

import { completions } from "../transport/completion_stream.ts";
import { AsCompletedTimeoutError, ErrandError } from "../protocol/errors.ts";
import {
  type Awaited,
  distinct,
  type GroupLike,
  isGroup,
  type StreamPart,
  streamPartsOf,
} from "./future_set.ts";
import { merged } from "../transport/merge.ts";
import type { TaskFuture } from "./task_future.ts";
import { checkTimeout, Deadline, Limit, requireOptions, type Timeout } from "../transport/deadline.ts";

/** The service itself says that the deadline is over. So much longer is waited for that. */
const GRACE_MS = 2_000;

/**
 * The futures in the order in which their tasks end: those that have ended first, then each as it does, the
 * cancelled ones too, duplicates once. Goes on by itself after a cut. Leaving the loop closes the connection.
 *
 * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
 * @throws {AsCompletedTimeoutError} at the deadline, as "2 (of 5) futures unfinished"; nothing is cancelled
 * by that
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there at the start
 */
export function asCompleted<Future extends TaskFuture>(
  futures: Iterable<Future>,
  options: Timeout = {},
): AsyncGenerator<Future> {
  requireOptions(options);
  const { timeoutMs, signal } = options;
  const group = isGroup(futures) ? futures : null;
  return iterate(distinct(futures), group, new Deadline(checkTimeout(timeoutMs)), signal);
}

async function* iterate<Future extends TaskFuture>(
  tasks: Awaited<Future>[],
  group: GroupLike | null,
  deadline: Deadline,
  signal?: AbortSignal,
): AsyncGenerator<Future> {
  const pending = new Set(tasks);
  for (const task of tasks) {
    signal?.throwIfAborted();
    if (!task.hasEnded()) continue;
    pending.delete(task);
    yield task.future;
  }
  signal?.throwIfAborted();
  const stop = new Limit(signal);
  let isLate = false;
  try {
    const streams = streamPartsOf(pending, group).map((part) => read(part, deadline, stop.signal));
    for await (const task of merged(streams)) {
      // The deadline of one is the deadline of all. The others are read to their end.
      if (task === null) isLate = true;
      else if (pending.delete(task)) yield task.future;
    }
  } finally {
    stop.end();
  }
  if (pending.size === 0) return;
  if (!isLate) throw new ErrandError(`the stream ended before ${pending.size} of its tasks had`);
  throw new AsCompletedTimeoutError(tasks.length, [...pending].map(({ future }) => future));
}

/** The tasks of a part as they end; null at the deadline. */
async function* read<Future extends TaskFuture>(
  { connection, tasks, asked }: StreamPart<Future>,
  deadline: Deadline,
  signal: AbortSignal,
): AsyncGenerator<Awaited<Future> | null> {
  const limit = new Limit(signal);
  const options = { timeoutMs: deadline.leftMs, signal: limit.signal };
  const events = completions(connection.http, asked, options);
  try {
    for (;;) {
      // Only the time in which nothing comes counts: the caller may take any time over what came.
      limit.within(deadline.leftMs + GRACE_MS);
      const { value, done } = await events.next();
      limit.rest();
      if (done) return;
      if (value.kind === "timeout") yield null;
      else {
        const task = tasks.get(value.kind === "task" ? value.task.id : value.id);
        if (value.kind === "task") task?.settle(value.task);
        if (task) yield task;
      }
    }
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error;
    yield null; // The service did not say in time that the deadline is over.
  } finally {
    limit.end();
    await events.return(undefined);
  }
}
