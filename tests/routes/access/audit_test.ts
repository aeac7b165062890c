// Who did what: every change and every refused call, with who, what, which, when and from where.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { TrustedProxies } from "../../../auth/trusted_proxies.ts";
import { systemClock } from "../../../runtime/platform/clock.ts";
import { aKey } from "../../support/api_keys.ts";
import { aService, assertProblem, type Body, JSON_TYPE, type Service } from "../../support/service.ts";

type Headers = { headers: Record<string, string> };

const boss = aKey(["admin"], "boss");
const app = aKey(["submit", "read"], "app");
const apiKeys = [boss.key, app.key];
const ADD = { task: "add", input: { a: 1, b: 2 } };

async function auditOf(service: Service, by: Headers = boss, query = ""): Promise<Body[]> {
  const { status, body, text } = await service.get(`/v1/audit${query}`, by);
  assert.equal(status, 200, text);
  return body.entries;
}

/** In the order in which they came. */
async function told(service: Service, by: Headers = boss, query = ""): Promise<unknown[]> {
  const entries = await auditOf(service, by, query);
  return entries.reverse().map(({ by, action, status, refused, calls, which }) => {
    return [by, action, status, refused, calls, which];
  });
}

async function make(service: Service, wanted: Body): Promise<Headers & Body> {
  const { status, body, text } = await service.post("/v1/keys", wanted, boss);
  assert.equal(status, 201, text);
  return { ...body, headers: { authorization: `Bearer ${body.secret}` } };
}

Deno.test("every change and every refused call is in the audit, and what only looks is not", async () => {
  await using service = await aService({ apiKeys, running: false });
  const { body: task } = await service.post("/v1/tasks", ADD, app);
  const unknown = "01999999-9999-7999-8999-999999999999";
  await service.get(`/v1/tasks/${task.id}`, app);
  await service.post("/v1/wait", { ids: [task.id], timeoutSeconds: 0 }, app);
  await service.post("/v1/tasks", { task: "nothing" }, app);
  await service.post(`/v1/tasks/${task.id}/cancel`, {}, app);
  await service.get("/v1/tasks");
  await service.post(`/v1/tasks/${task.id}/cancel`, {}, boss);
  await service.delete(`/v1/tasks/${unknown}`, boss);
  await service.delete(`/v1/tasks/${task.id}`, boss);
  const { body: batch } = await service.post("/v1/tasks/batch", { tasks: [ADD, ADD, ADD] }, app);
  const { body: group } = await service.post("/v1/map", { task: "add", inputs: [ADD.input] }, app);
  const key = await make(service, { name: "ci", scopes: ["read"] });
  await service.delete(`/v1/keys/${key.id}`, boss);
  assert.deepEqual(await told(service), [
    ["app", "POST /v1/tasks", 202, false, 1, [task.id]],
    ["app", "POST /v1/tasks/:id/cancel", 403, true, 1, [task.id]],
    [null, "GET /v1/tasks", 401, true, 1, ["/v1/tasks"]],
    ["boss", "POST /v1/tasks/:id/cancel", 200, false, 1, [task.id]],
    ["boss", "DELETE /v1/tasks/:id", 404, true, 1, [unknown]],
    ["boss", "DELETE /v1/tasks/:id", 204, false, 1, [task.id]],
    ["app", "POST /v1/tasks/batch", 202, false, 1, [`${batch.tasks[0].id} and 2 more`]],
    ["app", "POST /v1/map", 202, false, 1, [group.groupId]],
    ["boss", "POST /v1/keys", 201, false, 1, [`${key.id} (ci)`]],
    ["boss", "DELETE /v1/keys/:id", 204, false, 1, [`${key.id} (ci)`]],
  ]);
  const [{ at, until, tenant, from }] = await auditOf(service);
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000 && until >= at);
  assert.deepEqual([tenant, from], [null, null]);
});

Deno.test("a call refused for its quota is in the audit", async () => {
  // On a clock that stands still no second passes.
  const clock = { ...systemClock, monotonic: () => 0 };
  await using service = await aService({ apiKeys, running: false, clock });
  const headers = { ...boss.headers, "content-type": JSON_TYPE };
  const body = JSON.stringify({ requestsPerSecond: 1 });
  await service.request("PUT", "/v1/quotas/key/app", { headers, body });
  for (let i = 0; i < 3; i++) await service.get("/v1/definitions", app);
  const [, [by, action, status, refused]] = await told(service) as unknown[][];
  assert.deepEqual([by, action, status, refused], ["app", "GET /v1/definitions", 429, true]);
});

Deno.test("submits that come together cost one entry, which names all of their tasks, and no commit of their own", async () => {
  await using service = await aService({ apiKeys, running: false });
  let commits = 0;
  const { kv } = service;
  const commit = kv.commit.bind(kv);
  kv.commit = (...call) => {
    commits++;
    return commit(...call);
  };
  await service.get("/v1/definitions", app);
  const ids: string[] = [];
  for (let i = 0; i < 20; i++) ids.push((await service.post("/v1/tasks", ADD, app)).body.id);
  // A slow machine may need more than a second for them.
  const entries = await told(service) as [string, string, number, boolean, number, string[]][];
  assert.deepEqual(entries.flatMap(([, , , , , which]) => which), ids);
  assert.equal(entries.reduce((sum, [, , , , calls]) => sum + calls, 0), 20);
  assert.equal(commits, 20 + entries.length);
});

Deno.test("the audit comes in pages, newest first, without gaps", async () => {
  await using service = await aService({ apiKeys, running: false });
  const names: string[] = [];
  for (let i = 0; i < 7; i++) {
    names.push((await make(service, { name: `k${i}`, scopes: ["read"] })).id);
    await service.audit.flush();
  }
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const { body }: Body = await service.get(`/v1/audit?limit=3${cursor && `&cursor=${cursor}`}`, boss);
    assert.ok(body.entries.length <= 3);
    seen.push(...body.entries.flatMap(({ which }: Body) => which));
    cursor = body.nextCursor;
  }
  assert.deepEqual(seen, names.map((id, i) => `${id} (k${i})`).reverse());
  for (const wrong of ["limit=0", "limit=1e2", "cursor=%00", "tenant=A", "whose=me"]) {
    assertProblem(await service.get(`/v1/audit?${wrong}`, boss), 422, "validation-failed");
  }
});

Deno.test("a tenant's admin sees what its keys did, and not what others did", async () => {
  await using service = await aService({ apiKeys, running: false });
  const [head, its] = [
    await make(service, { name: "head", scopes: ["admin"], tenant: "acme" }),
    await make(service, { name: "head", scopes: ["admin"], tenant: "umbra" }),
  ];
  const { body: task } = await service.post("/v1/tasks", ADD, head);
  await service.post("/v1/tasks", ADD, its);
  await service.delete(`/v1/tasks/${task.id}`, its);
  const acme = [["head", "POST /v1/tasks", 202, false, 1, [task.id]]];
  assert.deepEqual(await told(service, head), acme);
  assert.deepEqual(await told(service, boss, "?tenant=acme"), acme);
  assert.deepEqual((await told(service, its) as unknown[][]).map(([, action, status]) => [action, status]), [
    ["POST /v1/tasks", 202],
    ["DELETE /v1/tasks/:id", 404],
  ]);
  assertProblem(await service.get("/v1/audit?tenant=umbra", head), 403, "forbidden");
  assertProblem(await service.get("/v1/audit", app), 403, "forbidden");
  // Ids that begin alike are another tenant's all the same.
  assert.deepEqual(await told(service, boss, "?tenant=acm"), []);
});

Deno.test("the audit says from where: behind a trusted proxy its caller, and without trust the proxy", async () => {
  const connection = { address: "127.0.0.1", close: () => {}, closeSoon: () => {} };
  const forwarded = { "x-forwarded-for": "203.0.113.7, 198.51.100.9" };
  for (const [trusted, from] of [["127.0.0.1", "198.51.100.9"], [undefined, "127.0.0.1"]] as const) {
    const trustedProxies = trusted === undefined
      ? undefined
      : TrustedProxies.parse(trusted) as TrustedProxies;
    await using service = await aService({ apiKeys, trustedProxies, running: false });
    const answer = await service.app.request("/v1/tasks", { headers: forwarded }, { connection });
    assert.equal(answer.status, 401);
    await answer.body!.cancel();
    assert.equal((await auditOf(service))[0].from, from);
  }
});

Deno.test("without keys nothing is noted", async () => {
  await using service = await aService({ running: false });
  await service.submit("add", ADD.input);
  await service.get("/v1/tasks", { headers: { host: "evil.example" } });
  await service.audit.flush();
  assert.deepEqual(await service.kv.list({ prefix: ["audit"] }, { limit: 9 }), []);
});
