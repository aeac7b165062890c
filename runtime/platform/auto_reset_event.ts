// An event that one waiter waits for and that resets itself, like .NET's AutoResetEvent.

import { type Clock, sleep } from "./clock.ts";

/** Something that can be rung before or while somebody waits; rings in between are one. */
export class AutoResetEvent {
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring (true), after `waitMs`, or when `signal` aborts (false). One waiter at a time. */
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
