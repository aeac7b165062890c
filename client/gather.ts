// asyncio.gather over futures.

import { asCompleted } from "./as_completed.ts";
import type { CancelledError, TaskError } from "./errors.ts";
import type { TaskFuture } from "./task_future.ts";
import type { Timeout } from "./time.ts";

export interface GatherOptions extends Timeout {
  /** True: the error of a task that did not complete stands in its place among the results. */
  returnExceptions?: boolean;
  /** True: an abort of `signal` cancels the tasks that have not ended. */
  cancelOnAbort?: boolean;
}

/** For a tuple of futures the tuple of their results, each of its own type. */
export type ResultsOf<Futures, Also = never> = Futures extends readonly TaskFuture[]
  ? number extends Futures["length"] ? (ResultIn<Futures[number]> | Also)[]
  : { -readonly [Index in keyof Futures]: ResultIn<Futures[Index]> | Also }
  : Futures extends Iterable<infer Future> ? (ResultIn<Future> | Also)[]
  : never;

type ResultIn<Future> = Future extends TaskFuture<infer Result> ? Result : never;

/**
 * The results in the order of the futures, whatever the order of their ends.
 *
 * Without `returnExceptions` the first failure in time is thrown as soon as it is there; the other tasks go on.
 *
 * @throws {AsCompletedTimeoutError} at the timeout; the tasks go on
 */
export async function gather<const Futures extends Iterable<TaskFuture>>(
  futures: Futures,
  options: GatherOptions & { returnExceptions: true },
): Promise<ResultsOf<Futures, TaskError | CancelledError>>;
export async function gather<const Futures extends Iterable<TaskFuture>>(
  futures: Futures,
  options?: GatherOptions,
): Promise<ResultsOf<Futures>>;
export async function gather(
  given: Iterable<TaskFuture>,
  { returnExceptions = false, cancelOnAbort = false, ...limits }: GatherOptions = {},
): Promise<unknown> {
  const raiseOnFailure = !returnExceptions as false;
  const results = new Map<string, unknown>();
  try {
    for await (const future of asCompleted(given, limits)) {
      results.set(future.id, await future.result({ raiseOnFailure, signal: limits.signal }));
    }
  } catch (error) {
    if (cancelOnAbort && limits.signal?.aborted) await cancelAll(given);
    throw error;
  }
  return [...given].map(({ id }) => results.get(id));
}

/** Asks all to stop that have not ended. */
export async function cancelAll(futures: Iterable<TaskFuture>, reason?: string): Promise<boolean[]> {
  return await Promise.all([...futures].map((future) => future.cancel(reason)));
}
