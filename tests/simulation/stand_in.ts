// The thread of a process that beats while its event loop stands still (runtime/worker/stand_in_main.ts): it
// has a handle of its own, is not stopped when the loop is, and dies with the process.

import { beatInstead } from "../../runtime/store/leases.ts";
import { FakeKv } from "./fake_kv.ts";
import type { Surroundings } from "./surroundings.ts";
import { Wire, type Wired } from "./wire.ts";

export class StandIn implements Wired {
  readonly pausedUntil = 0;
  readonly kv: FakeKv;
  /** Of the worker's heartbeat; null until it has beaten itself. */
  key: Deno.KvKey | null = null;
  readonly #wire: Wire;

  constructor(private readonly world: Surroundings, private readonly process: Wired) {
    this.#wire = Wire.of(this, world);
    this.kv = new FakeKv(world.database, this.#wire);
  }

  get dead(): boolean {
    return this.process.dead;
  }

  crash(why: string): void {
    this.process.crash(why);
  }

  note(what: string): void {
    this.process.note(what);
  }

  cut(): void {
    this.#wire.cut();
  }

  /** The event loop stands still until then. */
  beatUntil(end: number): void {
    const { scheduler, shape: { leaseMs } } = this.world;
    const beat = () => {
      if (this.key === null || scheduler.now >= end) return;
      beatInstead(this.kv, this.key).catch((error) => this.note(`its stand-in: ${error}`));
      scheduler.after(leaseMs / 3, beat, this);
    };
    scheduler.after(leaseMs * 0.45, beat, this);
  }
}
