import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { cancelIfThere } from "../../../../runtime/commands/cancel.ts";
import { bulkWork } from "../../../../runtime/commands/bulk/bulk_work.ts";
import type { BulkPlace } from "../../../../runtime/commands/bulk/order.ts";
import { Registry } from "../../../../runtime/core/registry.ts";
import { keys } from "../../../../runtime/platform/keys.ts";
import { serviceKeys } from "../../../../runtime/platform/service_keys.ts";
import { aBench, type Bench } from "../../../support/builders.ts";
import { aContext } from "../../../support/task_context.ts";

/** Deletes tasks that another one needs. @returns what its next attempt writes to the log */
async function afterACrash(bench: Bench, crashed: (logged: unknown[][], id: string) => Promise<unknown>) {
  const { store, values } = bench;
  const work = { store, values, registry: new Registry([]), maxInputBytes: 1_000 };
  const [needs] = await bench.submit({});
  const next = [needs.record.id];
  const needed = await bench.submit({ next }, { next });
  const ids = needed.map(({ record }) => record.id).toSorted().reverse();
  for (const id of ids) await cancelIfThere(store, id, { graceMs: 0 });
  const input = { action: "delete", ids, graceMs: 0, tenant: "" };
  const [first, second] = [aContext("bulk", input), aContext("bulk", input)];
  const { id } = first.context.task;
  const place: BulkPlace = {
    cursor: null,
    counts: { done: 0, skipped: 0, failed: 0 },
    isOver: false,
  };
  await store.kv.writeBlind([{ key: serviceKeys.bulk(id), value: place }], store.clock.now());
  const counts = await bulkWork(work, first.context);
  assert.deepEqual(counts, { done: 0, skipped: 0, failed: 2 });
  assert.equal(first.said.logs.length, 2);
  await crashed(first.said.logs, id);
  assert.deepEqual(await bulkWork(work, { ...second.context, task: first.context.task }), counts);
  const named = second.said.logs.map(([, data]) => (data as { id: string }).id);
  return { ids, named };
}

Deno.test("failures of a bulk action whose log lines went with a process are named by the next attempt", async () => {
  await using bench = await aBench();
  const { ids, named } = await afterACrash(bench, () => Promise.resolve());
  assert.deepEqual(named, ids);
});

Deno.test("those whose lines were written are not named again", async () => {
  await using bench = await aBench();
  const { ids, named } = await afterACrash(bench, async ([[message, data]], id) => {
    const line = { kind: "log", seq: 2, at: 0, attempt: 1, message, data: JSON.stringify(data) };
    await bench.kv.writeBlind([{ key: keys.event(id, 2), value: line }], 0);
  });
  assert.deepEqual(named, ids.slice(1));
});
