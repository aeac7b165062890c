import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Body, endAt, submit, taskAt, typesOf } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { POISON, WORK } from "../chaos/definitions.ts";
import { readJournal } from "../chaos/journal.ts";
import type { FaultLine } from "../chaos/lines.ts";
import { HANGS_MS } from "../support/waiting.ts";

Deno.test("a task that kills its process ends CRASHED with its input kept, the others end well", async () => {
  await using cluster = await Cluster.start({ processes: 1, leaseMs: 1_500 });
  const [slot] = cluster.slots;
  const bystander = await submit(slot, WORK, { ms: 300 }, { maxCrashes: 20 });
  const poison = await submit(slot, POISON, { bait: "kept" }, { maxCrashes: 2 });
  // A supervisor: whenever the process is gone, it is started again.
  let task: Body;
  for (const since = performance.now(); task?.state.type !== "CRASHED";) {
    assert.ok(performance.now() - since < HANGS_MS, JSON.stringify(task?.history));
    if (slot.state === "down") await slot.start();
    task = await taskAt(slot, poison, 1).catch(() => task);
  }
  assert.deepEqual(typesOf(task), [
    "PENDING",
    ...Array(3).fill(["RUNNING", "PENDING"]).flat().slice(0, -1),
    "CRASHED",
  ]);
  assert.deepEqual([task.input, task.error.name, task.attempt], [{ bait: "kept" }, "CrashedError", 1]);
  assert.equal((await endAt(slot, bystander)).state.type, "COMPLETED");
  const faults = await readJournal<FaultLine>(cluster.path("faults"));
  assert.equal(faults.filter(({ is }) => is === "died").length, 3);
});
