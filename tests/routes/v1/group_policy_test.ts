import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { prefixes } from "../../../runtime/platform/keys.ts";
import { Gates } from "../../support/gates.ts";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const GATE = { task: "gate", input: null };
const FAIL = { task: "fail", input: { message: "no luck" } };
const LATER = { task: "echo", input: { value: 1 }, options: { delayMs: 60_000 } };

async function batch(
  service: Service,
  tasks: unknown[],
  group: unknown,
): Promise<{ ids: string[]; id: string }> {
  const { status, body } = await service.post("/v1/tasks/batch", { tasks, options: { group } });
  assert.equal(status, 202, JSON.stringify(body));
  return { ids: body.tasks.map(({ id }: Body) => id), id: body.groupId };
}

async function ended(service: Service, id: string): Promise<Body> {
  return (await service.get(`/v1/groups/${id}?wait=30`)).body;
}

const named = (group: Body) => group.errors.map(({ id, error }: Body) => [id, error.name, error.message]);

Deno.test("cancel-rest: the first failure cancels what waits and stops what runs, and all errors are listed", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const { ids: [runs, fails, waits], id } = await batch(service, [GATE, GATE, LATER], {
    onFailure: "cancel-rest",
  });
  await service.until(runs, "RUNNING");
  await service.until(fails, "RUNNING");
  const { body: before } = await service.get(`/v1/groups/${id}`);
  assert.deepEqual([before.state, before.errors, before.endedAt], ["RUNNING", [], null]);
  assert.deepEqual(before.policy, { onFailure: "cancel-rest", maxFailures: 0, deadlineAt: null });
  gates.fail(fails, new RangeError("no luck"));
  const group = await ended(service, id);
  assert.equal(group.state, "FAILED");
  assert.deepEqual(group.counts, { FAILED: 1, CANCELLED: 2 });
  assert.deepEqual(named(group), [[fails, "RangeError", "no luck"]]);
  assert.equal((await service.task(waits)).state.message, "another task of its group failed");
  assert.equal((await service.task(runs)).state.type, "CANCELLED");
});

Deno.test("cancel-all-and-fail: the group is FAILED at once, also while a task takes its time to stop", async () => {
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const deaf = define({ name: "deaf", input: z.unknown() }, () => told);
  await using service = await aService({ definitions: [deaf] });
  const tasks = [{ task: "deaf" }, { ...FAIL, options: { delayMs: 1 } }];
  const { ids: [slow], id } = await batch(service, tasks, { onFailure: "cancel-all-and-fail" });
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.done], ["FAILED", 1]);
  const results = await service.get(`/v1/groups/${id}/results`);
  assertProblem(results, 424, "task-failed");
  tell();
  await service.ended(slow);
  const after = await ended(service, id);
  assert.deepEqual([after.state, after.done, after.endedAt], ["FAILED", 2, group.endedAt]);
});

Deno.test("maxFailures: so many failures neither stop a group nor make it FAILED", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const policy = { onFailure: "cancel-rest", maxFailures: 1 };
  const one = await batch(service, [FAIL, GATE, GATE], policy);
  await service.ended(one.ids[0]);
  assert.equal((await service.get(`/v1/groups/${one.id}`)).body.state, "RUNNING");
  gates.open(one.ids[1]);
  gates.open(one.ids[2]);
  const good = await ended(service, one.id);
  assert.deepEqual([good.state, good.counts], ["COMPLETED", { FAILED: 1, COMPLETED: 2 }]);
  assert.deepEqual(named(good), [[one.ids[0], "Error", "no luck"]]);
  const two = await batch(service, [FAIL, FAIL, GATE], policy);
  const bad = await ended(service, two.id);
  assert.deepEqual([bad.state, bad.counts], ["FAILED", { FAILED: 2, CANCELLED: 1 }]);
  assert.deepEqual(bad.errors.map(({ id }: Body) => id).sort(), two.ids.slice(0, 2).sort());
});

Deno.test("a group without a policy goes on after a failure, and a retry takes its end back", async () => {
  await using service = await aService();
  const tasks = [{ ...FAIL, input: { message: "no luck", untilAttempt: 2 } }, {
    task: "echo",
    input: { value: 1 },
  }];
  const { body } = await service.post("/v1/tasks/batch", { tasks, group: true });
  const group = await ended(service, body.groupId);
  assert.deepEqual([group.state, group.policy, group.counts], ["FAILED", null, { FAILED: 1, COMPLETED: 1 }]);
  assert.deepEqual(named(group), [[body.tasks[0].id, "Error", "no luck"]]);
  assert.equal((await service.post(`/v1/tasks/${body.tasks[0].id}/retry`, {})).status, 202);
  const again = await ended(service, body.groupId);
  assert.deepEqual([again.state, again.errors], ["COMPLETED", []]);
});

Deno.test("timeoutMs: what has not ended in time is cancelled, and the group is FAILED", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const { ids, id } = await batch(service, [GATE, LATER], { timeoutMs: 1 });
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.counts], ["FAILED", { CANCELLED: 2 }]);
  assert.deepEqual(named(group), [[null, "TimeoutError", "the group did not end within 1 ms"]]);
  assert.equal((await service.task(ids[1])).state.message, "its group did not end in time");
});

Deno.test("the end of a group with a policy is final: its tasks are not retried any more", async () => {
  await using service = await aService();
  const { ids, id } = await batch(service, [FAIL], { onFailure: "continue" });
  assert.equal((await ended(service, id)).state, "FAILED");
  const problem = await service.post(`/v1/tasks/${ids[0]}/retry`, {});
  assertProblem(problem, 409, "conflict");
  assert.match(problem.body.detail, new RegExp(`its group ${id} has ended FAILED`));
  // While it runs they are.
  const open = await batch(service, [FAIL, LATER], { onFailure: "continue" });
  await service.ended(open.ids[0]);
  assert.equal((await service.post(`/v1/tasks/${open.ids[0]}/retry`, {})).status, 202);
});

Deno.test("a cancelled group with a policy is CANCELLED, and takes no more", async () => {
  await using service = await aService();
  const { ids, id } = await batch(service, [LATER, LATER], { onFailure: "cancel-rest" });
  const { body } = await service.post(`/v1/groups/${id}/cancel`, { reason: "not needed" });
  assert.deepEqual(body, { id, cancelled: 2, requested: 0, tooLate: 0 });
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.errors], ["CANCELLED", []]);
  assert.equal((await service.task(ids[0])).state.message, "not needed");
  assertProblem(await service.post(`/v1/tasks/${ids[0]}/retry`, {}), 409, "conflict");
});

Deno.test("a map and a flow have policies, too, and none of their tasks has one", async () => {
  await using service = await aService();
  const group = { onFailure: "cancel-rest", deadlineAt: "2999-01-01T00:00:00Z" };
  const map = await service.post("/v1/map", {
    task: "echo",
    inputs: [{ value: 1 }],
    options: { group, tags: ["t"] },
  });
  const flow = await service.post("/v1/flows", {
    chain: [FAIL, { task: "echo", into: "value" }],
    options: { group, tags: ["t"] },
  });
  const [ofMap, ofFlow] = [await ended(service, map.body.groupId), await ended(service, flow.body.groupId)];
  assert.deepEqual([ofMap.state, ofFlow.state], ["COMPLETED", "FAILED"]);
  assert.deepEqual(ofMap.policy, {
    onFailure: "cancel-rest",
    maxFailures: 0,
    deadlineAt: "2999-01-01T00:00:00.000Z",
  });
  assert.deepEqual(ofFlow.counts, { FAILED: 1, CANCELLED: 1 });
  assert.deepEqual(ofFlow.errors.map(({ name }: Body) => name), ["0"]);
  const empty = await service.post("/v1/flows", { group: [], options: { group } });
  assert.equal((await ended(service, empty.body.groupId)).state, "COMPLETED");
  // The deadlines of all three went with their ends.
  await eventually(async () =>
    (await service.kv.list({ prefix: prefixes.due("deadline") }, { limit: 1 })).length === 0
  );
});

Deno.test("the end of a stream of a group says how the group has ended", async () => {
  await using service = await aService();
  const { id } = await batch(service, [FAIL, LATER], { onFailure: "cancel-rest" });
  const events = await service.events(`/v1/as-completed?groupId=${id}`);
  assert.deepEqual(events.at(-1), {
    ...events.at(-1)!,
    event: "end",
    data: { total: 2, yielded: 2, outcome: "FAILED" },
  });
});

Deno.test("a policy that says nothing sensible is told of by its pointer, and nothing is stored", async () => {
  await using service = await aService({ running: false });
  const refused = async (path: string, body: unknown, pointer: string) =>
    assertProblem(await service.post(path, body), 422, "validation-failed", pointer);
  const tasks = [FAIL];
  const both = { timeoutMs: 1, deadlineAt: "2999-01-01T00:00:00Z" };
  await refused(
    "/v1/tasks/batch",
    { tasks, options: { group: { onFailure: "stop" } } },
    "/options/group/onFailure",
  );
  await refused(
    "/v1/tasks/batch",
    { tasks, options: { group: { maxFailures: -1 } } },
    "/options/group/maxFailures",
  );
  await refused("/v1/tasks/batch", { tasks, options: { group: both } }, "/options/group/deadlineAt");
  await refused("/v1/tasks/batch", { tasks, group: false, options: { group: {} } }, "/options/group");
  await refused("/v1/tasks/batch", { tasks, onFailure: "continue" }, "/onFailure");
  await refused("/v1/tasks", { ...FAIL, options: { group: {} } }, "/options/group");
  await refused(
    "/v1/map",
    { task: "echo", inputs: [], options: { group: { timeoutMs: 0 } } },
    "/options/group/timeoutMs",
  );
  await refused("/v1/flows", { chain: [{ ...FAIL, options: { group: {} } }] }, "/chain/0/options/group");
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
});

Deno.test("a task that was skipped does not make its group CANCELLED", async () => {
  await using service = await aService();
  const main = { task: "echo", input: { value: 1 } };
  const mends = { task: "echo", input: { value: 2 }, waitFor: [{ task: "main", on: ["FAILED"] }] };
  const { body } = await service.post("/v1/flows", { tasks: { main, mends } });
  const group = await ended(service, body.groupId);
  assert.deepEqual([group.state, group.counts], ["COMPLETED", { COMPLETED: 1, CANCELLED: 1 }]);
});

/** It fails the first time, and not before it is told to. */
function flaky() {
  const { promise: told, resolve: go } = Promise.withResolvers<void>();
  let tries = 0;
  const definition = define({ name: "flaky", input: z.unknown() }, async () => {
    await told;
    if (++tries === 1) throw new Error("not yet");
  });
  return { definition, go };
}

Deno.test("a retry from outside leaves a group alone whose policy has made its end final", async () => {
  const { definition, go } = flaky();
  await using service = await aService({ definitions: [definition] });
  const upstream = await service.submit("flaky", null);
  const waits = { task: "echo", input: { value: 1 }, options: { waitFor: [upstream.id] } };
  const { ids: [id], id: group } = await batch(service, [waits], { onFailure: "continue" });
  const { body: free } = await service.post("/v1/tasks/batch", { tasks: [waits], group: true });
  go();
  const before = await ended(service, group);
  assert.equal(before.state, "CANCELLED");
  assert.equal((await ended(service, free.groupId)).state, "CANCELLED");
  // What follows from the end is done.
  await eventually(async () =>
    (await service.kv.list({ prefix: prefixes.outbox }, { limit: 1 })).length === 0
  );
  assert.equal((await service.post(`/v1/tasks/${upstream.id}/retry`)).status, 202);
  // Without a policy the retry takes the end back.
  await eventually(async () => (await service.task(free.tasks[0].id)).state.type === "COMPLETED");
  assert.equal((await ended(service, free.groupId)).state, "COMPLETED");
  assert.equal((await service.task(id)).state.type, "CANCELLED");
  assert.deepEqual(await ended(service, group), before);
});

Deno.test("a task that a retry of its upstream brings back gets its slot, though its map has ended", async () => {
  const { definition, go } = flaky();
  await using service = await aService({ definitions: [definition] });
  const upstream = await service.submit("flaky", null);
  const { body: map } = await service.post("/v1/map", {
    task: "echo",
    inputs: [{ value: 1 }],
    maxConcurrent: 1,
    options: { group: { maxFailures: 5 }, waitFor: [{ task: upstream.id, on: ["COMPLETED"] }] },
  });
  const [{ id }] = map.tasks;
  go();
  const before = await ended(service, map.groupId);
  assert.deepEqual([before.state, before.counts], ["COMPLETED", { CANCELLED: 1 }]);
  assert.equal((await service.post(`/v1/tasks/${upstream.id}/retry`)).status, 202);
  await eventually(async () => (await service.task(id)).state.type === "COMPLETED");
  const after = await ended(service, map.groupId);
  assert.deepEqual([after.state, after.endedAt, after.counts], ["COMPLETED", before.endedAt, {
    COMPLETED: 1,
  }]);
});
