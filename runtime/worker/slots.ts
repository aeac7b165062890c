// Which tasks this worker has in hand, and how many more it may take.

import type { Lease } from "../core/task.ts";
import type { Attempt } from "./attempt.ts";

/** With more outcomes than this waiting for their commit, the worker takes nothing new. */
const MOST_SETTLING = 2_000;

export class Slots {
  /** New tasks whose commit is under way, and which begin with it. */
  readonly starting = new Map<string, { lease: Lease; block: string }>();
  /** Attempts whose function runs. */
  readonly running = new Map<string, Attempt>();
  /** Attempts whose outcome is on its way to KV. */
  readonly settling = new Map<string, Attempt>();
  /** Claimed tasks that wait for a heartbeat before they begin. */
  unconfirmed = 0;
  /** Running functions that wait for tasks of their own. They take up no slot. */
  away = 0;

  constructor(private readonly size: number) {}

  /** How many more functions may start. */
  get free(): number {
    if (this.settling.size >= MOST_SETTLING) return 0;
    const used = this.running.size - this.away + this.starting.size + this.unconfirmed;
    return Math.max(0, this.size - used);
  }

  get isIdle(): boolean {
    return this.running.size + this.settling.size + this.starting.size + this.unconfirmed === 0;
  }
}
