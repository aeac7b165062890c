// What a function is called with.

import type { AnyDefinition, TaskContext, TaskInfo } from "../core/define.ts";
import { ChildTask } from "../core/child.ts";
import { boundsOf } from "../core/task_bounds.ts";
import type { SubmitOptions } from "../core/submission.ts";
import type { TaskRecord } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { isoAt } from "../platform/clock.ts";
import { FunctionScope } from "./runners/function_scope.ts";
import type { Attempt } from "./attempt.ts";

/** What a function may do with tasks of its own: see child_tasks.ts. */
export interface ChildTasks {
  submit(
    attempt: Attempt,
    place: number,
    task: string,
    input: unknown,
    options?: SubmitOptions,
  ): Promise<string>;
  result(attempt: Attempt, id: string): Promise<unknown>;
}

export type Submit = TaskContext<unknown>["submit"];

/** One `submit` for all calls of an attempt: it counts them. */
export function submitOf(attempt: Attempt, children: ChildTasks): Submit {
  let place = 0;
  return async (definition: AnyDefinition | string, input: unknown, options?: SubmitOptions) => {
    const task = typeof definition === "string" ? definition : definition.name;
    const id = await FunctionScope.leave(() => children.submit(attempt, place++, task, input, options));
    return new ChildTask(id, () => FunctionScope.leave(() => children.result(attempt, id)));
  };
}

export function contextOf(attempt: Attempt, input: unknown, submit: Submit): TaskContext<unknown> {
  const { record } = attempt;
  // Made on demand: most functions never use it.
  let info: TaskInfo | undefined;
  return {
    input,
    get task() {
      return info ??= infoOf(record);
    },
    attempt: record.attempt,
    get signal() {
      return attempt.signal;
    },
    progress: (current, total, message) =>
      FunctionScope.leave(() => attempt.reports.progress(current, total, message)),
    log: (message, data) => FunctionScope.leave(() => attempt.reports.log(message, data)),
    emit: (chunk) => FunctionScope.leave(() => attempt.reports.emit(chunk)),
    submit,
  };
}

function infoOf(record: TaskRecord): TaskInfo {
  return {
    id: bare(record.id),
    task: record.task,
    maxAttempts: record.maxAttempts,
    tags: record.tags,
    metadata: JSON.parse(record.metadata),
    groupId: record.groups.length > 0 ? bare(record.groups[0]) : null,
    parentId: record.parentId === null ? null : bare(record.parentId),
    createdAt: isoAt(record.createdAt),
    token: `${record.id}:${record.attempt}`,
    ...boundsOf(record),
  };
}
