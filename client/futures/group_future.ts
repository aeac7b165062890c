// A future of a group: tasks that are waited for together. It holds an id; its tasks come from the service
// when they are needed, and are kept.

import type { Connection } from "../transport/connection.ts";
import {
  type CancelledError,
  ErrandError,
  NotFoundError,
  type RemoteError,
  type TaskError,
  TimeoutError,
} from "../protocol/errors.ts";
import { onInspect } from "./inspect.ts";
import { cancelGroup, type GroupCancel, type GroupCancelOptions } from "./group_cancel.ts";
import { checkId } from "../protocol/ids.ts";
import { errorOf, groupErrorOf, type GroupOutcome, groupState, outcomeOf } from "./group_outcome.ts";
import { TaskFuture } from "./task_future.ts";
import type { ResultsOptions } from "./result_options.ts";
import { TaskFutures } from "./task_futures.ts";
import { checkTimeout, Deadline, Limit, type Timeout } from "../transport/deadline.ts";
import type { DoneAndNotDone, WaitOptions } from "./wait.ts";
import { type Expected, isTask, type State, type StateType, type TaskSummary } from "../protocol/wire.ts";
import type { GroupCompensation, GroupState } from "../protocol/group.ts";
import type { Reference, STANDS_FOR } from "../protocol/references.ts";

/** How many tasks of a group there are in which state. */
export interface GroupCounts {
  total: number;
  /** How many have ended, in whatever state. */
  done: number;
  /** By the type of the state; a type that no task is in may be missing. */
  counts: Partial<Record<StateType, number>>;
}

/** The tasks of a group in order, and who waits for whom. */
export interface GroupGraph {
  nodes: { id: string; name: string | null; task: string; state: State }[];
  /**
   * By ids, from the task that is waited for to the one that waits; null if there are too many of them to
   * tell.
   */
  edges: { from: string; to: string }[] | null;
}

type GroupStatus = GroupCounts & { nodes: GroupGraph["nodes"] | null; edges: GroupGraph["edges"] };

const A_GROUP: Expected = {
  what: "a group",
  is(body) {
    const { id, total, counts, nodes = null } = (body ?? {}) as Partial<GroupStatus & { id: string }>;
    const isGraph = nodes === null || (Array.isArray(nodes) && nodes.every(isTask));
    return typeof id === "string" && typeof total === "number" && typeof counts === "object" && isGraph;
  },
};

const A_PAGE: Expected = {
  what: "a page of tasks",
  is(body) {
    const { tasks } = (body ?? {}) as { tasks?: unknown };
    return Array.isArray(tasks) && tasks.every(isTask);
  },
};

const PAGE = 500;
/** Without any time left, what is there is still told. */
const GRACE_MS = 2_000;

/**
 * The future of a group from its id alone, in any process and at any time: `errand.group(id)`. In the input
 * of a task it stands for the values of all its tasks, in order.
 */
export class GroupFuture<Result = unknown, Whole = Result[]> implements Reference<Whole> {
  declare readonly [STANDS_FOR]: Whole;
  readonly groupId: string;
  readonly #connection: Connection;
  #members: TaskFutures<Result> | null = null;

  /** Made by a client: `run`, `group`. */
  constructor(connection: Connection, groupId: string) {
    this.groupId = checkId("group", groupId);
    this.#connection = connection;
  }

  /**
   * The futures of its tasks, in order. (Of a group of more than 1,000: in the order in which they were
   * submitted, without those that are deleted.)
   *
   * @throws {NotFoundError} if there is no such group any more
   */
  async members({ signal }: { signal?: AbortSignal } = {}): Promise<TaskFutures<Result>> {
    this.#members ??= new TaskFutures(await this.#load(signal), this.groupId);
    return this.#members;
  }

  async #load(signal?: AbortSignal): Promise<TaskFuture<Result>[]> {
    const { nodes } = await this.#status("true", signal);
    return (nodes ?? await this.#listed(signal)).map(({ id, task, state: { type } }) => {
      return new TaskFuture<Result>(this.#connection, id, { task, type });
    });
  }

  /** Lists begin with the newest. */
  async #listed(signal?: AbortSignal): Promise<TaskSummary[]> {
    const newestFirst: TaskSummary[] = [];
    let cursor: string | null = null;
    do {
      const after: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/tasks?groupId=${this.groupId}&limit=${PAGE}${after}`;
      const { body } = await this.#connection.http.call({ method: "GET", path, signal, expects: A_PAGE });
      newestFirst.push(...body.tasks);
      cursor = body.nextCursor ?? null;
    } while (cursor !== null);
    return newestFirst.reverse();
  }

  /**
   * The values of all its tasks, in order.
   *
   * @throws as `TaskFutures.results`
   */
  async results(options?: ResultsOptions & { raiseOnFailure?: true }): Promise<Result[]>;
  async results(options: ResultsOptions): Promise<(Result | TaskError | CancelledError)[]>;
  async results({ timeoutMs, ...how }: ResultsOptions = {}): Promise<unknown[]> {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    const futures = await this.#membersBy(deadline, how.signal);
    return await futures.results({ ...how, timeoutMs: deadline.leftMs });
  }

  /**
   * How it has ended as a whole, as soon as it has. With a policy (`group` of `run` and `map`) that is final;
   * without one it follows from its tasks, and a retry of one takes it back.
   *
   * @throws {TimeoutError} at the timeout
   */
  outcome(options: Timeout = {}): Promise<GroupOutcome> {
    return outcomeOf(this.#connection, this.groupId, options);
  }

  /**
   * The values of all its tasks, in order, once it has ended. Where its policy allows for failures their
   * errors stand in their places.
   *
   * @throws {GroupError} if it ended FAILED or CANCELLED, with all errors
   * @throws {TimeoutError} at the timeout
   */
  async result({ timeoutMs, signal }: Timeout = {}): Promise<Whole> {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    const error = groupErrorOf(this.groupId, await this.outcome({ timeoutMs, signal }));
    if (error) throw error;
    const values = this.results({
      timeoutMs: Math.max(deadline.leftMs, GRACE_MS),
      signal,
      raiseOnFailure: false,
    });
    return await values as Whole;
  }

  /** As it is now. */
  async state({ signal }: { signal?: AbortSignal } = {}): Promise<GroupState> {
    return (await groupState(this.#connection, this.groupId, { signal })).state;
  }

  /** The errors of its first 20 failures so far, in time, and of a missed deadline. */
  async errors({ signal }: { signal?: AbortSignal } = {}): Promise<(TaskError | RemoteError)[]> {
    return (await groupState(this.#connection, this.groupId, { signal })).errors.map(errorOf);
  }

  /** How far it has come with taking its completed tasks back; null if it does not. */
  async compensation({ signal }: { signal?: AbortSignal } = {}): Promise<GroupCompensation | null> {
    return (await groupState(this.#connection, this.groupId, { signal })).compensation ?? null;
  }

  /** The futures as their tasks end. */
  asCompleted({ timeoutMs, signal }: Timeout = {}): AsyncGenerator<TaskFuture<Result>> {
    return this.#asCompleted(new Deadline(checkTimeout(timeoutMs)), signal);
  }

  async *#asCompleted(deadline: Deadline, signal?: AbortSignal): AsyncGenerator<TaskFuture<Result>> {
    const futures = await this.#membersBy(deadline, signal);
    yield* futures.asCompleted({ timeoutMs: deadline.leftMs, signal });
  }

  /** Waits until `returnWhen` is true of its tasks, or the time is over, which is no error. */
  async wait(
    { timeoutMs, signal, returnWhen }: WaitOptions = {},
  ): Promise<DoneAndNotDone<TaskFuture<Result>>> {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    const futures = await this.#membersBy(deadline, signal);
    return await futures.wait({ timeoutMs: deadline.leftMs, signal, returnWhen });
  }

  /** To read the list of tasks takes some of the time. */
  async #membersBy(deadline: Deadline, signal?: AbortSignal): Promise<TaskFutures<Result>> {
    const limit = new Limit(signal);
    limit.within(deadline.leftMs + GRACE_MS);
    try {
      return await this.members({ signal: limit.signal });
    } catch (error) {
      if (error instanceof ErrandError || signal?.aborted) throw error;
      throw new TimeoutError(`nobody told in time which tasks are in group ${this.groupId}`, {
        cause: error,
      });
    } finally {
      limit.end();
    }
  }

  /**
   * Cancels all that have not ended, in one call: those that wait at once, those that run as soon as they
   * stop.
   */
  async cancel(reason?: string, options?: GroupCancelOptions): Promise<GroupCancel> {
    return await cancelGroup(this.#connection, this.groupId, reason, options);
  }

  /** How it stands now. */
  async counts({ signal }: { signal?: AbortSignal } = {}): Promise<GroupCounts> {
    const { total, done, counts } = await this.#status("false", signal);
    return { total, done, counts };
  }

  /** Its tasks as they stand now, and who waits for whom; null for a group of more than 1,000. */
  async graph({ signal }: { signal?: AbortSignal } = {}): Promise<GroupGraph | null> {
    const { nodes, edges } = await this.#status("true", signal);
    return nodes && { nodes, edges };
  }

  /** True if the service knows it. */
  async exists(options?: { signal?: AbortSignal }): Promise<boolean> {
    try {
      await this.counts(options);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  /** In an input it stands for the results of its tasks. */
  toJSON(): unknown {
    return { $task: this.groupId };
  }

  /** Its id. */
  toString(): string {
    return this.groupId;
  }

  static {
    onInspect(this, ({ groupId }) => ({ groupId }));
  }

  async #status(graph: "true" | "false", signal?: AbortSignal): Promise<GroupStatus> {
    const path = `/v1/groups/${this.groupId}?graph=${graph}`;
    return (await this.#connection.http.call({ method: "GET", path, signal, expects: A_GROUP })).body;
  }
}
