// Tasks that anybody submitted: lists of them.

import type { SignalOptions } from "../canvas/options.ts";
import type { Expected, StateType, TaskSummary } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";

/** All of it must be true of a task. */
export interface TaskFilter {
  /** It is in one of these. */
  state?: StateType | readonly StateType[];
  /** The name of a definition. */
  task?: string;
  tag?: string;
  groupId?: string;
  parentId?: string;
  /** A date, or ISO 8601. */
  createdAfter?: Date | string;
  createdBefore?: Date | string;
}

export interface ListOptions extends SignalOptions {
  /** So many are asked for at once, 1 to 500. Default 100. */
  pageSize?: number;
}

const TASKS: Expected = {
  what: "tasks",
  is: (body) => Array.isArray((body as { tasks?: unknown } | null)?.tasks),
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
}

function queryOf(filter: TaskFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    query.set(name, value instanceof Date ? value.toISOString() : String(value));
  }
  return query;
}
