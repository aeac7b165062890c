// What a function is called with.

import type { AnyDefinition, Child, TaskContext, TaskInfo } from "../core/define.ts";
import { ChildTask, withReferences } from "../core/child.ts";
import { boundsOf } from "../core/task_bounds.ts";
import type { SubmitOptions } from "../core/submission.ts";
import { queueOf, type TaskRecord } from "../core/task.ts";
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
    joins?: boolean,
  ): Promise<string>;
  result(attempt: Attempt, id: string): Promise<unknown>;
}

export interface Submit {
  (
    definition: AnyDefinition | string,
    input?: unknown,
    options?: SubmitOptions,
    joins?: boolean,
    // deno-lint-ignore no-explicit-any -- typed for those who call `submit`
  ): Promise<Child<any>>;
}

/** One `submit` for all calls of an attempt: it counts them. */
export function submitOf(attempt: Attempt, children: ChildTasks): Submit {
  let place = 0;
  return async (definition, input, options, joins) => {
    const task = typeof definition === "string" ? definition : definition.name;
    attempt.hasSubmitted = true;
    const given = withReferences(input);
    const id = await FunctionScope.leave(() =>
      children.submit(attempt, place++, task, given, options, joins)
    );
    return new ChildTask(id, () => FunctionScope.leave(() => children.result(attempt, id)));
  };
}

export function contextOf(attempt: Attempt, input: unknown, submit: Submit): TaskContext<unknown> {
  return new Context(attempt, input, submit);
}

class Context {
  readonly #attempt: Attempt;
  #info: TaskInfo | undefined;
  readonly input: unknown;
  readonly attempt: number;
  readonly submit: Submit;
  declare readonly task: TaskInfo;
  declare readonly signal: AbortSignal;
  readonly progress: TaskContext<unknown>["progress"] = (current, total, message) =>
    FunctionScope.leave(() => this.#attempt.reports.progress(current, total, message));
  readonly log: TaskContext<unknown>["log"] = (message, data) =>
    FunctionScope.leave(() => this.#attempt.reports.log(message, data));
  readonly emit: TaskContext<unknown>["emit"] = (chunk) =>
    FunctionScope.leave(() => this.#attempt.reports.emit(chunk));

  // No parameter properties: with them Deno would assign the functions above here, and V8 makes a function
  // old that is assigned to a property, with all that it refers to.
  constructor(attempt: Attempt, input: unknown, submit: Submit) {
    this.#attempt = attempt;
    this.input = input;
    this.submit = submit;
    this.attempt = attempt.record.attempt;
    Object.defineProperty(this, "task", Context.#task);
    Object.defineProperty(this, "signal", Context.#signal);
  }

  get addToGroup(): TaskContext<unknown>["addToGroup"] {
    const { submit } = this;
    return (definition: AnyDefinition | string, input?: unknown, options?: SubmitOptions) =>
      submit(definition, input, options, true);
  }

  // Both are made on demand: most functions never use them. All contexts share the functions: V8 keeps those
  // of a getter with the shape of its object. With functions of its own each context had a shape of its own,
  // which took 3 µs, and which kept the attempt, with all that it refers to, until the next full collection.
  static readonly #task = {
    enumerable: true,
    get(this: Context): TaskInfo {
      return this.#info ??= infoOf(this.#attempt.record);
    },
  };
  static readonly #signal = {
    enumerable: true,
    get(this: Context): AbortSignal {
      return this.#attempt.signal;
    },
  };
}

function infoOf(record: TaskRecord): TaskInfo {
  return {
    id: bare(record.id),
    task: record.task,
    maxAttempts: record.maxAttempts,
    queue: queueOf(record),
    priority: record.priority,
    tags: record.tags,
    metadata: JSON.parse(record.metadata),
    groupId: record.groups.length > 0 ? bare(record.groups[0]) : null,
    ignoreResult: record.ignoreResult ?? false,
    parentId: record.parentId === null ? null : bare(record.parentId),
    createdAt: isoAt(record.createdAt),
    token: `${record.id}:${record.attempt}`,
    ...boundsOf(record),
  };
}
