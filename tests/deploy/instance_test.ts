import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { Instance, type Session } from "../../deploy/instance.ts";
import { Origins } from "../../deploy/origins.ts";
import { PUMP_PATH, PUMP_PURPOSE } from "../../deploy/pump.ts";
import { createApp } from "../../routes/app.ts";
import { systemClock } from "../../runtime/platform/clock.ts";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import { openPatientKv } from "../support/patient_kv.ts";
import { Tickets } from "../../auth/tickets.ts";
import { createRuntime } from "../../runtime/mod.ts";
import { pendingWork } from "../../runtime/queries/pending_work.ts";
import { queueListenersOf } from "../support/queue_listeners.ts";
import { eventually, pause } from "../support/service.ts";

/** An instance behind a socket, on a database in memory. Its one definition, "hold", ends when the test says so. */
async function anInstance(given?: string) {
  const kv = await openPatientKv(":memory:");
  const listenersEnd = queueListenersOf(kv);
  const errors: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const hold = define({ name: "hold", input: z.unknown() }, async () => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
  }) as AnyDefinition;
  const log = {
    info: () => {},
    error: (message: string, error: unknown) => void errors.push(`${message}: ${error}`),
  };
  const sessions: Session[] = [];
  const instance = new Instance({
    id: "this one",
    clock: systemClock,
    log,
    origins: new Origins(() => Promise.resolve(kv), given),
    findWork: () => pendingWork(kv, { now: Date.now(), aheadMs: 60_000, knows: (task) => task === "hold" }),
    open: async (pump) => {
      const runtime = await createRuntime({ kv, definitions: [hold], log, leaseMs: 600, sweepMs: 100 });
      const tickets = new Tickets(kv, systemClock);
      const app = createApp(runtime, {
        log,
        tickets,
        pingMs: 1_000,
        pump: { path: PUMP_PATH, purpose: PUMP_PURPOSE, serve: () => pump.serve() },
      });
      await runtime.start();
      const session: Session = {
        runtime,
        tickets,
        handle: (request) => app.fetch(request),
        close: async (graceMs) => {
          await runtime.stop(graceMs);
          sessions.splice(sessions.indexOf(session), 1);
        },
      };
      sessions.push(session);
      return session;
    },
  });
  const seen: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    seen.push(`${request.method} ${new URL(request.url).pathname}`);
    return instance.handle(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    instance,
    kv,
    url,
    errors,
    gates,
    sessions,
    seen,
    submit: async () => {
      const response = await fetch(`${url}/v1/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ task: "hold", input: {} }),
      });
      assert.equal(response.status, 202, await response.clone().text());
      return (await response.json()).id as string;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { resolve } of gates) resolve();
      await instance.stop(100);
      await server.shutdown();
      kv.close();
      await listenersEnd();
    },
  };
}

Deno.test("a task keeps its instance awake by a request of the instance to itself; then it goes to rest", async () => {
  await using app = await anInstance();
  await app.submit();
  await eventually(() => app.gates.length === 1 && app.instance.pump.isServed);
  assert.deepEqual(app.seen, ["POST /v1/tasks", `POST ${PUMP_PATH}`]);
  await pause(3_000);
  assert.equal(app.instance.pump.isServed, true);
  assert.equal(app.seen.length, 2);
  app.gates[0].resolve();
  await eventually(() => !app.instance.pump.isServed);
  await eventually(() => app.sessions.length === 0, "it does not rest");
  assert.deepEqual(app.errors, []);
  const entries = await app.kv.list({ prefix: ["worker"] }, { limit: 9 });
  assert.deepEqual(entries, [], "the worker has signed off");

  // The next request finds everything as it was.
  const list = await (await fetch(`${app.url}/v1/tasks`)).json();
  assert.equal(list.tasks[0].state.type, "COMPLETED");
});

Deno.test("an open stream keeps the session, and no pump", async () => {
  await using app = await anInstance();
  const id = await app.submit();
  await eventually(() => app.gates.length === 1);
  app.gates[0].resolve();
  const abort = new AbortController();
  const other = crypto.randomUUID();
  assert.notEqual(id, other);
  const late = await fetch(`${app.url}/v1/tasks`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ task: "hold", input: {}, options: { delayMs: 3_600_000 } }),
  });
  const stream = await fetch(`${app.url}/v1/tasks/${(await late.json()).id}/events`, {
    signal: abort.signal,
  });
  await eventually(() => !app.instance.pump.isServed);
  await pause(5_000);
  assert.equal(app.sessions.length, 1);
  assert.equal(app.instance.pump.isServed, false);
  abort.abort();
  await stream.body!.cancel().catch(() => {});
  await eventually(() => app.sessions.length === 0, "it does not rest");
});

Deno.test("the cron wakes nobody where there is nothing to do", async () => {
  await using app = await anInstance();
  await app.instance.sweep();
  assert.deepEqual([app.sessions.length, app.seen], [0, []]);
});

Deno.test("the cron wakes the app for a task that another instance has left, and it runs", async () => {
  await using app = await anInstance();
  await app.submit();
  await eventually(() => app.gates.length === 1);
  // The address is known from the first request; the instance is ended with its task.
  await app.instance.stop(0);
  await using next = await anInstance(app.url);
  const left = await Array.fromAsync((app.kv.writer as Deno.Kv).list({ prefix: [] }));
  for (const { key, value } of left) await (next.kv.writer as Deno.Kv).set(key, value);
  const elsewhere = fetch;
  // What goes to the app's address reaches the instance that lives now.
  globalThis.fetch = (input, init) => elsewhere(String(input).replace(app.url, next.url), init);
  try {
    await next.instance.sweep();
    await eventually(() => next.gates.length === 1 && next.instance.pump.isServed);
    next.gates[0].resolve();
    await eventually(() => next.sessions.length === 0, "it does not rest");
  } finally {
    globalThis.fetch = elsewhere;
  }
});

Deno.test("nobody but the app itself gets a pump", async () => {
  await using app = await anInstance();
  for (const headers of [{}, { authorization: "Bearer x" }] as Record<string, string>[]) {
    const response = await fetch(app.url + PUMP_PATH, { method: "POST", headers });
    assert.equal(response.status, 401);
    await response.body?.cancel();
  }
  const { tickets } = app.sessions[0];
  const other = await tickets.issue("stream /v1/as-completed?", 1_000);
  const response = await fetch(app.url + PUMP_PATH, {
    method: "POST",
    headers: { authorization: `Bearer ${other}` },
  });
  assert.equal(response.status, 401);
  await response.body?.cancel();
  assert.equal(app.instance.pump.isServed, false);
});

Deno.test("the app's address is learned from a request that was let in, and known to all instances", async () => {
  const kv = await openPatientKv(":memory:");
  const origins = () => new Origins(() => Promise.resolve(kv), undefined);
  const one = origins();
  assert.equal(await one.known(), null);
  await one.learn(new Request("http://app.example/v1/tasks", { headers: { "x-forwarded-proto": "https" } }));
  assert.equal(await one.known(), "https://app.example");
  assert.equal(await origins().known(), "https://app.example");
  const given = new Origins(() => Promise.resolve(kv), "https://other.example");
  await given.learn(new Request("http://evil.example/v1/tasks"));
  assert.equal(await given.known(), "https://other.example");
  assert.equal(await one.known(), "https://app.example");
  kv.close();
});
