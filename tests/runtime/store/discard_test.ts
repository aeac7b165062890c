import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { discardUnlessNamed } from "../../../runtime/store/discard.ts";
import { prefixes } from "../../../runtime/platform/keys.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const LARGE = JSON.stringify("x".repeat(30_000));

const chunks = async ({ kv }: Bench, id: string) =>
  (await kv.list({ prefix: prefixes.blobs(id) }, { limit: 99 })).length;

Deno.test("a value stays while its task's record names it, as what it may, and goes otherwise", async () => {
  await using bench = await aBench();
  const { store, values, ids } = bench;
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
    await discardUnlessNamed(store, values, id, value);
    assert.equal(await chunks(bench, id), value.chunks, name);
    const other = await values.store(id, LARGE);
    await discardUnlessNamed(store, values, id, other);
    assert.equal(await chunks(bench, id), value.chunks, "another value of the task");
  }
});

Deno.test("a value of a task that is not there, or no more, goes", async () => {
  await using bench = await aBench();
  const { store, values, ids, clock } = bench;
  const nobody = ids.id();
  await discardUnlessNamed(store, values, nobody, await values.store(nobody, LARGE));
  assert.equal(await chunks(bench, nobody), 0);
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
  await discardUnlessNamed(store, values, id, input);
  assert.equal(await chunks(bench, id), 0);
});

Deno.test("a small value stands in the record, and there is nothing to remove", async () => {
  await using bench = await aBench();
  await discardUnlessNamed(bench.store, bench.values, "nobody", { json: "1" });
  assert.deepEqual(await bench.all(), []);
});
