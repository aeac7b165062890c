import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { isQueuedAt, readyBlocks, ReadyQueue } from "../../../runtime/store/ready_queue.ts";
import { aBench, aDraft, onEachBackend, seeded } from "../../support/builders.ts";
import { makeIds } from "../../../runtime/platform/ids.ts";
import { ManualClock } from "../../support/manual_clock.ts";

function aQueue(shards = 1) {
  const clock = new ManualClock();
  return { clock, queue: new ReadyQueue(shards, clock, makeIds(clock, seeded())) };
}

const drafts = (count: number, patch = {}) => Array.from({ length: count }, () => aDraft(patch));

Deno.test("what one commit makes ready stands in blocks of at most 100, in its order", () => {
  const records = drafts(250);
  const writes = aQueue().queue.add(records);
  const values = writes.map(({ value }) => value as { ids: string[]; tasks: string[] });
  assert.deepEqual(values.map(({ ids }) => ids.length), [100, 100, 50]);
  assert.deepEqual(values.flatMap(({ ids }) => ids), records.map(({ id }) => id));
  assert.ok(values.every(({ ids, tasks }) => ids.length === tasks.length));
});

Deno.test("each record is told the block that holds it", () => {
  const records = drafts(150);
  const writes = aQueue().queue.add(records);
  for (const record of records) {
    const holding = writes.filter(({ key }) => isQueuedAt(record, key));
    assert.equal(holding.length, 1);
    assert.ok((holding[0].value as { ids: string[] }).ids.includes(record.id));
  }
});

Deno.test("each priority and each shard has blocks of its own", () => {
  const { queue } = aQueue(8);
  const records = [...drafts(20, { priority: 1 }), ...drafts(20, { priority: -1 })];
  for (const { key, value } of queue.add(records)) {
    for (const id of (value as { ids: string[] }).ids) {
      const record = records.find((record) => record.id === id)!;
      assert.equal(key[2], 10 - record.priority);
    }
  }
});

Deno.test("the order rises strictly, also when the clock stands still or goes back", () => {
  const { clock, queue } = aQueue();
  let last = -Infinity;
  for (const move of [0, 0, 1, -5_000, 0, 5_001]) {
    clock.jump(move);
    for (let i = 0; i < 100; i++) {
      const [{ key }] = queue.add(drafts(1));
      assert.ok(key[3] as number > last);
      last = key[3] as number;
    }
  }
});

onEachBackend("readyBlocks() gives every block once, head first, over many pages", async (path) => {
  await using bench = await aBench({ path });
  for (let i = 0; i < 90; i++) await bench.submit({ priority: i % 3 });
  const found = await Array.fromAsync(readyBlocks(bench.kv, 0));
  assert.equal(found.length, 90);
  assert.equal(new Set(found.flatMap(({ value }) => value.ids)).size, 90);
  const places = found.map(({ key }) => [key[2], key[3]] as [number, number]);
  assert.deepEqual(places, places.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
});
