// An event for one waiter that resets itself, like .NET's AutoResetEvent.

import { type Clock, sleep } from "./clock.ts";

export class AutoResetEvent {
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Wakes the waiter, or the next one if none waits now. Several rings before a wait count as one. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves with true at the next ring; with false after `waitMs`, or when `signal` aborts. */
  async next(waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.#rung && waitMs > 0 && !signal?.aborted) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      const stop = () => woken.abort();
      signal?.addEventListener("abort", stop, { once: true });
      await sleep(this.clock, waitMs, woken.signal);
      signal?.removeEventListener("abort", stop);
      this.#wake = null;
    }
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }
}
