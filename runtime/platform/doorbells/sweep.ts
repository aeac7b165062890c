// The doorbell that never fails: it rings every few seconds in every living process.

import type { Clock } from "../clock.ts";
import { every } from "../periodic.ts";
import type { Doorbell } from "./doorbell.ts";

export class SweepBell implements Doorbell {
  #stop: () => Promise<void> = async () => {};

  constructor(private readonly clock: Clock, private readonly everyMs: number) {}

  start(ring: () => void): void {
    this.#stop = every(this.clock, this.everyMs, ring);
  }

  async stop(): Promise<void> {
    await this.#stop();
  }
}
