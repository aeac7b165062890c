// The futures of a group: an array in the order of a map's inputs, with methods for all of them.

import { asCompleted } from "./as_completed.ts";
import { MOST_IDS } from "../transport/completion_stream.ts";
import { cancelAll } from "./gather.ts";
import { cancelGroup } from "./group_cancel.ts";
import { type CancelOptions, internals, type TaskFuture } from "./task_future.ts";
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
   * All values in the order of the inputs. The first one in that order that failed is thrown at its turn.
   *
   * @throws as `TaskFuture.result`; the timeout is one for all
   */
  async results(options: Timeout = {}): Promise<Result[]> {
    const deadline = new Deadline(checkTimeout(options.timeoutMs));
    return await Array.fromAsync(this.#values(deadline, options.signal));
  }

  /**
   * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed
   * is thrown at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
   *
   * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
   */
  inOrder(options: Timeout = {}): AsyncGenerator<Result> {
    const deadline = new Deadline(checkTimeout(options.timeoutMs));
    return this.#inOrder(this.#values(deadline, options.signal));
  }

  async *#inOrder(values: AsyncGenerator<Result>): AsyncGenerator<Result> {
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

  #values(deadline: Deadline, signal?: AbortSignal): AsyncGenerator<Result> {
    const isLarge = this.groupId !== null && this.length > MOST_IDS;
    return isLarge ? this.#valuesAsTold(deadline, signal) : this.#valuesAsAsked(deadline, signal);
  }

  /** All are waited for from the first value on, until the loop is left. */
  async *#valuesAsAsked(deadline: Deadline, signal?: AbortSignal): AsyncGenerator<Result> {
    const limit = new Limit(signal);
    try {
      const options = { timeoutMs: deadline.leftMs, signal: limit.signal };
      const results = this.map((future) => future.result(options));
      // They are read one by one. An error after the one that is thrown has no reader.
      for (const each of results) each.catch(() => {});
      for (const each of results) yield await each;
    } finally {
      limit.end();
    }
  }

  /** A large group is one stream, which tells all of them as they end. */
  async *#valuesAsTold(deadline: Deadline, signal?: AbortSignal): AsyncGenerator<Result> {
    const ended = new Set<TaskFuture<Result>>();
    let next = 0;
    for await (const future of asCompleted(this, { timeoutMs: deadline.leftMs, signal })) {
      ended.add(future);
      for (; next < this.length && ended.delete(this[next]); next++) {
        yield await this[next].result({ signal });
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
