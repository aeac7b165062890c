import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { claim, type Claimed } from "../../../runtime/worker/claim.ts";
import { leaseBlocksOf } from "../../../runtime/store/leases.ts";
import type { Hints } from "../../../runtime/worker/queue_scan.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { shardOf } from "../../../runtime/platform/shard.ts";
import { type ReadyBlock, readyBlocks } from "../../../runtime/store/ready_queue.ts";
import { Store } from "../../../runtime/store/store.ts";
import { stateOf, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { cancelled, retried } from "../../../runtime/core/transitions.ts";
import { aBench, asStored, type Bench, onEachBackend, upTo } from "../../support/builders.ts";

const take = (bench: Bench, limit: number, worker = "w", knows = (_: string) => true, store = bench.store) =>
  claim(store, { worker, shard: 0, ...upTo(limit, knows) });

const idsOf = ({ entries }: Claimed) => entries.map(({ record }) => record.id);

async function queued(bench: Bench): Promise<string[]> {
  const found = await Array.fromAsync(readyBlocks(bench.kv, 0));
  return found.flatMap(({ value }) => value.ids);
}

/** Another process on the same database. */
const another = ({ kv, clock, ids }: Bench) => new Store({ kv, clock, ids });

onEachBackend("claim() takes larger priorities first, and within one first in, first out", async (path) => {
  await using bench = await aBench({ path });
  const submitted: string[] = [];
  for (const priority of [0, 5, -10, 5, 0, 10]) {
    const [{ record }] = await bench.submit({ priority });
    submitted.push(record.id);
  }
  const taken = idsOf(await take(bench, 10));
  assert.deepEqual(taken, [5, 1, 3, 0, 4, 2].map((i) => submitted[i]));
});

onEachBackend("claim() keeps the order of tasks that one commit made ready", async (path) => {
  await using bench = await aBench({ path });
  const entries = await bench.submit(...Array(50).fill({}));
  const taken = [...idsOf(await take(bench, 20)), ...idsOf(await take(bench, 40))];
  assert.deepEqual(taken, entries.map(({ record }) => record.id));
});

onEachBackend("claim() makes tasks RUNNING under one lease block of the worker", async (path) => {
  await using bench = await aBench({ path });
  await bench.submit({}, {}, {});
  const claimed = await take(bench, 2, "me");
  assert.equal(claimed.more.inline, true);
  for (const { record } of claimed.entries) {
    const stored = await bench.record(record.id);
    assert.equal(typeOf(stored), "RUNNING");
    assert.equal(stored.lease!.worker, "me");
    assert.deepEqual(stored, asStored(record));
  }
  assert.deepEqual(await leaseBlocksOf(bench.store, "me", 10), [{
    block: claimed.block!,
    ids: idsOf(claimed),
  }]);
  assert.equal(new Set(claimed.entries.map(({ record }) => record.lease!.token)).size, 2);
  assert.equal((await queued(bench)).length, 1);
});

Deno.test("claim() leaves nothing of a block whose tasks are all taken", async () => {
  await using bench = await aBench();
  await bench.submit({}, {}, {});
  assert.equal((await take(bench, 5)).more.inline, false);
  assert.deepEqual(await bench.kv.list({ prefix: prefixes.ready(0) }, { limit: 9 }), []);
  const { entries, more } = await take(bench, 5);
  assert.deepEqual([entries, more.inline], [[], false]);
});

Deno.test("claim() passes over definitions that the worker does not know, and takes what is behind them", async () => {
  await using bench = await aBench();
  const entries = await bench.submit({ task: "a" }, { task: "b" }, { task: "a" }, { task: "b" });
  const [a1, b1, a2, b2] = entries.map(({ record }) => record.id);
  assert.deepEqual(idsOf(await take(bench, 9, "w", (task) => task === "b")), [b1, b2]);
  assert.deepEqual(await queued(bench), [a1, a2]);
  assert.deepEqual(idsOf(await take(bench, 9)), [a1, a2]);
});

Deno.test("a long head that nobody here knows does not hide the tasks behind it", async () => {
  await using bench = await aBench();
  for (let i = 0; i < 101; i++) {
    const names = (prefix: string) => Array.from({ length: 100 }, (_, k) => `${prefix}${i}-${k}`);
    const value: ReadyBlock = { ids: names("unknown"), tasks: Array(100).fill("gone") };
    await bench.kv.writeBlind([{ key: keys.ready(0, 10, i, "b"), value }], 0);
  }
  await bench.submit({ task: "known" });
  const claimed: string[] = [];
  let hints: Hints | undefined;
  for (let round = 0; round < 3 && claimed.length === 0; round++) {
    const found = await claim(bench.store, {
      worker: "w",
      shard: 0,
      ...upTo(9, (task) => task === "known"),
      hints,
    });
    claimed.push(...idsOf(found));
    assert.equal(
      found.more.inline,
      round === 0,
      "it asks for another look, and only as long as there is more",
    );
    hints = found.hints;
  }
  assert.equal(claimed.length, 1);
});

Deno.test("claim() ends tasks that did not start in time as Expired", async () => {
  await using bench = await aBench();
  const [late, inTime] = await bench.submit(
    { expiresAt: bench.clock.now() + 100 },
    { expiresAt: bench.clock.now() + 101 },
  );
  bench.clock.advance(100);
  assert.deepEqual(idsOf(await take(bench, 9)), [inTime.record.id]);
  const { type, name } = stateOf(await bench.record(late.record.id));
  assert.deepEqual([type, name], ["CANCELLED", "Expired"]);
  assert.deepEqual(await queued(bench), []);
});

Deno.test("claim() removes a cancelled task from its block and never runs it", async () => {
  await using bench = await aBench();
  const [one] = await bench.submit({}, {});
  await bench.store.commit("settle", [{ before: one, next: cancelled(one.record, bench.clock.now(), null) }]);
  const taken = idsOf(await take(bench, 9));
  assert.equal(taken.length, 1);
  assert.ok(!taken.includes(one.record.id));
  assert.deepEqual(await queued(bench), []);
});

Deno.test("claim() clears a block in which nobody waits any more", async () => {
  await using bench = await aBench();
  const [one] = await bench.submit({});
  await bench.store.commit("settle", [{ before: one, next: cancelled(one.record, bench.clock.now(), null) }]);
  const { entries, block, more } = await take(bench, 9);
  assert.deepEqual([entries, block, more.inline], [[], null, true]);
  assert.deepEqual(await queued(bench), []);
});

Deno.test("claim() takes no more tasks than a commit has checks, and says that there are more", async () => {
  await using bench = await aBench();
  await bench.submit(...Array(250).fill({}));
  const seen = new Set<string>();
  const sizes: number[] = [];
  for (let more = true; more;) {
    const claimed = await take(bench, 1_000);
    for (const id of idsOf(claimed)) seen.add(id);
    sizes.push(claimed.entries.length);
    more = claimed.more.inline!;
  }
  assert.equal(seen.size, 250);
  assert.equal(Math.max(...sizes), 100);
});

Deno.test("claim() takes tasks with large inputs, as many as there are", async () => {
  await using bench = await aBench();
  const input = { json: JSON.stringify("x".repeat(12_000)) };
  await bench.submit(...Array(100).fill({ input }));
  const seen = new Set<string>();
  for (let rounds = 0; rounds < 100 && seen.size < 100; rounds++) {
    const claimed = await bench.clock.run(take(bench, 100));
    for (const id of idsOf(claimed)) seen.add(id);
  }
  assert.equal(seen.size, 100);
});

Deno.test("a task that is in one claim's hands is not in another's: two workers never get the same one", async () => {
  await using bench = await aBench();
  await bench.submit(...Array(60).fill({}));
  const other = another(bench);
  const taken: string[] = [];
  for (let rounds = 0; rounds < 60 && taken.length < 60; rounds++) {
    const claims = await Promise.all([take(bench, 7, "a"), take(bench, 7, "b", undefined, other)]);
    taken.push(...claims.flatMap(idsOf));
  }
  assert.equal(taken.length, 60);
  assert.equal(new Set(taken).size, 60);
  for (const id of taken) assert.equal((await bench.record(id)).attempt, 1);
});

Deno.test("claim() that was beaten to a task takes nothing, and the next one takes the rest", async () => {
  await using bench = await aBench();
  const entries = await bench.submit({}, {}, {});
  const other = another(bench);
  // The first store still remembers what it submitted, and does not see this one.
  await other.update("settle", entries[1].record.id, ({ record }) => ({
    next: cancelled(record as typeof entries[1]["record"], bench.clock.now(), null),
  }));
  const beaten = await take(bench, 9);
  assert.deepEqual([beaten.entries, beaten.block, beaten.more.inline, beaten.beaten], [[], null, true, true]);
  const taken = idsOf(await take(bench, 9));
  assert.deepEqual(taken, [entries[0], entries[2]].map(({ record }) => record.id));
});

Deno.test("a claim whose worker stops before it is sent takes nothing, and the tasks wait on", async () => {
  await using bench = await aBench();
  const entries = await bench.submit({}, {});
  let isStopping = false;
  const claiming = claim(bench.store, { worker: "w", shard: 0, ...upTo(2), takesWork: () => !isStopping });
  isStopping = true;
  assert.deepEqual(idsOf(await claiming), []);
  assert.deepEqual(await leaseBlocksOf(bench.store, "w", 10), []);
  assert.deepEqual(idsOf(await take(bench, 2, "another")), entries.map(({ record }) => record.id));
});

Deno.test("a task that changed while it was found late stays driven until it has ended", async () => {
  await using bench = await aBench();
  const expiresAt = bench.clock.now() + 100;
  const [one] = await bench.submit({ expiresAt });
  const other = another(bench);
  await other.update(
    "settle",
    one.record.id,
    ({ record }) => ({ next: { ...record, tags: ["seen"] } as never }),
  );
  bench.clock.advance(100);
  await take(bench, 9);
  const record = await bench.record(one.record.id);
  const timer = await bench.kv.get(keys.due("expire", expiresAt, record.id));
  const isDriven = (await queued(bench)).includes(record.id) || timer.versionstamp !== null;
  assert.ok(typeOf(record) === "CANCELLED" || isDriven);
});

Deno.test("a claim takes what one shard holds, and all shards together hold everything", async () => {
  await using bench = await aBench({ shards: 8 });
  await bench.submit(...Array(40).fill({}));
  const ids = new Set<string>();
  for (let shard = 0; shard < 8; shard++) {
    const claimed = await claim(bench.store, { worker: "w", shard, ...upTo(100) });
    for (const id of idsOf(claimed)) {
      assert.equal(shardOf(id, 8), shard);
      ids.add(id);
    }
  }
  assert.equal(ids.size, 40);
});

Deno.test("what is written along is committed with the claim", async () => {
  await using bench = await aBench();
  await bench.submit({});
  await bench.kv.writeBlind([{ key: keys.lease("w", "used-up"), value: [] }], 0);
  await claim(bench.store, {
    worker: "w",
    shard: 0,
    ...upTo(1),
    writes: () => [{ key: keys.lease("w", "used-up") }],
  });
  assert.equal((await leaseBlocksOf(bench.store, "w", 9)).length, 1);
});

Deno.test("a block that names a task which another block holds only loses it", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit({});
  // What an overtaken claim leaves: it wrote a block back as it had read it.
  const stale: ReadyBlock = { ids: [record.id], tasks: [record.task] };
  await bench.kv.writeBlind([{ key: keys.ready(0, 10, 1, "stale"), value: stale }], 0);
  assert.deepEqual(idsOf(await take(bench, 1)), []);
  assert.equal(typeOf(await bench.record(record.id)), "PENDING");
  assert.deepEqual(idsOf(await take(bench, 1)), [record.id]);
  assert.deepEqual(await queued(bench), []);
});

Deno.test("claim() takes a task that also stands in an old block, whichever of the two comes first", async () => {
  for (const behindMs of [-30_000, 30_000]) {
    await using bench = await aBench();
    const [{ record: { id } }] = await bench.submit({});
    await bench.store.update(
      "settle",
      id,
      ({ record }) => ({ next: cancelled(record as TaskRecord, 0, null) }),
    );
    // Another process, with another clock, puts it back.
    bench.clock.jump(behindMs);
    await another(bench).update("settle", id, ({ record }) => {
      return { next: retried(record as TaskRecord, bench.clock.now(), (record as TaskRecord).input) };
    });
    assert.deepEqual(await queued(bench), [id, id]);
    assert.deepEqual(idsOf(await take(bench, 10)), [id]);
    assert.deepEqual(await queued(bench), []);
  }
});

onEachBackend(
  "a task that an old block names too stays in its own, where that was not looked at so far",
  async (path) => {
    await using bench = await aBench({ path });
    const entries = await bench.submit({}, {}, {});
    const [first, , last] = entries.map(({ record }) => record.id);
    const old = { ids: [last], tasks: [entries[2].record.task] } satisfies ReadyBlock;
    await bench.kv.writeBlind([{ key: keys.ready(0, 0, 1, "old"), value: old }], 0);
    // Of the two that it has room for, one is only a name in an old block.
    const store = another(bench);
    assert.deepEqual(idsOf(await take(bench, 2, "w", undefined, store)), [first]);
    assert.ok((await queued(bench)).includes(last));
    const rest = [...idsOf(await take(bench, 9, "w", undefined, store))];
    assert.deepEqual(rest, entries.slice(1).map(({ record }) => record.id));
  },
);

Deno.test("a task among very many of other workers is claimed, however much of their blocks is left", async () => {
  await using bench = await aBench();
  const others = Array(99).fill({ task: "n".repeat(100) });
  const wanted: string[] = [];
  for (let block = 0; block < 25; block++) {
    const [{ record }] = await bench.submit({ task: "mine" }, ...others);
    wanted.push(record.id);
  }
  const taken: string[] = [];
  for (let more = true; more;) {
    const claimed = await take(bench, 99, "w", (task) => task === "mine");
    taken.push(...idsOf(claimed));
    more = claimed.more.inline!;
  }
  assert.deepEqual(taken, wanted);
});
