// One action on many tasks, as a task of the service.

import type { CallOptions, SignalOptions } from "../canvas/options.ts";
import type { CancelFilter } from "../futures/group_cancel.ts";
import { TaskFuture } from "../futures/task_future.ts";
import { aKey } from "../protocol/ids.ts";
import { A_TASK, type Expected, type TaskSummary } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";

/** As of a cancel, and tasks by when they ended. */
export interface BulkFilter extends CancelFilter {
  /** ISO 8601. */
  finishedAfter?: string;
  /** ISO 8601. */
  finishedBefore?: string;
}

/**
 * What to do, and to which tasks: to those of a list, or to all that fit a filter now. A filter without a
 * time needs `all: true`.
 */
export interface BulkRequest {
  action: "cancel" | "retry" | "delete" | "priority";
  ids?: readonly string[];
  filter?: BulkFilter;
  all?: true;
  /** Of the action `priority`: −10 to 10. */
  priority?: number;
  /** Of the action `cancel`. */
  reason?: string;
  /** Of the action `cancel`: how long a running function may take to stop. */
  graceMs?: number;
}

/** How many it was done to; how many it was not for any more; and how many failed, as its log says. */
export interface BulkCounts {
  done: number;
  skipped: number;
  failed: number;
}

export interface BulkPreview {
  /** At least so many where it is not exact. */
  count: { value: number; exact: boolean };
  /** The newest ones, at most 10. */
  samples: TaskSummary[];
}

const A_PREVIEW: Expected = {
  what: "the tasks that it would be for",
  is: (body) => typeof (body as Partial<BulkPreview> | null)?.count?.value === "number",
};

/** `errand.bulk` */
export class Bulk {
  constructor(private readonly connection: Connection) {}

  /**
   * Starts it: the future of a task that has progress, and can be cancelled as any other.
   *
   * @throws {ValidationError}
   */
  async start(
    request: BulkRequest,
    { idempotencyKey = aKey(), signal }: CallOptions = {},
  ): Promise<TaskFuture<BulkCounts>> {
    const headers = { "idempotency-key": idempotencyKey };
    const call = {
      method: "POST",
      path: "/v1/bulk",
      body: request,
      headers,
      expects: A_TASK,
      signal,
    } as const;
    const { body: task } = await this.connection.http.call(call);
    return new TaskFuture(this.connection, task.id, { task: task.task, type: task.state.type });
  }

  /** Which tasks it would be for now. Nothing is done. */
  async preview(request: BulkRequest, { signal }: SignalOptions = {}): Promise<BulkPreview> {
    const body = { ...request, dryRun: true };
    const call = { method: "POST", path: "/v1/bulk", body, expects: A_PREVIEW, signal } as const;
    return (await this.connection.http.call(call)).body;
  }
}
