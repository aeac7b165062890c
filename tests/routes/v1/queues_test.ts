// Queues and pauses over HTTP.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { aKey } from "../../support/api_keys.ts";
import { Gates } from "../../support/gates.ts";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { eventually } from "../../support/waiting.ts";
import { define } from "../../../runtime/core/define.ts";

const add = { a: 1, b: 2 };
const inQueue = (queue: string) => ({ queue });

/** The task waits, also after another one that came later has run. */
async function staysReady(service: Service, { id }: Body): Promise<Body> {
  assert.equal((await service.run("add", add)).state.type, "COMPLETED");
  const task = await service.task(id);
  assert.equal(task.state.name, "Pending", task.state.message);
  return task;
}

Deno.test("a task waits in the queue that its submit names, or its definition, or else in the default one", async () => {
  const render = define({ name: "render", input: z.object({}), queue: "gpu" }, ({ task }) => task.queue);
  await using service = await aService({ definitions: [render] });
  const [own, named, plain] = [
    await service.run("render"),
    await service.run("render", {}, inQueue("big-1.eu")),
    await service.run("add", add),
  ];
  assert.deepEqual([own.queue, named.queue, plain.queue], ["gpu", "big-1.eu", "default"]);
  assert.deepEqual([own.result, named.result], ["gpu", "big-1.eu"]);
  const { body } = await service.get("/v1/queues");
  assert.deepEqual(
    body.queues.map(({ name }: Body) => name),
    ["default", "gpu"],
    "and none that holds nothing",
  );
});

Deno.test("nothing of a paused queue starts, what runs goes on, and others do not notice", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const running = await service.submit("gate", null, inQueue("gpu"));
  await service.until(running.id, "RUNNING");
  const { body: { paused } } = await service.post("/v1/queues/gpu/pause", { note: "the driver is replaced" });
  assert.deepEqual([paused.note, paused.until, paused.by], ["the driver is replaced", null, null]);
  const held = await service.submit("add", add, inQueue("gpu"));
  const task = await staysReady(service, held);
  assert.equal(task.state.message, "the queue gpu is paused: the driver is replaced");
  const { body: { tasks } } = await service.get("/v1/tasks?state=PENDING");
  assert.deepEqual(tasks.map(({ state }: Body) => state.message), [task.state.message]);
  gates.open(running.id);
  assert.equal((await service.ended(running.id)).state.type, "COMPLETED");
  const resumed = await service.post("/v1/queues/gpu/resume");
  assert.deepEqual(resumed.body, { paused: null });
  const ended = await service.ended(held.id);
  assert.deepEqual([ended.state.type, ended.state.message], ["COMPLETED", null]);
});

Deno.test("tasks of a paused definition wait wherever they are, and go on in their order; others pass them", async () => {
  const started: number[] = [];
  const count = define({ name: "count", input: z.object({ n: z.int() }) }, ({ input }) => {
    started.push(input.n);
  });
  await using service = await aService({ definitions: [count], concurrency: 1 });
  await service.post("/v1/definitions/count/pause", { note: "a bug" });
  const tasks = Array.from({ length: 30 }, (_, n) => ({ task: "count", input: { n } }));
  const { body } = await service.post("/v1/tasks/batch", { tasks });
  const other = await service.submit("count", { n: 30 }, inQueue("gpu"));
  const first = await staysReady(service, body.tasks[0]);
  assert.equal(first.state.message, "the definition count is paused: a bug");
  await staysReady(service, other);
  const { body: { definitions } } = await service.get("/v1/definitions");
  const told = definitions.filter(({ paused }: Body) => paused !== null);
  assert.deepEqual(told.map(({ name, paused }: Body) => [name, paused.note]), [["count", "a bug"]]);
  const queues = await service.get("/v1/queues");
  assert.deepEqual(queues.body.queues.map(({ name, counts }: Body) => [name, counts.ready]), [
    ["default", 30],
    ["gpu", 1],
  ]);
  const listed = await service.get("/v1/tasks?state=PENDING&limit=100");
  assert.equal(listed.body.tasks.length, 31, "lists find what a pause has taken out of its queue");
  assert.deepEqual(started, []);
  await service.post("/v1/definitions/count/resume");
  for (const { id } of [...body.tasks, other]) await service.ended(id);
  assert.deepEqual(started.filter((n) => n < 30), tasks.map(({ input: { n } }) => n));
  assert.equal(started.length, 31);
});

Deno.test("everything can be paused, and a pause may end by itself", async () => {
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({ clock });
  await service.post("/v1/pause", { note: "moving house" });
  const held = await service.submit("add", add);
  const far = await service.submit("add", add, inQueue("gpu"));
  const { body } = await service.get("/v1/queues");
  assert.equal(body.paused.note, "moving house");
  assert.equal((await service.task(far.id)).state.message, "everything is paused: moving house");
  const until = clock.now() + 3_600_000;
  await service.post("/v1/pause", { untilMs: until });
  const { state } = await service.task(held.id);
  assert.equal(state.message, `everything is paused until ${new Date(until).toISOString()}`);
  clock.jump(3_600_001);
  for (const { id } of [held, far]) {
    const { startedAt } = await service.ended(id);
    assert.ok(Date.parse(startedAt) >= until, "nothing starts before the pause is over");
  }
  await eventually(async () => (await service.get("/v1/queues")).body.paused === null);
});

Deno.test("a pause of what is paused keeps its beginning; a resume of what is not paused changes nothing", async () => {
  await using service = await aService();
  const first = (await service.post("/v1/queues/gpu/pause", { note: "one" })).body.paused;
  const second = (await service.post("/v1/queues/gpu/pause")).body.paused;
  assert.deepEqual([second.since, second.note], [first.since, null]);
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await service.post("/v1/queues/gpu/resume")).body, { paused: null });
  }
  assert.equal((await service.get("/v1/queues/gpu")).body.paused, null);
});

Deno.test("a paused task still expires, can be cancelled, and its time comes", async () => {
  await using service = await aService();
  await service.post("/v1/queues/gpu/pause");
  await service.post("/v1/definitions/echo/pause");
  const expiring = await service.submit("add", add, { queue: "gpu", ttlMs: 300 });
  const parked = await service.submit("echo", { value: 1 }, { ttlMs: 300 });
  const cancelled = await service.submit("add", add, inQueue("gpu"));
  const delayed = await service.submit("add", add, { queue: "gpu", delayMs: 50 });
  assert.equal((await service.post(`/v1/tasks/${cancelled.id}/cancel`)).body.outcome, "cancelled");
  for (const { id } of [expiring, parked]) assert.equal((await service.ended(id)).state.name, "Expired");
  await service.until(delayed.id, "PENDING");
  await staysReady(service, delayed);
  await service.post("/v1/queues/gpu/resume");
  assert.equal((await service.ended(delayed.id)).state.type, "COMPLETED");
});

Deno.test("what is in a queue is counted by what it waits for, with the age of the oldest", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const [running] = await gates.submit(service, 1, inQueue("gpu"));
  await service.until(running, "RUNNING");
  await service.post("/v1/queues/gpu/pause");
  const before = Date.now();
  const ready = await service.submit("add", add, inQueue("gpu"));
  for (let i = 0; i < 2; i++) await service.submit("add", add, inQueue("gpu"));
  await service.submit("add", add, { queue: "gpu", delayMs: 3_600_000 });
  await service.submit("add", add, { queue: "gpu", waitFor: [ready.id] });
  const map = { task: "gate", inputs: [1, 2, 3], options: inQueue("gpu"), maxConcurrent: 1 };
  assert.equal((await service.post("/v1/map", map)).status, 202);
  const { body } = await service.get("/v1/queues/gpu");
  assert.deepEqual(body.counts, { scheduled: 1, ready: 4, limited: 2, waiting: 1, running: 1 });
  const oldest = Date.parse(body.oldestReadyAt);
  assert.ok(oldest >= before && oldest <= Date.now(), body.oldestReadyAt);
  const plain = (await service.get("/v1/queues/default")).body;
  assert.deepEqual([Object.values(plain.counts), plain.oldestReadyAt], [[0, 0, 0, 0, 0], null]);
  gates.open(running);
  await service.ended(running);
});

Deno.test("a queue with slots of its own is not held up by the others, nor are they by it", async () => {
  const gates = new Gates();
  const queues = [{ name: "gpu", slots: 2 }, { name: "default" }, { name: "mail" }];
  await using service = await aService({ definitions: [gates.definition], concurrency: 1, queues });
  const gpu = await gates.submit(service, 3, inQueue("gpu"));
  const [plain] = await gates.submit(service, 1);
  const mail = await gates.submit(service, 2, inQueue("mail"));
  await eventually(async () => (await service.get("/v1/queues/gpu")).body.counts.running === 2);
  await service.until(plain, "RUNNING");
  const counts = async () => {
    const { body } = await service.get("/v1/queues");
    return body.queues.map(({ name, counts }: Body) => [name, counts.running, counts.ready]);
  };
  assert.deepEqual(await counts(), [["default", 1, 0], ["gpu", 2, 1], ["mail", 0, 2]]);
  const elsewhere = await service.submit("add", add, inQueue("print"));
  gates.open(plain);
  await eventually(async () => (await service.get("/v1/queues/mail")).body.counts.running === 1);
  assert.equal((await service.task(elsewhere.id)).state.type, "PENDING", "this worker does not serve it");
  for (const id of [...gpu, ...mail]) {
    gates.open(id);
    await service.ended(id);
  }
});

Deno.test("queues that share slots take turns at them", async () => {
  const order: string[] = [];
  const note = define({ name: "note", input: z.object({}) }, ({ task }) => {
    order.push(task.queue);
  });
  await using service = await aService({ definitions: [note], concurrency: 1 });
  await service.post("/v1/pause");
  const ids: string[] = [];
  for (const queue of ["a", "b"]) {
    for (let i = 0; i < 20; i++) ids.push((await service.submit("note", {}, inQueue(queue))).id);
  }
  await service.post("/v1/resume");
  for (const id of ids) await service.ended(id);
  assert.ok(order.slice(0, 10).includes("a") && order.slice(0, 10).includes("b"), order.join(" "));
});

Deno.test("bad names, notes and ends of pauses are refused, each with its pointer and rule", async () => {
  await using service = await aService();
  for (const queue of ["", "GPU", "-x", "a b", "x".repeat(65), 5]) {
    const answer = await service.post("/v1/tasks", { task: "add", input: add, options: { queue } });
    assertProblem(answer, 422, "validation-failed");
    assert.equal(answer.body.errors[0].pointer, "/options/queue");
  }
  const bad: [string, unknown, string][] = [
    ["/v1/queues/GPU/pause", {}, "/path/name"],
    ["/v1/queues/gpu/pause", { note: "x".repeat(501) }, "/note"],
    ["/v1/queues/gpu/pause", { untilMs: 60_000 }, "/untilMs"],
    ["/v1/queues/gpu/pause", { untilMs: 1.5 }, "/untilMs"],
    ["/v1/queues/gpu/pause", { for: 5 }, "/for"],
    ["/v1/queues/gpu/resume", { note: "x" }, "/note"],
  ];
  for (const [path, body, pointer] of bad) {
    const answer = await service.post(path, body);
    assertProblem(answer, 422, "validation-failed");
    assert.equal(answer.body.errors[0].pointer, pointer, answer.text);
  }
  assertProblem(await service.get("/v1/queues/GPU"), 422, "validation-failed");
  const unknown = await service.post("/v1/definitions/ad/pause");
  assertProblem(unknown, 404, "not-found");
  assert.match(unknown.body.detail, /did you mean "add"/);
  assert.throws(() => define({ name: "x", input: z.object({}), queue: "GPU" }, () => {}), /queue must be/);
});

Deno.test("who may not know all that a pause would hold may not pause it, and knows no other queue", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key] });
  const make = async (wanted: Body) => {
    const { body, status, text } = await service.post("/v1/keys", wanted, boss);
    assert.equal(status, 201, text);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const reader = await make({ name: "reader", scopes: ["read", "submit"] });
  const operator = await make({ name: "operator", scopes: ["operate", "read"] });
  const ofGpu = await make({
    name: "of-gpu",
    scopes: ["operate", "read", "submit"],
    patterns: ["queue:gpu"],
  });
  const ofAdd = await make({ name: "of-add", scopes: ["operate", "read", "submit"], patterns: ["task:add"] });
  const tenant = await make({ name: "acme", scopes: ["admin"], tenant: "acme" });

  assertProblem(await service.post("/v1/queues/gpu/pause", {}, reader), 403, "forbidden");
  const { body } = await service.post("/v1/queues/gpu/pause", {}, ofGpu);
  assert.equal(body.paused.by, "of-gpu");
  assertProblem(await service.post("/v1/queues/default/pause", {}, ofGpu), 404, "not-found");
  assertProblem(await service.get("/v1/queues/default", ofGpu), 404, "not-found");
  assertProblem(await service.post("/v1/pause", {}, ofGpu), 403, "forbidden");
  assertProblem(await service.post("/v1/queues/gpu/pause", {}, ofAdd), 403, "forbidden");
  assertProblem(await service.post("/v1/definitions/echo/pause", {}, ofAdd), 404, "not-found");
  assert.equal((await service.post("/v1/definitions/add/pause", {}, ofAdd)).status, 200);
  assertProblem(await service.post("/v1/queues/gpu/pause", {}, tenant), 403, "forbidden");

  const refused = await service.post("/v1/tasks", { task: "add", input: add }, ofGpu);
  assertProblem(refused, 422, "validation-failed");
  assert.match(refused.body.errors[0].message, /no queue "default"/);
  const own = { task: "add", input: add, options: inQueue("gpu") };
  const { body: submitted } = await service.post("/v1/tasks", own, ofGpu);
  assert.equal((await service.get(`/v1/tasks/${submitted.id}`, ofGpu)).status, 200);
  const { body: plain } = await service.post("/v1/tasks", { task: "add", input: add }, reader);
  assertProblem(await service.get(`/v1/tasks/${plain.id}`, ofGpu), 404, "not-found");
  const seen = await service.get("/v1/queues", ofGpu);
  assert.deepEqual(seen.body.queues.map(({ name }: Body) => name), ["gpu"]);

  await service.post("/v1/tasks", own, tenant);
  const counts = async (by: Body) => (await service.get("/v1/queues/gpu", by)).body.counts.ready;
  assert.deepEqual([await counts(tenant), await counts(ofAdd), await counts(operator)], [1, 2, 2]);
  const told = (await service.get("/v1/queues/gpu", tenant)).body.paused;
  assert.equal(told.by, null, "who it was is known to its own tenant");
});

Deno.test("what waits at limits by key, or for its place in a rate, is counted as limited", async () => {
  await using service = await aService({ running: false });
  const held = { concurrency: { key: "k", limit: 0 }, queue: "gpu" };
  const paced = { rateLimit: { key: "r", limit: 1, periodMs: 60_000 } };
  await service.submit("add", add, held);
  await service.submit("add", add, held);
  await service.submit("add", add, paced);
  await service.submit("add", add, paced);
  const { body } = await service.get("/v1/queues");
  const counts = body.queues.map(({ name, counts: { ready, limited } }: Body) => [name, ready, limited]);
  assert.deepEqual(counts, [["default", 1, 1], ["gpu", 0, 2]]);
});

Deno.test("many who pause and resume the same at one instant are all answered", async () => {
  await using service = await aService({ running: false });
  const calls = Array.from(
    { length: 120 },
    (_, i) => service.post(`/v1/${i % 3 === 0 ? "resume" : "pause"}`, {}),
  );
  assert.deepEqual(
    (await Promise.all(calls)).filter(({ status }) => status !== 200).map(({ text }) => text),
    [],
  );
});
