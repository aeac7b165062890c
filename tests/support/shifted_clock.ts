// Real time, but another date: for a database whose tasks were written at another time.

import { type Clock, systemClock } from "../../runtime/platform/clock.ts";

export class ShiftedClock implements Clock {
  #shiftMs: number;

  /** @param now the instant that it is now. */
  constructor(now: number) {
    this.#shiftMs = now - Date.now();
  }

  now(): number {
    return Date.now() + this.#shiftMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  timer(fn: () => void, ms: number): () => void {
    return systemClock.timer(fn, ms);
  }

  /** The wall clock is set forward; timers do not notice. */
  jump(ms: number): void {
    this.#shiftMs += ms;
  }
}
