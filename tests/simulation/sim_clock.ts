// The clocks of one simulated process. The wall clock is off by what the world says, and jumps; the
// monotonic one runs as true time does, also while the process is stopped.

import type { Clock } from "../../runtime/platform/clock.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

export const EPOCH = Date.UTC(2030, 0, 1);

/** What any process has read, ever. */
export interface Latest {
  wall: number;
  /** The most that it was ahead of the time since the world began. */
  aheadMs: number;
}

export class SimClock implements Clock {
  readonly #bornAt: number;
  /** The latest that this process has read. */
  highest = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly owner: Owner,
    private offsetMs: number,
    private readonly latest: Latest,
  ) {
    this.#bornAt = scheduler.now;
  }

  now(): number {
    const wall = this.wall;
    if (wall > this.highest) this.highest = wall;
    if (wall > this.latest.wall) this.latest.wall = wall;
    this.latest.aheadMs = Math.max(this.latest.aheadMs, wall - this.scheduler.now);
    return wall;
  }

  /** Without being read. */
  get wall(): number {
    return Math.floor(EPOCH + this.offsetMs + this.scheduler.now);
  }

  monotonic(): number {
    return this.scheduler.now - this.#bornAt;
  }

  timer(fn: () => void, ms: number): () => void {
    // Timers are as coarse as a real event loop's, and never early.
    return this.scheduler.after(Math.max(0, Math.ceil(ms)), fn, this.owner);
  }

  /** The wall clock is set to another time; nothing else notices. */
  jump(ms: number): void {
    this.offsetMs += ms;
  }

  /** The wall clock is set to this time. */
  set(wall: number): void {
    this.offsetMs += wall - this.wall;
  }
}
