// The service goes away in the middle and comes back, as another process on the same database and the same
// port.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { asCompleted, type TaskEvent } from "../../client/mod.ts";
import { aDatabase, type Env, type Server } from "../support/server_process.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { lastingPorts } from "../support/ports.ts";
import { pause } from "../support/waiting.ts";

const ENV = { LEASE_MS: "2000", CONCURRENCY: "50" };

/** Ends the service by `signal`, leaves it away for a moment, and starts it again on the same port. */
async function restart(server: Server, env: Env, signal: Deno.Signal): Promise<Server> {
  await server.end(signal);
  await pause(300);
  return await aServer(env);
}

async function onFile(use: (env: Env) => Promise<void>): Promise<void> {
  await using database = await aDatabase();
  const [port] = lastingPorts(1);
  await use({ ...ENV, KV_PATH: database.path, PORT: String(port) });
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`asCompleted() over 500 tasks gives each once, with ${signal} in the middle`, () =>
    onFile(async (env) => {
      let server = await aServer(env);
      try {
        const errand: Errand = aClient(server.url);
        const inputs = Array.from({ length: 500 }, (_, i) => ({ ms: i < 100 ? 1 : 50 + i, value: i }));
        const futures = await errand.map("sleep", inputs);
        const seen: string[] = [];
        let restarted: Promise<Server> | null = null;
        for await (const future of asCompleted(futures)) {
          seen.push(future.id);
          if (seen.length === 120) restarted = restart(server, env, signal);
        }
        server = await restarted!;
        assert.equal(seen.length, 500);
        assert.deepEqual(seen.toSorted(), futures.map(({ id }) => id).toSorted());
        assert.deepEqual(await futures.results(), inputs.map(({ value }) => value));
      } finally {
        await server[Symbol.asyncDispose]();
      }
    }));
}

Deno.test("results, callbacks and events outlive a kill of the service", () =>
  onFile(async (env) => {
    let server = await aServer(env);
    try {
      const errand = aClient(server.url);
      const slow = await errand.submit("hold", { gate: "a", value: "held" });
      const told = await errand.submit("hold", { gate: "a", emits: 10 });
      const called: string[] = [];
      slow.addDoneCallback(({ id }) => called.push(id));
      const result = slow.result();
      const all: TaskEvent[] = [];
      for await (const event of told.events()) {
        all.push(event);
        const emitted = all.filter(({ event }) => event === "chunk").length;
        if (event.event !== "chunk" || emitted % 10 > 0) continue;
        if (emitted === 10) server = await restart(server, env, "SIGKILL");
        else await errand.submit("release", { gate: "a" });
      }
      assert.equal(await result, "held");
      assert.deepEqual(called, [slow.id]);
      assert.deepEqual(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
      assert.equal(all.at(-1)!.event, "result");
      const restarts = all.filter(({ event, data }) =>
        event === "state" && "type" in data && data.type === "RUNNING"
      );
      assert.ok(restarts.length >= 2, "it was not interrupted at all");
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }));

Deno.test("a submit that finds nobody is one task as soon as somebody is there", () =>
  onFile(async (env) => {
    let server = await aServer(env);
    try {
      const errand = aClient(server.url);
      await server.end("SIGKILL");
      const submitted = Array.from({ length: 20 }, (_, i) => errand.submit("add", { a: i, b: 0 }));
      await pause(200);
      server = await aServer(env);
      const futures = await Promise.all(submitted);
      assert.deepEqual(await Promise.all(futures.map((future) => future.result())), futures.map((_, i) => i));
      const { body } = await server.fetch("/v1/tasks?limit=100");
      assert.equal(body.tasks.length, 20);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }));
