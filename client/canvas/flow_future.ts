// The future of a canvas that was run: the futures of its tasks by name, and what the whole hands on.

import type { Connection } from "../transport/connection.ts";
import { CancelledError, TaskError } from "../protocol/errors.ts";
import { GroupFuture } from "../futures/group_future.ts";
import { idsIn, resolved } from "./flow_result.ts";
import type { Reference, STANDS_FOR } from "../protocol/references.ts";
import { TaskFuture } from "../futures/task_future.ts";
import type { ResultsOptions } from "../futures/result_options.ts";
import { TaskFutures } from "../futures/task_futures.ts";
import { checkTimeout, Limit } from "../transport/deadline.ts";
import type { Expected, State } from "../protocol/wire.ts";

export type FlowResultOptions = ResultsOptions;

/** What the service says of a flow that it has taken. */
export interface Flow {
  groupId: string;
  /** By name. */
  tasks: Record<string, { id: string; task: string; state?: State }>;
  /** What the whole hands on: JSON with references to tasks. */
  result: unknown;
}

export const A_FLOW: Expected = {
  what: "the tasks of a flow",
  is(body) {
    const { groupId, tasks, result } = (body ?? {}) as Partial<Flow>;
    if (typeof groupId !== "string" || typeof tasks !== "object" || tasks === null) return false;
    const ids = new Set(Object.values(tasks).map((task) => task?.id));
    return [...ids].every((id) => typeof id === "string") && idsIn(result).every((id) => ids.has(id));
  },
};

/** So many stand in the message of an error. */
const MOST_NAMES = 20;

/**
 * A canvas that was run. It stands for what the whole hands on: `result()` gives that, and so does the future
 * in the input of another task.
 */
export class FlowFuture<Result = unknown> extends GroupFuture<unknown, Result> implements Reference<Result> {
  declare readonly [STANDS_FOR]: Result;
  /** Of all its tasks, in the order of the canvas. */
  readonly futures: TaskFutures;
  readonly #byName: ReadonlyMap<string, TaskFuture>;
  readonly #result: unknown;

  /** Made by a client's `run`. */
  constructor(connection: Connection, { groupId, tasks, result }: Flow) {
    super(connection, groupId);
    // The members of an object do not keep their order if they look like numbers; the ids of a flow rise.
    const inOrder = Object.entries(tasks).sort(([, a], [, b]) => a.id < b.id ? -1 : 1);
    this.#byName = new Map(
      inOrder.map(([name, { id, task, state }]) => {
        return [name, new TaskFuture(connection, id, { task, type: state?.type })];
      }),
    );
    this.futures = new TaskFutures([...this.#byName.values()], this.groupId);
    this.#result = result;
  }

  /** The names of its tasks, in the order of `futures`. */
  get names(): string[] {
    return [...this.#byName.keys()];
  }

  /**
   * The future of the task of this name: as its signature says, or else by its place, as "0" or "header.1".
   *
   * @throws {RangeError} if none has this name
   */
  future<One = unknown>(name: string): TaskFuture<One> {
    const future = this.#byName.get(name);
    if (future) return future as TaskFuture<One>;
    const names = this.names.slice(0, MOST_NAMES).join(", ") + (this.names.length > MOST_NAMES ? ", …" : "");
    throw new RangeError(`no task of the flow is named ${JSON.stringify(name)}; it has ${names}`);
  }

  // deno-lint-ignore require-await -- it is known here
  override async members(): Promise<TaskFutures> {
    return this.futures;
  }

  /**
   * Waits for what the whole hands on: of a chain the result of its last, of a group the list of results, of
   * a chord that of its body.
   *
   * The first of the tasks that make it up that does not complete ends the wait; the others go on.
   *
   * @throws as `TaskFuture.result`
   */
  override async result(options?: ResultsOptions & { raiseOnFailure?: true }): Promise<Result>;
  override async result(options: ResultsOptions): Promise<Result | TaskError | CancelledError>;
  override async result({ timeoutMs, signal, raiseOnFailure = true }: ResultsOptions = {}): Promise<unknown> {
    checkTimeout(timeoutMs);
    const limit = new Limit(signal);
    try {
      const ids = idsIn(this.#result);
      const options = { timeoutMs, signal: limit.signal };
      const futures = new Map(this.futures.map((future) => [future.id, future]));
      const values = await Promise.all(ids.map((id) => futures.get(id)!.result(options)));
      const byId = new Map(ids.map((id, i) => [id, values[i]]));
      return resolved(this.#result, (id) => byId.get(id));
    } catch (error) {
      const isOutcome = error instanceof TaskError || error instanceof CancelledError;
      if (isOutcome && !raiseOnFailure) return error;
      throw error;
    } finally {
      limit.end();
    }
  }

  /** In an input it stands for what the whole hands on. */
  override toJSON(): unknown {
    return this.#result;
  }
}
