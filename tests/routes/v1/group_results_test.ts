// Groups as a whole: their results in order, small and very large, what stands for them when one is missing,
// and a cancel of all.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import {
  aService,
  assertProblem,
  type Body,
  type Service,
  type ServiceOptions,
  UNKNOWN_ID,
} from "../../support/service.ts";
import { Gates } from "../../support/gates.ts";
import { patientClock } from "../../support/patient_clock.ts";
import { eventually, unlessItHangs } from "../../support/waiting.ts";

const input = { a: 1, b: 2 };
const sleep = (ms: number, value: unknown = ms) => ({ task: "sleep", input: { ms, value } });

/** A group of new tasks. */
async function grouped(service: Service, tasks: unknown[]): Promise<{ id: string; ids: string[] }> {
  const { status, body, text } = await service.post("/v1/tasks/batch", { tasks, group: true });
  assert.equal(status, 202, text);
  return { id: body.groupId, ids: body.tasks.map((task: Body) => task.id) };
}

const stateOf = ({ state }: Body) => [state.type, state.name];

Deno.test("results come in the order of the input, whatever the order of the ends", async () => {
  await using service = await aService();
  const { id } = await grouped(service, [60, 1, 30].map((ms) => sleep(ms)));
  const { status, headers, body } = await service.get(`/v1/groups/${id}/results?wait=60`);
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.deepEqual(body, { id, results: [60, 1, 30] });
});

Deno.test("results of a group of existing tasks come in the order of its ids", async () => {
  await using service = await aService();
  const tasks = await Promise.all([0, 1, 2, 3].map((value) => service.run("echo", { value })));
  const [a, b, c, d] = tasks.map(({ id }) => id);
  const { body: group } = await service.post("/v1/groups", { ids: [c, a, d, c, b] });
  const { body } = await service.get(`/v1/groups/${group.id}/results`);
  assert.deepEqual(body.results, [2, 0, 3, 1]);
  assert.deepEqual(group.nodes.map((node: Body) => node.id), [c, a, d, b]);
  // The first group of a task is not disturbed by the next one.
  const { body: other } = await service.post("/v1/groups", { ids: [b, c] });
  assert.deepEqual((await service.get(`/v1/groups/${other.id}/results`)).body.results, [1, 2]);
  assert.deepEqual((await service.get(`/v1/groups/${group.id}/results`)).body.results, [2, 0, 3, 1]);
});

Deno.test("results of a group that is not done are 202 with how far it is", async () => {
  await using service = await aService();
  const { id, ids } = await grouped(service, [{ task: "add", input }, sleep(60_000)]);
  await service.ended(ids[0]);
  const path = `/v1/groups/${id}/results`;
  for (const query of ["", "?wait=0.05", "?raiseOnFailure=false", "?wait=0&raiseOnFailure=true"]) {
    const { status, headers, body } = await service.get(path + query);
    assert.deepEqual([status, headers.get("retry-after"), body], [202, "1", { id, total: 2, done: 1 }]);
  }
});

Deno.test("a wait for results ends with the last task", async () => {
  const gates = new Gates();
  // No wait ends by its time.
  await using service = await aService({ definitions: [gates.definition], clock: patientClock });
  const { id, ids } = await grouped(service, [{ task: "gate", input: null }, { task: "add", input }]);
  const waiting = service.get(`/v1/groups/${id}/results?wait=30`);
  await service.ended(ids[1]);
  gates.open(ids[0], "slow");
  const { status, body } = await unlessItHangs(waiting);
  assert.deepEqual([status, body.results], [200, ["slow", 3]]);
  assert.equal(service.runtime.watched, 0);
});

Deno.test("a wait for results takes a slot, and gives it back", async () => {
  await using service = await aService({ maxWaiting: 1 });
  const { id, ids } = await grouped(service, [sleep(60_000)]);
  const waiting = service.get(`/v1/groups/${id}/results?wait=30`);
  await eventually(() => service.runtime.watched === 1);
  assertProblem(await service.get(`/v1/groups/${id}/results?wait=1`), 429, "rate-limited");
  assert.equal((await service.get(`/v1/groups/${id}/results`)).status, 202);
  await service.post(`/v1/tasks/${ids[0]}/cancel`);
  assertProblem(await waiting, 410, "task-cancelled");
  assertProblem(await service.get(`/v1/groups/${id}/results?wait=1`), 410, "task-cancelled");
});

Deno.test("if tasks failed, the first of them in time stands for the group", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const { id, ids } = await grouped(service, [
    sleep(1),
    { task: "gate", input: null },
    { task: "fail", input: { message: "early", name: "EarlyError" } },
    { task: "add", input, options: { delayMs: 60_000 } },
  ]);
  await Promise.all([ids[0], ids[2]].map((id) => service.ended(id)));
  gates.fail(ids[1], new Error("late"));
  await service.ended(ids[1]);
  // The one that was cancelled came first of all, and yet is no failure.
  await service.post(`/v1/tasks/${ids[3]}/cancel`, { reason: "not needed" });
  const failed = await service.get(`/v1/groups/${id}/results?wait=60`);
  const { detail, taskId, error, state, id: group } = assertProblem(failed, 424, "task-failed");
  assert.deepEqual([group, taskId, error.name, error.message, state.type], [
    id,
    ids[2],
    "EarlyError",
    "early",
    "FAILED",
  ]);
  assert.match(detail, /early/);
  const all = await service.get(`/v1/groups/${id}/results?raiseOnFailure=false`);
  assert.equal(all.status, 200);
  const results = all.body.results;
  assert.deepEqual(results.map((one: Body) => one.id), ids);
  assert.deepEqual(results.map(stateOf), [
    ["COMPLETED", "Completed"],
    ["FAILED", "Failed"],
    ["FAILED", "Failed"],
    ["CANCELLED", "Cancelled"],
  ]);
  assert.deepEqual(results.map((one: Body) => one.result), [1, null, null, null]);
  assert.deepEqual(results.map((one: Body) => one.error?.message ?? null), [null, "late", "early", null]);
});

Deno.test("if none failed, the first that was cancelled stands for the group", async () => {
  await using service = await aService();
  const { id, ids } = await grouped(service, [
    { task: "add", input },
    { task: "add", input, options: { delayMs: 60_000 } },
    { task: "add", input, options: { delayMs: 60_000 } },
  ]);
  await service.post(`/v1/tasks/${ids[2]}/cancel`, { reason: "this one first" });
  await service.post(`/v1/tasks/${ids[1]}/cancel`, { reason: "and this one" });
  const answer = await service.get(`/v1/groups/${id}/results?wait=60`);
  const { detail, taskId, state } = assertProblem(answer, 410, "task-cancelled");
  assert.deepEqual([taskId, stateOf({ state })], [ids[2], ["CANCELLED", "Cancelled"]]);
  assert.match(detail, /this one first/);
});

Deno.test("a failed task that is retried no longer stands for its group", async () => {
  await using service = await aService();
  const { id, ids } = await grouped(service, [
    { task: "fail", input: { message: "once", untilAttempt: 2 } },
    { task: "add", input },
  ]);
  assertProblem(await service.get(`/v1/groups/${id}/results?wait=60`), 424, "task-failed");
  await service.post(`/v1/tasks/${ids[0]}/retry`);
  const { status, body } = await service.get(`/v1/groups/${id}/results?wait=60`);
  assert.deepEqual([status, body.results], [200, [2, 3]]);
});

Deno.test("a group of which a task is gone has no results any more, and says so", async () => {
  await using service = await aService();
  const { id, ids } = await grouped(service, [{ task: "add", input }, {
    task: "fail",
    input: { message: "m" },
  }]);
  await service.get(`/v1/groups/${id}/results?wait=60`);
  await service.delete(`/v1/tasks/${ids[0]}`);
  // The failure is there still.
  assertProblem(await service.get(`/v1/groups/${id}/results`), 424, "task-failed");
  assertProblem(await service.get(`/v1/groups/${id}/results?raiseOnFailure=false`), 410, "task-forgotten");
  await service.delete(`/v1/tasks/${ids[1]}`);
  assertProblem(await service.get(`/v1/groups/${id}/results`), 410, "task-forgotten");
  const { body } = await service.get(`/v1/groups/${id}`);
  assert.deepEqual([body.done, body.nodes, body.edges], [2, [], []]);
});

Deno.test("large values come whole, each as it was stored", async () => {
  await using service = await aService();
  const values = ["x".repeat(300_000), { text: "é💥\u0000", "2": [1e21, -0, null] }, "y".repeat(100_000), []];
  const { id } = await grouped(service, values.map((value) => ({ task: "echo", input: { value } })));
  const { status, body } = await service.get(`/v1/groups/${id}/results?wait=60`);
  assert.equal(status, 200);
  assert.deepEqual(JSON.stringify(body.results), JSON.stringify(values));
});

const large = define({ name: "large", input: z.object({}) }, () => "x".repeat(120_000));
const MANY = 230;

/** A group of ended tasks with many megabytes of results, to be read over a real socket. */
async function aLargeGroup(options: ServiceOptions): Promise<{ service: Service; id: string; url: string }> {
  const service = await aService({ ...options, definitions: [large] });
  const tasks = Array.from({ length: MANY }, () => ({ task: "large" }));
  const { id } = await grouped(service, tasks);
  assert.equal((await service.post("/v1/wait", { groupId: id, timeoutSeconds: 60 })).body.notDone.length, 0);
  return { service, id, url: `${service.listen()}/v1/groups/${id}/results` };
}

Deno.test("a large answer is sent as it is read, and holds a slot as long as that takes", async () => {
  const { service, url } = await aLargeGroup({ maxWaiting: 1 });
  await using _ = service;
  const slow = await fetch(url);
  assert.equal(slow.headers.get("content-length"), null);
  const reader = slow.body!.getReader();
  await reader.read();
  const refused = await fetch(url);
  assert.equal(refused.status, 429);
  await refused.body?.cancel();
  await reader.cancel();
  await eventually(async () => {
    const { status, body } = await fetch(url);
    if (status !== 200) await body?.cancel();
    else assert.equal((await new Response(body).json()).results.length, MANY);
    return status === 200;
  });
  // Nobody reads what a HEAD would give.
  for (let i = 0; i < 3; i++) {
    const { status } = await fetch(url, { method: "HEAD" });
    assert.equal(status, 200);
  }
});

Deno.test("a large answer whose tasks go meanwhile is cut off, and never short", async () => {
  const { service, id, url } = await aLargeGroup({ mayLogErrors: true });
  await using _ = service;
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  const { body: { tasks } } = await service.get(`/v1/tasks?groupId=${id}`);
  // Newest first: the last one of the group.
  const last = tasks[0].id;
  await service.kv.writer.delete(keys.task(last));
  await service.kv.writer.delete(keys.index("group", id, last));
  await assert.rejects(answer.text());
  assert.match(service.errors.join(), /results of group .* were cut off/);
});

Deno.test("a cancel of a group cancels what waits, asks what runs, and leaves what has ended", async () => {
  await using service = await aService({ concurrency: 2 });
  const { id, ids } = await grouped(service, [
    { task: "add", input },
    { task: "fail", input: { message: "m" } },
    sleep(60_000),
    sleep(60_000),
    sleep(60_000),
    { task: "add", input, options: { delayMs: 60_000 } },
  ]);
  await service.until(ids[2], "RUNNING");
  await service.until(ids[3], "RUNNING");
  const { status, headers, body } = await service.post(`/v1/groups/${id}/cancel`, {
    reason: "enough",
    graceMs: 50,
  });
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.deepEqual(body, { id, cancelled: 2, requested: 2, tooLate: 2 });
  const after = await service.get(`/v1/groups/${id}/results?wait=60&raiseOnFailure=false`);
  assert.deepEqual(after.body.results.map(({ state }: Body) => state.type), [
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "CANCELLED",
    "CANCELLED",
    "CANCELLED",
  ]);
  assert.equal((await service.task(ids[5])).state.message, "enough");
  // Once more changes nothing; the body may be left out.
  const again = await service.post(`/v1/groups/${id}/cancel`);
  assert.deepEqual(again.body, { id, cancelled: 4, requested: 0, tooLate: 2 });
});

Deno.test("a cancel of a large group reaches all of it", async () => {
  await using service = await aService({ running: false });
  const all: string[] = [];
  for (let i = 0; i < 2; i++) {
    all.push(...(await grouped(service, Array.from({ length: 700 }, () => ({ task: "add", input })))).ids);
  }
  const { body: group } = await service.post("/v1/groups", { ids: all });
  const { body } = await service.post(`/v1/groups/${group.id}/cancel`);
  assert.deepEqual(body, { id: group.id, cancelled: 1_400, requested: 0, tooLate: 0 });
  assert.deepEqual((await service.get(`/v1/groups/${group.id}`)).body.counts, { CANCELLED: 1_400 });
});

Deno.test("nodes and edges are there up to 1000 tasks, and left out on request", async () => {
  await using service = await aService({ running: false });
  const { id, ids } = await grouped(service, Array.from({ length: 1_000 }, () => ({ task: "add", input })));
  const { body } = await service.get(`/v1/groups/${id}`);
  assert.deepEqual(body.nodes.map((node: Body) => node.id), ids);
  assert.deepEqual([body.nodes[0].name, body.nodes[0].task, body.nodes[0].state.type], [
    null,
    "add",
    "PENDING",
  ]);
  assert.deepEqual(body.edges, []);
  const left = await service.get(`/v1/groups/${id}?graph=false`);
  assert.deepEqual([left.body.total, left.body.nodes, left.body.edges], [1_000, null, null]);
  const one = await service.submit("add", input);
  const { body: large } = await service.post("/v1/groups", { ids: [...ids, one.id] });
  assert.deepEqual([large.total, large.nodes, large.edges], [1_001, null, null]);
});

Deno.test("what a group does not take is told with its place, and an unknown one is 404", async () => {
  await using service = await aService({ running: false });
  const { id } = await grouped(service, [{ task: "add", input }]);
  for (const path of [`/v1/groups/${UNKNOWN_ID}`, `/v1/groups/${UNKNOWN_ID}/results`]) {
    assert.equal(assertProblem(await service.get(path), 404, "not-found").kind, "group");
  }
  assertProblem(await service.post(`/v1/groups/${UNKNOWN_ID}/cancel`), 404, "not-found");
  const at = `/v1/groups/${id}`;
  const wrong: [string, string][] = [
    [`${at}?graph=maybe`, "/query/graph"],
    [`${at}?x=1`, "/query/x"],
    [`${at}/results?wait=soon`, "/query/wait"],
    [`${at}/results?raiseOnFailure=1`, "/query/raiseOnFailure"],
    [`${at}/results?y=1`, "/query/y"],
    ["/v1/groups/abc/results", "/path/id"],
  ];
  for (const [path, pointer] of wrong) {
    assertProblem(await service.get(path), 422, "validation-failed", pointer);
  }
  const cancel = (body: unknown) => service.post(`${at}/cancel`, body);
  assertProblem(await cancel({ children: 1 }), 422, "validation-failed", "/children");
  assertProblem(await cancel({ graceMs: -1 }), 422, "validation-failed", "/graceMs");
  assertProblem(await cancel({ reason: "r".repeat(501) }), 422, "validation-failed", "/reason");
  assertProblem(await cancel("{"), 400, "malformed-json");
  for (const [method, path, allow] of [["POST", `${at}/results`, "GET"], ["GET", `${at}/cancel`, "POST"]]) {
    const refused = await service.request(method, path);
    assertProblem(refused, 405, "method-not-allowed");
    assert.equal(refused.headers.get("allow"), allow);
  }
});
