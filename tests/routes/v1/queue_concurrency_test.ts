// How many tasks of a queue or a definition run at once, over HTTP.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { aKey } from "../../support/api_keys.ts";
import { Folder } from "../../support/folder.ts";
import { Gates } from "../../support/gates.ts";
import {
  type Answer,
  aService,
  assertProblem,
  type Body,
  type Call,
  type Service,
} from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";
import { define } from "../../../runtime/core/define.ts";
import { declaredConcurrency } from "../../../runtime/queues/declared_concurrency.ts";

const gpu = { queue: "gpu" };
const add = { a: 1, b: 2 };
const WAITS = "AwaitingConcurrencySlot";

function limit(service: Service, path: string, concurrency: unknown, call?: Call): Promise<Answer> {
  return service.send("PUT", path, { concurrency }, call);
}

async function states(service: Service, ids: string[]): Promise<string[]> {
  const tasks = await Promise.all(ids.map((id) => service.task(id)));
  return tasks.map(({ state }: Body) => state.name);
}

Deno.test("a queue runs so many at once, in order, and others do not notice; a new number acts on what waits", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const { body } = await limit(service, "/v1/queues/gpu", 2);
  const { overriddenAt, ...said } = body.concurrency;
  assert.deepEqual(said, { current: 2, base: null, override: 2, overriddenBy: null });
  assert.ok(Math.abs(Date.parse(overriddenAt) - Date.now()) < 60_000, overriddenAt);
  const ids = await gates.submit(service, 5, gpu);
  for (const id of ids.slice(0, 2)) await service.until(id, "RUNNING");
  const third = await service.task(ids[2]);
  assert.equal(third.state.message, "waits for a slot of the queue gpu: at most 2 at once");
  assert.equal((await service.run("add", add)).result, 3, "another queue");
  const { counts, concurrency } = (await service.get("/v1/queues/gpu")).body;
  assert.deepEqual([counts.limited, counts.running, concurrency.current], [3, 2, 2]);
  gates.open(ids[0]);
  await service.until(ids[2], "RUNNING");
  await limit(service, "/v1/queues/gpu", 3);
  await service.until(ids[3], "RUNNING");
  assert.deepEqual(await states(service, ids.slice(4)), [WAITS]);
  const taken = (await limit(service, "/v1/queues/gpu", null)).body.concurrency;
  assert.deepEqual(Object.values(taken), [null, null, null, null, null]);
  await service.until(ids[4], "RUNNING");
  await gates.openInTurn(service, ids);
});

Deno.test("what runs is counted when a limit comes, and what was ready waits in its place", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition], concurrency: 3 });
  const running = await gates.submit(service, 3, gpu);
  for (const id of running) await service.until(id, "RUNNING");
  const ready = await gates.submit(service, 2, gpu);
  assert.deepEqual(await states(service, ready), ["Pending", "Pending"]);
  await limit(service, "/v1/queues/gpu", 1);
  const later = await gates.submit(service, 1, gpu);
  assert.deepEqual(await states(service, later), [WAITS]);
  await gates.openInTurn(service, running.slice(0, 2));
  await eventually(async () => (await states(service, ready)).every((name) => name === WAITS));
  assert.deepEqual(await states(service, [running[2]]), ["Running"], "it has the only slot");
  const line = [running[2], ...ready, ...later];
  for (const [i, id] of line.entries()) {
    await service.until(id, "RUNNING");
    assert.ok((await states(service, line.slice(i + 1))).every((name) => name === WAITS));
    gates.open(id);
    await service.ended(id);
  }
});

Deno.test("a definition runs so many at once in whatever queue, beside limits by key, of all tenants together", async () => {
  const gates = new Gates();
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ definitions: [gates.definition], apiKeys: [boss.key] });
  const wanted = { name: "theirs", scopes: ["submit", "read"], tenant: "acme" };
  const { secret } = (await service.post("/v1/keys", wanted, boss)).body;
  const theirs = { headers: { authorization: `Bearer ${secret}` } };
  const submit = async (call: Call, options: unknown = {}) =>
    (await service.post("/v1/tasks", { task: "gate", input: null, options }, call)).body.id;
  const until = (call: Call, id: string, name: string) =>
    eventually(async () => (await service.get(`/v1/tasks/${id}`, call)).body.state.name === name);
  await limit(service, "/v1/definitions/gate/concurrency", 2, boss);
  const [a, b] = [await submit(boss, gpu), await submit(theirs)];
  const c = await submit(theirs, { concurrency: { key: "mine", limit: 1 } });
  await until(boss, a, "Running");
  await until(theirs, b, "Running");
  const { state } = (await service.get(`/v1/tasks/${c}`, theirs)).body;
  assert.equal(state.message, "waits for a slot of the definition gate: at most 2 at once");
  const { definitions } = (await service.get("/v1/definitions", theirs)).body;
  const told = definitions.find(({ name }: Body) => name === "gate").concurrency;
  assert.deepEqual([told.current, told.overriddenBy], [2, null], "who it was is known to its own tenant");
  for (const call of [boss, theirs]) {
    const { limits } = (await service.get("/v1/limits", call)).body;
    assert.deepEqual(limits.filter(({ key }: Body) => key !== "mine"), [], "no key that a caller can name");
  }
  gates.open(a);
  await until(theirs, c, "Running");
  for (const id of [b, c]) gates.open(id);
  await until(theirs, c, "Completed");
});

Deno.test("0 holds all, also over a restart", async () => {
  await using folder = await Folder.with();
  const path = folder.at("test.db");
  const held: string[] = [];
  for (let lives = 0; lives < 2; lives++) {
    await using service = await aService({ path });
    if (lives === 0) await limit(service, "/v1/queues/gpu", 0);
    held.push((await service.submit("add", add, gpu)).id);
    assert.deepEqual(new Set(await states(service, held)), new Set([WAITS]));
    assert.equal((await service.get("/v1/queues/gpu")).body.concurrency.current, 0);
    if (lives === 0) continue;
    await limit(service, "/v1/queues/gpu", null);
    for (const id of held) assert.equal((await service.ended(id)).result, 3);
  }
});

Deno.test("a number that is none is refused with its pointer; who may not know all tasks limits none", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key] });
  const make = async (wanted: Body) => {
    const { secret } = (await service.post("/v1/keys", { scopes: ["operate"], ...wanted }, boss)).body;
    return { headers: { authorization: `Bearer ${secret}` } };
  };
  const ofAdd = await make({ name: "part", patterns: ["task:add"] });
  const theirs = await make({ name: "theirs", tenant: "acme" });
  for (const path of ["/v1/queues/gpu", "/v1/definitions/add/concurrency"]) {
    for (const wrong of [-1, 10_001, 1.5, "5", undefined]) {
      const answer = await limit(service, path, wrong, boss);
      assertProblem(answer, 422, "validation-failed", "/concurrency");
    }
    const more = await service.send("PUT", path, { concurrency: 1, limit: 2 }, boss);
    assertProblem(more, 422, "validation-failed", "/limit");
    assertProblem(await limit(service, path, 1, theirs), 403, "forbidden");
  }
  assertProblem(await limit(service, "/v1/queues/gpu", 1, ofAdd), 403, "forbidden");
  assert.equal((await limit(service, "/v1/definitions/add/concurrency", 1, ofAdd)).status, 200);
  assertProblem(await limit(service, "/v1/definitions/ad/concurrency", 1, boss), 404, "not-found");
  assertProblem(await limit(service, "/v1/queues/GPU", 1, boss), 422, "validation-failed", "/path/name");
});

Deno.test("code says how many of a definition and of its queue run at once; a call outranks it, and a deploy takes it back", async () => {
  await using folder = await Folder.with();
  const path = folder.at("test.db");
  const gates = new Gates();
  const { name, input, handler } = gates.definition;
  const limited = { queue: { name: "gpu", concurrency: 2 }, concurrency: { limit: 1 } };
  const concurrencyOf = async (service: Service) => (await service.get("/v1/queues/gpu")).body.concurrency;
  {
    await using service = await aService({
      path,
      definitions: [define({ name, input, ...limited }, handler)],
    });
    await eventually(async () => (await concurrencyOf(service)).current === 2);
    const [first, second] = await gates.submit(service, 2);
    await service.until(first, "RUNNING");
    assert.deepEqual(await states(service, [second]), [WAITS]);
    const { body } = await limit(service, "/v1/definitions/gate/concurrency", 5);
    assert.deepEqual([body.concurrency.current, body.concurrency.base], [5, 1]);
    await service.until(second, "RUNNING");
    const taken = (await limit(service, "/v1/definitions/gate/concurrency", null)).body.concurrency;
    assert.deepEqual([taken.current, taken.base], [1, 1]);
    await gates.openInTurn(service, [first, second]);
  }
  await using service = await aService({ path, definitions: [gates.definition] });
  await eventually(async () => (await concurrencyOf(service)).current === null);
  const { definitions } = (await service.get("/v1/definitions")).body;
  assert.equal(definitions.find((one: Body) => one.name === "gate").concurrency.base, null);
});

Deno.test("a definition that says what is no number, or two things of a queue, is refused", () => {
  const input = z.object({});
  const says = (config: Body) => define({ name: "x", input, ...config }, () => {});
  for (const limit of [-1, 10_001, 0.5]) {
    assert.throws(() => says({ concurrency: { limit } }), /concurrency without a key must be 0 to 10000/);
    assert.throws(() => says({ queue: { name: "gpu", concurrency: limit } }), /must be 0 to 10000/);
  }
  assert.throws(() => says({ concurrency: [{ limit: 1 }, { limit: 2 }] }), /one limit without a key/);
  const definitions = [1, 2].map((concurrency) =>
    define({ name: `d${concurrency}`, input, queue: { name: "gpu", concurrency } }, () => {})
  );
  assert.throws(() => declaredConcurrency(definitions), /"d1" says 1, and "d2" says 2/);
});
