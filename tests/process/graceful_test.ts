import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { endsAt, submitMany, taskAt, typesOf } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { WORK } from "../chaos/definitions.ts";
import { readJournal } from "../chaos/journal.ts";
import type { RunLine } from "../chaos/lines.ts";
import { aDatabase, Server } from "../support/server_process.ts";
import { eventually, pause } from "../support/waiting.ts";

Deno.test("a graceful stop under load hands back what has no time left, and counts against nobody", async () => {
  await using cluster = await Cluster.start({ processes: 1, leaseMs: 3_000, env: { CONCURRENCY: "50" } });
  const [slot] = cluster.slots;
  const long = await submitMany(slot, 20, WORK, { ms: 120_000 }, { maxCrashes: 0 });
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
  const { code } = await slot.terminate();
  going = false;
  await Promise.all(clients);
  assert.equal(code, 0);

  await slot.start();
  const ids = [...short, ...waiting, ...late];
  for (let at = 0; at < ids.length; at += 1_000) await endsAt(slot, ids.slice(at, at + 1_000));
  const begun = await started();
  for (const id of ids) {
    const task = await taskAt(slot, id);
    assert.deepEqual([task.state.type, task.attempt], ["COMPLETED", 1], JSON.stringify(task.history));
    assert.ok(begun.has(id));
    const said = task.history.map(({ message }: { message: string }) => message).filter(Boolean);
    assert.ok(said.every((message: string) => /^handed back/.test(message)), said.join());
    if (short.includes(id)) assert.equal(said.length, 0);
  }
  for (const id of long) {
    const { history, attempt } = await eventually(async () => {
      const task = await taskAt(slot, id);
      return task.history.length === 4 && task;
    }, "it does not run again");
    assert.deepEqual([typesOf({ history }), attempt], [["PENDING", "RUNNING", "PENDING", "RUNNING"], 1]);
    assert.match(history[2].message, /^handed back/);
  }
});

Deno.test("a stop right after the end of a task that thousands wait for hands back what runs", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, STOP_GRACE_MS: "1000" };
  const sleepers: string[] = [];
  {
    await using server = await Server.start(env);
    const awaited = await server.submit("sleep", { ms: 60_000 });
    const waiting = { task: "echo", input: { value: 1 }, options: { waitFor: [awaited.id] } };
    for (let i = 0; i < 20; i++) {
      const { status } = await server.fetch("/v1/tasks/batch", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ tasks: Array(1_000).fill(waiting) }),
      });
      assert.equal(status, 202);
    }
    for (let i = 0; i < 20; i++) {
      sleepers.push((await server.submit("sleep", { ms: 60_000 }, { maxCrashes: 0 })).id);
    }
    for (const id of sleepers) await server.until(id, "RUNNING");
    await server.fetch(`/v1/tasks/${awaited.id}/cancel`, { method: "POST" });
    await server.ended(awaited.id);
    assert.equal((await server.end("SIGTERM")).code, 0);
  }
  await using server = await Server.start({ ...env, ROLE: "web" });
  for (const id of sleepers) {
    const { state } = await server.task(id);
    assert.deepEqual([state.type, state.message], ["PENDING", "handed back by a stopping worker"]);
  }
});
