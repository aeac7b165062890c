// How many requests may be held open at once, by streams and waits. Each of them costs memory as long as it
// lasts.

import type { Context } from "hono";
import { AbortLink } from "../../runtime/core/abort_link.ts";
import { labelOf } from "../../runtime/core/usage.ts";
import { keyEnded, ProblemError, tooManyWait, tooManyWaitOf } from "./problem.ts";

const MOST = 10_000;

export class Slots {
  /** One function for each request that is held open: it ends the request. */
  readonly #taken = new Set<() => void>();

  constructor(readonly most: number = MOST) {}

  get taken(): number {
    return this.#taken.size;
  }

  /**
   * Returns a function that gives the slot back. It may be called more than once.
   *
   * @param end ends the request early, when the service stops or the caller's key ends
   * @throws {ProblemError} if all are taken, or all that one caller may have, or the key has ended
   */
  take(c: Context, end: () => void): () => void {
    if (this.#taken.size >= this.most) throw new ProblemError(tooManyWait(this.most));
    const key = c.get("key");
    if (key?.isOver) throw new ProblemError(keyEnded());
    const usages = key?.usages ?? [];
    for (const usage of usages) {
      const most = usage.most("waiting", this.most);
      if (usage.waiting >= most) throw new ProblemError(tooManyWaitOf(labelOf(usage.of), most));
    }
    for (const usage of usages) usage.waiting++;
    // A function of its own: `end` itself may stand for several requests.
    const own = () => end();
    this.#taken.add(own);
    const forget = key?.onEnd(own);
    return () => {
      if (!this.#taken.delete(own)) return;
      for (const usage of usages) usage.waiting--;
      forget?.();
    };
  }

  /**
   * Holds a slot while `work` runs. Work that does not wait needs none.
   *
   * @param work gets a signal that is aborted when the caller is gone, its key ends, or the service stops
   * @throws {ProblemError} also if the key has ended meanwhile
   */
  async during<T>(c: Context, waitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = c.req.raw;
    if (waitMs === 0) return await work(signal);
    const stop = new AbortController();
    const giveBack = this.take(c, () => stop.abort());
    using both = new AbortLink(signal, stop.signal);
    try {
      const found = await work(both.signal);
      if (c.get("key")?.isOver) throw new ProblemError(keyEnded());
      return found;
    } finally {
      giveBack();
    }
  }

  /** Ends all requests that are held open: waits are answered with what is known, streams are cut. */
  endAll(): void {
    for (const end of [...this.#taken]) end();
  }
}
