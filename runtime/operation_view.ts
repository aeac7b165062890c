// What one caller who looks after the service sees of it. Rarely asked for: each part is loaded by its first
// call.

import type { Caller } from "./core/caller.ts";
import type { Family } from "./metrics/families.ts";
import type { Stats } from "./metrics/stats.ts";
import type { Parts } from "./process/wiring.ts";
import type { WorkerSeen } from "./queries/workers.ts";

export class OperationView {
  constructor(private readonly parts: Parts, private readonly caller: Caller) {}

  /** See {@linkcode workersSeen}. */
  async workers(): Promise<WorkerSeen[]> {
    const { workersSeen } = await import("./queries/workers.ts");
    return await workersSeen(this.parts.store, this.caller);
  }

  /** See {@linkcode statsFor}. */
  async stats(minutes: number): Promise<Stats> {
    const { statsFor } = await import("./metrics/stats.ts");
    const { clock, counter, sharedCounts: shared } = this.parts;
    return await statsFor({ clock, counter, shared }, this.caller, minutes);
  }

  /** See {@linkcode familiesFor}. */
  async metrics(): Promise<Family[]> {
    const { familiesFor } = await import("./metrics/families.ts");
    return await familiesFor(this.parts, this.caller);
  }
}
