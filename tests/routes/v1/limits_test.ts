import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Gates } from "../../support/gates.ts";
import { aKey } from "../../support/api_keys.ts";
import { type Answer, aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

function put(service: Service, pattern: string, rule: unknown, headers = {}): Promise<Answer> {
  return service.request("PUT", `/v1/limits/${encodeURIComponent(pattern)}`, {
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(rule),
  });
}

async function limit(service: Service, key: string): Promise<Body> {
  return (await service.get(`/v1/limits/${encodeURIComponent(key)}`)).body;
}

Deno.test("a rule outranks what submits say, and acts at once on what waits", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 5, { concurrency: { key: "user/ann", limit: 1 } });
  assert.deepEqual(
    await limit(service, "user/ann").then(({ running, waiting, concurrency, concurrencyRule }) => {
      return [running, waiting, concurrency, concurrencyRule];
    }),
    [1, 4, 1, null],
  );
  assert.equal((await put(service, "user/*", { concurrency: 3, note: "until Monday" })).status, 201);
  await eventually(async () => (await limit(service, "user/ann")).running === 3);
  const waits = (await service.task(ids[4])).state.message;
  assert.match(waits, /"user\/ann": at most 1 at once/);
  assert.equal((await put(service, "user/*", { concurrency: 5 })).status, 200);
  await eventually(async () => (await limit(service, "user/ann")).running === 5);
  assert.equal((await service.delete(`/v1/limits/${encodeURIComponent("user/*")}`)).status, 204);
  await eventually(async () => (await limit(service, "user/ann")).concurrency === 1);
  for (const id of ids) gates.open(id);
  for (const id of ids) await service.ended(id);
  assert.deepEqual((await limit(service, "user/ann")).running, 0);
});

Deno.test("a limit that is first used after a rule was set obeys it", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  await put(service, "k", { concurrency: 0 });
  const [id] = await gates.submit(service, 1, { concurrency: { key: "k", limit: 10 } });
  const { state } = await service.task(id);
  assert.deepEqual(
    [state.name, state.message],
    ["AwaitingConcurrencySlot", 'waits for a slot of "k": at most 0 at once, by the rule "k"'],
  );
  await service.delete("/v1/limits/k");
  gates.open(id);
  assert.equal((await service.ended(id)).state.type, "COMPLETED");
});

Deno.test("tasks wait for their places in a rate, first in, first out; a faster rule gives them new ones", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const rateLimit = { key: "mail", limit: 1, periodMs: 600_000 };
  const ids = await gates.submit(service, 4, { rateLimit });
  const states = [];
  for (const id of ids) states.push((await service.task(id)).state);
  assert.deepEqual(states.slice(1).map(({ name }) => name), Array(3).fill("AwaitingRateLimit"));
  assert.equal(states[1].message, 'waits for the rate of "mail": 1 in 600000 ms');
  assert.notEqual((await limit(service, "mail")).nextStartAt, null);
  for (const id of ids) gates.open(id);
  const ruledAt = Date.now();
  assert.equal((await put(service, "mail", { rateLimit: { limit: 1, periodMs: 200 } })).status, 201);
  const ended = [];
  for (const id of ids) ended.push(await service.ended(id));
  assert.deepEqual(ended.map(({ state }) => state.type), Array(4).fill("COMPLETED"));
  // None starts before its place has come. After it, a worker starts it as soon as it can.
  ended.slice(1).forEach(({ startedAt }, place) => {
    const early = ruledAt + 200 * place - Date.parse(startedAt);
    assert.ok(early <= 0, `the place ${place} started ${early} ms too early`);
  });
});

Deno.test("a cancel of a task that waits for its place, or for a slot, leaves nothing behind", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const options = {
    concurrency: { key: "k", limit: 1 },
    rateLimit: { key: "r", limit: 1, periodMs: 600_000, burst: 2 },
  };
  const [runs, parked, delayed] = await gates.submit(service, 3, options);
  const names = await Promise.all([parked, delayed].map(async (id) => (await service.task(id)).state.name));
  assert.deepEqual(names, ["AwaitingConcurrencySlot", "AwaitingRateLimit"]);
  for (const id of [parked, delayed]) await service.post(`/v1/tasks/${id}/cancel`, {});
  gates.open(runs);
  await service.ended(runs);
  const { running, waiting } = await limit(service, "k");
  assert.deepEqual([running, waiting], [0, 0]);
});

Deno.test("what is listed: all rules, and the limits in use, page by page", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  await put(service, "b*", { rateLimit: { limit: 5, periodMs: 100 } });
  await put(service, "a*", { concurrency: 2 });
  const ids = [];
  for (const key of ["a1", "a2", "a3"]) {
    ids.push(...await gates.submit(service, 1, { concurrency: { key, limit: 1 } }));
  }
  const { body } = await service.get("/v1/limits?limit=2");
  assert.deepEqual(body.rules.map(({ pattern }: Body) => pattern), ["a*", "b*"]);
  assert.deepEqual(body.limits.map(({ key, running }: Body) => [key, running]), [["a1", 1], ["a2", 1]]);
  const next = await service.get(`/v1/limits?limit=2&after=${body.nextAfter}`);
  assert.deepEqual(next.body.limits.map(({ key }: Body) => key), ["a3"]);
  assert.equal(next.body.nextAfter, null);
  for (const id of ids) gates.open(id);
  for (const id of ids) await service.ended(id);
});

Deno.test("each tenant has limits and rules of its own; a key with patterns sets none", async () => {
  const gates = new Gates();
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ definitions: [gates.definition], apiKeys: [boss.key] });
  const keyOf = async (key: unknown) => {
    const { body } = await service.post("/v1/keys", key, { headers: boss.headers });
    return { authorization: `Bearer ${body.secret}` };
  };
  const acme = await keyOf({ name: "acme", tenant: "acme", scopes: ["admin"] });
  const narrow = await keyOf({ name: "narrow", scopes: ["operate"], patterns: ["task:gate"] });
  await put(service, "k", { concurrency: 0 }, acme);
  const options = { concurrency: { key: "k", limit: 7 } };
  const submit = async (headers: Record<string, string>) => {
    return (await service.post("/v1/tasks", { task: "gate", input: null, options }, { headers })).body;
  };
  const [held, runs] = [await submit(acme), await submit(boss.headers)];
  assert.equal(held.state.name, "AwaitingConcurrencySlot");
  assert.notEqual(runs.state.name, "AwaitingConcurrencySlot");
  const told = async (headers: Record<string, string>) => {
    const { body } = await service.get("/v1/limits", { headers });
    return [body.rules.length, body.limits.map(({ running, waiting }: Body) => [running, waiting])];
  };
  assert.deepEqual(await told(acme), [1, [[0, 1]]]);
  assert.deepEqual(await told(boss.headers), [0, [[1, 0]]]);
  assertProblem(await put(service, "k", { concurrency: 1 }, narrow), 403, "forbidden");
  gates.open(runs.id);
});

Deno.test("what is wrong with a limit is said with its place and its rule", async () => {
  await using service = await aService();
  const submit = (options: unknown) =>
    service.post("/v1/tasks", { task: "echo", input: { value: 1 }, options });
  const cases: [options: unknown, pointer: string, rule?: RegExp][] = [
    [{ concurrency: { key: "" } }, "/options/concurrency/key"],
    [{ concurrency: { key: "k".repeat(1_000) } }, "/options/concurrency/key"],
    [{ concurrency: { key: "k", limit: -1 } }, "/options/concurrency/limit"],
    [{ concurrency: { key: "k", limit: 10_001 } }, "/options/concurrency/limit"],
    [{ concurrency: [1, 2, 3, 4, 5].map((n) => ({ key: `k${n}` })) }, "/options/concurrency", /<=4 items/],
    [{ concurrency: [] }, "/options/concurrency", />=1 items/],
    [{ concurrency: [{ key: "k" }, { key: "k" }] }, "/options/concurrency/1/key"],
    [{ rateLimit: { key: "k", limit: 5 } }, "/options/rateLimit/periodMs"],
    [{ rateLimit: { key: "k", limit: 0, periodMs: 5 } }, "/options/rateLimit/limit"],
  ];
  for (const [options, pointer, rule = /./] of cases) {
    const { status, body } = await submit(options);
    assert.deepEqual([status, body.errors[0].pointer], [422, pointer], JSON.stringify(body.errors));
    assert.match(body.errors[0].message, rule);
  }
  const wrong = await put(service, "k", {});
  assertProblem(wrong, 422, "validation-failed");
  assertProblem(await put(service, "k", { concurrency: -1 }), 422, "validation-failed");
  assertProblem(await service.delete("/v1/limits/nobody"), 404, "not-found");
  // It would be taken for a pattern of all keys.
  const all = await put(service, "**", { concurrency: 1 });
  assert.deepEqual([all.status, all.body.errors?.[0].pointer], [422, "/path/key"]);
});
