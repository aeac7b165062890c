// How long groups live: as long as their tasks, and a week at the least.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { GarbageCollector } from "../../../runtime/maintenance/garbage_collector.ts";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { concurrencyLimitId, groupEndSubject } from "../../../runtime/platform/outbox_subject.ts";
import { Groups } from "../../../runtime/queries/groups.ts";
import { doneOf, type GroupRecord } from "../../../runtime/store/group_counters.ts";
import type { Submission } from "../../../runtime/core/submission.ts";
import { InputResolver } from "../../../runtime/worker/input_resolver.ts";
import { batchOf, type Composing, composing, resultOf } from "../../support/composing.ts";
import { ExpiringKv } from "../../support/expiring_kv.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

interface Days extends Composing {
  /** Days pass; what is due is done, and what has expired goes. */
  days(count: number): Promise<void>;
  groupOf(
    submissions: Partial<Submission>[],
    maxConcurrent?: number,
  ): Promise<{ group: string; ids: string[] }>;
  states(ids: string[]): Promise<string[]>;
  /** Looks through all tasks. @returns what was wrong. */
  repair(): Promise<string[]>;
}

async function days(): Promise<Days> {
  const expiring = new ExpiringKv();
  const bench = await composing({ wrap: expiring.wrap });
  expiring.clock = bench.clock;
  const timers = new Timers(bench.store, bench.values);
  return {
    ...bench,
    async days(count) {
      for (let day = 0; day < count; day++) {
        bench.clock.advance(DAY_MS);
        await expiring.expire();
        for (let next = await timers.tick(); next !== null && next <= bench.clock.now();) {
          next = await timers.tick();
        }
        await bench.follow();
      }
    },
    async groupOf(submissions, maxConcurrent) {
      const made = await bench.submitter.submit({ batch: batchOf(submissions), group: true, maxConcurrent });
      return { group: made.groupId!, ids: made.ids };
    },
    states: (ids) => Promise.all(ids.map(bench.state)),
    async repair() {
      const said: string[] = [];
      await new Reconciler(bench.store, bench.values, (_, what) => said.push(what)).tick();
      await bench.follow();
      return said;
    },
  };
}

const delayed = (inDays: number) => ({ options: { delayMs: inDays * DAY_MS } });
const kept = (forDays: number) => ({ options: { retentionMs: forDays * DAY_MS } });

Deno.test("tasks delayed by more than a week run one after the other where one may run at once", async () => {
  await using bench = await days();
  const { ids } = await bench.groupOf([delayed(8), delayed(8), delayed(8)], 1);
  await bench.days(8);
  for (const [place, id] of ids.entries()) {
    const waiting = ids.slice(place + 1).map(() => "AwaitingConcurrencySlot");
    assert.deepEqual(await bench.states(ids.slice(place)), ["Pending", ...waiting]);
    await bench.run(id);
    await bench.follow();
  }
});

Deno.test("a task that is retried after more than a week gets a slot of its group", async () => {
  await using bench = await days();
  const { ids } = await bench.groupOf([kept(30), kept(30), kept(30)], 2);
  for (const id of ids) {
    await bench.run(id, "fails");
    await bench.follow();
  }
  await bench.days(8);
  for (const id of ids) await bench.retry(id);
  await bench.follow();
  assert.deepEqual(await bench.states(ids), ["Pending", "Pending", "AwaitingConcurrencySlot"]);
  await bench.run(ids[0]);
  await bench.follow();
  assert.equal(await bench.state(ids[2]), "Pending");
  assert.deepEqual(await bench.repair(), []);
});

Deno.test("a group is there as long as one of its tasks, with each end in its log", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([kept(1), delayed(20)]);
  const groups = new Groups(bench.store);
  await bench.run(ids[0]);
  await bench.days(20);
  const record = await groups.record(group);
  assert.deepEqual([doneOf(record), record.total], [1, 2]);
  await bench.run(ids[1]);
  assert.equal(doneOf(await groups.record(group)), 2);
  assert.deepEqual((await groups.log(group, 1, 9)).map(({ task }) => task), ids);
});

Deno.test("a group goes a week after its last change, once its tasks are gone, and leaves nothing", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([kept(10), kept(1), kept(1)], 2);
  for (const id of ids) {
    await bench.run(id);
    await bench.follow();
  }
  const isThere = async () => (await bench.kv.get(keys.group(group))).versionstamp !== null;
  await bench.days(10);
  assert.ok(await isThere());
  await bench.days(3);
  assert.equal(await isThere(), false);
  // Records go with the garbage collector's or KV's own time.
  await new GarbageCollector(bench.store, bench.values).tick();
  assert.deepEqual(await bench.left("group", "groups", "window", "late", "due", "outbox", "index"), []);
});

Deno.test("a group of a release that listed none is listed from the pruner's next look on", async () => {
  await using bench = await days();
  const { group } = await bench.groupOf([delayed(20)]);
  await bench.kv.writeBlind([{ key: keys.listedGroup(group) }], 0);
  await bench.days(6);
  assert.deepEqual(await bench.left("groups"), []);
  await bench.days(2);
  assert.equal((await bench.left("groups")).length, 1);
});

Deno.test("a long log is removed over several calls", async () => {
  await using bench = await days();
  const { group } = await bench.groupOf([]);
  for (let from = 1; from <= 25_000; from += 500) {
    const writes = Array.from({ length: 500 }, (_, i) => {
      return { key: keys.groupDone(group, from + i, "a task"), value: { type: "COMPLETED", again: false } };
    });
    await bench.kv.writeBlind(writes, 0);
  }
  await bench.days(9);
  assert.deepEqual(await bench.left("group", "due"), []);
});

Deno.test("a task that waits for a slot of a group that is gone runs", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}, {}, {}], 1);
  await bench.run(ids[0]);
  await bench.kv.writeBlind([
    { key: keys.group(group) },
    { key: keys.concurrencyLimit(group) },
    { key: keys.outbox(concurrencyLimitId(group)) },
  ], 0);
  const what = "waited for a slot of a group that was gone";
  assert.deepEqual(await bench.repair(), [what, what]);
  assert.deepEqual(await bench.states(ids.slice(1)), ["Pending", "Pending"]);
  assert.deepEqual(await bench.repair(), []);
});

Deno.test("a concurrency limit that is lost is made again from the tasks of its group", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}, {}, {}, {}, {}], 2);
  await bench.run(ids[0]);
  await bench.follow();
  assert.deepEqual(await bench.states(ids.slice(1)), [
    "Pending",
    "Pending",
    "AwaitingConcurrencySlot",
    "AwaitingConcurrencySlot",
  ]);
  await bench.kv.writeBlind([{ key: keys.concurrencyLimit(group) }], 0);
  assert.deepEqual(await bench.repair(), ["waited for a slot of a lost limit"]);
  assert.deepEqual((await bench.states(ids.slice(3)))[0], "AwaitingConcurrencySlot", "two have slots");
  for (const id of ids.slice(1)) {
    assert.equal(await bench.state(id), "Pending");
    await bench.run(id);
    await bench.follow();
  }
});

Deno.test("a free slot that nothing gives to the next task is found", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}, {}], 1);
  await bench.run(ids[0]);
  await bench.kv.writeBlind([{ key: keys.outbox(concurrencyLimitId(group)) }], 0);
  assert.deepEqual(await bench.repair(), ["was not admitted to a free slot"]);
  assert.equal(await bench.state(ids[1]), "Pending");
});

Deno.test("a free slot of a group that was stopped is for nobody, and nothing is to be repaired", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}, {}], 1);
  await bench.run(ids[0]);
  const key = keys.group(group);
  const { value } = await bench.kv.get<GroupRecord>(key);
  const stopped: GroupRecord = { ...value!, stopped: { cause: "cancel", at: 0 } };
  await bench.kv.writeBlind([{ key, value: stopped }, { key: keys.outbox(concurrencyLimitId(group)) }], 0);
  assert.deepEqual(await bench.repair(), []);
});

Deno.test("a group that release 0.1 has made is kept, with its log, as long as its tasks", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}, delayed(20)]);
  await bench.run(ids[0]);
  // As 0.1 stores them: no timer, and all of it goes after a week.
  const { value } = await bench.kv.get<GroupRecord>(keys.group(group));
  const { changedAt: _, purgeAt, ...old } = value!;
  const expireIn = 7 * DAY_MS;
  const atomic = bench.kv.atomic().delete(keys.due("group", purgeAt!, group));
  atomic.set(keys.group(group), old, { expireIn });
  for (const { key, value } of await bench.kv.list({ prefix: prefixes.groupDone(group) }, { limit: 9 })) {
    atomic.set(key, value, { expireIn });
  }
  await atomic.commit();
  await bench.days(5);
  assert.deepEqual(await bench.repair(), []);
  await bench.days(15);
  const groups = new Groups(bench.store);
  assert.equal(doneOf(await groups.record(group)), 1);
  assert.deepEqual((await groups.log(group, 1, 9)).map(({ task }) => task), [ids[0]]);
});

Deno.test("the tasks of a group are kept as long as somebody may take their results, and no longer", async () => {
  await using bench = await days();
  const options = { retentionMs: 1_000 };
  const { group, ids } = await bench.groupOf([{ options }, { options }]);
  await bench.run(ids[0]);
  const [held] = await bench.call([{}]);
  const [taker] = await bench.call([{ input: resultOf(group), options: { waitFor: [held.id] } }]);
  // From the commit that stores it: what marks the tasks of the group comes later.
  await assert.rejects(bench.forget(ids[0]), /a task that takes its result has not ended/);
  await bench.follow();
  await bench.run(ids[1]);
  await bench.follow();
  await bench.days(3);
  assert.deepEqual(await bench.states(ids), ["Completed", "Completed"]);
  await assert.rejects(bench.forget(ids[0]), /a task that takes its result has not ended/);
  await bench.run(held.id);
  await bench.follow();
  const inputs = new InputResolver(bench.store, bench.values);
  assert.deepEqual(await inputs.of(await bench.record(taker.id)), ids);
  await bench.run(taker.id);
  await bench.days(20);
  assert.deepEqual((await bench.all()).filter(({ key }) => key.includes(group)), []);
  assert.deepEqual(await bench.store.readMany(ids), [null, null]);
});

Deno.test("a task whose retention ends before its group's reference has marked it is kept", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{ options: { retentionMs: 1_000 } }]);
  await bench.run(ids[0]);
  const [held] = await bench.call([{}]);
  await bench.call([{ input: resultOf(group), options: { waitFor: [held.id] } }]);
  bench.clock.advance(2_000);
  await bench.follow();
  assert.notEqual((await bench.store.readMany(ids))[0], null);
});

Deno.test("who only waits for a group keeps none of its tasks", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{ options: { retentionMs: 1_000 } }]);
  const [held] = await bench.call([{}]);
  const [waits] = await bench.call([{ options: { waitFor: [group, held.id] } }]);
  await bench.run(ids[0]);
  await bench.follow();
  await bench.days(9);
  assert.deepEqual(await bench.store.readMany(ids), [null]);
  assert.equal((await bench.kv.get(keys.group(group))).value, null);
  await bench.run(held.id);
  await bench.follow();
  assert.equal(await bench.state(waits.id), "Pending");
});

Deno.test("what waits for a group is no garbage, however long it waits", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}]);
  const [waits] = await bench.call([{ options: { waitFor: [group] } }]);
  const collector = new GarbageCollector(bench.store, bench.values, () => {}, 0);
  for (let round = 0; round < 3; round++) assert.equal(await collector.tick(), 0);
  await bench.run(ids[0]);
  await bench.follow();
  assert.equal(await bench.state(waits.id), "Pending");
});

Deno.test("who was not told of a group's end is told, as after an older release has counted it", async () => {
  await using bench = await days();
  const { group, ids } = await bench.groupOf([{}]);
  const [held] = await bench.call([{}]);
  const [waits] = await bench.call([{ options: { waitFor: [group, held.id] } }]);
  await bench.run(ids[0]);
  await bench.kv.writeBlind([{ key: keys.outbox(groupEndSubject(group)) }], 0);
  assert.deepEqual(await bench.repair(), [
    "is a group that had ended, and tasks that wait for it were not told",
  ]);
  assert.equal((await bench.join(waits.id))!.left, 1);
  assert.deepEqual(await bench.repair(), []);
});

Deno.test("a counter that is lost is counted again, with the groups that have ended", async () => {
  await using bench = await days();
  const [over, open] = [await bench.groupOf([{}]), await bench.groupOf([{}])];
  await bench.run(over.ids[0]);
  const [waits] = await bench.call([{ options: { waitFor: [over.group, open.group] } }]);
  await bench.follow();
  await bench.kv.writeBlind([{ key: keys.dependencyCounter(waits.id) }], 0);
  assert.deepEqual(await bench.repair(), ["had no dependency counter"]);
  assert.equal((await bench.join(waits.id))!.left, 1);
});
