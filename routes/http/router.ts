// Hono's own router takes a good part of a short request for finding a path without parameters. Here the
// first look for such a path is kept.

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
