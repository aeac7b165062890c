// What a function holds of a task that it has submitted.

import type { Child } from "./define.ts";
import { LazyPromise } from "./lazy_promise.ts";

export class ChildTask implements Child {
  readonly #result: () => Promise<unknown>;

  /** @param result waits for its end; called for each wait, when it is awaited */
  constructor(readonly id: string, result: () => Promise<unknown>) {
    this.#result = result;
  }

  // deno-lint-ignore no-explicit-any -- typed for those who call `submit`
  result(): Promise<any> {
    return new LazyPromise(this.#result);
  }

  /** Its id. */
  toString(): string {
    return this.id;
  }
}
