import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import type { UniqueHold } from "../../../runtime/core/task.ts";
import { aBench, type Bench, keys } from "../../support/builders.ts";

const KEY = "0123456789abcdef";
const unique: UniqueHold = { key: KEY, while: "active" };

async function repaired(bench: Bench): Promise<string[]> {
  const repairs: string[] = [];
  await new Reconciler(bench.store, bench.values, (id, what) => repairs.push(`${id} ${what}`)).tick();
  return repairs;
}

async function holder({ kv }: Bench): Promise<unknown> {
  return (await kv.get<{ id: string }>(keys.unique(KEY))).value?.id;
}

Deno.test("a task whose unique key was lost gets it back", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit({ unique });
  assert.equal(await holder(bench), record.id);
  assert.deepEqual(await repaired(bench), [], "nothing is wrong");
  await bench.kv.writeBlind([{ key: keys.unique(KEY) }], 0);
  assert.deepEqual(await repaired(bench), [`${record.id} had no unique key`]);
  assert.equal(await holder(bench), record.id);
});

Deno.test("a unique key that names a task without it is removed", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit({});
  await bench.kv.writeBlind([{ key: keys.unique(KEY), value: { id: record.id } }], 0);
  assert.deepEqual(await repaired(bench), [`${record.id} was named by a unique key that it does not have`]);
  assert.equal(await holder(bench), undefined);
});

Deno.test("of two tasks that say that they have a key the one that it names keeps it", async () => {
  await using bench = await aBench();
  const [{ record: one }, { record: other }] = await bench.submit({ unique }, { unique });
  await bench.kv.writeBlind([{ key: keys.unique(KEY), value: { id: one.id } }], 0);
  assert.deepEqual(await repaired(bench), [`${other.id} had no unique key`]);
  assert.equal(await holder(bench), one.id);
  assert.equal((await bench.record(other.id)).unique?.lost, true);
  assert.deepEqual(await repaired(bench), []);
});

Deno.test("a key whose task is gone keeps nobody out, and is removed without a word", async () => {
  await using bench = await aBench();
  await bench.kv.writeBlind([{
    key: keys.unique(KEY),
    value: { id: "019a0000-0000-7000-8000-00000000dead" },
  }], 0);
  assert.deepEqual(await repaired(bench), []);
  assert.equal(await holder(bench), undefined);
});
