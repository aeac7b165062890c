// A future of a task that is on disk somewhere else. It holds an id and, once it has seen it, the end of the
// task.

import { parseEvent } from "../protocol/response.ts";
import type { Connection } from "../transport/connection.ts";
import { type Continuation, submitContinuation } from "./continuation.ts";
import { type Seen, Settlement } from "./settlement.ts";
import {
  CancelledError,
  ConflictError,
  ForgottenError,
  NotFoundError,
  TaskError,
  TimeoutError,
} from "../protocol/errors.ts";
import { eventStream } from "../transport/event_stream.ts";
import { retryOnce } from "./retry_once.ts";
import type { Call } from "../transport/http.ts";
import { checkId } from "../protocol/ids.ts";
import { errorOf } from "../protocol/outcome.ts";
import type { Reference, STANDS_FOR } from "../protocol/references.ts";
import { AN_OUTCOME, type CancelOptions, type ResultOptions } from "./result_options.ts";
import type { End } from "../protocol/wait_for.ts";
import type { Timeout } from "../transport/deadline.ts";
import { onInspect } from "./inspect.ts";
import { A_TASK, isTerminal, type State, type Task, type TaskEvent } from "../protocol/wire.ts";

export type DoneCallback<Result> = (future: TaskFuture<Result>) => unknown;

/** For the rest of the client, and not for its users. */
export let internals: {
  connectionOf(future: TaskFuture): Connection;
  settlementOf(future: TaskFuture): Settlement<unknown>;
  isFuture(value: unknown): boolean;
};

/**
 * A task's future, in any process and at any time: it survives the one that submitted.
 *
 * It has no `then`, on purpose: an `async` function can return it without waiting for the task. Every wait is
 * a visible `result()`. Once it has seen the task's end it keeps it and asks no more.
 *
 * In the input of another task it stands for its result.
 */
export class TaskFuture<Result = unknown> implements Reference<Result> {
  declare readonly [STANDS_FOR]: Result;
  readonly id: string;
  /** The submit made no task: another one had its unique key. */
  readonly deduplicated: boolean;
  readonly #connection: Connection;
  readonly #settlement: Settlement<Result>;

  /** Made by a client: `submit`, `map`, `future`. */
  constructor(connection: Connection, id: string, seen?: Seen, deduplicated = false) {
    this.id = checkId("task", id);
    this.deduplicated = deduplicated;
    this.#connection = connection;
    this.#settlement = new Settlement(connection, this.id, seen);
  }

  /**
   * Waits for the value. Null if the function returned nothing.
   *
   * @throws {TaskError} if it failed, {@linkcode CrashedError} if its workers died too often
   * @throws {CancelledError} if it was cancelled, or expired
   * @throws {TimeoutError} at the timeout; the task goes on
   * @throws {NotFoundError | ForgottenError} if there is no such task any more
   */
  async result(options?: ResultOptions & { raiseOnFailure?: true }): Promise<Result>;
  async result(options: ResultOptions): Promise<Result | TaskError | CancelledError>;
  async result(options: ResultOptions = {}): Promise<unknown> {
    const task = await this.#endedOrCancelled(options);
    const error = errorOf(task);
    if (error === null) return task.result;
    if (options.raiseOnFailure === false) return error;
    throw error;
  }

  /**
   * Waits for the end. The error with which the task failed; null if it completed.
   *
   * @throws {CancelledError | TimeoutError | NotFoundError | ForgottenError} as `result`
   */
  async exception(options: Timeout = {}): Promise<TaskError | null> {
    const error = errorOf(await this.#settlement.wait(options));
    if (error instanceof CancelledError) throw error;
    return error;
  }

  /** Waits for the end, whatever it is. True: it has ended; false: not in time. */
  async wait(options: Timeout = {}): Promise<boolean> {
    try {
      await this.#settlement.wait(options);
      return true;
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
  }

  /** The whole task as it is now. */
  async task({ signal }: { signal?: AbortSignal } = {}): Promise<Task<Result>> {
    if (this.#settlement.task) return this.#settlement.task;
    const settle = this.#settlement.settler();
    const { body: task } = await this.#call("GET", "", { signal });
    if (isTerminal(task.state)) settle(task);
    else this.#settlement.see(task);
    return task;
  }

  async state(options?: { signal?: AbortSignal }): Promise<State> {
    return (await this.task(options)).state;
  }

  /** True if it has ended: completed, failed, crashed or cancelled. */
  async done(options?: { signal?: AbortSignal }): Promise<boolean> {
    return isTerminal(await this.state(options));
  }

  /** True while its function runs, also while that is asked to stop. */
  async running(options?: { signal?: AbortSignal }): Promise<boolean> {
    const { type } = await this.state(options);
    return type === "RUNNING" || type === "CANCELLING";
  }

  /** True if it ended by a cancel, or expired. */
  async cancelled(options?: { signal?: AbortSignal }): Promise<boolean> {
    return (await this.state(options)).type === "CANCELLED";
  }

  /** True if the service knows it; false if nobody ever submitted it, or it is gone. */
  async exists(options?: { signal?: AbortSignal }): Promise<boolean> {
    try {
      await this.task(options);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ForgottenError) return false;
      throw error;
    }
  }

  /**
   * True: it is cancelled (also if it was before), or it runs and was asked to stop. A function may ignore
   * that for `graceMs`. False: it was too late, the task has ended otherwise.
   */
  async cancel(reason?: string, { signal, ...how }: CancelOptions = {}): Promise<boolean> {
    try {
      await this.#call("POST", "/cancel", { body: { reason, ...how }, signal, expects: AN_OUTCOME });
      return true;
    } catch (error) {
      if (error instanceof ConflictError && error.problem.outcome === "too_late") return false;
      throw error;
    }
  }

  /**
   * Runs an ended task that did not complete once more, under the same id, perhaps with another input
   * (without futures). Dependents that its failure had cancelled wait for it again. The task is retried once,
   * however often the call is sent, and also if another caller retries it at the same moment.
   *
   * @throws {ConflictError} if it has not ended, or completed
   */
  async retry({ signal, ...change }: { input?: unknown; signal?: AbortSignal } = {}): Promise<void> {
    try {
      await retryOnce(this.#connection.http, this.id, change, signal);
    } finally {
      this.#settlement.forget();
    }
  }

  /**
   * Deletes the ended task and all that it stored. From then on it is a ForgottenError.
   *
   * @throws {ConflictError} if it has not ended
   */
  async forget({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    try {
      await this.#call("DELETE", "", { signal, expects: null });
    } catch (error) {
      // A repeated call gets this, too, if the first answer was lost.
      if (!(error instanceof ForgottenError)) throw error;
    } finally {
      this.#settlement.forget();
    }
  }

  /**
   * Everything that happens to the task, from the first event on, or behind the one numbered `after`. Goes on
   * by itself after a cut, with nothing missing and nothing twice. Ends behind the `result` or `error`.
   */
  async *events(options: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<TaskEvent<Result>> {
    const { after, signal } = options;
    const path = `/v1/tasks/${this.id}/events${after === undefined ? "" : `?after=${after}`}`;
    for await (
      const { id, event, data } of eventStream(this.#connection.http, { method: "GET", path, signal })
    ) {
      if (event !== "end") {
        yield { event, seq: Number(id), data: parseEvent(data, path) } as TaskEvent<Result>;
      }
    }
  }

  /**
   * Called once with this future when the task has ended; at once if that is known already. Callbacks run in
   * the order in which they were added. What one throws is logged, and nothing else. It waits without a
   * limit, also for a service that is away. If there is no such task, that is logged.
   */
  addDoneCallback(callback: DoneCallback<Result>): void {
    this.#settlement.addCallback(callback, () => this.#run(callback));
  }

  /** Returns how many there were. */
  removeDoneCallback(callback: DoneCallback<Result>): number {
    return this.#settlement.removeCallback(callback);
  }

  /**
   * Submits a task, made by `sig`, that starts when this one has completed, and is CANCELLED `Skipped` if it
   * ends otherwise. It gets the result: as the field `into`; without an input, as its input; else not at all.
   */
  onCompleted<Next = unknown>(continuation: Continuation): Promise<TaskFuture<Next>> {
    return this.#on(["COMPLETED"], continuation);
  }

  /** Likewise when this one has FAILED or CRASHED. It gets `{error}` in place of a result. */
  onFailed<Next = unknown>(continuation: Continuation): Promise<TaskFuture<Next>> {
    return this.#on(["FAILED", "CRASHED"], continuation);
  }

  /** Likewise when this one has ended CANCELLED, but not `Skipped`. */
  onCancelled<Next = unknown>(continuation: Continuation): Promise<TaskFuture<Next>> {
    return this.#on(["CANCELLED"], continuation);
  }

  async #on<Next>(ends: readonly End[], continuation: Continuation): Promise<TaskFuture<Next>> {
    const { id, seen } = await submitContinuation(this.#connection, this.id, ends, continuation);
    return new TaskFuture<Next>(this.#connection, id, seen);
  }

  /** In an input it stands for its result. */
  toJSON(): { $task: string } {
    return { $task: this.id };
  }

  /** Its id. */
  toString(): string {
    return this.id;
  }

  static {
    onInspect(this, (future) => {
      const { task, type } = future.#settlement.seen ?? {};
      return { id: future.id, task, state: type };
    });
    internals = {
      connectionOf: (future) => future.#connection,
      settlementOf: (future) => future.#settlement,
      isFuture: (value) => typeof value === "object" && value !== null && #connection in value,
    };
  }

  #run(callback: DoneCallback<Result>): void {
    const failed = (error: unknown) => this.#connection.log(`a callback of task ${this.id} failed`, error);
    try {
      // An async callback fails later.
      Promise.resolve(callback(this)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #endedOrCancelled(options: ResultOptions): Promise<Task<Result>> {
    const { signal, cancelOnTimeout = false, cancelOnAbort = false } = options;
    try {
      return await this.#settlement.wait(options);
    } catch (error) {
      if (cancelOnAbort && signal?.aborted) await Promise.allSettled([this.cancel("its caller has gone")]);
      if (!cancelOnTimeout || !(error instanceof TimeoutError)) throw error;
      await this.cancel("its caller's time was over", { signal });
      const task = await this.#settlement.wait({ signal });
      if (task.state.type === "CANCELLED") throw error;
      return task;
    }
  }

  async #call(
    method: "GET" | "POST" | "DELETE",
    path: string,
    rest: Partial<Pick<Call, "body" | "headers" | "signal" | "expects">>,
  ) {
    return await this.#connection.http.call({
      method,
      path: `/v1/tasks/${this.id}${path}`,
      expects: A_TASK,
      ...rest,
    });
  }
}
