// An event for one waiter that resets itself, like .NET's AutoResetEvent.

import type { Clock } from "./clock.ts";

export class AutoResetEvent {
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Wakes the waiter, or the next one if none waits now. Several rings before a wait count as one. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves with true at the next ring; with false after `waitMs` (or never), or when `signal` aborts. */
  async next(waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.#rung && waitMs > 0 && !signal?.aborted) await this.#woken(waitMs, signal);
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }

  #woken(waitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel?.();
        signal?.removeEventListener("abort", wake);
        this.#wake = null;
        resolve();
      };
      // Thousands may wait without an end: none of them has a timer.
      const cancel = waitMs === Infinity ? null : this.clock.timer(wake, waitMs);
      signal?.addEventListener("abort", wake);
      this.#wake = wake;
    });
  }
}
