import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { GarbageCollector } from "../../../runtime/maintenance/garbage_collector.ts";
import type { StoredValue } from "../../../runtime/core/task.ts";
import { aBench, type Bench, onEachBackend } from "../../support/builders.ts";

const HOUR_MS = 60 * 60 * 1000;
const LARGE = JSON.stringify(Array.from({ length: 40_000 }, (_, i) => `${i * 7919 % 99991}`));

/** Looks every five minutes. @returns how many were removed */
async function pass({ clock }: Bench, collector: GarbageCollector, ms: number): Promise<number> {
  let removed = 0;
  for (let left = ms; left > 0; left -= 5 * 60_000) {
    clock.advance(Math.min(left, 5 * 60_000));
    removed += await collector.tick();
  }
  return removed;
}

async function keysUnder({ kv }: Bench, prefix: Deno.KvKey): Promise<number> {
  return (await kv.list({ prefix }, { limit: 500 })).length;
}

const present = (bench: Bench, id: string, value: StoredValue) =>
  bench.values.load(id, value).then(() => true, () => false);

onEachBackend("a value that no task names goes after an hour, and not before", async (path) => {
  await using bench = await aBench({ path });
  const [{ record: { id } }] = await bench.submit({});
  const lost = await bench.values.store(id, LARGE);
  assert.ok("blob" in lost && lost.chunks > 1);
  const said: string[] = [];
  const onRepair = (task: string, what: string) => void said.push(`${task === id} ${what}`);
  const collector = new GarbageCollector(bench.store, bench.values, onRepair);
  assert.equal(await collector.tick(), 0);
  assert.equal(await pass(bench, collector, HOUR_MS - 1), 0);
  assert.equal(await present(bench, id, lost), true);
  assert.equal(await pass(bench, collector, 1), 1);
  assert.equal(await keysUnder(bench, prefixes.allBlobs), 0);
  assert.deepEqual(said, ["true had a stored value that its record does not name"]);
});

onEachBackend("values that a task names stay, and so do its events", async (path) => {
  await using bench = await aBench({ path });
  const id = bench.ids.id();
  const input = await bench.values.store(id, LARGE);
  await bench.submit({ id, input });
  const other = await bench.values.store(id, LARGE);
  await bench.kv.writeBlind([{ key: keys.event(id, 3), value: "an event" }], 0);
  const collector = new GarbageCollector(bench.store, bench.values);
  assert.equal(await pass(bench, collector, 3 * HOUR_MS), 1);
  assert.deepEqual([await present(bench, id, input), await present(bench, id, other)], [true, false]);
  assert.equal(await keysUnder(bench, prefixes.allEvents), 1);
});

onEachBackend(
  "the list of those that a task waits for stays; edges of a task that never was go",
  async (path) => {
    await using bench = await aBench({ path });
    const id = bench.ids.id();
    const upstreams = await bench.values.store(id, LARGE);
    const deps = { upstreams, total: 2, waitFor: 2, allowFailure: false, released: true };
    await bench.submit({ id, deps });
    const edge = { ids: [id], told: null };
    await bench.kv.writeBlind([
      { key: keys.edge(id, "a"), value: edge },
      { key: keys.edge("never", "a"), value: edge },
      { key: keys.edge("seal-open", "a"), value: edge },
    ], 0);
    const collector = new GarbageCollector(bench.store, bench.values);
    assert.equal(await pass(bench, collector, 3 * HOUR_MS), 1);
    assert.equal(await present(bench, id, upstreams), true);
    const left = await bench.kv.list({ prefix: prefixes.allEdges }, { limit: 9 });
    assert.deepEqual(left.map(({ key }) => key[1]).sort(), [id, "seal-open"].sort());
  },
);

onEachBackend("what is left of a task that is gone is removed whole", async (path) => {
  await using bench = await aBench({ path });
  const gone = bench.ids.id();
  await bench.values.store(gone, LARGE);
  await bench.kv.writeBlind([1, 2, 3].map((seq) => ({ key: keys.event(gone, seq), value: seq })), 0);
  const collector = new GarbageCollector(bench.store, bench.values);
  assert.equal(await pass(bench, collector, 2 * HOUR_MS), 2);
  assert.equal(await keysUnder(bench, ["event"]) + await keysUnder(bench, ["blob"]), 0);
});

Deno.test("a value that is named in time is forgotten as a suspect", async () => {
  await using bench = await aBench();
  const id = bench.ids.id();
  const input = await bench.values.store(id, LARGE);
  const collector = new GarbageCollector(bench.store, bench.values);
  assert.equal(await pass(bench, collector, HOUR_MS - 1), 0);
  await bench.submit({ id, input });
  assert.equal(await pass(bench, collector, 2 * HOUR_MS), 0);
  assert.equal(await present(bench, id, input), true);
});

Deno.test("time in which nobody looked does not count", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({});
  const lost = await bench.values.store(id, LARGE);
  const collector = new GarbageCollector(bench.store, bench.values);
  for (let round = 0; round < 5; round++) {
    bench.clock.advance(100 * HOUR_MS);
    assert.equal(await collector.tick(), 0);
  }
  assert.equal(await present(bench, id, lost), true);
});

Deno.test("more than one round's values are all seen", async () => {
  await using bench = await aBench();
  for (let i = 0; i < 120; i++) {
    await bench.kv.writeBlind([{ key: keys.blob(bench.ids.id(), "b", 0), value: i }], 0);
  }
  const collector = new GarbageCollector(bench.store, bench.values, undefined, 0);
  let removed = 0;
  for (let round = 0; round < 8; round++) removed += await collector.tick();
  assert.equal(removed, 120);
});
