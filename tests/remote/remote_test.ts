// The service on a real `denokv` server.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { openKv } from "../../runtime/platform/open_kv.ts";
import { allEvents, type Body } from "../support/service.ts";
import { Server } from "../support/server_process.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { eventually, unlessItHangs } from "../support/waiting.ts";

const json = (body: unknown) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

Deno.test({
  ...needed("the limits of a server are found out, and those of the embedded database"),
  async fn() {
    await using denokv = await Denokv.start();
    Deno.env.set("DENO_KV_ACCESS_TOKEN", denokv.token);
    const remote = await openKv(denokv.url);
    const memory = await openKv(":memory:");
    assert.deepEqual([remote.limits.checks, memory.limits.checks], [10, 100]);
    assert.deepEqual([remote.watched !== null, memory.watched], [true, null]);
    remote.close();
    memory.close();
  },
});

Deno.test({
  ...needed("a start while the database is away waits for it, and says so"),
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "errand-denokv-" });
    await using denokv = Denokv.away(directory);
    const said = Promise.withResolvers<void>();
    const starting = Server.start({ ...denokv.env, LEASE_MS: "1000" }, undefined, undefined, {
      onError: (text) => /does not answer; trying again/.test(text) && said.resolve(),
    });
    await unlessItHangs(said.promise, "the line that says so");
    await denokv.begin();
    await using server = await starting;
    const { id } = await server.submit("add", { a: 1, b: 2 });
    assert.equal((await server.ended(id)).result, 3);
  },
});

Deno.test({
  ...needed("what one process takes in another one runs; its streams see the ends"),
  async fn() {
    await using denokv = await Denokv.start();
    await using web = await Server.start({ ...denokv.env, ROLE: "web" });
    await using worker = await Server.start({ ...denokv.env, ROLE: "worker" });
    assert.ok(worker.url);
    for (let i = 0; i < 20; i++) {
      const { id } = await web.submit("add", { a: i, b: 1 });
      assert.equal((await web.ended(id)).result, i + 1);
    }

    const chord = {
      chord: {
        header: Array.from({ length: 30 }, (_, i) => ({ task: "add", input: { a: i, b: i } })),
        body: { task: "echo", into: "value" },
      },
    };
    const { status, body } = await web.fetch("/v1/flows", json(chord));
    assert.equal(status, 202, JSON.stringify(body));
    const events = await allEvents(await fetch(`${web.url}/v1/as-completed?groupId=${body.groupId}`));
    const ended = events.filter(({ event }) => event === "task").map(({ data }) => data);
    assert.equal(new Set(ended.map(({ id }: Body) => id)).size, 31);
    const last = ended.find(({ id }: Body) => id === body.tasks.body.id);
    assert.deepEqual(last.result, Array.from({ length: 30 }, (_, i) => 2 * i));
  },
});

Deno.test({
  ...needed(
    "while the server is killed and away submits are 503, and what was accepted ends when it is back",
  ),
  async fn() {
    await using denokv = await Denokv.start();
    await using server = await Server.start({ ...denokv.env, LEASE_MS: "2000" });
    const { id: running } = await server.submit("sleep", { ms: 5_000, value: "kept" });
    const { id: later } = await server.submit("add", { a: 1, b: 2 }, { delayMs: 2_000 });
    await server.until(running, "RUNNING");
    await denokv.end("SIGKILL");
    const refused = await server.fetch("/v1/tasks", json({ task: "add", input: { a: 1, b: 1 } }));
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "2"]);
    await denokv.begin();
    await eventually(async () => (await server.fetch(`/v1/tasks/${running}`)).status === 200);
    const task = await server.ended(running);
    assert.deepEqual([task.state.type, task.result], ["COMPLETED", "kept"]);
    assert.equal((await server.ended(later)).result, 3);
  },
});
