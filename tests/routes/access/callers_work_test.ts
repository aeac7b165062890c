// The tasks of one caller leave slots, and room in the queue, for those of another.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aKey } from "../../support/api_keys.ts";
import { aDatabase } from "../../support/server_process.ts";
import { aService, assertProblem, type Body, JSON_TYPE, type Service } from "../../support/service.ts";
import { eventually, pause } from "../../support/waiting.ts";

type Headers = { headers: Record<string, string> };

const DAY_MS = 24 * 60 * 60 * 1000;
const SCOPES = ["submit", "read", "cancel"] as const;
const boss = aKey(["admin"], "boss");
const one = aKey(SCOPES, "one");
const other = aKey(SCOPES, "other");
const apiKeys = [one.key, other.key, boss.key];

async function submit(service: Service, by: Headers, task: string, input: unknown = {}): Promise<string> {
  const { status, body, text } = await service.post("/v1/tasks", { task, input }, by);
  assert.equal(status, 202, text);
  return body.id;
}

async function submitMany(service: Service, by: Headers, count: number, ms: number): Promise<string[]> {
  const tasks = Array.from({ length: count }, () => ({ task: "sleep", input: { ms } }));
  const { status, body, text } = await service.post("/v1/tasks/batch", { tasks }, by);
  assert.equal(status, 202, text);
  return body.tasks.map(({ id }: Body) => id);
}

/** The state in which the task has ended. */
async function endOf(service: Service, by: Headers, id: string): Promise<string> {
  const { body } = await service.get(`/v1/tasks/${id}?wait=60`, by);
  return body.state.type;
}

async function usageOf(service: Service, name: string): Promise<Body> {
  const { body } = await service.get("/v1/usage", boss);
  return body.usage.find((usage: Body) => usage.name === name);
}

/** Functions begin a moment after the answer to their submit. */
async function untilRunning(service: Service, name: string, count: number): Promise<void> {
  await eventually(async () => (await usageOf(service, name)).running.used === count);
}

async function put(service: Service, path: string, quotas: unknown): Promise<void> {
  const headers = { ...boss.headers, "content-type": JSON_TYPE };
  const init = { headers, body: JSON.stringify(quotas) };
  assert.equal((await service.request("PUT", `/v1/quotas/${path}`, init)).status, 200);
}

Deno.test("200 day-long sleeps of one key leave another's task a slot, also after a restart", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const options = { apiKeys, concurrency: 20, path: database.path };
  {
    await using service = await aService(options);
    await submitMany(service, one, 200, DAY_MS);
    assert.equal(
      await endOf(service, other, await submit(service, other, "add", { a: 1, b: 2 })),
      "COMPLETED",
    );
    await untilRunning(service, "one", 10);
    const { running, queued } = await usageOf(service, "one");
    assert.deepEqual([running, queued.used], [{ used: 10, limit: 10 }, 190]);
  }
  await using service = await aService(options);
  await untilRunning(service, "one", 10);
  assert.equal(await endOf(service, other, await submit(service, other, "add", { a: 1, b: 2 })), "COMPLETED");
  assert.equal((await usageOf(service, "one")).running.used, 10);
});

Deno.test("thousands of tasks of a caller who has enough do not hide those that came after them", async () => {
  await using service = await aService({ apiKeys, concurrency: 2 });
  await submit(service, one, "sleep", { ms: DAY_MS });
  for (let i = 0; i < 12; i++) await submitMany(service, one, 1_000, DAY_MS);
  const ids = await submitMany(service, other, 3, 1);
  for (const id of ids) assert.equal(await endOf(service, other, id), "COMPLETED");
  assert.equal((await usageOf(service, "one")).running.used, 1);
  // Nor are they looked through again and again.
  await eventually(async () => {
    const { made } = service.runtime.claims;
    await pause(20);
    return service.runtime.claims.made === made;
  });
});

Deno.test("what was passed over runs as soon as a task of the same caller has ended, and never more than its share", async () => {
  let [now, most] = [0, 0];
  const busy = define({ name: "busy", input: z.object({}) }, async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 1));
    now--;
  });
  await using service = await aService({ apiKeys, concurrency: 6, definitions: [busy] });
  const tasks = Array.from({ length: 200 }, () => ({ task: "busy" }));
  const { body } = await service.post("/v1/tasks/batch", { tasks }, one);
  for (const { id } of body.tasks) assert.equal(await endOf(service, one, id), "COMPLETED");
  assert.equal(most, 3);
});

Deno.test("a caller without others has all slots, and gets them as soon as it is alone", async () => {
  await using service = await aService({ apiKeys: [one.key, boss.key], concurrency: 4 });
  await submitMany(service, one, 8, DAY_MS);
  await untilRunning(service, "one", 2);
  assert.deepEqual((await usageOf(service, "one")).running, { used: 2, limit: 2 });
  await put(service, "key/one", { running: 4 });
  await untilRunning(service, "one", 4);
  await using alone = await aService({ apiKeys: [one.key], concurrency: 4 });
  await submitMany(alone, one, 8, DAY_MS);
  await eventually(async () => {
    const { body: { usage: [{ running }] } } = await alone.get("/v1/usage", one);
    return running.used === 4 && running.limit === 4;
  });
});

Deno.test("the keys of a tenant share its slots", async () => {
  await using service = await aService({ apiKeys: [boss.key], concurrency: 8 });
  const keyOf = async (name: string, tenant: string) => {
    const { body } = await service.post("/v1/keys", { name, scopes: SCOPES, tenant }, boss);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const [app, ci, its] = [await keyOf("app", "acme"), await keyOf("ci", "acme"), await keyOf("app", "umbra")];
  await put(service, "key/app?tenant=acme", { running: 3 });
  await submitMany(service, app, 8, DAY_MS);
  await submitMany(service, ci, 8, DAY_MS);
  const used = async () => {
    const { body: { usage } } = await service.get("/v1/usage", ci);
    return usage.map(({ running }: Body) => running.used).join();
  };
  await eventually(async () => await used() === "1,4");
  assert.equal(await endOf(service, its, await submit(service, its, "add", { a: 1, b: 2 })), "COMPLETED");
});

Deno.test("a child uses the slots of its parent's key, and a parent that waits for it none", async () => {
  const parent = define({ name: "parent", input: z.object({}) }, async ({ submit: start }) => {
    await (await start("sleep", { ms: DAY_MS })).result();
  });
  await using service = await aService({ apiKeys, concurrency: 4, definitions: [parent] });
  await submit(service, one, "parent");
  await eventually(async () => {
    const { body } = await service.get("/v1/tasks?task=sleep&state=RUNNING", one);
    return body.tasks.length === 1;
  });
  await untilRunning(service, "one", 1);
});

Deno.test("one caller fills half of the queue, another one's tasks find room, and a new process knows it", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const options = { apiKeys, maxQueued: 10, path: database.path, running: false };
  const body = { task: "sleep", input: { ms: 1 } };
  let ids: string[];
  {
    await using service = await aService(options);
    ids = await submitMany(service, one, 5, 1);
    const refused = await service.post("/v1/tasks", body, one);
    assertProblem(refused, 429, "queue-full");
    assert.match(refused.body.detail, /5 tasks of the key "one" wait .* its limit is 5/);
    assert.notEqual(refused.headers.get("retry-after"), null);
    await submitMany(service, other, 5, 1);
    assertProblem(await service.post("/v1/tasks", body, boss), 429, "queue-full");
  }
  await using service = await aService(options);
  assertProblem(await service.post("/v1/tasks", body, one), 429, "queue-full");
  assert.deepEqual((await usageOf(service, "one")).queued, { used: 5, limit: 5 });
  await service.post(`/v1/tasks/${ids[0]}/cancel`, {}, one);
  await submit(service, one, "sleep", { ms: 1 });
  assertProblem(await service.post("/v1/tasks", body, one), 429, "queue-full");
});

Deno.test("a task of nobody's key is stored as before, and its block too", async () => {
  await using service = await aService({ running: false });
  await service.submit("add", { a: 1, b: 2 });
  const blocks = await service.kv.list<object>({ prefix: ["ready"] }, { limit: 9 });
  assert.deepEqual(blocks.map(({ value }) => Object.keys(value)), [["ids", "tasks"]]);
});

Deno.test("with a quota of stored bytes a caller keeps no more, in every process, until it deletes or forgets some", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const options = { apiKeys, path: database.path, running: false };
  // It is stored apart from the record.
  const body = { task: "echo", input: { value: "0123456789".repeat(3_000) } };
  const stored = async (service: Service) => (await usageOf(service, "one")).storedBytes;
  const ids: string[] = [];
  {
    await using service = await aService(options);
    assert.deepEqual(await stored(service), { used: null, limit: null });
    for (let i = 0; i < 2; i++) ids.push((await service.post("/v1/tasks", body, one)).body.id);
    await put(service, "key/one", { storedBytes: 100_000 });
    await eventually(async () => (await stored(service)).used > 60_000);
    ids.push((await service.post("/v1/tasks", body, one)).body.id);
    const refused = await service.post("/v1/tasks", body, one);
    assertProblem(refused, 429, "queue-full");
    assert.match(refused.body.detail, /the key "one" take 9\d{4} bytes .* its limit is 100000/);
    await submit(service, other, "echo", body.input);
  }
  await using service = await aService(options);
  // A process that has just started counts first.
  await eventually(async () => (await stored(service)).used > 90_000);
  assertProblem(await service.post("/v1/tasks", body, one), 429, "queue-full");
  await service.post(`/v1/tasks/${ids[0]}/cancel`, {}, one);
  await service.delete(`/v1/tasks/${ids[0]}`, boss);
  await eventually(async () => (await service.post("/v1/tasks", body, one)).status === 202);
  assertProblem(await service.post("/v1/tasks", body, one), 429, "queue-full");
});

Deno.test("what options say counts as stored bytes before it is stored", async () => {
  await using service = await aService({ apiKeys, running: false });
  await put(service, "key/one", { storedBytes: 100_000 });
  const task = { task: "add", input: { a: 1, b: 2 } };
  const options = { metadata: { note: "0123456789".repeat(400) } };
  const batch = (count: number) => {
    return service.post("/v1/tasks/batch", { tasks: Array(count).fill({ ...task, options }) }, one);
  };
  assertProblem(await batch(30), 429, "queue-full");
  assert.equal((await batch(10)).status, 202);
});

Deno.test("a tenant's quota of stored bytes counts all that is the tenant's, and nothing else", async () => {
  await using service = await aService({ apiKeys, running: false });
  const keyOf = async (name: string) => {
    const { body } = await service.post("/v1/keys", { name, scopes: SCOPES, tenant: "acme" }, boss);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const [app, ci] = [await keyOf("app"), await keyOf("ci")];
  const input = { value: "0123456789".repeat(3_000) };
  await submit(service, other, "echo", input);
  await submit(service, app, "echo", input);
  await put(service, "tenant/acme", { storedBytes: 80_000 });
  await eventually(async () => (await usageOf(service, "acme")).storedBytes.used > 30_000);
  await submit(service, ci, "echo", input);
  for (const by of [app, ci]) {
    assertProblem(await service.post("/v1/tasks", { task: "echo", input }, by), 429, "queue-full");
  }
});
