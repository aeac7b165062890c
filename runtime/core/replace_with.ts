// What a function returns to put other tasks in the place of its own.

/** Of all copies of this module: a function may come with its own. */
const FLOW = Symbol.for("errand.replacement");

/** Made by `replaceWith`: the task takes the outcome of these tasks. */
export class TaskReplacement {
  constructor(flow: object) {
    Object.defineProperty(this, FLOW, { value: flow });
  }
}

/** One task, as a submit or the client's `sig` says it. */
export interface ReplacingTask {
  task: string;
  input?: unknown;
  options?: object;
}

/** Several tasks, as `POST /v1/flows` takes them, or as `chain`, `group`, `chord` and `chunks` make them. */
export type ReplacingFlow =
  | { tasks: object; options?: object }
  | { chain: readonly object[]; options?: object }
  | { group: readonly object[]; options?: object }
  | { chord: object; options?: object }
  | { chunks: object; options?: object };

/**
 * `return replaceWith(…)`: the function is done, and its task goes on as these tasks. It waits as PAUSED
 * `AwaitingTask`, without a worker, and ends as they do together: with what the flow hands on, or with its
 * failure. A cancel or timeout of the task cancels them. Not after `submit()` in the same attempt.
 *
 * Its type is `never`: it may stand where a function returns any result.
 *
 * @throws {TypeError} if it is no object
 */
export function replaceWith(flow: ReplacingTask | ReplacingFlow): never {
  if (typeof flow !== "object" || flow === null) {
    throw new TypeError(`replaceWith(): a task or a flow must be an object; it is ${typeof flow}`);
  }
  return new TaskReplacement("task" in flow ? { chain: [flow] } : flow) as never;
}

/** The flow of a replacement; null for any other value. */
export function flowOf(value: unknown): object | null {
  if (typeof value !== "object" || value === null) return null;
  return (value as { [FLOW]?: object })[FLOW] ?? null;
}
