// To find a path without parameters, Hono's own router takes a good part of a short request. Here the result
// of the first search is kept.

import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

export class KeepingRouter<T> implements Router<T> {
  readonly name = "KeepingRouter";
  readonly #inner = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  /**
   * Paths of routes without parameters, and what was found for them. There are as many as there are routes.
   */
  readonly #found = new Map<string, Result<T> | null>();

  add(method: string, path: string, handler: T): void {
    this.#inner.add(method, path, handler);
    if (!/[:*]/.test(path)) this.#found.set(`${method} ${path}`, null);
  }

  match(method: string, path: string): Result<T> {
    const name = `${method} ${path}`;
    const kept = this.#found.get(name);
    if (kept) return kept;
    const result = this.#inner.match(method, path);
    if (kept === null) this.#found.set(name, result);
    return result;
  }
}
