import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { stateOf, type TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled, retried } from "../../../runtime/core/transitions.ts";
import { edgeWrite } from "../../../runtime/dependencies/edges.ts";
import { releaseBarrier } from "../../../runtime/dependencies/release_barrier.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { outboxWrite } from "../../../runtime/store/dependency_counters.ts";
import { aBench } from "../../support/builders.ts";

Deno.test("the barrier of a call does not release a task that a retry holds back", async () => {
  await using bench = await aBench();
  const { store, clock } = bench;
  const [{ record: { id } }] = await bench.submit({});
  const step = (next: (record: TaskRecord) => TaskRecord) =>
    store.update("settle", id, ({ record }) => ({ next: next(record as TaskRecord) }));
  await step((record) => cancelled(record, clock.now(), null));
  await step((record) => retried(record, clock.now(), record.input, true));
  const barrier = "seal-x";
  await store.kv.writeBlind([edgeWrite(barrier, "b", [id], null, "direct"), outboxWrite(barrier)], 0);
  const { versionstamp } = await store.kv.get(keys.outbox(barrier));
  assert.equal(await releaseBarrier(store, barrier, versionstamp!, () => false), true);
  assert.equal(stateOf(await bench.record(id)).name, "AwaitingDependencies");
  assert.deepEqual((await bench.all()).filter(({ key }) => key[0] === "edge"), []);
});
