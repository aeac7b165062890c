// What a look at a group costs, and what it tells, however much else the database holds.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { cancelGroup } from "../../../runtime/commands/group_commands.ts";
import type { StateType } from "../../../runtime/core/states.ts";
import type { Entry } from "../../../runtime/core/task.ts";
import { cancelRequested } from "../../../runtime/core/transitions.ts";
import type { KvPort } from "../../../runtime/platform/kv.ts";
import { Groups } from "../../../runtime/queries/groups.ts";
import { newGroup } from "../../../runtime/store/group_counters.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { aBench, type Bench, upTo } from "../../support/builders.ts";

type Patch = Parameters<Bench["submit"]>[0];

async function aGroup(bench: Bench, patches: Patch[]): Promise<string> {
  const { kv, clock, ids } = bench;
  const group = ids.id();
  await kv.writeBlind(newGroup({ id: group, total: patches.length }, clock.now()), clock.now());
  await bench.submit(...patches.map((patch, place) => ({ groups: [group], places: [place], ...patch })));
  return group;
}

const times = (count: number, patch: Patch): Patch[] => Array.from({ length: count }, () => patch);

/** How many keys are asked for from now on. */
function countReads(kv: KvPort): { calls: number; keys: number; singly: number; most: number } {
  const reads = { calls: 0, keys: 0, singly: 0, most: 0 };
  const { list, getMany, get } = kv;
  kv.list = async (...args) => {
    reads.calls++;
    const found = await list.apply(kv, args);
    reads.keys += found.length;
    reads.most = Math.max(reads.most, found.length);
    return found as never;
  };
  kv.getMany = (wanted) => {
    reads.calls += Math.ceil(wanted.length / 10);
    reads.keys += wanted.length;
    return getMany.call(kv, wanted) as never;
  };
  kv.get = (key) => {
    reads.singly++;
    return get.call(kv, key) as never;
  };
  return reads;
}

/** So many run, from the head of the queue. */
async function runSome({ store }: Bench, count: number): Promise<Entry[]> {
  const running: Entry[] = [];
  while (running.length < count) {
    const { entries } = await claim(store, { worker: "w", shard: 0, ...upTo(count - running.length) });
    assert.ok(entries.length > 0);
    running.push(...entries);
  }
  return running;
}

async function askToStop({ store, clock }: Bench, before: Entry): Promise<void> {
  await store.commit("settle", [{ before, next: cancelRequested(before.record, clock.now(), null, 1) }]);
}

const LATER = (bench: Bench) => bench.clock.now() + 60_000;

for (const [size, others] of [[5, 0], [5, 800], [50, 800], [250, 0], [250, 800]]) {
  Deno.test(`a group of ${4 * size} beside ${2 * others} others is counted rightly, for what the group costs`, async () => {
    await using bench = await aBench();
    const runAt = LATER(bench);
    const group = await aGroup(bench, [
      ...times(size, { priority: 5 }),
      ...times(size, {}),
      ...times(size, { runAt }),
      ...times(size, { runAt, priority: 1 }),
    ]);
    const [first] = await runSome(bench, size);
    await askToStop(bench, first);
    await bench.submit(...times(others, { priority: 9 }), ...times(others, { runAt }));
    await runSome(bench, others);
    const reads = countReads(bench.kv);
    const { counts, total, done } = await new Groups(bench.store).status(group);
    assert.deepEqual(counts, { RUNNING: size - 1, CANCELLING: 1, PENDING: size, SCHEDULED: 2 * size });
    assert.deepEqual([total, done], [4 * size, 0]);
    assert.ok(reads.keys <= 5 * total + 10, `${reads.keys} keys were read`);
  });
}

Deno.test("only what has not ended of a large group is looked for, from its end", async () => {
  await using bench = await aBench();
  const group = await aGroup(bench, times(1_500, {}));
  await bench.submit(...times(1_600, { runAt: LATER(bench) }));
  const groups = new Groups(bench.store);
  const { store, clock } = bench;
  const members = (await Array.fromAsync(groups.members.present(group))).flat();
  await Promise.all(
    members.slice(0, 1_400).map((before) => {
      const next = { ...before.record, history: [...before.record.history] };
      next.history.push({ ...next.history[0], seq: 2, type: "COMPLETED" as StateType, name: "Completed" });
      return store.commit("settle", [{ before, next: { ...next, seq: 2, finishedAt: clock.now() } }]);
    }),
  );
  const reads = countReads(bench.kv);
  const { counts } = await groups.status(group);
  assert.deepEqual(counts, { COMPLETED: 1_400, PENDING: 100 });
  assert.ok(reads.calls <= 8, `${reads.calls} reads`);
  assert.ok(reads.keys <= 1_500 + 3 * 500 + 10, `${reads.keys} keys were read`);
});

Deno.test("what is scheduled of a group is counted a bounded number at a time, and no further than to the last one", async () => {
  await using bench = await aBench();
  const size = 1_700;
  const group = await aGroup(bench, times(size, { runAt: LATER(bench) }));
  await bench.submit(...times(1_600, { runAt: LATER(bench) + 1 }));
  const reads = countReads(bench.kv);
  const { counts } = await new Groups(bench.store).status(group);
  assert.deepEqual(counts, { SCHEDULED: size });
  // A server that is asked for all of them at once does not answer in time.
  assert.ok(reads.most <= 500, `${reads.most} keys in one read`);
  assert.ok(reads.keys <= size + 500, `${reads.keys} keys were read`);
});

Deno.test("a group that starts at one instant is counted from that, whatever starts before it", async () => {
  await using bench = await aBench();
  const size = 700;
  await bench.submit(...times(1_600, { runAt: LATER(bench) - 1 }));
  const group = await aGroup(bench, times(size, { runAt: LATER(bench) }));
  const reads = countReads(bench.kv);
  const { counts } = await new Groups(bench.store).status(group);
  assert.deepEqual(counts, { SCHEDULED: size });
  assert.ok(reads.keys <= size + 5, `${reads.keys} keys were read`);
});

Deno.test("a cancel of a group reads each of its tasks once, a bounded number at a time", async () => {
  await using bench = await aBench();
  const size = 1_300;
  const group = await aGroup(bench, [...times(700, { node: "n" }), ...times(600, { runAt: LATER(bench) })]);
  const [first] = await runSome(bench, 20);
  await askToStop(bench, first);
  const reads = countReads(bench.kv);
  const groups = new Groups(bench.store);
  const outcome = await cancelGroup(bench.store, groups, group, { reason: "enough", graceMs: 0 });
  assert.deepEqual(outcome, { cancelled: size - 20, requested: 20, tooLate: 0, notFound: 0 });
  assert.ok(reads.keys <= 2 * size + 200, `${reads.keys} keys were read`);
  // Their records stand side by side: a page of them is a range.
  assert.ok(reads.calls <= 40, `${reads.calls} reads`);
  assert.ok(reads.singly <= 5, `${reads.singly} keys were read one by one`);
  const again = await cancelGroup(bench.store, groups, group, { reason: "enough", graceMs: 0 });
  assert.deepEqual(again, outcome);
  const { cancel } = await bench.record(first.record.id);
  assert.equal(cancel!.reason, null, "the one that had been asked to stop keeps its reason");
});
