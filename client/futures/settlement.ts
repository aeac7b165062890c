// The end of a task, as far as one future has seen it: waits for it, keeps it, and calls back.

import type { Connection } from "../transport/connection.ts";
import { ErrandError, TimeoutError } from "../protocol/errors.ts";
import { isPassing } from "../transport/http.ts";
import { after, checkTimeout, onAbort, requireOptions, type Timeout } from "../transport/deadline.ts";
import type { StateType, Task } from "../protocol/wire.ts";

/** What was last told of a task, for those who look at its future. */
export interface Seen {
  /** The name of its definition. */
  task: string;
  type?: StateType;
}

/** Names of ends that a retry of the task that it waited for takes back. */
const TAKEN_BACK = ["UpstreamFailed", "Skipped"];

export class Settlement<Result> {
  readonly #connection: Connection;
  readonly #id: string;
  #task: Task<Result> | null = null;
  #seen?: Seen;
  /**
   * Grows when the task is run again: an answer to an earlier request may tell of an end that no longer
   * holds.
   */
  #life = 0;
  #callbacks: { of: unknown; run: () => void }[] = [];
  /** Stops the wait that callbacks need. */
  #stopWatching: (() => void) | null = null;

  constructor(connection: Connection, id: string, seen?: Seen) {
    this.#connection = connection;
    this.#id = id;
    this.#seen = seen;
  }

  get seen(): Seen | undefined {
    return this.#seen;
  }

  see({ task, state: { type } }: Pick<Task, "task" | "state">): void {
    this.#seen = { task, type };
  }

  /** The ended task; null if its end has not been seen, or may be taken back. */
  get task(): Task<Result> | null {
    return this.#task;
  }

  /** Returns a function to call with the ended task: it counts only if no retry came since now. */
  settler(): (task: Task) => void {
    const life = this.#life;
    return (task) => this.#settle(task as Task<Result>, life);
  }

  /** The task is run again, or gone. */
  forget(): void {
    this.#task = null;
    if (this.#seen) this.#seen = { task: this.#seen.task };
    this.#life++;
  }

  #settle(task: Task<Result>, life: number): void {
    if (this.#task || life !== this.#life) return;
    this.see(task);
    if (!TAKEN_BACK.includes(task.state.name)) this.#task = task;
    this.#unwatch();
    for (const { run } of this.#callbacks.splice(0)) run();
  }

  /** Runs it at the end, in the order in which they were added; at once if that has been seen. */
  addCallback(of: unknown, run: () => void): void {
    if (this.#task) return run();
    this.#callbacks.push({ of, run });
    if (this.#stopWatching === null) this.#watch();
  }

  /** Returns how many there were. */
  removeCallback(of: unknown): number {
    const before = this.#callbacks.length;
    this.#callbacks = this.#callbacks.filter((callback) => callback.of !== of);
    if (this.#callbacks.length === 0) this.#unwatch();
    return before - this.#callbacks.length;
  }

  #watch(): void {
    const { completions, http, log } = this.#connection;
    const settle = this.settler();
    this.#stopWatching = completions.watch(this.#id, {
      onEnd: (task) => {
        this.#stopWatching = null;
        settle(task);
        if (this.#callbacks.length > 0) this.#watch();
      },
      onError: (error) => {
        if (isPassing(error)) {
          this.#stopWatching = after(http.retry.maxDelayMs, () => this.#watch());
          return;
        }
        this.#stopWatching = null;
        log(`the callbacks of task ${this.#id} were not called`, error);
      },
    });
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  /**
   * The ended task, as soon as it has ended.
   *
   * @throws {TimeoutError} at the timeout
   */
  wait(options: Timeout): Promise<Task<Result>> {
    return new Promise((resolve, reject) => {
      requireOptions(options);
      const { timeoutMs, signal } = options;
      const limitMs = checkTimeout(timeoutMs);
      if (signal?.aborted) return reject(signal.reason);
      if (this.#task) return resolve(this.#task);
      const settle = this.settler();
      const stops: (() => void)[] = [];
      const stop = () => stops.forEach((each) => each());
      const onEnd = (task: Task) => {
        stop();
        settle(task);
        resolve(task as Task<Result>);
      };
      const onError = (error: unknown) => {
        stop();
        reject(error);
      };
      stops.push(
        onAbort(signal, () => onError(signal!.reason)),
        after(limitMs, () => {
          this.#askAtDeadline(limitMs, signal).then(onEnd, onError);
        }),
      );
      if (limitMs > 0) stops.push(this.#connection.completions.watch(this.#id, { onEnd, onError }));
    });
  }

  /** At the deadline the service itself is asked: its message may still be on the way. */
  async #askAtDeadline(limitMs: number, signal?: AbortSignal): Promise<Task<Result>> {
    const late = `task ${this.#id} has not ended within ${limitMs} ms`;
    let task: Task | null;
    try {
      task = await this.#connection.statuses.ended(this.#id);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ErrandError && !isPassing(error)) throw error;
      throw new TimeoutError(`${late}, as far as is known: ${(error as Error).message}`, { cause: error });
    }
    if (task === null) throw new TimeoutError(late);
    return task as Task<Result>;
  }
}
