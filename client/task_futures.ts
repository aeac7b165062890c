// The futures of one `map`: an array in the order of the inputs, with what one does with all of them.

import { asCompleted } from "./as_completed.ts";
import { cancelAll } from "./gather.ts";
import type { CancelOptions, TaskFuture } from "./task_future.ts";
import { checkTimeout, Deadline, Limit, type Timeout } from "./time.ts";
import { type DoneAndNotDone, wait, type WaitOptions } from "./wait.ts";

/** A frozen array: it stands for a group, whose members do not change. */
export class TaskFutures<Result = unknown> extends Array<TaskFuture<Result>> {
  /** The group on the service; null for an empty list, and for more tasks than one request submits. */
  readonly groupId: string | null;

  /** Made by a client's `map`. */
  constructor(futures: readonly TaskFuture<Result>[], groupId: string | null) {
    super();
    for (const future of futures) this.push(future);
    this.groupId = groupId;
    Object.freeze(this);
  }

  // What `filter` and `map` make is a plain array: it is not the group any more.
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
   * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed is thrown
   * at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
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
      // What keeps a task from being cancelled must not hide why it was to be.
      if (!isWhole) await Promise.allSettled([this.cancel("the iteration over its map was left")]);
    }
  }

  /** All are waited for from the first value on, and no longer than anybody wants them. */
  async *#values(deadline: Deadline, signal?: AbortSignal): AsyncGenerator<Result> {
    const limit = new Limit(signal);
    try {
      const options = { timeoutMs: deadline.leftMs, signal: limit.signal };
      const results = this.map((future) => future.result(options));
      // They are asked for one by one; what fails behind the one that is thrown has nobody to tell.
      for (const each of results) each.catch(() => {});
      for (const each of results) yield await each;
    } finally {
      limit.end();
    }
  }

  /** The futures as their tasks end. */
  asCompleted(options: Timeout = {}): AsyncGenerator<TaskFuture<Result>> {
    return asCompleted(this, options);
  }

  wait(options: WaitOptions = {}): Promise<DoneAndNotDone<TaskFuture<Result>>> {
    return wait(this, options);
  }

  /** Cancels those that have not ended; for each, whether it was in time. */
  cancel(reason?: string, options?: CancelOptions): Promise<boolean[]> {
    return cancelAll(this, reason, options);
  }
}
