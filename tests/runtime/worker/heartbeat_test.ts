import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Reaper } from "../../../runtime/maintenance/reaper.ts";
import { type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { beatInstead, type HeartbeatRecord } from "../../../runtime/store/leases.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { silentLog } from "../../../runtime/platform/log.ts";
import { Heartbeat } from "../../../runtime/worker/heartbeat.ts";
import { LeaseBook } from "../../../runtime/worker/lease_book.ts";
import { Slots } from "../../../runtime/worker/slots.ts";
import { aBench, type Bench, upTo } from "../../support/builders.ts";

const LEASE_MS = 9_000;

Deno.test("what a worker no longer leases is gone with its next heartbeat, also if it claims nothing more", async () => {
  await using bench = await aBench();
  const leases = new LeaseBook("w");
  const heartbeat = new Heartbeat(bench.store, {
    worker: "w",
    concurrency: 1,
    leaseMs: 9_000,
    slots: new Slots({ inline: 1, thread: 1 }, () => {}),
    leases,
    log: silentLog,
  });
  for (const block of ["over", "held"]) {
    leases.open(block, [block]);
    await bench.kv.writeBlind([{ key: keys.lease("w", block), value: [block] }], 0);
  }
  leases.close("over", "over");
  await heartbeat.beat();
  const left = await bench.kv.list({ prefix: prefixes.leases }, { limit: 9 });
  assert.deepEqual(left.map(({ key }) => key), [keys.lease("w", "held")]);
});

/** Instead of a thread. */
class FakeStandIn {
  signs = 0;
  isStarted = false;
  isStopped = false;
  start() {
    this.isStarted = true;
  }
  signOfLife() {
    this.signs++;
  }
  stop() {
    this.isStopped = true;
    return Promise.resolve();
  }
}

const withStandIn = (bench: Bench, worker: string, standIn: FakeStandIn) =>
  new Heartbeat(bench.store, {
    worker,
    concurrency: 1,
    leaseMs: LEASE_MS,
    slots: new Slots({ inline: 1, thread: 1 }, () => {}),
    leases: new LeaseBook(worker),
    log: silentLog,
    standIn,
  });

Deno.test("a worker that is alone has no stand-in; once there is another one it has, until it stops", async () => {
  await using bench = await aBench();
  const [mine, others] = [new FakeStandIn(), new FakeStandIn()];
  const heartbeat = withStandIn(bench, "w", mine);
  await heartbeat.beat();
  assert.deepEqual([mine.isStarted, mine.signs], [false, 1]);
  await withStandIn(bench, "x", others).beat();
  assert.equal(others.isStarted, true);
  await heartbeat.beat();
  assert.deepEqual([mine.isStarted, mine.signs, mine.isStopped], [true, 2, false]);
  await heartbeat.stop();
  assert.equal(mine.isStopped, true);
});

Deno.test("a worker whose stand-in beats is not taken for dead, and goes on beating itself afterwards", async () => {
  await using bench = await aBench();
  const { kv, clock } = bench;
  const key = keys.worker("w");
  const standIn = new FakeStandIn();
  const heartbeat = withStandIn(bench, "w", standIn);
  const [{ record: { id } }] = await bench.submit({});
  await heartbeat.beat();
  await claim(bench.store, { worker: "w", shard: 0, ...upTo(1) });
  const reaper = new Reaper(bench.store, LEASE_MS);
  for (let looks = 0; looks < 30; looks++) {
    await beatInstead(kv.writer, key);
    assert.equal(await reaper.tick(), 0);
    clock.advance(LEASE_MS / 3);
  }
  // The first one finds that somebody else has written; the stand-in hears of it all the same.
  await heartbeat.beat();
  assert.equal(standIn.signs, 2);
  const { versionstamp } = await kv.get(key);
  await heartbeat.beat();
  assert.notEqual((await kv.get(key)).versionstamp, versionstamp);
  assert.equal(typeOf((await bench.record(id)) as TaskRecord), "RUNNING");
});

Deno.test("a stand-in raises no worker from the dead, and passes over what the worker has written itself", async () => {
  await using bench = await aBench();
  const { kv } = bench;
  const key = keys.worker("w");
  await beatInstead(kv.writer, key);
  assert.equal((await kv.get(key)).value, null);
  const heartbeat = withStandIn(bench, "w", new FakeStandIn());
  await heartbeat.beat();
  const between = {
    get: async <T>(key: Deno.KvKey) => {
      const found = await kv.get<T>(key);
      await heartbeat.beat();
      return found;
    },
    atomic: () => kv.atomic(),
  };
  await beatInstead(between, key);
  const { value } = await kv.get<HeartbeatRecord>(key);
  assert.doesNotMatch(value!.rev, /instead/);
});
