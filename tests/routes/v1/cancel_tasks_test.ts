// Cancels of many tasks, and what a cancel leaves alone or keeps.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { Gates } from "../../support/gates.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { aKey } from "../../support/api_keys.ts";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const input = { a: 1, b: 2 };
const NONE = { cancelled: 0, requested: 0, tooLate: 0, notFound: 0 };

async function cancel(service: Service, body: Body): Promise<Body> {
  const answer = await service.post("/v1/tasks/cancel", body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

const namesOf = async (service: Service, ids: string[]) =>
  await Promise.all(ids.map(async (id) => (await service.task(id)).state.name));

Deno.test("a cancel by filter takes what all of it matches, and leaves the rest", async () => {
  await using service = await aService({ running: false });
  const { body: { tasks } } = await service.post("/v1/tasks/batch", {
    tasks: [
      { task: "add", input, options: { tags: ["a"] } },
      { task: "add", input, options: { tags: ["a"], delayMs: 60_000 } },
      { task: "echo", input: { value: 1 }, options: { tags: ["a"] } },
      { task: "add", input, options: { tags: ["b"] } },
    ],
  });
  const ids = tasks.map(({ id }: Body) => id);
  const filter = { tag: "a", task: "add" };
  assert.deepEqual(await cancel(service, { filter, reason: "no more" }), { ...NONE, cancelled: 2 });
  const task = await service.task(ids[0]);
  assert.deepEqual([task.state.type, task.state.message], ["CANCELLED", "no more"]);
  assert.deepEqual(await namesOf(service, ids), ["Cancelled", "Cancelled", "Pending", "Pending"]);
  assert.deepEqual(await cancel(service, { filter }), NONE, "nothing matches any more");
  assert.deepEqual(await cancel(service, { filter: { groupId: crypto.randomUUID() } }), NONE);
  assert.deepEqual(await cancel(service, { filter: { state: ["SCHEDULED"] } }), NONE);
  assert.deepEqual(await cancel(service, { all: true }), { ...NONE, cancelled: 2 });
});

Deno.test("a cancel by ids takes each once, and counts those of no task", async () => {
  await using service = await aService();
  const { id: done } = await service.run("add", input);
  const { id } = await service.submit("add", input, { delayMs: 60_000 });
  const ids = [id, id, done, crypto.randomUUID()];
  const expected = { cancelled: 1, requested: 0, tooLate: 1, notFound: 1 };
  assert.deepEqual(await cancel(service, { ids }), expected);
  assert.deepEqual(await cancel(service, { ids }), expected, "asking again changes nothing");
  assert.deepEqual(await cancel(service, { ids: [] }), NONE);
});

Deno.test("a filter that says nothing, or is said in two ways, is refused, and nothing is cancelled", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  const faultsOf = async (body: Body) => {
    return assertProblem(await service.post("/v1/tasks/cancel", body), 422, "validation-failed").errors;
  };
  for (
    const [body, pointer, message] of [
      [{}, "/filter", /is missing; or give ids, or all: true/],
      [{ filter: {} }, "/filter", /must say something/],
      [{ ids: [id], filter: { tag: "a" } }, "/filter", /not together with ids/],
      [{ filter: { tags: "a" } }, "/filter/tags", /tag/],
      [{ filter: { state: ["FAILED"] } }, "/filter/state", /have not ended/],
      [{ all: false }, "/all", /true/],
      [{ ids: ["x"] }, "/ids/0", /UUID/],
    ] as const
  ) {
    const faults = await faultsOf(body);
    assert.equal(faults[0].pointer, pointer, JSON.stringify(faults));
    assert.match(faults[0].message, message);
  }
  assert.equal((await service.task(id)).state.type, "PENDING");
});

Deno.test("a tenant's key cancels its own tasks only, by filter, by id and all", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key], running: false });
  const keyOf = async (tenant: string) => {
    const wanted = { name: tenant, tenant, scopes: ["submit", "read", "cancel"] };
    const { body } = await service.post("/v1/keys", wanted, boss);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const [acme, globex] = [await keyOf("acme"), await keyOf("globex")];
  const submitted = async (key: typeof acme) =>
    (await service.post("/v1/tasks", { task: "add", input, options: { tags: ["a"] } }, key)).body.id;
  const [own, other] = [await submitted(acme), await submitted(globex)];
  const said = async (body: Body) => (await service.post("/v1/tasks/cancel", body, acme)).body;
  assert.deepEqual(await said({ ids: [other] }), { ...NONE, notFound: 1 });
  assert.deepEqual(await said({ filter: { tag: "a" } }), { ...NONE, cancelled: 1 });
  assert.deepEqual(await said({ all: true }), NONE);
  const typeOf = async (id: string, key: typeof acme) =>
    (await service.get(`/v1/tasks/${id}`, key)).body.state.type;
  assert.deepEqual([await typeOf(own, acme), await typeOf(other, globex)], ["CANCELLED", "PENDING"]);
});

Deno.test("onlyWaiting cancels what has not started, of one, of a group and by filter", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition], concurrency: 1 });
  const [running] = await gates.submit(service, 1, { tags: ["a"] });
  await service.until(running, "RUNNING");
  const [first, second, third] = await gates.submit(service, 3, { tags: ["a"] });
  const one = (id: string) => service.post(`/v1/tasks/${id}/cancel`, { onlyWaiting: true });
  const problem = assertProblem(await one(running), 409, "conflict");
  assert.equal(problem.outcome, "too_late");
  assert.match(problem.detail, /has started: without onlyWaiting/);
  assert.equal((await one(first)).body.outcome, "cancelled");
  const { body: { id } } = await service.post("/v1/groups", { ids: [running, second] });
  const ofGroup = (await service.post(`/v1/groups/${id}/cancel`, { onlyWaiting: true })).body;
  assert.deepEqual(ofGroup, { id, cancelled: 1, requested: 0, tooLate: 1 });
  const filter = { tag: "a" };
  assert.deepEqual(await cancel(service, { filter, onlyWaiting: true }), {
    ...NONE,
    cancelled: 1,
    tooLate: 1,
  });
  gates.open(running, "done");
  assert.equal((await service.ended(running)).result, "done");
  assert.deepEqual(await namesOf(service, [first, second, third]), Array(3).fill("Cancelled"));
});

Deno.test("a task between two attempts has started: onlyWaiting leaves it alone", async () => {
  await using service = await aService();
  const { id } = await service.submit("fail", { message: "m" }, {
    retry: { maxAttempts: 2, delayMs: 60_000 },
  });
  await service.until(id, "SCHEDULED");
  assertProblem(await service.post(`/v1/tasks/${id}/cancel`, { onlyWaiting: true }), 409, "conflict");
});

Deno.test("a cancel of a flow's task spares its children where that is asked for", async () => {
  const gates = new Gates();
  const parent = define({ name: "parent", input: z.object({}) }, async ({ submit, emit, signal }) => {
    emit((await submit("gate", null)).id);
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await using service = await aService({ definitions: [parent, gates.definition] as AnyDefinition[] });
  const { body } = await service.post("/v1/flows", { tasks: { p: { task: "parent", input: {} } } });
  const { id } = body.tasks.p;
  const children = () => service.get(`/v1/tasks?parentId=${id}`);
  const child = await eventually(async () => (await children()).body.tasks[0]?.id ?? false);
  await cancel(service, { filter: { groupId: body.groupId }, children: false });
  assert.equal((await service.ended(id)).state.type, "CANCELLED");
  assert.equal((await service.task(child)).state.type, "RUNNING");
  await cancel(service, { ids: [id], children: true });
  assert.equal((await service.ended(child)).state.type, "CANCELLED");
});

Deno.test("keepResult keeps what a function returns after a cancel; the state stays CANCELLED", async () => {
  const clock = new ManualClock();
  const finish = Promise.withResolvers<void>();
  const seen: string[] = [];
  const tallies = define(
    { name: "tallies", input: z.object({ pad: z.int() }) },
    async ({ input, signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      seen.push(signal.reason.name);
      await finish.promise;
      return "x".repeat(input.pad);
    },
  );
  await using service = await aService({
    definitions: [tallies] as AnyDefinition[],
    clock,
    mayLogErrors: true,
  });
  const asked = async (body: Body, pad = 3): Promise<string> => {
    const before = seen.length;
    const { id } = await service.submit("tallies", { pad });
    await service.until(id, "RUNNING");
    assert.equal((await service.post(`/v1/tasks/${id}/cancel`, body)).status, 202);
    await eventually(() => seen.length > before);
    return id;
  };
  const kept = await asked({ keepResult: true, reason: "enough" });
  const large = await asked({ keepResult: true }, 100_000);
  const dropped = await asked({});
  const late = await asked({ keepResult: true, graceMs: 10 });
  clock.advance(10);
  assert.equal((await service.ended(late)).result, null, "after graceMs nothing is waited for");
  finish.resolve();
  const task = await service.ended(kept);
  assert.deepEqual([task.state.type, task.state.name, task.result], ["CANCELLED", "Cancelled", "xxx"]);
  assert.equal((await service.ended(large)).result.length, 100_000);
  assert.equal((await service.ended(dropped)).result, null);
  assert.deepEqual(new Set(seen), new Set(["CancelledError"]));
  const plain = await service.get(`/v1/tasks/${kept}/result?raiseOnFailure=false`);
  assert.deepEqual([plain.body.state.type, plain.body.result], ["CANCELLED", "xxx"]);
  assertProblem(await service.get(`/v1/tasks/${kept}/result`), 410, "task-cancelled");
  // Whoever needs its result does not take it for one.
  const { state } = await service.run("echo", { value: { $task: kept } });
  assert.equal(state.name, "UpstreamFailed");
  const { body } = await service.post(`/v1/tasks/${kept}/retry`, {});
  assert.equal(body.result, null, "a retry begins anew");
  await service.until(kept, "RUNNING");
});
