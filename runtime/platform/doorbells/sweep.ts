// The doorbell that never fails: it rings every few seconds in every living process.

import type { Clock } from "../clock.ts";
import type { Doorbell } from "./doorbell.ts";

export class SweepBell implements Doorbell {
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(private readonly clock: Clock, private readonly everyMs: number) {}

  start(ring: () => void): void {
    const next = () => {
      if (this.#stopped) return;
      this.#cancel = this.clock.timer(() => {
        ring();
        next();
      }, this.everyMs);
    };
    next();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }
}
