// The thread of stand_in.ts. It opens the database when it has to beat for the first time.

import { workerData } from "node:worker_threads";
import { systemClock } from "../platform/clock.ts";
import { every } from "../platform/periodic.ts";
import { beatInstead } from "../store/leases.ts";
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
let handle: Promise<Deno.Kv> | null = null;

every(systemClock, leaseMs / 10, () => {
  if (watch.isBeatDue(Atomics.load(signs, 0), systemClock.monotonic())) void beat();
});

async function beat(): Promise<void> {
  const mine = handle ??= open();
  try {
    await beatInstead(await mine, key);
  } catch {
    // Nobody can be told while the event loop stands still. The next one tries again, from the beginning.
    if (handle === mine) handle = null;
    mine.then((kv) => kv.close(), () => {});
  }
}

/** A file that is gone must not be made anew. */
async function open(): Promise<Deno.Kv> {
  if (!/^https?:/.test(address)) await Deno.stat(address);
  return await Deno.openKv(address);
}
