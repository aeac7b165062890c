import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { endsAt, submitMany, taskAt } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { WORK } from "../chaos/definitions.ts";
import { readJournal } from "../chaos/journal.ts";
import type { RunLine } from "../chaos/lines.ts";
import { eventually, pause } from "../support/waiting.ts";

Deno.test("a graceful stop under load ends within 5 s and counts against nobody", async () => {
  await using cluster = await Cluster.start({ processes: 1, leaseMs: 1_000, env: { CONCURRENCY: "50" } });
  const [slot] = cluster.slots;
  const long = await submitMany(slot, 20, WORK, { ms: 6_000 }, { maxCrashes: 0 });
  const short = await submitMany(slot, 20, WORK, { ms: 1_500 }, { maxCrashes: 0 });
  const waiting = await submitMany(slot, 300, WORK, { ms: 50 }, { maxCrashes: 0 });
  const started = async () => {
    const lines = await readJournal<RunLine>(cluster.path("runs"));
    return new Set(lines.filter(({ is }) => is === "start").map(({ id }) => id));
  };
  await eventually(async () => {
    const ids = await started();
    return long.every((id) => ids.has(id));
  });
  // Clients go on submitting until they are refused.
  let going = true;
  const late: string[] = [];
  const client = async () => {
    while (going) {
      try {
        late.push(...await submitMany(slot, 5, WORK, { ms: 50 }, { maxCrashes: 0 }));
      } catch {
        await pause(20);
      }
    }
  };
  const clients = [client(), client(), client()];
  const { code, tookMs } = await slot.terminate();
  going = false;
  await Promise.all(clients);
  assert.equal(code, 0);
  assert.ok(tookMs < 5_000, `${tookMs} ms`);

  await slot.start();
  const ids = [...long, ...short, ...waiting, ...late];
  await endsAt(slot, ids.slice(0, 1_000), 30);
  const begun = await started();
  for (const id of ids) {
    const task = await taskAt(slot, id, 10);
    assert.deepEqual([task.state.type, task.attempt], ["COMPLETED", 1], JSON.stringify(task.history));
    assert.ok(begun.has(id));
    const said = task.history.map(({ message }: { message: string }) => message).filter(Boolean);
    assert.ok(said.every((message: string) => /^handed back/.test(message)), said.join());
    if (long.includes(id)) assert.equal(said.length, 1);
    if (short.includes(id)) assert.equal(said.length, 0);
  }
});
