import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { SharedCounts } from "../../../runtime/metrics/shared_counts.ts";
import { MINUTE_MS, TaskTally } from "../../../runtime/metrics/tally.ts";
import { type CountsByName, TaskCounts } from "../../../runtime/metrics/task_counts.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { aBench, type Bench } from "../../support/builders.ts";

/** A process that counts: what it commits is said by the test. */
function aProcess({ store, clock }: Bench, name: string) {
  const tally = new TaskTally(clock);
  return { tally, shared: new SharedCounts(store, tally, name) };
}

function sumOf(recent: Map<number, CountsByName>): TaskCounts {
  const sum = new TaskCounts();
  for (const counts of recent.values()) for (const one of counts.values()) sum.merge(one.counts);
  return sum;
}

async function submitAndCancel(bench: Bench, tally: TaskTally, patch: Partial<TaskRecord> = {}) {
  const stop = bench.store.subscribe(tally);
  const [{ record: { id } }] = await bench.submit(patch);
  await bench.store.update("settle", id, ({ record }) => {
    return { next: cancelled(record as TaskRecord, bench.clock.now(), null) };
  });
  stop();
}

Deno.test("what each process counts is told by every process, once", async () => {
  await using bench = await aBench();
  const [a, b] = [aProcess(bench, "a"), aProcess(bench, "b")];
  for (let n = 0; n < 3; n++) await submitAndCancel(bench, a.tally, { queue: n === 0 ? "gpu" : undefined });
  await submitAndCancel(bench, b.tally, { task: "other" });
  // Its own at once, another's when it has shared it.
  assert.equal(sumOf(await a.shared.recent(5)).submitted, 3);
  await a.shared.share();
  await b.shared.share();
  bench.clock.advance(MINUTE_MS);
  await submitAndCancel(bench, a.tally);
  for (const { shared } of [a, b, aProcess(bench, "c")]) {
    await a.shared.share();
    const recent = await shared.recent(5);
    assert.deepEqual([...recent.values()].map((counts) => sumOf(new Map([[0, counts]])).submitted), [4, 1]);
    assert.deepEqual(sumOf(recent).ended, { COMPLETED: 0, FAILED: 0, CRASHED: 0, CANCELLED: 5 });
  }
  const names = [...(await b.shared.recent(2)).values()].flatMap((counts) => [...counts.values()]);
  assert.deepEqual(
    [...new Set(names.map(({ named: { task, queue } }) => `${task} ${queue}`))].sort(),
    ["other default", "work default", "work gpu"],
  );
  // What is older is not told.
  bench.clock.advance(5 * MINUTE_MS);
  assert.equal(sumOf(await b.shared.recent(5)).submitted, 0);
  assert.equal(sumOf(await b.shared.recent(6)).submitted, 1);
});

Deno.test("a process in which nothing happens writes nothing, and one that cannot write tries again", async () => {
  await using bench = await aBench();
  const { tally, shared } = aProcess(bench, "a");
  const { kv } = bench;
  let writes = 0;
  let isAway = false;
  const { writeBlind } = kv;
  kv.writeBlind = async (...args) => {
    if (isAway) throw new Error("away");
    writes++;
    return await writeBlind.apply(kv, args);
  };
  await shared.share();
  assert.equal(writes, 0);
  await submitAndCancel(bench, tally);
  isAway = true;
  for (let n = 0; n < 10; n++) {
    await assert.rejects(shared.share(), /away/);
    bench.clock.advance(MINUTE_MS);
    await submitAndCancel(bench, tally);
  }
  // A database that is away for long costs no memory without end; nothing that the process counts is lost.
  assert.ok(tally.minutes.length <= 5);
  assert.equal(sumOf(new Map([[0, tally.total()]])).submitted, 11);
  isAway = false;
  await shared.share();
  await shared.share();
  assert.equal(writes, 5);
  assert.equal(tally.minutes.length, 1);
  assert.equal(sumOf(new Map([[0, tally.total()]])).submitted, 11);
});

Deno.test("a clock that goes back loses no counts, and very many names take a bounded room", async () => {
  await using bench = await aBench();
  const { tally, shared } = aProcess(bench, "a");
  await submitAndCancel(bench, tally);
  bench.clock.jump(-60 * MINUTE_MS);
  await submitAndCancel(bench, tally);
  assert.deepEqual(tally.minutes.length, 1);
  bench.clock.jump(60 * MINUTE_MS);
  const stop = bench.store.subscribe(tally);
  for (let n = 0; n < 6; n++) {
    await bench.submit(...Array.from({ length: 100 }, (_, i) => ({ queue: `queue-${n * 100 + i}` })));
  }
  stop();
  await shared.share();
  const [entry] = await bench.kv.list<string>({ prefix: ["counts"] }, { limit: 10 });
  assert.ok(entry.value.length < 25_000, `${entry.value.length} characters`);
  const other = aProcess(bench, "b");
  assert.equal(sumOf(await other.shared.recent(2)).submitted, 602);
});
