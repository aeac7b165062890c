import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Notifier } from "../../../runtime/queries/notifier.ts";
import { AutoResetEvent } from "../../../runtime/platform/auto_reset_event.ts";
import { Store } from "../../../runtime/store/store.ts";
import { type Entry, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { cancelled, claimed } from "../../../runtime/core/transitions.ts";
import { aBench, type Bench, taskOf } from "../../support/builders.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { Random } from "../../support/random.ts";
import { turn } from "../../support/waiting.ts";

function aNotifier(bench: Bench): Notifier {
  const notifier = new Notifier(bench.store);
  bench.store.subscribe({ applied: (entry) => notifier.publish(entry) });
  return notifier;
}

const cancel = async (bench: Bench, id: string, store = bench.store) =>
  await store.update("settle", id, ({ record }) => {
    return { next: cancelled(record as TaskRecord, bench.clock.now(), null) };
  }) as Entry;

const another = ({ kv, clock, ids }: Bench) => new Store({ kv, clock, ids });

Deno.test("ended() gives a task at once that has ended, that is not there, or that nobody waits for", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [{ record: { id } }] = await bench.submit({});
  assert.equal(typeOf(taskOf(await notifier.ended(id, 0))), "PENDING");
  assert.equal(await notifier.ended(bench.ids.id(), 1_000), null);
  await cancel(bench, id);
  assert.equal(typeOf(taskOf(await notifier.ended(id, 1_000))), "CANCELLED");
  assert.equal(notifier.watched, 0);
});

Deno.test("ended() resolves when the task ends, and not at the changes before", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [{ record: { id } }] = await bench.submit({});
  let ended = false;
  const waiting = notifier.ended(id, 60_000).finally(() => ended = true);
  await turn();
  await bench.store.update(
    "settle",
    id,
    ({ record }) => ({ next: { ...record, tags: ["x"] } as TaskRecord }),
  );
  await turn();
  assert.equal(ended, false);
  await cancel(bench, id);
  assert.equal(typeOf(taskOf(await waiting)), "CANCELLED");
  assert.equal(notifier.watched, 0);
  assert.equal(bench.clock.timers, 0);
});

Deno.test("an end between the watch and the read is not missed", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [{ record: { id } }] = await bench.submit({});
  const { read } = bench.store;
  bench.store.read = async (...args) => {
    const old = await read.apply(bench.store, args);
    bench.store.read = read;
    await cancel(bench, id);
    return old;
  };
  assert.equal(typeOf(taskOf(await notifier.ended(id, 60_000))), "CANCELLED");
});

Deno.test("a version that comes late does not take an end back", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [old] = await bench.submit({});
  const { id } = old.record;
  const waiting = notifier.ended(id, 60_000);
  await turn();
  // Another process ends it; two sweeps bring what they read in the wrong order.
  const end = await cancel(bench, id, another(bench));
  notifier.publish(end);
  notifier.publish(old);
  assert.equal(typeOf(taskOf(await waiting)), "CANCELLED");
});

Deno.test("ended() gives the newest version when the time is over, or the caller has gone", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [{ record: { id } }] = await bench.submit({});
  const lease = { worker: "w", token: "t" };
  const gone = new AbortController();
  const both = [notifier.ended(id, 5_000), notifier.ended(id, 60_000, gone.signal)];
  await turn();
  await bench.store.update("settle", id, ({ record }) => ({ next: claimed(record as TaskRecord, 1, lease) }));
  await turn();
  bench.clock.advance(5_000);
  assert.equal(typeOf(taskOf(await both[0])), "RUNNING");
  gone.abort();
  assert.equal(typeOf(taskOf(await both[1])), "RUNNING");
  assert.equal(notifier.watched, 0);
  assert.equal(bench.clock.timers, 0);
});

Deno.test("a sweep finds what another process did", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [{ record: { id } }] = await bench.submit({});
  const waiting = notifier.ended(id, 60_000);
  await turn();
  await cancel(bench, id, another(bench));
  await notifier.sweep();
  assert.equal(typeOf(taskOf(await waiting)), "CANCELLED");
});

/** Submitted one after the other, so that their ids stand side by side. */
async function many(bench: Bench, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 500) {
    const entries = await bench.submit(...Array.from({ length: Math.min(500, left) }, () => ({})));
    ids.push(...entries.map(({ record }) => record.id));
  }
  return ids;
}

Deno.test("one sweep finds what other processes did, however many tasks are watched", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const ids = await many(bench, 5_000);
  const ended = new Set<string>();
  const stop = notifier.watch(ids, (entry, id) => {
    if (entry && typeOf(taskOf(entry)) === "CANCELLED") ended.add(id);
  });
  const elsewhere = another(bench);
  const changed = ids.filter((_, i) => i % 500 === 7 || i > 4_990);
  for (const id of changed) await cancel(bench, id, elsewhere);
  await notifier.sweep();
  assert.deepEqual([...ended].sort(), changed.sort());
  stop();
});

Deno.test("a sweep tells what has changed since the last one, and reads tasks that stand together at once", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const ids = await many(bench, 2_000);
  const told: string[] = [];
  const stop = notifier.watch(ids, (_, id) => told.push(id));
  await notifier.sweep();
  assert.equal(told.length, ids.length);
  await cancel(bench, ids[5], another(bench));
  let reads = 0;
  for (const name of ["list", "getMany"] as const) {
    const read = bench.kv[name].bind(bench.kv) as (...args: unknown[]) => never;
    bench.kv[name] = (...args: unknown[]) => {
      if (name === "list" || (args[0] as unknown[]).length > 0) reads++;
      return read(...args);
    };
  }
  await notifier.sweep();
  assert.deepEqual(told.slice(ids.length), [ids[5]]);
  assert.ok(reads <= 5, `${reads} reads`);
  stop();
});

Deno.test("a sweep finds each task, and each that is gone, wherever they stand", async () => {
  await using bench = await aBench();
  const random = new Random(7);
  const all = await many(bench, 1_500);
  const nobody = Array.from({ length: 50 }, () => crypto.randomUUID());
  for (const share of [0.01, 0.1, 0.3, 0.6, 1]) {
    const notifier = aNotifier(bench);
    const ids = [...all.filter((_, i) => random.chance(i < 700 ? share : share / 2)), ...nobody];
    const told = new Map<string, boolean>();
    const stop = notifier.watch(ids, (entry, id) => told.set(id, entry !== null));
    await notifier.sweep();
    assert.deepEqual([...told.keys()].sort(), ids.toSorted());
    assert.deepEqual(ids.filter((id) => !told.get(id)), nobody);
    stop();
  }
});

Deno.test("sweeps come one after the other, and long ones leave half of the time to others", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const ids = await many(bench, 60);
  const stop = notifier.watch(ids, () => {});
  const begun: number[] = [];
  const { list } = bench.kv;
  let underWay = 0;
  bench.kv.list = async (...args) => {
    assert.equal(++underWay, 1);
    begun.push(bench.clock.monotonic());
    const page = await list.apply(bench.kv, args);
    // The database is slow.
    bench.clock.advance(100);
    underWay--;
    return page as never;
  };
  const sweeps = [notifier.sweep(), notifier.sweep(), notifier.sweep()];
  await bench.clock.run(Promise.all(sweeps));
  assert.deepEqual(begun, [0, 200]);
  const last = [notifier.sweep(), notifier.sweep()];
  notifier.stop();
  await Promise.all(last);
  assert.equal(begun.length, 3, "after a stop none begins");
  stop();
});

Deno.test("a sweep tells that a task is gone", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const told: unknown[] = [];
  const stop = notifier.watch(["nobody"], (entry) => told.push(entry));
  await notifier.sweep();
  assert.deepEqual(told, [null]);
  stop();
});

Deno.test("every waiter is told, also one that leaves while it is told, and none after it left", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  const [entry] = await bench.submit({});
  const told: string[] = [];
  const stopFirst = notifier.watch([entry.record.id], () => {
    told.push("first");
    stopFirst();
  });
  const stop = notifier.watch([entry.record.id], () => told.push("second"));
  notifier.publish(entry);
  notifier.publish(entry);
  stop();
  notifier.publish(entry);
  assert.deepEqual(told, ["first", "second", "second"]);
  assert.equal(notifier.watched, 0);
});

Deno.test("a group's waiters are told of ends in the group only, and at each sweep", async () => {
  await using bench = await aBench();
  const notifier = aNotifier(bench);
  let rings = 0;
  const stop = notifier.watchGroup("g", () => rings++);
  const [inside, outside] = await bench.submit({ groups: ["g"] }, {});
  assert.equal(rings, 0);
  await cancel(bench, outside.record.id);
  assert.equal(rings, 0);
  await cancel(bench, inside.record.id);
  assert.equal(rings, 1);
  await notifier.sweep();
  assert.equal(rings, 2);
  stop();
  assert.equal(notifier.watched, 0);
});

Deno.test("a bell that was rung before is not waited for, and rings in between are one", async () => {
  const clock = new ManualClock();
  const bell = new AutoResetEvent(clock);
  bell.ring();
  bell.ring();
  assert.equal(await bell.next(1_000), true);
  const waiting = bell.next(1_000);
  clock.advance(1_000);
  assert.equal(await waiting, false);
  const again = bell.next(1_000);
  bell.ring();
  assert.equal(await again, true);
  assert.equal(clock.timers, 0);
});
