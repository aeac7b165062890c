import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Entry, TaskRecord } from "../../../runtime/core/task.ts";
import { settled } from "../../../runtime/core/transitions.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { nearPendingWork, pendingWork } from "../../../runtime/queries/pending_work.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { aBench, type Bench, upTo } from "../../support/builders.ts";

const AHEAD_MS = 60_000;
const look = ({ kv, clock }: Bench, knows = (_: string) => true) =>
  pendingWork(kv, { now: clock.now(), aheadMs: AHEAD_MS, knows });

Deno.test("an empty database needs nobody", async () => {
  await using bench = await aBench();
  assert.equal(await look(bench), null);
});

Deno.test("a task that waits is work, unless nobody knows its definition", async () => {
  await using bench = await aBench({ shards: 4 });
  await bench.submit({ task: "known" });
  assert.equal(await look(bench), "tasks wait for a worker");
  assert.equal(await look(bench, (task) => task !== "known"), null);
});

Deno.test("behind many tasks that nobody knows there may be others", async () => {
  await using bench = await aBench();
  for (let i = 0; i < 50; i++) {
    const value = { ids: [bench.ids.id()], tasks: ["gone"] };
    await bench.kv.writeBlind([{ key: keys.ready(0, 0, i, "b"), value }], 0);
  }
  assert.equal(await look(bench, () => false), "tasks wait for a worker");
});

/** A task that a worker has claimed, as it claims them. */
async function aLeasedTask(bench: Bench) {
  await bench.submit({});
  const { entries } = await claim(bench.store, { worker: "w", shard: 0, ...upTo(1) });
  return entries[0];
}

function done({ clock }: Bench, { record }: Entry): TaskRecord {
  return settled(record, clock.now(), { kind: "completed", result: { json: "null" } }, () => 0);
}

Deno.test("a lease is work: whoever holds it may be dead", async () => {
  await using bench = await aBench();
  await aLeasedTask(bench);
  assert.equal(await look(bench), "tasks are under a lease");
});

Deno.test("what is left of a lease whose tasks have ended, or are another worker's, is no work", async () => {
  await using bench = await aBench();
  const before = await aLeasedTask(bench);
  const { id } = before.record;
  await bench.store.commit("settle", [{ before, next: done(bench, before) }]);
  const left = await bench.kv.list({ prefix: prefixes.leases }, { limit: 9 });
  assert.equal(left.length, 1, "the worker was killed before it deleted its block");
  assert.equal(await look(bench), null);
  await bench.kv.writeBlind([{ key: keys.lease("w", "gone"), value: [bench.ids.id()] }], 0);
  assert.equal(await look(bench), null);

  const other = await aLeasedTask(bench);
  await bench.kv.writeBlind([{ key: keys.lease("v", "b"), value: [id, other.record.id] }], 0);
  assert.equal(await look(bench), "tasks are under a lease", "of its own worker");
  await bench.store.commit("settle", [{ before: other, next: done(bench, other) }]);
  assert.equal(await look(bench), null);
});

Deno.test("behind many leases that are over there may be others", async () => {
  await using bench = await aBench();
  for (let i = 0; i < 50; i++) {
    await bench.kv.writeBlind([{ key: keys.lease("v", `b${i}`), value: [bench.ids.id()] }], 0);
  }
  assert.equal(await look(bench), "tasks are under a lease");
});

Deno.test("what starts or expires within the time ahead is work, and what comes later is not", async () => {
  for (const kind of ["start", "expire"] as const) {
    await using bench = await aBench();
    const key = keys.due(kind, bench.clock.now() + AHEAD_MS, "id");
    await bench.kv.writeBlind([{ key, value: null }], 0);
    assert.equal(await look(bench), "a timer is due");
    bench.clock.jump(-1);
    assert.equal(await look(bench), null);
  }
});

Deno.test("what only tidies up is work when it is due", async () => {
  for (const kind of ["purge", "unseal", "recount"] as const) {
    await using bench = await aBench();
    await bench.kv.writeBlind([{ key: keys.due(kind, bench.clock.now() + 1, "id"), value: null }], 0);
    assert.equal(await look(bench), null);
    bench.clock.jump(1);
    assert.equal(await look(bench), "a timer is due");
    assert.equal(
      await nearPendingWork(bench.kv, { now: bench.clock.now(), aheadMs: 0, knows: () => true }),
      "a timer is due",
    );
  }
});

Deno.test("a schedule is work as long before its time as a timer is, unless another process has its definition", async () => {
  await using bench = await aBench();
  const at = bench.clock.now() + AHEAD_MS;
  const due = (task: string) => ({ key: keys.due("schedule", at, `of-${task}`), value: task });
  await bench.kv.writeBlind([due("elsewhere")], 0);
  assert.equal(await look(bench, (task) => task === "work"), null);
  await bench.kv.writeBlind([due("work")], 0);
  assert.equal(await look(bench, (task) => task === "work"), "a timer is due");
  bench.clock.jump(-1);
  assert.equal(await look(bench, (task) => task === "work"), null);
});

Deno.test("follow-ups are work", async () => {
  await using bench = await aBench();
  await bench.kv.writeBlind([{ key: keys.outbox("id"), value: true }], 0);
  assert.equal(await look(bench), "follow-ups wait in the outbox");
});
