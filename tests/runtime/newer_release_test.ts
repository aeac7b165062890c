// Beside a process of a newer release, whose records this one cannot read: it leaves these tasks as they are,
// goes on with all others, and does not try the same again and again.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { RELEASE } from "../../runtime/core/release.ts";
import { NewerRecordError } from "../../runtime/core/errors.ts";
import { type TaskRecord, typeOf } from "../../runtime/core/task.ts";
import { GarbageCollector } from "../../runtime/maintenance/garbage_collector.ts";
import { Reaper } from "../../runtime/maintenance/reaper.ts";
import { Reconciler } from "../../runtime/maintenance/reconciler.ts";
import { Timers } from "../../runtime/maintenance/timers.ts";
import { prefixes } from "../../runtime/platform/keys.ts";
import { Notifier } from "../../runtime/queries/notifier.ts";
import { RECORD_VERSION } from "../../runtime/store/record_codec.ts";
import { Store } from "../../runtime/store/store.ts";
import { claim } from "../../runtime/worker/claim.ts";
import { aBench, type Bench, keys, upTo } from "../support/builders.ts";
import { rewrittenByNewer as rewrite } from "../support/newer_release.ts";
import { composing, elsewhere, ownIds } from "../support/composing.ts";
import { FaultyKv, MISHAPS } from "../support/faulty_kv.ts";

const LEASE_MS = 9_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** All that stands in the database about a task. */
async function allOf(bench: Bench, id: string): Promise<Deno.KvEntry<unknown>[]> {
  const all = await bench.all();
  return all.filter(({ key, value }) => JSON.stringify([key, value]).includes(id));
}

/** Another process of this release, which remembers nothing, and what it is told. */
function another({ kv, clock, ids }: Bench): { store: Store; told: string[] } {
  const told: string[] = [];
  const store = new Store({ kv, clock, ids, onNewer: ({ message }) => told.push(message) });
  return { store, told };
}

const take = (store: Store) => claim(store, { worker: "w", shard: 0, ...upTo(10) });

Deno.test("a claim passes over what a newer release has written, and is told of it once", async () => {
  await using bench = await aBench();
  const [one, newer, two] = await bench.submit({ priority: 1 }, { priority: 2 }, {});
  await rewrite(bench, newer.record.id);
  const before = await allOf(bench, newer.record.id);
  const { store, told } = another(bench);
  const { entries } = await take(store);
  assert.deepEqual(entries.map(({ record }) => record.id), [one.record.id, two.record.id]);
  const again = await take(store);
  assert.deepEqual([again.entries, again.more.inline], [[], false]);
  assert.deepEqual(await allOf(bench, newer.record.id), before);
  assert.deepEqual(told, [
    `task ${newer.record.id} was written by Errand 0.9.3 (record version ${
      RECORD_VERSION + 1
    }); this is Errand ` +
    `${RELEASE}, which reads record versions up to ${RECORD_VERSION}: run Errand 0.9.3 or a later one on this database`,
  ]);
});

Deno.test("a claim gets on also if nothing but such tasks wait at the head of the queue", async () => {
  await using bench = await aBench();
  const newer = await bench.submit(...Array.from({ length: 25 }, () => ({ priority: 5 })));
  for (const { record } of newer) await rewrite(bench, record.id);
  const [own] = await bench.submit({});
  const { store } = another(bench);
  const claimed: string[] = [];
  for (let rounds = 0; rounds < 4; rounds++) {
    claimed.push(...(await take(store)).entries.map(({ record }) => record.id));
  }
  assert.deepEqual(claimed, [own.record.id]);
});

Deno.test("timers of such tasks stay, and those of others fire", async () => {
  await using bench = await aBench();
  const runAt = bench.clock.now() + 100;
  const entries = await bench.submit({ runAt }, { runAt }, { expiresAt: runAt }, {});
  const [own, scheduled, expiring, ended] = entries.map(({ record }) => record.id);
  await bench.store.update("settle", ended, ({ record }) => ({
    next: { ...record, hasEvents: true, cancel: { reason: null, graceMs: 0 } } as TaskRecord,
  }));
  for (const id of [scheduled, expiring]) await rewrite(bench, id);
  await rewrite(bench, ended, { finishedAt: bench.clock.now() });
  await bench.kv.writeBlind([{ key: keys.due("purge", runAt, ended), value: null }], 0);
  const before = await Promise.all([scheduled, expiring, ended].map((id) => allOf(bench, id)));
  bench.clock.advance(DAY_MS);
  await new Timers(another(bench).store, bench.values).tick();
  assert.equal(typeOf(await bench.record(own)), "PENDING");
  assert.deepEqual(await Promise.all([scheduled, expiring, ended].map((id) => allOf(bench, id))), before);
});

Deno.test("of a dead worker's tasks such a one keeps its lease, for a reaper of the newer release", async () => {
  await using bench = await aBench();
  await bench.submit({});
  const [own] = (await take(bench.store)).entries;
  await bench.submit({});
  const [newer] = (await take(bench.store)).entries;
  await rewrite(bench, newer.record.id);
  const before = await allOf(bench, newer.record.id);
  const reaper = new Reaper(another(bench).store, LEASE_MS);
  let handedOn = 0;
  for (let looks = 0; looks < 6; looks++) {
    bench.clock.advance(LEASE_MS / 2);
    handedOn += await reaper.tick();
  }
  assert.equal(handedOn, 1);
  assert.equal(typeOf(await bench.record(own.record.id)), "PENDING");
  assert.deepEqual(await allOf(bench, newer.record.id), before);
});

Deno.test("what such a task has stored is no garbage, and a driver that seems to be missing is its own business", async () => {
  await using bench = await aBench();
  const [{ record: { id } }, lost] = await bench.submit({}, {});
  const large = JSON.stringify("x".repeat(20_000));
  await bench.values.store(id, large);
  await bench.kv.writeBlind([{ key: keys.event(id, 3), value: "an event" }], 0);
  await rewrite(bench, id);
  const ready = await bench.kv.list({ prefix: prefixes.allReady }, { limit: 9 });
  await bench.kv.writeBlind(ready.map(({ key }) => ({ key })), 0);
  const before = await allOf(bench, id);
  const { store } = another(bench);
  const collector = new GarbageCollector(store, bench.values);
  for (let looks = 0; looks < 30; looks++) {
    bench.clock.advance(5 * 60_000);
    assert.equal(await collector.tick(), 0);
  }
  const repaired: string[] = [];
  await new Reconciler(store, bench.values, (id) => repaired.push(id)).tick();
  assert.deepEqual(repaired, [lost.record.id]);
  assert.deepEqual(await allOf(bench, id), before);
});

Deno.test("what is to follow from such a task stays in the outbox, and the rest of it is done", async () => {
  await using bench = await composing();
  const [a, b, c, d] = ownIds(4);
  await bench.call([{ id: a }, { id: b, options: { waitFor: [a] } }, { id: c }, {
    id: d,
    options: { waitFor: [c] },
  }]);
  await bench.run(a);
  await bench.run(c);
  await rewrite(bench, b);
  const before = await allOf(bench, b);
  const { follower } = elsewhere(bench);
  follower.start();
  await follower.sweep();
  await follower.stop();
  assert.equal(await bench.state(d), "Pending");
  assert.deepEqual(await bench.left("outbox"), [keys.outbox(b)]);
  assert.deepEqual(await allOf(bench, b), before);
});

Deno.test("who waits for other tasks hears of them all the same", async () => {
  await using bench = await aBench();
  const [newer, own] = await bench.submit({}, {});
  const { store } = another(bench);
  const notifier = new Notifier(store);
  const heard: string[] = [];
  const stop = notifier.watch([newer.record.id, own.record.id], (_, id) => heard.push(id));
  await rewrite(bench, newer.record.id);
  await notifier.sweep();
  stop();
  assert.deepEqual(heard, [own.record.id]);
  await assert.rejects(notifier.ended(newer.record.id, 0), NewerRecordError);
});

for (const mishap of MISHAPS.filter((mishap) => mishap !== "lost, throws")) {
  Deno.test(`a commit that was ${mishap}, of a task that a newer release has gone on with since, was applied`, async () => {
    const faulty = new FaultyKv();
    await using bench = await aBench({ wrap: faulty.wrap });
    const id = bench.ids.id();
    faulty.next.push(mishap);
    faulty.meanwhile = async () => {
      const { op } = JSON.parse(
        new TextDecoder().decode((await bench.kv.get<Uint8Array>(keys.task(id))).value!),
      );
      await rewrite(bench, id, { ops: [op] });
    };
    const [entry] = await bench.clock.run(bench.submit({ id }));
    assert.equal(entry.record.id, id);
  });
}
