import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { changePriority } from "../../../runtime/commands/bulk/change_priority.ts";
import type { Entry, TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled, claimed, settled } from "../../../runtime/core/transitions.ts";
import { Store } from "../../../runtime/store/store.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const LIMIT = { limits: [{ key: "k", limit: 1 }] };

/** Its task that has the slot. */
async function holder(bench: Bench, ids: string[]): Promise<string | undefined> {
  const held = await Promise.all(ids.map(async (id) => (await bench.record(id)).held));
  return ids.find((_, i) => held[i]);
}

/** The one with the slot runs and ends: the same commit gives the slot to the next one, which is returned. */
async function next(bench: Bench, ids: string[]): Promise<string | undefined> {
  const { store, clock } = bench;
  const id = (await holder(bench, ids))!;
  await store.update("claim", id, ({ record }) => {
    return { next: claimed(record as TaskRecord, clock.now(), { worker: "w", token: "t" }) };
  });
  await store.update("settle", id, ({ record }) => {
    const outcome = { kind: "completed", result: { json: "1" } } as const;
    return { next: settled(record as TaskRecord, clock.now(), outcome, () => 0) };
  });
  return await holder(bench, ids);
}

async function waiting(bench: Bench, count: number): Promise<string[]> {
  const entries = await bench.submit(...Array.from({ length: count }, () => LIMIT));
  return entries.map(({ record }) => record.id);
}

/** What the process reads of lines from now on. */
function readsOfLines({ kv }: Bench): { count: number } {
  const reads = { count: 0 };
  const list = kv.list.bind(kv);
  kv.list = (selector, options) => {
    if ((selector as { prefix?: Deno.KvKey }).prefix?.[0] === "parked") reads.count++;
    return list(selector, options);
  };
  return reads;
}

Deno.test("of ten that come in at a limit one after the other, one read tells", async () => {
  await using bench = await aBench();
  const ids = await waiting(bench, 12);
  const reads = readsOfLines(bench);
  for (const id of ids.slice(1, 11)) assert.equal(await next(bench, ids), id);
  assert.equal(reads.count, 1);
});

Deno.test("new ones that come behind those who wait change nothing of who is next", async () => {
  await using bench = await aBench();
  const ids = await waiting(bench, 4);
  assert.equal(await next(bench, ids), ids[1]);
  const reads = readsOfLines(bench);
  const all = [...ids, ...await waiting(bench, 2)];
  for (const id of [ids[2], ids[3]]) assert.equal(await next(bench, all), id);
  assert.equal(reads.count, 0);
  for (const id of all.slice(4)) assert.equal(await next(bench, all), id);
  assert.equal(reads.count, 1);
});

Deno.test("a new one of a higher priority is next", async () => {
  await using bench = await aBench();
  const ids = await waiting(bench, 4);
  await next(bench, ids);
  const [{ record }] = await bench.submit({ ...LIMIT, priority: 5 });
  assert.equal(await next(bench, [...ids, record.id]), record.id);
});

Deno.test("one that was cancelled is passed over", async () => {
  await using bench = await aBench();
  const ids = await waiting(bench, 4);
  await next(bench, ids);
  await bench.store.update("submit", ids[2], ({ record }) => {
    return { next: cancelled(record as TaskRecord, bench.clock.now(), null) };
  });
  assert.equal(await next(bench, ids), ids[3]);
});

Deno.test("one whose record was changed comes in as it is now, in the same commit", async () => {
  await using bench = await aBench();
  const ids = await waiting(bench, 4);
  await next(bench, ids);
  await bench.store.update("submit", ids[2], ({ record }) => {
    return { next: { ...record as TaskRecord, tags: ["new"] } };
  });
  const { failed, conflicting } = bench.kv.commits;
  assert.equal(await next(bench, ids), ids[2]);
  assert.deepEqual((await bench.record(ids[2])).tags, ["new"]);
  assert.deepEqual([bench.kv.commits.failed, bench.kv.commits.conflicting], [failed, conflicting]);
});

Deno.test("what another process does to a line is seen: other priorities, ends, new ones", async () => {
  await using bench = await aBench();
  const { kv, clock, ids: draws } = bench;
  const other = new Store({ kv, clock, ids: draws });
  const ids = await waiting(bench, 6);
  await next(bench, ids);
  await changePriority(other, (await other.read(ids[4])) as Entry, 5);
  assert.equal(await next(bench, ids), ids[4]);
  await other.update("submit", ids[2], ({ record }) => {
    return { next: cancelled(record as TaskRecord, clock.now(), null) };
  });
  assert.equal(await next(bench, ids), ids[3]);
  await next({ ...bench, store: other }, ids);
  assert.equal(await holder(bench, ids), ids[5]);
});
