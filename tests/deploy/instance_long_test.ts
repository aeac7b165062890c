import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { Instance, type Session } from "../../deploy/instance.ts";
import { isProduction, originOf } from "../../deploy/origin.ts";
import { PUMP_PATH } from "../../deploy/pump.ts";
import { PumpTickets } from "../../deploy/pump_tickets.ts";
import { createApp } from "../../routes/app.ts";
import { type Clock, systemClock } from "../../runtime/platform/clock.ts";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openPatientKv } from "../support/patient_kv.ts";
import { KeyRing } from "../../auth/key_ring.ts";
import { Tickets } from "../../auth/tickets.ts";
import { createRuntime } from "../../runtime/mod.ts";
import { pendingWork } from "../../runtime/queries/pending_work.ts";
import { queueListenersOf } from "../support/queue_listeners.ts";
import { eventually, pause, turn } from "../support/waiting.ts";

interface AppOptions {
  /** The address that the operator has set. Default that of its socket; null where nobody has said so. */
  given?: string | null;
  /** Of the instance; the engine goes by the clock of the system. */
  clock?: Clock;
  /** How the app reaches itself. */
  fetch?: typeof fetch;
}

/**
 * An instance behind a socket, on a database in memory. Its one definition, "hold", ends when the test says
 * so.
 */
async function anInstance({ given, clock = systemClock, fetch: own }: AppOptions = {}) {
  const kv = await openPatientKv(":memory:");
  const listenersEnd = queueListenersOf(kv);
  const errors: string[] = [];
  const infos: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const hold = define({ name: "hold", input: z.unknown() }, async () => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
  }) as AnyDefinition;
  const log = {
    info: (message: string) => void infos.push(message),
    error: (message: string, error: unknown) => void errors.push(`${message}: ${error}`),
  };
  const sessions: Session[] = [];
  const seen: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    seen.push(`${request.method} ${new URL(request.url).pathname}`);
    return instance.handle(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const origin = given === undefined ? url : given;
  const pumpTickets = new PumpTickets(kv, systemClock, origin);
  const instance: Instance = new Instance({
    id: "this one",
    clock,
    log,
    fetch: own,
    origin,
    findWork: () => pendingWork(kv, { now: Date.now(), aheadMs: 60_000, knows: (task) => task === "hold" }),
    open: async (pump) => {
      const runtime = await createRuntime({ kv, definitions: [hold], log, leaseMs: 10_000, sweepMs: 100 });
      const app = createApp(runtime, {
        log,
        tickets: new Tickets(kv, systemClock),
        keys: new KeyRing(kv, systemClock),
        pingMs: 1_000,
        pump: { path: PUMP_PATH, admits: (ticket) => pumpTickets.use(ticket), serve: () => pump.serve() },
      });
      await runtime.start();
      const session: Session = {
        runtime,
        tickets: pumpTickets,
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
  return {
    instance,
    kv,
    url,
    errors,
    infos,
    gates,
    sessions,
    seen,
    submit: async (options: { delayMs?: number } = {}) => {
      const response = await fetch(`${url}/v1/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ task: "hold", input: {}, options }),
      });
      assert.equal(response.status, 202, await response.clone().text());
      return (await response.json()).id as string;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { resolve } of gates) resolve();
      await instance.stop(100);
      await server.shutdown();
      await kv.close();
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
  try {
    await eventually(() => !app.instance.pump.isServed, "it still asks itself");
    await pause(5_000);
    assert.equal(app.sessions.length, 1);
    assert.equal(app.instance.pump.isServed, false);
  } finally {
    // The server does not stop before.
    abort.abort();
    await stream.body!.cancel().catch(() => {});
  }
  await eventually(() => app.sessions.length === 0, "it does not rest");
});

Deno.test("the cron wakes nobody where there is nothing to do", async () => {
  await using app = await anInstance();
  await app.instance.sweep();
  assert.deepEqual([app.sessions.length, app.seen], [0, []]);
});

/** Copies what an ended instance has left behind. */
async function leave(app: Awaited<ReturnType<typeof anInstance>>, next: typeof app): Promise<void> {
  const left = await Array.fromAsync((app.kv.writer as Deno.Kv).list({ prefix: [] }));
  for (const { key, value } of left) await (next.kv.writer as Deno.Kv).set(key, value);
}

Deno.test("the cron wakes the app for a task that another instance has left, and it runs", async () => {
  await using app = await anInstance();
  await app.submit();
  await eventually(() => app.gates.length === 1);
  // The address is known from the first request; the instance is ended with its task.
  await app.instance.stop(0);
  await using next = await anInstance({
    given: app.url,
    // What goes to the app's address reaches the instance that lives now.
    fetch: (input, init) => fetch(String(input).replace(app.url, next.url), init),
  });
  await leave(app, next);
  await next.instance.sweep();
  await eventually(() => next.gates.length === 1 && next.instance.pump.isServed);
  next.gates[0].resolve();
  await eventually(() => next.sessions.length === 0, "it does not rest");
});

Deno.test("the cron wakes the app for a schedule that is due within the next minute", async () => {
  await using app = await anInstance();
  const made = await fetch(`${app.url}/v1/schedules/once`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ task: "hold", spec: [{ at: new Date(Date.now() + 5_000).toISOString() }] }),
  });
  assert.equal(made.status, 201, await made.text());
  await app.instance.stop(0);
  await using next = await anInstance({
    given: app.url,
    fetch: (input, init) => fetch(String(input).replace(app.url, next.url), init),
  });
  await leave(app, next);
  await next.instance.sweep();
  await eventually(() => next.gates.length === 1, "the schedule was not fired");
  next.gates[0].resolve();
  await eventually(() => next.sessions.length === 0, "it does not rest");
});

Deno.test("schedules of the code are those of the production timeline", () => {
  assert.deepEqual(
    [{}, { DENO_TIMELINE: "production" }, { DENO_TIMELINE: "git-branch/dev" }, { DENO_TIMELINE: "preview/a" }]
      .map(isProduction),
    [true, true, false, false],
  );
});

/** An app whose requests to itself are refused, asleep with one task to run. Its clock is moved by hand. */
async function aRefusedApp() {
  const clock = new ManualClock();
  const asked: string[] = [];
  const app = await anInstance({
    given: "https://app.example",
    clock,
    fetch: (input) => {
      asked.push(String(input));
      return Promise.resolve(new Response("LOOP_DETECTED", { status: 508 }));
    },
  });
  /** Lets time pass until the promise is settled or `ms` are over. True if it is settled. */
  const within = async (ms: number, promise: Promise<unknown>) => {
    let isSettled = false;
    promise.finally(() => isSettled = true);
    for (let passed = 0; passed < ms && !isSettled; passed += 500) {
      clock.advance(500);
      await turn();
    }
    return isSettled;
  };
  return { ...app, app, clock, asked, within, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

Deno.test("where requests to itself are refused, the cron's handler works until all is done", async () => {
  await using before = await anInstance();
  await before.submit();
  await eventually(() => before.gates.length === 1);
  await before.instance.stop(0);
  await using refused = await aRefusedApp();
  const { instance, gates, infos, asked, within } = refused;
  await leave(before, refused.app);

  const handler = instance.sweep();
  await eventually(() => gates.length === 1, "the task does not run");
  assert.equal(await within(120_000, handler), false, "the handler left a task that runs");
  gates[0].resolve();
  await eventually(() => within(10_000, handler), "the handler goes on without work");
  await eventually(() => within(10_000, Promise.resolve()).then(() => refused.sessions.length === 0));
  const list = await (await fetch(`${refused.url}/v1/tasks`)).json();
  assert.equal(list.tasks[0].state.type, "COMPLETED");
  assert.deepEqual(asked, [`https://app.example${PUMP_PATH}`]);
  assert.equal(infos.filter((info) => info.includes("508 LOOP_DETECTED")).length, 1);
  assert.deepEqual(refused.errors, []);
});

Deno.test("a refused instance that a request has started is kept by the next tick of the cron", async () => {
  await using refused = await aRefusedApp();
  const { instance, gates, within } = refused;
  await refused.submit();
  await eventually(() => gates.length === 1);
  const handler = instance.sweep();
  assert.equal(await within(120_000, handler), false, "the handler left a task that runs");
  gates[0].resolve();
  await eventually(() => within(10_000, handler), "the handler goes on without work");
});

Deno.test("a handler of the cron for which nothing runs is over before the third tick after it", async () => {
  await using refused = await aRefusedApp();
  const { instance, within } = refused;
  // Due after the minute, and near enough to keep the app awake.
  await refused.submit({ delayMs: 58_000 });
  const handler = instance.sweep();
  assert.equal(await within(170_000, handler), false, "the handler left a timer that is due soon");
  assert.equal(await within(9_000, handler), true, "the handler outlasts three minutes");
});

Deno.test("a handler of the cron ends with its instance, and what ran is handed back", async () => {
  await using refused = await aRefusedApp();
  const { instance, gates, kv, within, asked } = refused;
  await refused.submit();
  await eventually(() => gates.length === 1);
  const handler = instance.sweep();
  assert.equal(await within(1_000, handler), false);
  await instance.stop(0);
  await handler;
  const now = Date.now();
  const left = await pendingWork(kv, { now, aheadMs: 0, knows: (task) => task === "hold" });
  assert.equal(left, "tasks wait for a worker");
  assert.equal(asked.length, 1, "its end is no reason to ask again");
});

Deno.test("nobody but the app itself gets a pump", async () => {
  await using app = await anInstance();
  for (const headers of [{}, { authorization: "Bearer x" }] as Record<string, string>[]) {
    const response = await fetch(app.url + PUMP_PATH, { method: "POST", headers });
    assert.equal(response.status, 401);
    await response.body?.cancel();
  }
  const other = await new Tickets(app.kv, systemClock).issue("stream /v1/as-completed?", 1_000);
  const elsewhere = await new PumpTickets(app.kv, systemClock, "https://evil.example").issue(1_000);
  for (const ticket of [other, elsewhere]) {
    const response = await fetch(app.url + PUMP_PATH, {
      method: "POST",
      headers: { authorization: `Bearer ${ticket}` },
    });
    assert.equal(response.status, 401);
    await response.body?.cancel();
  }
  assert.equal(app.instance.pump.isServed, false);
});

Deno.test("a ticket for the pump is good at the app's own origin, once, on any instance", async () => {
  const kv = await openPatientKv(":memory:");
  const [one, other] = [1, 2].map(() => new PumpTickets(kv, systemClock, "https://app.example"));
  const ticket = await one.issue(1_000);
  assert.equal(await new PumpTickets(kv, systemClock, "https://evil.example").use(ticket), false);
  assert.equal(await new PumpTickets(kv, systemClock, null).use(ticket), false);
  assert.deepEqual(await Promise.all([one.use(ticket), other.use(ticket)]).then((used) => used.sort()), [
    false,
    true,
  ]);
  assert.equal(await other.use(ticket), false);
  const [nonce, signed] = ticket.split(".");
  assert.equal(await one.use(`${crypto.randomUUID()}.${signed}`), false, `of ${nonce} alone`);
  assert.equal(await one.use(await other.issue(-1)), false);
  await kv.close();
});

Deno.test("whatever Host callers write, the app asks nobody but itself", async () => {
  const asked: string[] = [];
  await using app = await anInstance({
    fetch: (input, init) => {
      asked.push(new URL(String(input)).host);
      return fetch(input, init);
    },
  });
  const { hostname, port, host } = new URL(app.url);
  const strange = await rawCall(hostname, Number(port), "evil.example", { "x-forwarded-proto": "https" });
  assert.match(strange, /^HTTP\/1\.1 (202|403) /);
  await app.submit();
  await eventually(() => app.instance.pump.isServed);
  assert.deepEqual([...new Set(asked)], [host]);
});

Deno.test("without an address an instance asks nobody, and the cron goes on with the work", async () => {
  const asked: string[] = [];
  await using app = await anInstance({
    given: null,
    fetch: (input) => {
      asked.push(String(input));
      return Promise.resolve(new Response());
    },
  });
  await app.submit();
  await eventually(() => app.gates.length === 1);
  const handler = app.instance.sweep();
  app.gates[0].resolve();
  await handler;
  assert.deepEqual([asked, app.errors], [[], []]);
});

Deno.test("the app's origin is what PUBLIC_URL or the platform says, and else unknown", () => {
  const env = { DENO_DEPLOY_APP_SLUG: "jobs", DENO_DEPLOY_ORG_SLUG: "acme" };
  const cases: [Record<string, string>, string | undefined, string | null][] = [
    [{ ...env, DENO_TIMELINE: "production" }, undefined, "https://jobs.acme.deno.net"],
    [{ ...env, DENO_TIMELINE: "git-branch/dev" }, undefined, "https://jobs--dev.acme.deno.net"],
    // How the platform spells these is not known.
    [{ ...env, DENO_TIMELINE: "git-branch/fix/a_b" }, undefined, null],
    [{ ...env, DENO_TIMELINE: "preview/abc" }, undefined, null],
    [env, undefined, null],
    [{ ...env, DENO_DEPLOY_APP_SLUG: "evil.example/", DENO_TIMELINE: "production" }, undefined, null],
    [{}, undefined, null],
    [{ ...env, DENO_TIMELINE: "production" }, "https://app.example/jobs", "https://app.example/jobs"],
  ];
  for (const [variables, publicUrl, origin] of cases) assert.equal(originOf(variables, publicUrl), origin);
});

/** A submit with a Host of one's own, which `fetch` does not take. */
async function rawCall(
  hostname: string,
  port: number,
  host: string,
  headers: Record<string, string>,
): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  const body = '{"task":"hold","input":{}}';
  const lines = [
    "POST /v1/tasks HTTP/1.1",
    `host: ${host}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body}`));
  return await new Response(connection.readable).text();
}
