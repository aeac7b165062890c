// How much of the service one caller may take: what it has is not what others have.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { systemClock } from "../../../runtime/platform/clock.ts";
import { aKey } from "../../support/api_keys.ts";
import { aDatabase } from "../../support/server_process.ts";
import {
  type Answer,
  aService,
  assertProblem,
  type Body,
  JSON_TYPE,
  type Service,
} from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

type Headers = { headers: Record<string, string> };

const boss = aKey(["admin"], "boss");
const one = aKey(["submit", "read"], "one");
const other = aKey(["submit", "read"], "other");
const apiKeys = [one.key, other.key, boss.key];

/** A clock that the test moves on by hand; its timers are the system's. */
function aClock() {
  let at = 0;
  const clock = { ...systemClock, now: () => Date.UTC(2030, 0, 1) + at, monotonic: () => at };
  return { clock, advance: (ms: number) => at += ms };
}

function put(service: Service, path: string, quotas: unknown, by: Headers = boss): Promise<Answer> {
  const headers = { ...by.headers, "content-type": JSON_TYPE };
  return service.request("PUT", `/v1/quotas/${path}`, { headers, body: JSON.stringify(quotas) });
}

async function make(service: Service, wanted: Body): Promise<Headers> {
  const { status, body, text } = await service.post(
    "/v1/keys",
    { scopes: ["submit", "read"], ...wanted },
    boss,
  );
  assert.equal(status, 201, text);
  return { headers: { authorization: `Bearer ${body.secret}` } };
}

async function usageOf(service: Service, name: string): Promise<Body> {
  const { body } = await service.get("/v1/usage", boss);
  return body.usage.find((usage: Body) => usage.name === name);
}

async function aTask(service: Service): Promise<string> {
  return (await service.post("/v1/tasks", { task: "sleep", input: { ms: 1 } }, one)).body.id;
}

/** Opens streams of one task until one is refused, or there are as many. */
async function openStreams(service: Service, id: string, by: Headers, count: number) {
  const open: Response[] = [];
  for (let i = 0; i < count; i++) {
    const stream = await service.open(`/v1/tasks/${id}/events`, by);
    if (stream.status === 200) open.push(stream);
    else {
      assert.equal(stream.status, 429);
      assert.equal(stream.headers.get("retry-after"), "5");
      assert.match((await stream.json()).detail, /the key "one" has 500 streams/);
    }
  }
  return { open, close: () => Promise.all(open.map((stream) => stream.body!.cancel())) };
}

Deno.test("one caller that opens as many streams as there may be gets half of them, and another its own", async () => {
  await using service = await aService({ apiKeys, maxWaiting: 1_000, running: false });
  const id = await aTask(service);
  const mine = await openStreams(service, id, one, 1_000);
  assert.equal(mine.open.length, 500);
  const { status } = await service.get(`/v1/tasks/${id}?wait=0.01`, other);
  assert.equal(status, 200);
  assertProblem(await service.get(`/v1/tasks/${id}?wait=0.01`, one), 429, "rate-limited");
  assert.deepEqual((await usageOf(service, "one")).waiting, { used: 500, limit: 500 });
  await mine.close();
  await eventually(async () => (await usageOf(service, "one")).waiting.used === 0);
  assert.equal((await service.get(`/v1/tasks/${id}?wait=0.01`, one)).status, 200);
});

Deno.test("of 300 calls of one caller that wait for 1,000 ids each, half of the room wait, and another's wait goes on", async () => {
  await using service = await aService({ apiKeys, maxWaiting: 40, running: false });
  const tasks = Array.from({ length: 1_000 }, () => ({ task: "sleep", input: { ms: 1 } }));
  // Straight to the app: to hold so many answers against the document would take longer than to make them.
  const post = async (path: string, body: unknown, by: Headers, signal?: AbortSignal) => {
    const headers = { ...by.headers, "content-type": JSON_TYPE };
    const init = { method: "POST", headers, body: JSON.stringify(body), signal };
    const answer = await service.app.request(path, init);
    return { status: answer.status, body: await answer.json() };
  };
  const { body } = await post("/v1/tasks/batch", { tasks }, one);
  const ids = body.tasks.map(({ id }: Body) => id);
  const gone = new AbortController();
  const refused: number[] = [];
  const waits = Array.from({ length: 300 }, async () => {
    const { status } = await post("/v1/wait", { ids, timeoutSeconds: 60 }, one, gone.signal);
    if (!gone.signal.aborted) refused.push(status);
  });
  await eventually(() => refused.length === 280);
  assert.deepEqual(new Set(refused), new Set([429]));
  assert.deepEqual((await usageOf(service, "one")).waiting, { used: 20, limit: 20 });
  const its = await post("/v1/wait", { ids: [ids[0]], timeoutSeconds: 0.01 }, other);
  assert.equal(its.body.notDone.length, 1);
  gone.abort();
  await Promise.all(waits);
  assert.equal((await usageOf(service, "one")).waiting.used, 0);
});

Deno.test("a caller without others has all of the room", async () => {
  for (const keys of [[], [one.key]]) {
    await using service = await aService({ apiKeys: keys, maxWaiting: 2, running: false });
    const id = await aTask(service);
    const streams = [1, 2].map(() => service.open(`/v1/tasks/${id}/events`, one));
    for (const stream of await Promise.all(streams)) {
      assert.equal(stream.status, 200);
      await stream.body!.cancel();
    }
  }
});

Deno.test("a wait that finds no room after its task is stored is left out: 202", async () => {
  await using service = await aService({ apiKeys, maxWaiting: 1, running: false });
  const id = await aTask(service);
  const stream = await service.open(`/v1/tasks/${id}/events`, other);
  const body = { task: "sleep", input: { ms: 1 } };
  const answer = await service.post("/v1/tasks", body, { headers: { ...one.headers, prefer: "wait=5" } });
  assert.equal(answer.status, 202, answer.text);
  assert.equal(answer.headers.get("preference-applied"), null);
  assert.equal(answer.headers.get("location"), `/v1/tasks/${answer.body.id}`);
  await stream.body!.cancel();
});

Deno.test("a key with requestsPerSecond gets no more, is told how many are left and when to come again", async () => {
  const { clock, advance } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const without = await service.get("/v1/tasks", one);
  assert.equal(without.headers.get("ratelimit"), null);
  assert.equal((await put(service, "key/one", { requestsPerSecond: 2 })).status, 200);
  for (const left of [1, 0]) {
    const { status, headers } = await service.get("/v1/tasks", one);
    assert.equal(status, 200);
    assert.equal(headers.get("ratelimit-policy"), '"key";q=2;w=1');
    assert.equal(headers.get("ratelimit"), `"key";r=${left};t=1`);
  }
  const refused = await service.get("/v1/tasks", one);
  assertProblem(refused, 429, "rate-limited");
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(refused.headers.get("ratelimit"), '"key";r=0;t=1');
  assert.equal((await service.get("/v1/tasks", other)).status, 200);
  advance(499);
  assert.equal((await service.get("/v1/tasks", one)).status, 429);
  advance(1);
  assert.equal((await service.get("/v1/tasks", one)).status, 200);
  assert.equal((await service.get("/v1/tasks", one)).status, 429);
  assert.deepEqual((await usageOf(service, "one")).requestsPerSecond, { used: 2, limit: 2 });
  assert.equal((await service.delete("/v1/quotas/key/one", boss)).status, 204);
  assert.equal((await service.get("/v1/tasks", one)).status, 200);
});

Deno.test("the keys of a tenant have its quotas together, and another tenant has its own", async () => {
  const { clock } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const [app, ci] = [
    await make(service, { name: "app", tenant: "acme" }),
    await make(service, { name: "ci", tenant: "acme" }),
  ];
  const stranger = await make(service, { name: "app", tenant: "umbra" });
  await put(service, "tenant/acme", { requestsPerSecond: 3, waiting: 1 });
  await put(service, "key/app?tenant=acme", { requestsPerSecond: 2 });
  const statuses = [];
  for (const by of [app, app, app, ci, ci]) statuses.push((await service.get("/v1/tasks", by)).status);
  assert.deepEqual(statuses, [200, 200, 429, 200, 429]);
  const { status, headers } = await service.get("/v1/tasks", stranger);
  assert.deepEqual([status, headers.get("ratelimit")], [200, null]);
});

Deno.test("a quota holds within a second in every process", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const { clock, advance } = aClock();
  await using here = await aService({ apiKeys, path: database.path, running: false });
  await using there = await aService({ apiKeys, path: database.path, running: false, clock });
  assert.equal((await there.get("/v1/tasks", one)).status, 200);
  await put(here, "key/one", { requestsPerSecond: 1 });
  advance(1_000);
  const statuses = [];
  for (let i = 0; i < 2; i++) statuses.push((await there.get("/v1/tasks", one)).status);
  assert.deepEqual(statuses, [200, 429]);
});

Deno.test("usage: a key sees itself and its tenant, an admin of a tenant that tenant, one of the default tenant all", async () => {
  await using service = await aService({ apiKeys, running: false });
  const app = await make(service, { name: "app", tenant: "acme", scopes: ["submit"] });
  const head = await make(service, { name: "head", tenant: "acme", scopes: ["admin"] });
  await service.get("/v1/tasks", one);
  const seenBy = async (by: Headers) =>
    (await service.get("/v1/usage", by)).body.usage.map(({ kind, name, tenant }: Body) =>
      `${kind} ${name} ${tenant}`
    )
      .sort();
  assert.deepEqual(await seenBy(one), ["key one null"]);
  assert.deepEqual(await seenBy(app), ["key app acme", "tenant acme null"]);
  assert.deepEqual(await seenBy(head), ["key app acme", "key head acme", "tenant acme null"]);
  assert.equal((await seenBy(boss)).length, 6);
  await using open = await aService({ running: false });
  assert.deepEqual((await open.get("/v1/usage")).body, { usage: [] });
});

Deno.test("quotas are set by whoever may: not without keys, not by a tenant for itself or for others", async () => {
  await using service = await aService({ apiKeys, running: false });
  const head = await make(service, { name: "head", tenant: "acme", scopes: ["admin"] });
  assertProblem(await put(service, "tenant/acme", { waiting: 9 }, head), 403, "forbidden");
  assertProblem(await put(service, "key/app?tenant=umbra", { waiting: 9 }, head), 403, "forbidden");
  assertProblem(await put(service, "key/one", { waiting: 9 }, one), 403, "forbidden");
  const own = await put(service, "key/app", { waiting: 9 }, head);
  assert.deepEqual([own.status, own.body.tenant, own.body.changedBy], [200, "acme", "head"]);
  await put(service, "key/one", { waiting: 7 });
  const listed = async (by: Headers) =>
    (await service.get("/v1/quotas", by)).body.quotas.map(({ name }: Body) => name);
  assert.deepEqual(await listed(head), ["app"]);
  assert.deepEqual(await listed(boss), ["one", "app"]);
  assertProblem(await service.delete("/v1/quotas/key/nobody", boss), 404, "not-found");
  assertProblem(await put(service, "key/bad%20name", { waiting: 7 }), 422, "validation-failed");
  for (const wrong of [{ waiting: 0 }, { waiting: 1.5 }, { requestsPerSecond: 1e9 }, { speed: 1 }]) {
    assertProblem(await put(service, "key/one", wrong), 422, "validation-failed");
  }
  await using open = await aService({ running: false });
  assertProblem(await put(open, "key/one", { waiting: 9 }, { headers: {} }), 403, "forbidden");
});
