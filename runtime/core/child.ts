// What a function holds of a task that it has submitted.

import type { Child } from "./define.ts";
import { LazyPromise } from "./lazy_promise.ts";

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
