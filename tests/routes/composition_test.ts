// Tasks that wait for tasks, submitted one by one or as a batch: references, waitFor, and how tasks show
// them.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { assertProblem, type Body, type Service, UNKNOWN_ID } from "../support/service.ts";
import { onSocket } from "../support/on_socket.ts";
import { eventually } from "../support/waiting.ts";

const echo = (value: unknown) => ({ task: "echo", input: { value } });

/** A task that ends when `open` is called. */
function aGate() {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const gate = define({ name: "gate", input: z.object({}) }, async ({ signal }) => {
    const stopped = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return await Promise.race([promise, stopped]);
  });
  return { gate, open: resolve };
}

async function submitted(service: Service, body: unknown): Promise<Body> {
  const answer = await service.post("/v1/tasks", body);
  assert.equal(answer.status, 202, answer.text);
  return answer.body;
}

Deno.test("a task gets the results that its input refers to, wherever they stand in it", async () => {
  const { gate, open } = aGate();
  await using service = await onSocket({ definitions: [gate] });
  const late = await submitted(service, { task: "gate" });
  const early = await service.run("echo", { value: { n: 1 } });
  const value = {
    a: [{ $task: late.id }, "x"],
    b: { c: { $task: early.id.toUpperCase() } },
    d: { $task: late.id },
  };
  const task = await submitted(service, echo(value));
  assert.deepEqual([task.state.type, task.state.name, task.waitFor, task.node], [
    "PENDING",
    "AwaitingDependencies",
    [],
    null,
  ]);
  assert.deepEqual((await service.task(task.id)).state, task.state);
  open(["opened"]);
  const { result, state, history } = await service.ended(task.id);
  assert.equal(state.type, "COMPLETED");
  assert.deepEqual(result, { a: [["opened"], "x"], b: { c: { n: 1 } }, d: ["opened"] });
  assert.deepEqual(history.map(({ name }: Body) => name), [
    "AwaitingDependencies",
    "Pending",
    "Running",
    "Completed",
  ]);
});

Deno.test("a task starts only after those in waitFor, and is told nothing of them", async () => {
  const { gate, open } = aGate();
  await using service = await onSocket({ definitions: [gate] });
  const first = await submitted(service, { task: "gate" });
  const task = await submitted(service, { ...echo("mine"), options: { waitFor: [first.id.toUpperCase()] } });
  assert.deepEqual(task.waitFor, [first.id]);
  await service.until(first.id, "RUNNING");
  assert.equal((await service.task(task.id)).state.name, "AwaitingDependencies");
  open("gone by");
  const ended = await service.ended(task.id);
  assert.deepEqual([ended.result, ended.waitFor], ["mine", [first.id]]);
  assert.ok(ended.startedAt >= (await service.task(first.id)).finishedAt);
});

Deno.test("what is quoted is data", async () => {
  await using service = await onSocket();
  const value = { $quote: { $task: "no id", other: { $quote: 1 } } };
  const { input, result } = await service.run("echo", { value });
  assert.deepEqual([input, result], [{ value }, { $task: "no id", other: { $quote: 1 } }]);
});

Deno.test("waitFor of a task has only what was named there, and lists show it", async () => {
  await using service = await onSocket({ running: false });
  const ids = (await Promise.all([1, 2, 3].map((n) => service.submit("echo", { value: n })))).map(({ id }) =>
    id
  );
  const task = await submitted(service, {
    ...echo([{ $task: ids[2] }, { $task: ids[0] }]),
    options: { waitFor: [ids[1], ids[0], ids[1]] },
  });
  assert.deepEqual(task.waitFor, [ids[1], ids[0]]);
  assert.deepEqual((await service.task(task.id)).waitFor, [ids[1], ids[0]]);
  const { body: { tasks } } = await service.get("/v1/tasks");
  assert.deepEqual(tasks.map(({ waitFor }: Body) => waitFor), [[ids[1], ids[0]], [], [], []]);
});

Deno.test("of very many in waitFor a list says null, and the task has them", async () => {
  await using service = await onSocket({ running: false });
  const batch = await service.post("/v1/tasks/batch", { tasks: Array(600).fill(echo(1)) });
  const waitFor = batch.body.tasks.map(({ id }: Body) => id);
  const headers = { "idempotency-key": "many" };
  const call = { ...echo(2), options: { waitFor } };
  const { body: task } = await service.post("/v1/tasks", call, { headers });
  assert.deepEqual(task.waitFor, waitFor);
  assert.deepEqual((await service.task(task.id)).waitFor, waitFor);
  assert.deepEqual((await service.post("/v1/tasks", call, { headers })).body, task);
  const { body: { tasks } } = await service.get("/v1/tasks?limit=1");
  assert.deepEqual([tasks[0].id, tasks[0].waitFor], [task.id, null]);
});

Deno.test("tasks of a batch may wait for each other by ids of the caller's own, in any order", async () => {
  await using service = await onSocket();
  const [one, two, three] = [1, 2, 3].map((n) => `01999999-9999-7999-8999-00000000000${n}`);
  const tasks = [
    { task: "add", input: { a: { $task: three }, b: { $task: two } }, id: one },
    { task: "add", input: { a: 1, b: { $task: three } }, id: two, options: { waitFor: [three] } },
    { task: "add", input: { a: 1, b: 1 }, id: three },
  ];
  const { status, body, text } = await service.post("/v1/tasks/batch", { tasks, group: true });
  assert.equal(status, 202, text);
  const results = await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
  assert.deepEqual(results.body.results, [5, 3, 2]);
  const { body: { nodes, edges } } = await service.get(`/v1/groups/${body.groupId}`);
  assert.deepEqual(nodes.map(({ id }: Body) => id), [one, two, three]);
  assert.deepEqual(edges.map(({ from, to }: Body) => `${from} ${to}`).sort(), [
    `${two} ${one}`,
    `${three} ${one}`,
    `${three} ${two}`,
  ]);
});

Deno.test("what is no reference, or refers to nothing, is refused with its place", async () => {
  await using service = await onSocket({ running: false });
  const { id } = await service.submit("echo", { value: 1 });
  const wrong: [unknown, string][] = [
    [echo({ $task: id, more: 1 }), "/input/value"],
    [echo([{ $task: 5 }]), "/input/value/0"],
    [echo({ $quote: 1, $task: id }), "/input/value"],
    [echo({ $task: "name" }), "/input/value"],
    [echo({ "a/b": { $task: UNKNOWN_ID } }), "/input/value/a~1b/$task"],
    [{ ...echo(1), options: { waitFor: [id, UNKNOWN_ID] } }, "/options/waitFor/1"],
    [{ ...echo(1), options: { waitFor: ["name"] } }, "/options/waitFor/0"],
    [{ ...echo(1), options: { waitFor: id } }, "/options/waitFor"],
    [{ ...echo(1), options: { waitFor: Array(1_001).fill(id) } }, "/options/waitFor"],
    [{ ...echo(1), options: { allowFailure: 1 } }, "/options/allowFailure"],
    [{ task: "add", input: { a: { $task: id }, b: "x" } }, "/input/b"],
  ];
  for (const [body, pointer] of wrong) {
    const answer = await service.post("/v1/tasks", body);
    const told = answer.body.errors?.map((fault: Body) => fault.pointer) ?? [];
    assert.equal(answer.status, 422, `${JSON.stringify(body).slice(0, 200)}: ${answer.text}`);
    assert.ok(told.some((at: string) => at.startsWith(pointer)), `${pointer}: ${answer.text}`);
    const batch = await service.post("/v1/tasks/batch", { tasks: [echo(1), body] });
    assert.equal(batch.status, 422, batch.text);
    const inBatch = batch.body.errors?.map((fault: Body) => fault.pointer) ?? [];
    assert.ok(inBatch.some((at: string) => at.startsWith(`/tasks/1${pointer}`)), `${pointer}: ${batch.text}`);
  }
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 1);
});

Deno.test("a task whose upstream did not complete says so wherever its result is asked for", async () => {
  await using service = await onSocket();
  const failed = await service.run("fail", { message: "boom", name: "DemoError" });
  const task = await submitted(service, echo({ $task: failed.id }));
  const { state, error, startedAt } = await service.ended(task.id);
  assert.deepEqual([state.type, state.name, startedAt], ["CANCELLED", "UpstreamFailed", null]);
  assert.deepEqual([error.name, error.retryable, error.cause.name, error.cause.message], [
    "UpstreamFailed",
    false,
    "DemoError",
    "boom",
  ]);
  assert.ok(state.message.includes(failed.id), state.message);
  const gone = await service.get(`/v1/tasks/${task.id}/result`);
  assert.deepEqual(assertProblem(gone, 410, "task-cancelled").error, error);
  const value = await service.get(`/v1/tasks/${task.id}/result?raiseOnFailure=false`);
  assert.deepEqual([value.status, value.body.result, value.body.error], [200, null, error]);
  const { body: { tasks } } = await service.get(`/v1/tasks?state=CANCELLED`);
  assert.deepEqual(tasks.map((one: Body) => [one.id, one.error]), [[task.id, error]]);
});

Deno.test("a cancelled upstream is an error to those that wait, and a value to those that allow it", async () => {
  const { gate } = aGate();
  await using service = await onSocket({ definitions: [gate] });
  const upstream = await submitted(service, { task: "gate" });
  const strict = await submitted(service, echo({ $task: upstream.id }));
  const lenient = await submitted(service, {
    ...echo({ $task: upstream.id }),
    options: { allowFailure: true },
  });
  await service.until(upstream.id, "RUNNING");
  await service.post(`/v1/tasks/${upstream.id}/cancel`, { reason: "not today" });
  assert.equal((await service.ended(strict.id)).state.name, "UpstreamFailed");
  const { state, result } = await service.ended(lenient.id);
  assert.equal(state.type, "COMPLETED");
  assert.deepEqual(Object.keys(result), ["error"]);
  assert.match(JSON.stringify(result.error), /not today|[Cc]ancel/);
});

Deno.test("a cancel takes whether children are meant", async () => {
  await using service = await onSocket();
  for (const children of [true, false]) {
    const { id } = await service.submit("sleep", { ms: 60_000 });
    const { status, body } = await service.post(`/v1/tasks/${id}/cancel`, { children, graceMs: 0 });
    assert.ok(status === 202 || status === 200, `${status}`);
    assert.equal(body.id, id);
    assert.equal((await service.ended(id)).state.type, "CANCELLED");
  }
  const { id } = await service.submit("sleep", { ms: 60_000 });
  const wrong = await service.post(`/v1/tasks/${id}/cancel`, { children: "yes" });
  assertProblem(wrong, 422, "validation-failed", "/children");
  await service.post(`/v1/tasks/${id}/cancel`, { graceMs: 0 });
});

Deno.test("a waiting task is one of its group's PENDING ones, and can be cancelled", async () => {
  const { gate, open } = aGate();
  await using service = await onSocket({ definitions: [gate] });
  const upstream = await submitted(service, { task: "gate" });
  const { body } = await service.post("/v1/tasks/batch", {
    tasks: [echo({ $task: upstream.id }), echo({ $task: upstream.id })],
    group: true,
  });
  const [one, other] = body.tasks.map(({ id }: Body) => id);
  const counts = async () => (await service.get(`/v1/groups/${body.groupId}?graph=false`)).body.counts;
  assert.deepEqual(await counts(), { PENDING: 2 });
  const cancelled = await service.post(`/v1/tasks/${one}/cancel`);
  assert.deepEqual([cancelled.status, cancelled.body.outcome], [200, "cancelled"]);
  open("value");
  assert.equal((await service.ended(other)).result, "value");
  await eventually(async () => JSON.stringify(await counts()) === '{"CANCELLED":1,"COMPLETED":1}');
});

Deno.test("chunks are retried with a list, and with nothing else", async () => {
  await using service = await onSocket();
  const chunks = { task: "fail", inputs: [{ message: "a" }, { message: "b" }], size: 2 };
  const { body } = await service.post("/v1/flows", { chunks });
  const { id } = body.tasks["0"];
  assert.equal((await service.ended(id)).state.type, "FAILED");
  const retry = (input: unknown) => service.post(`/v1/tasks/${id}/retry`, { input });
  assertProblem(await retry({ message: "a" }), 422, "validation-failed", "/input");
  assertProblem(await retry([{ message: 5 }]), 422, "validation-failed", "/input/0/message");
  assert.equal((await retry([{ message: "a", untilAttempt: 1 }])).status, 202);
  assert.deepEqual((await service.ended(id)).result, [2]);
});

Deno.test("once a retry is answered, nothing that waits for the task looks ended any more", async () => {
  await using service = await onSocket();
  for (let round = 0; round < 10; round++) {
    const echo = { task: "echo", into: "value" };
    const chain = [{ task: "fail", input: { message: "no" } }, echo, echo, echo];
    const { body } = await service.post("/v1/flows", { chain });
    await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
    const retried = await service.post(`/v1/tasks/${body.tasks["0"].id}/retry`, {
      input: { message: "no", untilAttempt: 1 },
    });
    assert.equal(retried.status, 202);
    const last = await service.get(`/v1/tasks/${body.tasks["3"].id}/result?wait=60`);
    assert.deepEqual([last.status, last.body.result], [200, 2]);
    assert.equal((await service.get(`/v1/groups/${body.groupId}/results`)).status, 200);
  }
});
