import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Attempt } from "../../../runtime/worker/attempt.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { leaseBlocksOf } from "../../../runtime/store/leases.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { type Entry, typeOf } from "../../../runtime/core/task.ts";
import { cancelRequested } from "../../../runtime/core/transitions.ts";
import { Values } from "../../../runtime/store/values.ts";
import { aBench, type Bench, onEachBackend, upTo } from "../../support/builders.ts";

const claimAll = ({ store }: Bench, worker = "w") => claim(store, { worker, shard: 0, ...upTo(99) });

/** A fault of the database: these keys are gone, and nothing else. */
async function lose({ kv }: Bench, prefix: Deno.KvKey): Promise<void> {
  for (const { key } of await kv.list({ prefix }, { limit: 100 })) await kv.writeBlind([{ key }], 0);
}

function aPatrol({ store }: Bench): { patrol: Reconciler; said: string[] } {
  const said: string[] = [];
  const patrol = new Reconciler(
    store,
    new Values(store.kv, store.ids, store.turns),
    (_, what) => said.push(what),
  );
  return { patrol, said };
}

onEachBackend("where every task has its driver, nothing is repaired and nothing written", async (path) => {
  await using bench = await aBench({ path });
  const now = bench.clock.now();
  await bench.submit({}, {}, { runAt: now + 60_000 }, { expiresAt: now + 1_000 });
  await claimAll(bench);
  await bench.submit({}, { priority: 3 }, {});
  const before = await bench.all();
  const { patrol, said } = aPatrol(bench);
  for (let round = 0; round < 3; round++) assert.equal(await patrol.tick(), 0);
  assert.deepEqual(said, []);
  assert.deepEqual(await bench.all(), before);
});

onEachBackend("a task that waits in no queue gets into it again, and is claimed once", async (path) => {
  await using bench = await aBench({ path });
  const [lost, kept] = await bench.submit({ priority: 2 }, {});
  await lose(bench, ["ready", 0, 8]);
  const { patrol, said } = aPatrol(bench);
  assert.equal(await patrol.tick(), 1);
  assert.deepEqual(said, ["was in no queue"]);
  const { rev, history } = await bench.record(lost.record.id);
  assert.deepEqual([rev, history.length], [2, 1], "it is in the same state");
  const { entries } = await claimAll(bench);
  assert.deepEqual(
    entries.map(({ record }) => record.id).toSorted(),
    [lost.record.id, kept.record.id].toSorted(),
  );
  assert.equal((await claimAll(bench, "other")).entries.length, 0);
  assert.equal(await patrol.tick(), 0);
});

onEachBackend("a block that has lost only some of its ids is seen through", async (path) => {
  await using bench = await aBench({ path });
  const entries = await bench.submit({}, {}, {});
  for (const { key } of await bench.kv.list({ prefix: prefixes.ready(0) }, { limit: 9 })) {
    const left = entries.slice(0, 2).map(({ record }) => record.id);
    await bench.kv.writeBlind([{ key, value: { ids: left, tasks: left.map(() => "add") } }], 0);
  }
  const { patrol } = aPatrol(bench);
  await patrol.tick();
  const claimed = await claimAll(bench);
  assert.equal(claimed.entries.length + (await claimAll(bench)).entries.length, 3);
});

onEachBackend("a scheduled task without its timer gets one for the same instant", async (path) => {
  await using bench = await aBench({ path });
  const runAt = bench.clock.now() + 60_000;
  const [{ record: { id } }] = await bench.submit({ runAt });
  await lose(bench, prefixes.due("start"));
  const { patrol, said } = aPatrol(bench);
  assert.equal(await patrol.tick(), 1);
  assert.deepEqual(said, ["had no timer"]);
  const timers = new Timers(bench.store, bench.values);
  assert.equal(await timers.tick(), runAt);
  bench.clock.advance(60_000);
  await timers.tick();
  assert.equal(typeOf(await bench.record(id)), "PENDING");
});

onEachBackend("a task that runs under no lease is taken for one whose worker died", async (path) => {
  await using bench = await aBench({ path });
  await bench.submit({}, { maxCrashes: 0 }, {});
  const { entries } = await claimAll(bench);
  const [again, over, stopping] = entries;
  const { record } = stopping;
  await bench.store.commit("settle", [{
    before: stopping,
    next: cancelRequested(record, bench.clock.now(), "enough", 1_000),
  }]);
  await lose(bench, prefixes.leases);
  const { patrol, said } = aPatrol(bench);
  assert.equal(await patrol.tick(), 3);
  assert.deepEqual(said, Array(3).fill("ran under no lease"));
  const types = await Promise.all(
    [again, over, stopping].map(async ({ record }) => typeOf(await bench.record(record.id))),
  );
  assert.deepEqual(types, ["PENDING", "CRASHED", "CANCELLED"]);
  // The worker that ran it writes nothing any more.
  assert.equal(
    await new Attempt(bench.store, again).settle({ kind: "completed", result: { json: "1" } }),
    false,
  );
});

onEachBackend("a task that moves on while it is looked at is left alone", async (path) => {
  await using bench = await aBench({ path });
  await bench.submit({}, {});
  const { entries } = await claimAll(bench);
  const { kv } = bench;
  const list = kv.list.bind(kv);
  // After the reconciler's first read all is settled: the leases that it looks for then are rightly gone.
  kv.list = async <T>(selector: Deno.KvListSelector, options: { limit: number; reverse?: boolean }) => {
    if ("prefix" in selector && selector.prefix[0] === "lease") {
      for (const entry of entries) {
        await new Attempt(bench.store, entry).settle({ kind: "completed", result: { json: "1" } });
      }
      const [{ block }] = await (async () => {
        kv.list = list;
        return await leaseBlocksOf(bench.store, "w", 9);
      })();
      await kv.writeBlind([{ key: keys.lease("w", block) }], 0);
    }
    return await list<T>(selector, options);
  };
  const { patrol, said } = aPatrol(bench);
  assert.equal(await patrol.tick(), 0);
  assert.deepEqual(said, []);
  for (const { record } of entries) assert.equal(typeOf(await bench.record(record.id)), "COMPLETED");
});

Deno.test("all tasks are looked at, page by page, and then from the start again", async () => {
  await using bench = await aBench();
  const lost: Entry[] = [];
  for (let i = 0; i < 9; i++) lost.push(...await bench.submit(...Array.from({ length: 50 }, () => ({}))));
  await lose(bench, prefixes.ready(0));
  const { patrol } = aPatrol(bench);
  const repaired = [await patrol.tick(), await patrol.tick(), await patrol.tick(), await patrol.tick()];
  assert.deepEqual(repaired, [200, 200, 50, 0]);
});
