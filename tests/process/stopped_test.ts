import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { endAt, submit, taskAt, typesOf } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { DEAF, WORK } from "../chaos/definitions.ts";
import { readJournal } from "../chaos/journal.ts";
import type { RunLine } from "../chaos/lines.ts";
import { eventually, pause } from "../support/waiting.ts";

/** Long enough that a slow machine takes none for dead that was not stopped. */
const LEASE_MS = 3_000;

const runsIn = (cluster: Cluster, id: string) =>
  readJournal<RunLine>(cluster.path("runs")).then((lines) => lines.filter((line) => line.id === id));

// One that heeds its signal, and one that returns a value long after its lease was over.
for (const task of [WORK, DEAF]) {
  Deno.test(`a worker stopped for longer than its lease writes nothing that counts (${task})`, async () => {
    await using cluster = await Cluster.start({ processes: 2, leaseMs: LEASE_MS });
    const id = await submit(cluster.slots[0], task, { ms: 6_000 });
    const [begun] = await eventually(async () => {
      const runs = await runsIn(cluster, id);
      return runs.length > 0 && runs;
    });
    // Either may have been the first to see it.
    const stopped = cluster.slots.find(({ pid }) => pid === begun.pid)!;
    const other = cluster.slots.find(({ pid }) => pid !== begun.pid)!;
    // Stopped in the midst of a commit it would hold the lock, and nobody could write until it goes on.
    assert.ok(await stopped.stopWhile(false, cluster.database));
    const ended = await endAt(other, id);
    assert.equal(ended.state.type, "COMPLETED");
    stopped.continue();
    // Its own run ends too, with a value of its own.
    const runs = await eventually(async () => {
      const lines = await runsIn(cluster, id);
      return lines.filter(({ is }) => is === "end").length === 2 && lines;
    });
    assert.deepEqual(runs.filter(({ is }) => is === "start").map(({ pid }) => pid), [stopped.pid, other.pid]);
    await pause(600);

    for (const slot of [stopped, other]) {
      const task = await taskAt(slot, id);
      assert.deepEqual(task, ended);
      assert.equal(runs.find(({ run }) => run === task.result.run)!.pid, other.pid);
      assert.deepEqual(typesOf(task), ["PENDING", "RUNNING", "PENDING", "RUNNING", "COMPLETED"]);
      assert.match(task.history[2].message, /^its worker died/);
      assert.equal(task.attempt, 1);
    }
    // It goes on as a worker.
    await eventually(async () => {
      const next = await submit(stopped, WORK, { ms: 0 });
      assert.equal((await endAt(stopped, next)).state.type, "COMPLETED");
      return (await runsIn(cluster, next))[0].pid === stopped.pid;
    });
  });
}
