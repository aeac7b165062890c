import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { endsAt, submitMany, typesOf } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { WORK } from "../chaos/definitions.ts";
import { readJournal } from "../chaos/journal.ts";
import type { RunLine } from "../chaos/lines.ts";
import { eventually } from "../support/waiting.ts";

Deno.test("two processes on one file share the load and reap each other", async () => {
  await using cluster = await Cluster.start({ processes: 2, leaseMs: 3_000, env: { CONCURRENCY: "4" } });
  const startsOf = async (ids: string[]) => {
    const lines = await readJournal<RunLine>(cluster.path("runs"));
    return lines.filter(({ is, id }) => is === "start" && ids.includes(id));
  };
  const [one, other] = cluster.slots;

  // All come in at one of them, and are more than it can run at once.
  const shared = await submitMany(one, 160, WORK, { ms: 150 });
  for (const task of await endsAt(other, shared)) {
    assert.deepEqual(typesOf(task), ["PENDING", "RUNNING", "COMPLETED"]);
  }
  const ran = Map.groupBy(await startsOf(shared), ({ pid }) => pid);
  for (const slot of cluster.slots) {
    assert.ok(ran.get(slot.pid)!.length >= 10, `${ran.get(slot.pid)?.length}`);
  }

  for (const [dying, living] of [[one, other], [other, one]]) {
    const ids = await submitMany(dying, 4, WORK, { ms: 400 });
    const { pid } = dying;
    await eventually(async () => (await startsOf(ids)).length === 4);
    await dying.kill();
    const tasks = await endsAt(living, ids);
    const starts = await startsOf(ids);
    for (const task of tasks) {
      assert.equal(task.state.type, "COMPLETED");
      const mine = starts.filter(({ id }) => id === task.id);
      assert.equal(mine.at(-1)!.pid, living.pid);
      const died = task.history.filter((state: { message: string }) =>
        /^its worker died/.test(state.message ?? "")
      );
      assert.equal(died.length, mine.filter((run) => run.pid === pid).length);
    }
    await dying.start();
  }
});
