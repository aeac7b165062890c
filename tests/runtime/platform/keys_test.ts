import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys, prefixes, shardOf } from "../../../runtime/platform/keys.ts";
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

Deno.test("timers of one kind sort by their instant", async () => {
  await using bench = await aBench();
  const dues = [keys.due("start", 9, "z"), keys.due("start", 10, "a"), keys.due("start", 100, "b")];
  await bench.kv.writeBlind(dues.toReversed().map((key) => ({ key, value: null })), 0);
  const found = await bench.kv.list({ prefix: prefixes.due("start") }, { limit: 9 });
  assert.deepEqual(found.map(({ key }) => key), dues);
});
