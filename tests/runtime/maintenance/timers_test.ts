import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { edgeWrite } from "../../../runtime/dependencies/edges.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import type { Barrier } from "../../../runtime/dependencies/barrier.ts";
import { stateOf, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { type GroupRecord, newGroup } from "../../../runtime/store/group_counters.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { cancelled, claimed, retried, settled } from "../../../runtime/core/transitions.ts";
import { Store } from "../../../runtime/store/store.ts";
import { aBench, type Bench, onEachBackend } from "../../support/builders.ts";

const move = (bench: Bench, id: string, step: (record: TaskRecord, now: number) => TaskRecord) =>
  bench.store.update("settle", id, ({ record }) => ({ next: step(record as TaskRecord, bench.clock.now()) }));

const dues = async ({ kv }: Bench) =>
  (await kv.list({ prefix: ["due"] }, { limit: 999 })).map(({ key }) => key);

onEachBackend(
  "tick() makes a scheduled task ready at its time and not before, and says when it wants to be called",
  async (path) => {
    await using bench = await aBench({ path });
    const timers = new Timers(bench.store, bench.values);
    assert.equal(await timers.tick(), null);
    const runAt = bench.clock.now() + 1_000;
    const [one] = await bench.submit({ runAt }, { runAt: runAt + 500 });
    assert.equal(await timers.tick(), runAt);
    bench.clock.advance(999);
    assert.equal(await timers.tick(), runAt);
    assert.equal(typeOf(await bench.record(one.record.id)), "SCHEDULED");
    bench.clock.advance(1);
    assert.equal(await timers.tick(), runAt + 500);
    const record = await bench.record(one.record.id);
    assert.equal(typeOf(record), "PENDING");
    assert.ok(record.queued);
    assert.equal((await dues(bench)).length, 1);
  },
);

Deno.test("tick() expires a task that waits, scheduled or ready, and none that has started", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  const expiresAt = bench.clock.now() + 100;
  const entries = await bench.submit({ expiresAt }, { expiresAt, runAt: expiresAt + 100 }, { expiresAt });
  const [ready, scheduled, started] = entries.map(({ record }) => record.id);
  await move(bench, started, (record, now) => claimed(record, now, { worker: "w", token: "t" }));
  bench.clock.advance(100);
  await timers.tick();
  for (const id of [ready, scheduled]) assert.equal(stateOf(await bench.record(id)).name, "Expired");
  assert.equal(typeOf(await bench.record(started)), "RUNNING");
  assert.deepEqual(await dues(bench), []);
});

Deno.test("what is due beyond one round is processed in the next one at once", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  await bench.submit(...Array.from({ length: 520 }, () => ({ runAt: bench.clock.now() + 1 })));
  bench.clock.advance(1);
  assert.equal(await timers.tick(), bench.clock.now());
  assert.equal(await timers.tick(), null);
  assert.deepEqual(await dues(bench), []);
});

Deno.test("tick() removes strays without touching a task", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  const [{ record: { id } }] = await bench.submit({});
  const at = bench.clock.now() - 1;
  const strays = [keys.due("start", at, id), keys.due("expire", at, id), keys.due("start", at, "nobody")];
  await bench.kv.writeBlind(strays.map((key) => ({ key, value: null })), 0);
  const before = await bench.record(id);
  await timers.tick();
  assert.deepEqual(await dues(bench), []);
  assert.deepEqual(await bench.record(id), before);
});

Deno.test("a purge removes what a task stored once its retention is over, and not before", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  const id = bench.ids.id();
  const input = await bench.values.store(id, JSON.stringify("x".repeat(20_000)));
  await bench.submit({ id, input, retentionMs: 1_000, createdAt: bench.clock.now() - 60_000 });
  await move(bench, id, (record, now) => cancelled(record, now, null));
  const blobs = async () => (await bench.kv.list({ prefix: prefixes.blobs(id) }, { limit: 9 })).length;
  bench.clock.advance(999);
  await timers.tick();
  assert.equal(await blobs(), 1);
  bench.clock.advance(1);
  await timers.tick();
  assert.equal(await blobs(), 0);
  assert.deepEqual(await dues(bench), []);
});

onEachBackend("a submit that is read back after its task was purged is not stored again", async (path) => {
  await using bench = await aBench({ path });
  const elsewhere = { ...bench, store: new Store(bench) };
  const timers = new Timers(elsewhere.store, bench.values);
  const { commit } = bench.kv;
  bench.kv.commit = async (atomic) => {
    await commit.call(bench.kv, atomic);
    bench.kv.commit = commit;
    // Before the answer is lost, the task is cancelled in another process and is over.
    const [{ key }] = await bench.kv.list({ prefix: prefixes.task }, { limit: 1 });
    await move(elsewhere, key[1] as string, (record, now) => cancelled(record, now, null));
    await timers.tick();
    throw new Error("the answer is lost");
  };
  const [{ record: { id } }] = await bench.clock.run(bench.submit({ retentionMs: 0, hasEvents: true }));
  assert.equal(await bench.store.read(id), null);
  const [tombstone] = await bench.store.peekMany([id]);
  assert.ok(tombstone && "isPast" in tombstone.record);
  assert.deepEqual(await dues(bench), []);
});

Deno.test("a task that was retried is not purged at the time of its past end", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  const createdAt = bench.clock.now() - 60_000;
  const [{ record: { id } }] = await bench.submit({ retentionMs: 1_000, hasEvents: true, createdAt });
  await bench.kv.writeBlind([{ key: keys.event(id, 9), value: 1 }], 0);
  await move(bench, id, (record, now) => cancelled(record, now, null));
  bench.clock.advance(500);
  await move(bench, id, (record, now) => retried(record, now, record.input));
  bench.clock.advance(5_000);
  await timers.tick();
  assert.equal((await bench.kv.list({ prefix: prefixes.events(id) }, { limit: 9 })).length, 1);
  await move(bench, id, (record, now) => cancelled(record, now, null));
  bench.clock.advance(1_000);
  await timers.tick();
  assert.equal((await bench.kv.list({ prefix: prefixes.events(id) }, { limit: 9 })).length, 0);
});

Deno.test("what a forgotten task stored is removed at once", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  const [{ record: { id } }] = await bench.submit({ tags: ["t"] });
  await bench.kv.writeBlind([{ key: keys.event(id, 9), value: 1 }], 0);
  await move(bench, id, (record, now) => cancelled(record, now, null));
  await bench.store.update("settle", id, ({ record: { rev } }) => {
    return { next: { id, op: "", rev, forgottenAt: bench.clock.now() } };
  });
  await timers.tick();
  // The block of the queue is the next claim's to clear.
  const left = (await bench.all()).map(({ key }) => key).filter(([kind]) => kind !== "ready");
  assert.deepEqual(left, [keys.task(id)]);
});

Deno.test("a retry waits for its back-off", async () => {
  await using bench = await aBench();
  const timers = new Timers(bench.store, bench.values);
  const [{ record: { id } }] = await bench.submit({ maxAttempts: 2 });
  await move(bench, id, (record, now) => claimed(record, now, { worker: "w", token: "t" }));
  const error = { name: "Error", message: "no", retryable: true };
  await move(bench, id, (record, now) => settled(record, now, { kind: "failed", error }, () => 1));
  assert.equal(await timers.tick(), bench.clock.now() + 1_000);
  bench.clock.advance(1_000);
  await timers.tick();
  assert.equal(typeOf(await bench.record(id)), "PENDING");
});

Deno.test("a timer of another time does not start a scheduled task early", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({ runAt: bench.clock.now() + 1_000 });
  await bench.kv.writeBlind([{ key: keys.due("start", bench.clock.now(), id), value: null }], 0);
  await new Timers(bench.store, bench.values).tick();
  assert.equal(typeOf(await bench.record(id)), "SCHEDULED");
  assert.equal((await dues(bench)).length, 1);
});

Deno.test("a timer of a barrier that was raised anew since gives nothing up, nor does one of a barrier that was lifted", async () => {
  await using bench = await aBench();
  const { kv, clock, store, values } = bench;
  const timers = new Timers(store, values);
  const aMinute = async () => {
    for (let step = 0; step < 3; step++) {
      await timers.tick();
      clock.advance(30_000);
    }
  };
  const [{ record: { id } }] = await bench.submit({
    deps: { upstreams: { json: "[]" }, total: 0, waitFor: 0, allowFailure: false, released: false },
  });
  const seal = `seal-${id}`;
  const at = clock.now();
  const later = at + 600_000;
  const block = edgeWrite(seal, "b", [id], null, "direct");
  const put = (sealed: boolean) =>
    kv.writeBlind([
      { key: keys.barrier(seal), value: { sealed, until: later, by: "x" } satisfies Barrier },
      { key: keys.due("unseal", at, seal), value: null },
      { key: keys.due("unseal", later, seal), value: null },
      block,
    ], 0);
  await put(false);
  await aMinute();
  assert.deepEqual(await dues(bench), [keys.due("unseal", later, seal)]);
  assert.equal(stateOf(await bench.record(id)).name, "AwaitingDependencies");
  await put(true);
  clock.advance(600_000);
  await aMinute();
  assert.deepEqual(await dues(bench), []);
  assert.equal(stateOf(await bench.record(id)).name, "AwaitingDependencies");
  assert.ok((await kv.get(block.key)).value, "the follower takes it away");
  await put(false);
  await aMinute();
  assert.equal(stateOf(await bench.record(id)).name, "Cancelled");
  assert.equal((await kv.get<Barrier>(keys.barrier(seal))).value?.givenUp, true);
  assert.equal((await kv.get(block.key)).value, null);
});

Deno.test("a call that goes on is not taken for cut off by a process whose clock is ahead", async () => {
  await using bench = await aBench();
  const { kv, clock, store, values } = bench;
  const timers = new Timers(store, values);
  const [group, barrier] = ["g", "seal-a"];
  await kv.writeBlind(newGroup({ id: group, total: 2 }, clock.now()), clock.now());
  await kv.writeBlind([{ key: keys.index("group", group, "a"), value: 0 }], 0);
  const at = clock.now() - 1;
  const renew = () =>
    kv.writeBlind([
      { key: keys.barrier(barrier), value: { sealed: false, until: at, by: "x" } satisfies Barrier },
      { key: keys.due("unseal", at, barrier), value: null },
      { key: keys.due("recount", at, group), value: null },
    ], 0);
  for (let step = 0; step < 10; step++) {
    await renew();
    clock.advance(20_000);
    await timers.tick();
  }
  const total = async () => (await kv.get<GroupRecord>(keys.group(group))).value!.total;
  assert.equal(await total(), 2);
  assert.equal((await kv.get<Barrier>(keys.barrier(barrier))).value?.givenUp, undefined);
  // It is cut off, and one of its two tasks is there.
  for (let step = 0; step < 3; step++) {
    clock.advance(30_000);
    await timers.tick();
  }
  assert.equal(await total(), 1);
  assert.equal((await kv.get<Barrier>(keys.barrier(barrier))).value?.givenUp, true);
});
