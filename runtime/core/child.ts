// What a function holds of a task that it has submitted.

import type { Child } from "./define.ts";
import { LazyPromise } from "./lazy_promise.ts";

/** What is nested deeper is refused as no JSON. */
const DEEPEST = 1_000;

export class ChildTask implements Child {
  readonly id: string;
  readonly #result: () => Promise<unknown>;
  /** @param result waits for its end; called for each wait, when it is awaited */
  constructor(id: string, result: () => Promise<unknown>) {
    this.id = id;
    this.#result = result;
  }

  /** It may be taken out of its child: `const { id, result } = await submit(…)`. */
  // deno-lint-ignore no-explicit-any -- typed for those who call `submit`
  get result(): () => Promise<any> {
    const result = this.#result;
    return () => new LazyPromise(result);
  }

  /** Its id. */
  toString(): string {
    return this.id;
  }
}

/**
 * The input of another child, in which a child stands for its result: with `{"$task": id}` in its place. The
 * same value if none is in it.
 *
 * @param made what was made of each object so far: one may stand in several places, or in itself
 */
export function withReferences(value: unknown, made = new Map<object, unknown>(), depth = 0): unknown {
  if (value instanceof ChildTask) return { $task: value.id };
  if (typeof value !== "object" || value === null || depth === DEEPEST) return value;
  if (made.has(value)) return made.get(value);
  made.set(value, value);
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== null && prototype !== Object.prototype) return value;
  const parts = Object.entries(value).map(([name, part]) => {
    return [name, withReferences(part, made, depth + 1), part] as const;
  });
  if (parts.every(([, now, before]) => now === before)) return value;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  for (const [name, now] of parts) Reflect.set(copy, name, now);
  made.set(value, copy);
  return copy;
}
