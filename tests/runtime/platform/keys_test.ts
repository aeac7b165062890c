import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { after, behindAll, idRange, keys, parse, prefixes } from "../../../runtime/platform/keys.ts";
import {
  barrierId,
  concurrencyLimitId,
  heldId,
  isBarrier,
  outboxSubject,
  retryBarrierId,
} from "../../../runtime/platform/outbox_subject.ts";
import { shardOf } from "../../../runtime/platform/shard.ts";
import { aBench, seeded } from "../../support/builders.ts";
import { makeIds } from "../../../runtime/platform/ids.ts";
import { ManualClock } from "../../support/manual_clock.ts";

Deno.test("shardOf() never changes: tasks that are stored would be lost", () => {
  const id = "019a0000-0000-7000-8000-0000000000";
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => shardOf(`${id}0${i}`, 8)), [2, 3, 4, 5, 6, 7, 0, 1]);
  assert.equal(shardOf(id, 1), 0);
});

Deno.test("shardOf() spreads ids over all shards", () => {
  const ids = makeIds(new ManualClock(), seeded());
  const counts = Array(8).fill(0);
  for (let i = 0; i < 4_000; i++) counts[shardOf(ids.id(), 8)]++;
  assert.ok(counts.every((count) => count > 350 && count < 650), `${counts}`);
});

Deno.test("the queue's keys sort by priority, larger first, then by order", async () => {
  await using bench = await aBench();
  const wanted = [[10, 5], [10, 6.5], [9, 1], [0, 1], [-1, 0], [-10, 0]];
  const writes = wanted.toReversed().map(([priority, order]) => ({
    key: keys.ready(0, priority, order, "b"),
    value: [priority, order],
  }));
  await bench.kv.writeBlind(writes, 0);
  const found = await bench.kv.list({ prefix: ["ready"] }, { limit: 9 });
  assert.deepEqual(found.map(({ value }) => value), wanted);
});

Deno.test("releases that know no queues do not see those that have a name, and see the default one as it was", () => {
  assert.deepEqual(keys.ready(3, 1, 9.5, "b", "default"), ["ready", 3, 9, 9.5, "b"]);
  const named = [keys.ready(0, 0, 1, "b", "gpu"), prefixes.queue("gpu"), prefixes.ready(0, "gpu")];
  assert.ok(named.every(([first]) => first !== "ready"), `${named}`);
});

Deno.test("timers of one kind sort by their instant", async () => {
  await using bench = await aBench();
  const dues = [keys.due("start", 9, "z"), keys.due("start", 10, "a"), keys.due("start", 100, "b")];
  await bench.kv.writeBlind(dues.toReversed().map((key) => ({ key, value: null })), 0);
  const found = await bench.kv.list({ prefix: prefixes.due("start") }, { limit: 9 });
  assert.deepEqual(found.map(({ key }) => key), dues);
});

Deno.test("what a builder was given, parse reads back", () => {
  assert.equal(parse.task(keys.task("t")), "t");
  const place = { queue: "default", shard: 3, priority: 1, order: 9.5, block: "b" };
  assert.deepEqual(parse.ready(keys.ready(3, 1, 9.5, "b")), place);
  assert.deepEqual(parse.ready(keys.ready(3, 1, 9.5, "b", "gpu")), { ...place, queue: "gpu" });
  assert.deepEqual(parse.held(keys.held("work", place)), { definition: "work", place });
  assert.deepEqual(parse.control(keys.control("queue", "gpu")), { kind: "queue", name: "gpu" });
  assert.deepEqual(parse.due(keys.due("expire", 5, "t")), { kind: "expire", at: 5, id: "t" });
  assert.deepEqual(parse.lease(keys.lease("w", "b")), { worker: "w", block: "b" });
  assert.deepEqual(parse.stop(keys.stop("w", "t")), { worker: "w", id: "t" });
  assert.equal(parse.worker(keys.worker("w")), "w");
  assert.deepEqual(parse.event(keys.event("t", 7)), { id: "t", seq: 7 });
  assert.deepEqual(parse.blob(keys.blob("t", "b", 2)), { id: "t", blob: "b", chunk: 2 });
  assert.deepEqual(parse.groupDone(keys.groupDone("g", 4, "t")), { group: "g", seq: 4, id: "t" });
  assert.equal(parse.dependencyCounter(keys.dependencyCounter("t")), "t");
  assert.deepEqual(parse.edge(keys.edge("t", "b")), { upstream: "t", block: "b" });
  assert.equal(parse.outbox(keys.outbox("t")), "t");
  assert.equal(parse.concurrencyLimit(keys.concurrencyLimit("g")), "g");
  assert.deepEqual(parse.readmission(keys.readmission("g", "t")), { group: "g", id: "t" });
  assert.deepEqual(parse.index(keys.index("tag", "x", "t")), { kind: "tag", value: "x", id: "t" });
});

Deno.test("an outbox entry is about a task, a barrier, a retry or a concurrency limit, and stored names never change", () => {
  assert.deepEqual(outboxSubject("t"), { kind: "task", id: "t" });
  assert.deepEqual(outboxSubject(barrierId("t")), { kind: "barrier", id: "seal-t" });
  assert.deepEqual(outboxSubject(concurrencyLimitId("g")), { kind: "concurrency-limit", group: "g" });
  assert.deepEqual(outboxSubject(retryBarrierId("t")), { kind: "retry", task: "t" });
  assert.deepEqual(outboxSubject(heldId("work")), { kind: "held", definition: "work" });
  assert.deepEqual([barrierId("t"), concurrencyLimitId("g")], ["seal-t", "window-g"]);
  assert.equal(retryBarrierId("t"), "seal-retry-t", "to release 0.1 it is a barrier");
  assert.deepEqual([isBarrier(barrierId("t")), isBarrier("t")], [true, false]);
});

Deno.test("a range of ids, and what lies behind a key or behind all that begin with it", async () => {
  await using bench = await aBench();
  const all = ["a", "b", "c"].map((id) => keys.index("tag", "x", id));
  const others = [keys.index("tag", "w", "z"), keys.index("tag", "y", "a")];
  await bench.kv.writeBlind([...all, ...others].map((key) => ({ key, value: null })), 0);
  const prefix = prefixes.index("tag", "x");
  const idsIn = async (selector: Deno.KvListSelector) => {
    return (await bench.kv.list(selector, { limit: 9 })).map(({ key }) => parse.index(key).id);
  };
  assert.deepEqual(await idsIn(idRange(prefix, "", null)), ["a", "b", "c"]);
  assert.deepEqual(await idsIn(idRange(prefix, "b", null)), ["b", "c"]);
  assert.deepEqual(await idsIn(idRange(prefix, "", "b")), ["a"]);
  assert.deepEqual(await idsIn(idRange(prefix, "c", "b")), []);
  assert.deepEqual(await idsIn({ prefix, start: after(all[0]) }), ["b", "c"]);
  assert.deepEqual(await idsIn({ start: after(prefix), end: behindAll(prefix) }), ["a", "b", "c"]);
});
