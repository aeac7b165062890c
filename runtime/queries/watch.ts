// Watch first, then read: a change between a read and the wait for news ends that wait at once.

import { AutoResetEvent } from "../platform/auto_reset_event.ts";
import type { Clock } from "../platform/clock.ts";

/** Longest wait without news: then the caller reads again all the same. */
const READ_AGAIN_MS = 60_000;

export class Watch implements Disposable {
  readonly #news: AutoResetEvent;
  readonly #end: () => void;

  /**
   * @param begin begins to watch, and is given what to call for news. It returns a function that ends the
   * watch.
   */
  constructor(clock: Clock, begin: (ring: () => void) => () => void) {
    const news = this.#news = new AutoResetEvent(clock);
    this.#end = begin(() => news.ring());
  }

  /**
   * Waits for news, at most `leftMs`. The caller must read after it.
   *
   * @returns false, without waiting, if no time is left or `signal` has aborted.
   */
  async next(leftMs: number, signal?: AbortSignal): Promise<boolean> {
    if (leftMs <= 0 || signal?.aborted) return false;
    await this.#news.next(Math.min(leftMs, READ_AGAIN_MS), signal);
    return true;
  }

  /** As `next`, for whoever is told all that there is: with no end of the wait there is no reason to read. */
  async news(leftMs: number, signal?: AbortSignal): Promise<boolean> {
    if (leftMs !== Infinity || signal?.aborted) return await this.next(leftMs, signal);
    await this.#news.next(Infinity, signal);
    return true;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
