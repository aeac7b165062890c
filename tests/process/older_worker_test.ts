import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { oldRelease } from "../support/old_release.ts";
import { aDatabase, Server } from "../support/server_process.ts";
import type { Body } from "../support/service.ts";

const NEW_MAIN = fileURLToPath(new URL("../support/service_main.ts", import.meta.url));

const ADD = { a: 1, b: 2 };

Deno.test("a process of 0.2 leaves tasks of named queues and of limits to newer ones, and goes on with the others", async () => {
  await using old = await oldRelease("0.2");
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "3000" };
  await using older = await Server.start(env, old.main, old.flags);
  // It runs nothing of what is submitted here.
  await using front = await Server.start({ ...env, QUEUES: "elsewhere" }, NEW_MAIN);
  const call = async (path: string) => {
    const { status } = await front.fetch(path, { method: "POST" });
    assert.equal(status, 200);
  };
  await call("/v1/queues/paused/pause");
  const concurrency = { key: "one", limit: 1 };
  const theirs: Body[] = [
    await front.submit("add", ADD, { queue: "paused" }),
    await front.submit("add", ADD, { queue: "mail" }),
    await front.submit("add", ADD, { queue: "mail", delayMs: 100 }),
    await front.submit("add", ADD, { concurrency }),
  ];
  const untouched = async () => {
    for (const { id } of theirs) {
      const { attempt, state } = await front.task(id);
      assert.deepEqual([attempt, state.type], [0, state.name === "Scheduled" ? "SCHEDULED" : "PENDING"]);
    }
  };
  // The older one works: it comes by them again and again meanwhile, and by its sweeps.
  for (let n = 0; n < 5; n++) {
    const { id } = await front.submit("sleep", { ms: 500, value: n });
    assert.equal((await older.ended(id)).result, n);
    await untouched();
  }
  const { status, body } = await older.fetch(`/v1/tasks/${theirs[0].id}`);
  assert.deepEqual([status, /record version 2/.test(body.detail)], [503, true], JSON.stringify(body));

  await using newer = await Server.start({ ...env, QUEUES: "paused,mail,default" }, NEW_MAIN);
  for (const { id } of theirs.slice(1)) assert.equal((await newer.ended(id)).result, 3);
  assert.equal((await front.task(theirs[0].id)).attempt, 0);
  await call("/v1/queues/paused/resume");
  assert.equal((await newer.ended(theirs[0].id)).result, 3);
  assert.doesNotMatch(older.output.stderr, /was repaired|left behind|TypeError/);
});
