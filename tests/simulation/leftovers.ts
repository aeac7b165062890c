// What dead processes have left beside the records, once all has come to rest. It belongs to no record, and
// the garbage collector of any process removes it: here it is given the time that a world does not last.

import { GarbageCollector } from "../../runtime/maintenance/garbage_collector.ts";
import { makeIds } from "../../runtime/platform/ids.ts";
import { KvPort } from "../../runtime/platform/kv.ts";
import { Store } from "../../runtime/store/store.ts";
import { Values } from "../../runtime/store/values.ts";
import { FakeKv } from "./fake_kv.ts";
import type { Surroundings } from "./surroundings.ts";

const ROUND_MS = 60_000;
/** A round looks at a few names only: all of them come at least twice. */
const ROUNDS = 40;
const ABANDONED_AFTER_MS = 2 * ROUND_MS;

export async function collectGarbage({ database, shape, random, kvNow }: Surroundings): Promise<void> {
  database.onApplied = () => {};
  const kv = new FakeKv(database, {
    now: () => kvNow,
    read: (look) => Promise.resolve(look()),
    commit: (_, apply) => Promise.resolve(apply()),
  });
  let spentMs = 0;
  const clock = { now: () => kvNow + spentMs, monotonic: () => spentMs, timer: () => () => {} };
  const port = new KvPort(kv, kv, shape.limits, shape.shards, clock);
  const ids = makeIds(clock, random.fill);
  const store = new Store({ kv: port, clock, ids });
  const values = new Values(port, ids, store.turns);
  const collector = new GarbageCollector(
    store,
    values,
    () => {},
    ABANDONED_AFTER_MS,
  );
  for (let round = 0; round < ROUNDS; round++) {
    spentMs += ROUND_MS;
    await collector.tick();
  }
}
