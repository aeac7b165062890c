// The futures of a group: an array in the order of a map's inputs, with methods for all of them.

import { asCompleted } from "./as_completed.ts";
import { MOST_IDS } from "../transport/completion_stream.ts";
import { cancelAll, inPlaces } from "./gather.ts";
import { cancelGroup } from "./group_cancel.ts";
import type { CancelledError, TaskError } from "../protocol/errors.ts";
import { internals, type TaskFuture } from "./task_future.ts";
import type { CancelOptions, ResultsOptions } from "./result_options.ts";
import { checkTimeout, Deadline, Limit, type Timeout } from "../transport/deadline.ts";
import { type DoneAndNotDone, wait, type WaitOptions } from "./wait.ts";

/** A frozen array: it stands for a group, whose members do not change. */
export class TaskFutures<Result = unknown> extends Array<TaskFuture<Result>> {
  /** The id of the group; null for a list that is no group. */
  readonly groupId: string | null;

  /** Made by a client's `map`; of other groups by their futures. */
  constructor(futures: readonly TaskFuture<Result>[], groupId: string | null) {
    super();
    for (const future of futures) this.push(future);
    this.groupId = groupId;
    Object.freeze(this);
  }

  // `filter` and `map` make a plain array, which is no group.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /**
   * All values in the order of the inputs. The first failure in time is thrown as soon as it is there; the
   * other tasks go on. (`inOrder` throws at its turn.) With `raiseOnFailure: false` each error stands in its
   * place.
   *
   * @throws as `TaskFuture.result`
   * @throws {AsCompletedTimeoutError} at the timeout, which is one for all
   */
  async results(options?: ResultsOptions & { raiseOnFailure?: true }): Promise<Result[]>;
  async results(options: ResultsOptions): Promise<(Result | TaskError | CancelledError)[]>;
  async results({ raiseOnFailure, ...limits }: ResultsOptions = {}): Promise<unknown[]> {
    const { signal } = limits;
    return await inPlaces(this, limits, (future) => future.result({ raiseOnFailure, signal }));
  }

  /**
   * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed
   * is thrown at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
   *
   * @param options `timeoutMs` is one deadline for the whole iteration, from this call on; with
   * `raiseOnFailure: false` an error stands in its place, and the iteration goes on
   */
  inOrder(options?: ResultsOptions & { raiseOnFailure?: true }): AsyncGenerator<Result>;
  inOrder(options: ResultsOptions): AsyncGenerator<Result | TaskError | CancelledError>;
  inOrder({ timeoutMs, ...how }: ResultsOptions = {}): AsyncGenerator<unknown> {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    return this.#inOrder(this.#values(deadline, how));
  }

  async *#inOrder(values: AsyncGenerator<unknown>): AsyncGenerator<unknown> {
    let isWhole = false;
    try {
      yield* values;
      isWhole = true;
    } finally {
      // An error of the cancel must not hide why the task was cancelled.
      if (!isWhole) await Promise.allSettled([this.#leave("the iteration over its map was left")]);
    }
  }

  async #leave(reason: string): Promise<void> {
    if (this.groupId === null || this.length === 0) await this.cancel(reason);
    else await cancelGroup(internals.connectionOf(this[0]), this.groupId, reason);
  }

  #values(deadline: Deadline, how: ResultsOptions): AsyncGenerator<unknown> {
    const isLarge = this.groupId !== null && this.length > MOST_IDS;
    return isLarge ? this.#valuesAsTold(deadline, how) : this.#valuesAsAsked(deadline, how);
  }

  /** All are waited for from the first value on, until the loop is left. */
  async *#valuesAsAsked(deadline: Deadline, how: ResultsOptions): AsyncGenerator<unknown> {
    const limit = new Limit(how.signal);
    try {
      const options = { ...how, timeoutMs: deadline.leftMs, signal: limit.signal };
      const results = this.map((future) => future.result(options));
      // They are read one by one. An error after the one that is thrown has no reader.
      for (const each of results) each.catch(() => {});
      for (const each of results) yield await each;
    } finally {
      limit.end();
    }
  }

  /** A large group is one stream, which tells all of them as they end. */
  async *#valuesAsTold(deadline: Deadline, how: ResultsOptions): AsyncGenerator<unknown> {
    const ended = new Set<TaskFuture<Result>>();
    let next = 0;
    for await (const future of asCompleted(this, { timeoutMs: deadline.leftMs, signal: how.signal })) {
      ended.add(future);
      for (; next < this.length && ended.delete(this[next]); next++) {
        yield await this[next].result(how);
      }
    }
  }

  /** The futures as their tasks end. */
  asCompleted(options: Timeout = {}): AsyncGenerator<TaskFuture<Result>> {
    return asCompleted(this, options);
  }

  /** Waits until `returnWhen` is true of them, or the time is over, which is no error. */
  wait(options: WaitOptions = {}): Promise<DoneAndNotDone<TaskFuture<Result>>> {
    return wait(this, options);
  }

  /**
   * Cancels those that have not ended, one by one. Returns for each whether it was in time.
   * `errand.group(groupId).cancel()` takes one call for all, and returns how many.
   */
  cancel(reason?: string, options?: CancelOptions): Promise<boolean[]> {
    return cancelAll(this, reason, options);
  }
}
