import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Attempt } from "../../../runtime/worker/attempt.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { leaseBlocksOf } from "../../../runtime/store/leases.ts";
import { suspectShard } from "../../../runtime/store/ready_queue.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { Reaper } from "../../../runtime/maintenance/reaper.ts";
import { type Entry, isForgotten, stateOf, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { cancelRequested } from "../../../runtime/core/transitions.ts";
import { Store } from "../../../runtime/store/store.ts";
import { FaultyKv, type Mishap } from "../../support/faulty_kv.ts";
import { aBench, asStored, type Bench, onEachBackend, upTo } from "../../support/builders.ts";

const LEASE_MS = 9_000;

const beat = ({ kv, ids }: Bench, worker: string) =>
  kv.writeBlind([{
    key: keys.worker(worker),
    value: { rev: ids.token(), startedAt: 0, concurrency: 1, running: 1 },
  }], 0);

/** Time passes, with a look every third of a lease. @returns how many tasks were handed on. */
async function pass({ clock }: Bench, reaper: Reaper, ms: number): Promise<number> {
  let handedOn = 0;
  for (let left = ms; left > 0; left -= LEASE_MS / 3) {
    clock.advance(Math.min(left, LEASE_MS / 3));
    handedOn += await reaper.tick();
  }
  return handedOn;
}

/** A worker that has beaten once, and runs what it claims. */
async function aWorker(bench: Bench, worker: string, tasks: Partial<TaskRecord>[]): Promise<Entry[]> {
  await bench.submit(...tasks);
  await beat(bench, worker);
  return (await claim(bench.store, { worker, shard: 0, ...upTo(99) })).entries;
}

onEachBackend(
  "a worker is dead after a whole lease without a beat, and its tasks go back into the queue",
  async (path) => {
    await using bench = await aBench({ path });
    const reaper = new Reaper(bench.store, LEASE_MS);
    const entries = await aWorker(bench, "w", [{}, {}]);
    assert.equal(await reaper.tick(), 0);
    assert.equal(await pass(bench, reaper, LEASE_MS - 1), 0);
    assert.equal(await pass(bench, reaper, 1), 2);
    for (const { record: { id } } of entries) {
      const { attempt, crashes, lease, queued, history } = await bench.record(id);
      assert.deepEqual([attempt, crashes, lease], [0, 1, null]);
      assert.ok(queued);
      assert.equal(history.at(-1)!.type, "PENDING");
    }
    assert.deepEqual(await leaseBlocksOf(bench.store, "w", 9), []);
    assert.equal((await bench.kv.get(keys.worker("w"))).value, null);
    assert.equal(await reaper.tick(), 0);
  },
);

Deno.test("a beat in between saves the worker", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  const [entry] = await aWorker(bench, "w", [{}]);
  for (let i = 0; i < 5; i++) {
    await reaper.tick();
    assert.equal(await pass(bench, reaper, LEASE_MS - 1), 0);
    await beat(bench, "w");
    assert.equal(await reaper.tick(), 0);
  }
  assert.equal(typeOf(await bench.record(entry.record.id)), "RUNNING");
});

Deno.test("a beat at the very moment of the verdict wins", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  const [entry] = await aWorker(bench, "w", [{}]);
  await reaper.tick();
  await pass(bench, reaper, LEASE_MS - 1);
  bench.clock.advance(1);
  const { list } = bench.kv;
  bench.kv.list = async (...selected) => {
    const found = await list.apply(bench.kv, selected);
    if ("prefix" in selected[0] && selected[0].prefix[0] === "worker") await beat(bench, "w");
    // deno-lint-ignore no-explicit-any
    return found as any;
  };
  assert.equal(await reaper.tick(), 0);
  assert.equal(typeOf(await bench.record(entry.record.id)), "RUNNING");
});

Deno.test("who holds leases is suspect until a beat is seen, and after half a lease without one", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  await reaper.tick();
  assert.equal(reaper.hasSuspects, false);
  await aWorker(bench, "w", [{}]);
  await pass(bench, reaper, 2 * LEASE_MS / 3);
  assert.equal(reaper.hasSuspects, true, "no beat was seen");
  for (let i = 0; i < 3; i++) {
    await beat(bench, "w");
    await pass(bench, reaper, LEASE_MS / 3);
    assert.equal(reaper.hasSuspects, false);
    // The next beat comes a moment after this look.
    await pass(bench, reaper, LEASE_MS / 3);
    assert.equal(reaper.hasSuspects, false, "one late beat");
  }
  await pass(bench, reaper, LEASE_MS / 3);
  assert.equal(reaper.hasSuspects, true);
  await pass(bench, reaper, 2 * LEASE_MS / 3);
  assert.equal(reaper.hasSuspects, false, "it was dead");
});

Deno.test("jumps of the wall clock kill nobody", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  await aWorker(bench, "w", [{}]);
  await reaper.tick();
  for (const ms of [3_600_000, -7_200_000]) {
    bench.clock.jump(ms);
    assert.equal(await reaper.tick(), 0);
  }
});

Deno.test("a pause of the reaper itself kills nobody: the others may have been paused with it", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  await aWorker(bench, "w", [{}]);
  await reaper.tick();
  bench.clock.advance(100 * LEASE_MS);
  assert.equal(await reaper.tick(), 0);
  await beat(bench, "w");
  assert.equal(await reaper.tick(), 0);
});

Deno.test("leases of a worker that never beat, or has signed off, are found as well", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  await aWorker(bench, "w", [{}]);
  await bench.kv.writeBlind([{ key: keys.worker("w") }], 0);
  assert.equal(await reaper.tick(), 0);
  assert.equal(await pass(bench, reaper, LEASE_MS), 1);
});

Deno.test("only the dead worker's tasks are handed on", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  const [dead] = await aWorker(bench, "dead", [{}]);
  const [alive] = await aWorker(bench, "alive", [{}]);
  await reaper.tick();
  await pass(bench, reaper, LEASE_MS - 1);
  await beat(bench, "alive");
  assert.equal(await pass(bench, reaper, 1), 1);
  assert.equal(typeOf(await bench.record(dead.record.id)), "PENDING");
  assert.equal(typeOf(await bench.record(alive.record.id)), "RUNNING");
});

Deno.test("a task whose workers die more than maxCrashes times ends CRASHED, its input kept", async () => {
  await using bench = await aBench();
  const crashed: string[] = [];
  const reaper = new Reaper(bench.store, LEASE_MS, ({ id }) => crashed.push(id));
  let [entry] = await aWorker(bench, "w0", [{ maxCrashes: 1, input: { json: '"poison"' } }]);
  const states: string[] = [];
  for (let i = 1; i <= 2; i++) {
    await reaper.tick();
    await pass(bench, reaper, LEASE_MS);
    states.push(typeOf(await bench.record(entry.record.id)));
    [entry = entry] = (await claim(bench.store, {
      worker: `w${i}`,
      shard: suspectShard(1),
      ...upTo(1),
    })).entries;
  }
  assert.deepEqual(states, ["PENDING", "CRASHED"]);
  const record = await bench.record(entry.record.id);
  assert.deepEqual(record.input, { json: '"poison"' });
  assert.equal(record.error!.name, "CrashedError");
  assert.deepEqual(crashed, [record.id]);
});

Deno.test("a task that was asked to stop ends CANCELLED when its worker is dead", async () => {
  await using bench = await aBench();
  const reaper = new Reaper(bench.store, LEASE_MS);
  const [{ record: { id } }] = await aWorker(bench, "w", [{}]);
  await bench.store.update("settle", id, ({ record }) => {
    return { next: cancelRequested(record as TaskRecord, bench.clock.now(), "enough", 1_000) };
  });
  await reaper.tick();
  assert.equal(await pass(bench, reaper, LEASE_MS), 1);
  const { type, message } = stateOf(await bench.record(id));
  assert.deepEqual([type, message], ["CANCELLED", "enough"]);
  assert.equal((await bench.kv.get(keys.stop("w", id))).versionstamp, null);
});

onEachBackend("a worker that comes back to life after its lease writes nothing", async (path) => {
  await using bench = await aBench({ path });
  const reaper = new Reaper(bench.store, LEASE_MS);
  const [entry] = await aWorker(bench, "w", [{}]);
  const stale = new Attempt(bench.store, entry);
  await reaper.tick();
  await pass(bench, reaper, LEASE_MS);
  const { entries: [now] } = await claim(bench.store, {
    worker: "other",
    shard: 0,
    ...upTo(1),
  });
  stale.reports.log("I am still here");
  assert.equal(await stale.settle({ kind: "completed", result: { json: '"stale"' } }), false);
  assert.deepEqual(await bench.record(entry.record.id), asStored(now.record));
  assert.deepEqual(await bench.kv.list({ prefix: ["event"] }, { limit: 9 }), []);
  const current = new Attempt(bench.store, now);
  assert.equal(await current.settle({ kind: "completed", result: { json: '"new"' } }), true);
  assert.deepEqual((await bench.record(entry.record.id)).result, { json: '"new"' });
});

Deno.test("a task that was put back, and deleted before the reaper heard of that, stops nothing", async () => {
  const faulty = new FaultyKv();
  await using bench = await aBench({ wrap: faulty.wrap });
  const [{ record: { id } }] = await aWorker(bench, "w", [{}]);
  const { store, clock } = bench;
  const reaper = new Reaper(store, LEASE_MS, () => assert.fail("it is gone"));
  const elsewhere = new Store({ kv: bench.kv, clock, ids: bench.ids });
  faulty.meanwhile = async () => {
    await elsewhere.update("settle", id, ({ record: { id, rev } }) => {
      return { next: { id, rev, op: "", forgottenAt: clock.now() } };
    });
  };
  faulty.next.push(...Array<Mishap>(1), "applied, throws");
  await clock.run(pass(bench, reaper, 2 * LEASE_MS));
  assert.deepEqual(faulty.next, []);
  const [entry] = await store.readMany([id]);
  assert.ok(entry === null || isForgotten(entry.record));
});
