import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import { INLINE_BYTES, Values } from "../../../runtime/store/values.ts";
import { aBench, type Bench, onEachBackend, seeded } from "../../support/builders.ts";

const quoted = (length: number) => JSON.stringify("x".repeat(length - 2));

function randomText(length: number): string {
  const bytes = new Uint8Array(length);
  seeded(length)(bytes);
  return JSON.stringify(Array.from(bytes, (byte) => String.fromCharCode(33 + byte % 90)).join(""));
}

Deno.test("a value stands in the record up to the room it has there, and in chunks beyond", async () => {
  await using bench = await aBench();
  // In the record the text is a JSON string itself: its two quotes take four bytes, and it has two of its
  // own.
  const fits = quoted(INLINE_BYTES - 4);
  assert.deepEqual(await bench.values.store("t", fits), { json: fits });
  const over = quoted(INLINE_BYTES - 3);
  const stored = await bench.values.store("t", over);
  assert.ok("blob" in stored);
  assert.equal(stored.bytes, over.length);
  assert.equal(await bench.values.load("t", stored), over);
});

Deno.test("two values of one task share the record's room", async () => {
  await using bench = await aBench();
  const half = quoted(INLINE_BYTES / 2 + 10);
  assert.ok("json" in await bench.values.store("t", half));
  assert.ok("blob" in await bench.values.store("t", half, { json: half }));
  assert.ok("json" in await bench.values.store("t", half, { blob: "b", chunks: 1, bytes: 9 }));
});

Deno.test("characters that need escapes or several bytes count as what they take", async () => {
  await using bench = await aBench();
  for (const character of ["\u0001", "€", '"']) {
    assert.ok("blob" in await bench.values.store("t", JSON.stringify(character.repeat(INLINE_BYTES / 2))));
  }
});

onEachBackend("16 MiB come back exactly", async (path) => {
  await using bench = await aBench({ path });
  const text = randomText(2 ** 20 * 16);
  const stored = await bench.values.store("t", text);
  assert.ok("blob" in stored && stored.chunks > 10);
  assert.ok(await bench.values.load("t", stored) === text);
  const chunks = await bench.kv.list<Uint8Array>({ prefix: prefixes.blobs("t") }, { limit: 9_999 });
  assert.equal(chunks.length, stored.chunks);
  assert.ok(chunks.every(({ value }) => value.byteLength <= 65_536));
});

Deno.test("two values of one task never touch each other's chunks", async () => {
  await using bench = await aBench();
  const [one, other] = [randomText(200_000), randomText(200_001)];
  const stored = await bench.values.store("t", one);
  const storedOther = await bench.values.store("t", other);
  await bench.values.discard("t", storedOther);
  assert.equal(await bench.values.load("t", stored), one);
  await assert.rejects(bench.values.load("t", storedOther), /chunk 0 of/);
});

Deno.test("a chunk that is missing is an error and no shortened value", async () => {
  await using bench = await aBench();
  const stored = await bench.values.store("t", randomText(200_000));
  await bench.kv.writeBlind([{ key: keys.blob("t", (stored as { blob: string }).blob, 1) }], 0);
  await assert.rejects(bench.values.load("t", stored), /chunk 1 of/);
});

onEachBackend("a purge leaves no key of the task, and all of others", async (path) => {
  await using bench = await aBench({ path });
  for (const task of ["t", "u"]) {
    await bench.values.store(task, randomText(200_000));
    for (let from = 1; from <= 1_200; from += 300) {
      const writes = Array.from({ length: 300 }, (_, i) => ({ key: keys.event(task, from + i), value: 1 }));
      await bench.kv.writeBlind(writes, 0);
    }
  }
  const before = (await bench.all()).filter(({ key }) => key[1] === "u");
  await new Values(bench.kv, bench.ids, bench.store.turns).purge("t");
  assert.deepEqual((await bench.all()).map(({ key }) => key), before.map(({ key }) => key));
});

Deno.test("discard() of a value in the record does nothing", async () => {
  await using bench = await aBench();
  await bench.values.discard("t", { json: "1" });
});

const LARGE = JSON.stringify("x".repeat(30_000));

const chunksOf = async ({ kv }: Bench, id: string) =>
  (await kv.list({ prefix: prefixes.blobs(id) }, { limit: 99 })).length;

Deno.test("a value stays while its task's record names it, as what it may, and goes otherwise", async () => {
  await using bench = await aBench();
  const { values, ids } = bench;
  const as: Record<string, (value: { blob: string; chunks: number; bytes: number }) => Partial<TaskRecord>> =
    {
      input: (input) => ({ input }),
      result: (result) => ({ result }),
      upstreams: (upstreams) => ({
        deps: { upstreams, total: 1, waitFor: 0, allowFailure: false, released: true },
      }),
    };
  for (const [name, patch] of Object.entries(as)) {
    const id = ids.id();
    const value = await values.store(id, LARGE);
    assert.ok("blob" in value);
    await bench.submit({ id, ...patch(value) });
    await values.discard(id, value);
    assert.equal(await chunksOf(bench, id), value.chunks, name);
    const other = await values.store(id, LARGE);
    await values.discard(id, other);
    assert.equal(await chunksOf(bench, id), value.chunks, "another value of the task");
  }
});

Deno.test("a value of a task that is not there, or no more, goes", async () => {
  await using bench = await aBench();
  const { store, values, ids, clock } = bench;
  const nobody = ids.id();
  await values.discard(nobody, await values.store(nobody, LARGE));
  assert.equal(await chunksOf(bench, nobody), 0);
  const id = ids.id();
  const input = await values.store(id, LARGE);
  await bench.submit({ id, input });
  await store.update(
    "settle",
    id,
    ({ record }) => ({ next: cancelled(record as TaskRecord, clock.now(), null) }),
  );
  await store.update("settle", id, ({ record: { rev } }) => {
    return { next: { id, op: "", rev, forgottenAt: clock.now() } };
  });
  await values.discard(id, input);
  assert.equal(await chunksOf(bench, id), 0);
});

Deno.test("a small value stands in the record, and there is nothing to remove", async () => {
  await using bench = await aBench();
  await bench.values.discard("nobody", { json: "1" });
  assert.deepEqual(await bench.all(), []);
});
