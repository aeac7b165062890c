// The futures of one `map`: an array in the order of the inputs, with what one does with all of them.

import { asCompleted } from "./as_completed.ts";
import { cancelAll } from "./gather.ts";
import type { TaskFuture } from "./task_future.ts";
import { checkTimeout, Deadline, type Timeout } from "./time.ts";
import { type DoneAndNotDone, wait, type WaitOptions } from "./wait.ts";

/** A frozen array: it stands for a group, whose members do not change. */
export class TaskFutures<Result = unknown> extends Array<TaskFuture<Result>> {
  /** The group on the service; null for an empty list, and for more tasks than a group takes. */
  readonly groupId: string | null;

  /** Made by a client's `map`. */
  constructor(futures: readonly TaskFuture<Result>[], groupId: string | null) {
    super();
    this.push(...futures);
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
    const pending = this.map((future) => future.result({ ...options, timeoutMs: deadline.leftMs }));
    // They are awaited one by one: those behind the one that is thrown have nobody to tell.
    for (const each of pending) each.catch(() => {});
    const results: Result[] = [];
    for (const each of pending) results.push(await each);
    return results;
  }

  /**
   * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed is thrown
   * at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
   *
   * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
   */
  inOrder(options: Timeout = {}): AsyncGenerator<Result> {
    return this.#inOrder(new Deadline(checkTimeout(options.timeoutMs)), options.signal);
  }

  async *#inOrder(deadline: Deadline, signal?: AbortSignal): AsyncGenerator<Result> {
    let given = 0;
    try {
      for (const future of this) {
        const value = await future.result({ timeoutMs: deadline.leftMs, signal });
        given++;
        yield value;
      }
    } finally {
      if (given < this.length) await cancelAll(this.slice(given));
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
  cancel(reason?: string): Promise<boolean[]> {
    return cancelAll(this, reason);
  }
}
