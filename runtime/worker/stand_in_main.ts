// The thread of stand_in.ts. It opens the database when it has to beat for the first time.

import { workerData } from "node:worker_threads";
import { systemClock } from "../platform/clock.ts";
import { every } from "../platform/periodic.ts";
import { beatInstead } from "../store/leases.ts";
import { RenewedHandle } from "./renewed_handle.ts";
import { StallWatch } from "./stall_watch.ts";

export interface StandInSetup {
  /** Of the database. */
  address: string;
  /** Of the worker's heartbeat. */
  key: Deno.KvKey;
  leaseMs: number;
  /** Rises with each sign of life of the event loop. */
  signs: Int32Array;
}

const { address, key, leaseMs, signs } = workerData as StandInSetup;
const watch = new StallWatch(leaseMs, systemClock.monotonic());
const database = new RenewedHandle(open);

every(systemClock, leaseMs / 10, () => {
  if (!watch.isBeatDue(Atomics.load(signs, 0), systemClock.monotonic())) return;
  // Nobody can be told of a failure while the event loop stands still. The next one tries again.
  void database.use((kv) => beatInstead(kv, key));
});

/** A file that is gone must not be made anew. */
async function open(): Promise<Deno.Kv> {
  if (!/^https?:/.test(address)) await Deno.stat(address);
  return await Deno.openKv(address);
}
