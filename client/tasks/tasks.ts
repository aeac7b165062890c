// Tasks that anybody submitted: lists of them, what they logged, and new ones like them.

import type { CallOptions, SignalOptions } from "../canvas/options.ts";
import { TaskFuture } from "../futures/task_future.ts";
import { aKey, checkId } from "../protocol/ids.ts";
import { A_TASK, type Expected, type StateType, type TaskSummary } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import { queryOf } from "../transport/query.ts";

/** All of it must be true of a task. */
export interface TaskFilter {
  /** It is in one of these. */
  state?: StateType | readonly StateType[];
  /** The name of a definition. */
  task?: string;
  queue?: string;
  tag?: string;
  groupId?: string;
  parentId?: string;
  /** A date, or ISO 8601. */
  createdAfter?: Date | string;
  createdBefore?: Date | string;
  /** It has ended. */
  finishedAfter?: Date | string;
  finishedBefore?: Date | string;
  /** The beginning of its id, 8 digits or more; or a part of its error, in any case. */
  q?: string;
}

/** How many fit a filter: at least so many where it is not exact. */
export interface TaskCount {
  value: number;
  exact: boolean;
}

/** What a function has logged. */
export interface LogLine {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  at: string;
  attempt: number;
  message: string;
  data: unknown;
}

export interface Dependents {
  tasks: TaskSummary[];
  /** There are others. */
  more: boolean;
}

export interface ListOptions extends SignalOptions {
  /** So many are asked for at once, 1 to 500. Default 100. */
  pageSize?: number;
}

const TASKS: Expected = {
  what: "tasks",
  is: (body) => Array.isArray((body as { tasks?: unknown } | null)?.tasks),
};
const LOGS: Expected = {
  what: "lines of a log",
  is: (body) => Array.isArray((body as { logs?: unknown } | null)?.logs),
};

/** `errand.tasks`. */
export class Tasks {
  constructor(private readonly connection: Connection) {}

  /**
   * The tasks that fit the filter, newest first, read page by page.
   *
   * @throws {ValidationError} for a filter that the service does not take
   */
  async *list(
    filter: TaskFilter = {},
    { pageSize = 100, signal }: ListOptions = {},
  ): AsyncGenerator<TaskSummary> {
    const query = queryOf(filter);
    query.set("limit", String(pageSize));
    for (;;) {
      const path = `/v1/tasks?${query}`;
      const { body } = await this.connection.http.call({ method: "GET", path, expects: TASKS, signal });
      yield* body.tasks as TaskSummary[];
      if (body.nextCursor === null) return;
      query.set("cursor", body.nextCursor);
    }
  }

  /** How many fit the filter, as far as the service has time to count. */
  async count(filter: TaskFilter = {}, { signal }: SignalOptions = {}): Promise<TaskCount> {
    const query = queryOf(filter);
    query.set("limit", "1");
    query.set("count", "true");
    const path = `/v1/tasks?${query}`;
    const { body } = await this.connection.http.call({ method: "GET", path, expects: TASKS, signal });
    return body.count;
  }

  /** What the function of a task has logged so far, read page by page. */
  async *logs(
    id: string,
    { after = 0, signal }: SignalOptions & { after?: number } = {},
  ): AsyncGenerator<LogLine> {
    for (let from: number | null = after; from !== null;) {
      const path: string = `/v1/tasks/${checkId("task", id)}/logs?after=${from}`;
      const { body } = await this.connection.http.call({ method: "GET", path, expects: LOGS, signal });
      yield* body.logs as LogLine[];
      from = body.nextAfter;
    }
  }

  /** The tasks that wait for a task, or have waited for it, in no order: up to 100. */
  async dependents(id: string, { signal }: SignalOptions = {}): Promise<Dependents> {
    const path = `/v1/tasks/${checkId("task", id)}/dependents`;
    return (await this.connection.http.call({ method: "GET", path, expects: TASKS, signal })).body;
  }

  /**
   * Submits a new task like an ended one, also like a completed one, perhaps with another input. However
   * often the call is sent, it is one task.
   *
   * @throws {ConflictError} if it has not ended
   */
  async rerun<Result = unknown>(
    id: string,
    { input, idempotencyKey = aKey(), signal }: CallOptions & { input?: unknown } = {},
  ): Promise<TaskFuture<Result>> {
    const { body: task, headers } = await this.connection.http.call({
      method: "POST",
      path: `/v1/tasks/${checkId("task", id)}/rerun`,
      body: { input },
      headers: { "idempotency-key": idempotencyKey },
      expects: A_TASK,
      signal,
    });
    const seen = { task: task.task, type: task.state.type };
    return new TaskFuture(this.connection, task.id, seen, headers.has("errand-deduplicated"));
  }
}
