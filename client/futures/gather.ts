// asyncio.gather over futures.

import { asCompleted } from "./as_completed.ts";
import { ErrandError } from "../protocol/errors.ts";
import { listOf } from "./future_set.ts";
import { inParallel } from "../transport/parallel.ts";
import { internals, type TaskFuture } from "./task_future.ts";
import type { CancelOptions } from "./result_options.ts";
import { requireOptions, type Timeout } from "../transport/deadline.ts";

export interface GatherOptions extends Timeout {
  /** True: the error of a task that has no result stands in its place among the results. */
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
 * Without `returnExceptions` the first failure in time is thrown as soon as it is there; the other tasks go
 * on.
 *
 * @throws {AsCompletedTimeoutError} at the timeout; the tasks go on
 */
export async function gather<const Futures extends Iterable<TaskFuture>>(
  futures: Futures,
  options?: GatherOptions & { returnExceptions?: false },
): Promise<ResultsOf<Futures>>;
export async function gather<const Futures extends Iterable<TaskFuture>>(
  futures: Futures,
  options: GatherOptions,
): Promise<ResultsOf<Futures, ErrandError>>;
export async function gather(
  given: Iterable<TaskFuture>,
  options: GatherOptions = {},
): Promise<unknown> {
  requireOptions(options);
  const { returnExceptions = false, cancelOnAbort = false, ...limits } = options;
  const futures = listOf(given);
  const { signal } = limits;
  try {
    return await inPlaces(
      futures,
      limits,
      (future) => returnExceptions ? outcome(future, signal) : future.result({ signal }),
    );
  } catch (error) {
    if (cancelOnAbort && signal?.aborted) await Promise.allSettled([cancelAll(futures)]);
    throw error;
  }
}

/**
 * What `valueOf` makes of each ended task, in the order of the futures. Its first error in time is thrown as
 * soon as it is there.
 */
export async function inPlaces<Future extends TaskFuture, Value>(
  futures: readonly Future[],
  limits: Timeout,
  valueOf: (future: Future) => Promise<Value>,
): Promise<Value[]> {
  const values = new Map<TaskFuture, Value>();
  for await (const future of asCompleted(futures, limits)) values.set(future, await valueOf(future));
  // A future that stands in the list again was told once.
  return await Promise.all(
    futures.map(async (future) => values.has(future) ? values.get(future)! : await valueOf(future)),
  );
}

async function outcome(future: TaskFuture, signal?: AbortSignal): Promise<unknown> {
  try {
    return await future.result({ signal });
  } catch (error) {
    if (error instanceof ErrandError) return error;
    throw error;
  }
}

/**
 * Cancels all that have not ended, a few at a time. Returns for each whether it was in time. An error at one
 * does not stop the others.
 */
export async function cancelAll(
  futures: readonly TaskFuture[],
  reason?: string,
  options?: CancelOptions,
): Promise<boolean[]> {
  const errors: unknown[] = [];
  const outcomes = await inParallel(futures, async (future) => {
    const known = internals.settlementOf(future).task;
    if (known) return known.state.type === "CANCELLED";
    try {
      return await future.cancel(reason, options);
    } catch (error) {
      errors.push(error);
      return false;
    }
  });
  if (errors.length > 0) throw errors[0];
  return outcomes;
}
