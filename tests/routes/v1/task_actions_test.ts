import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, assertProblem, type Body } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const input = { a: 1, b: 2 };

function types(task: Body): string[] {
  return task.history.map(({ type }: Body) => type);
}

Deno.test("cancelling a waiting task is immediate and final", async () => {
  await using service = await aService({ running: false });
  for (const options of [{}, { delayMs: 60_000 }]) {
    const { id } = await service.submit("add", input, options);
    const { status, body } = await service.post(`/v1/tasks/${id}/cancel`, { reason: "not needed" });
    assert.deepEqual([status, body.outcome, body.state.type], [200, "cancelled", "CANCELLED"]);
    const task = await service.task(id);
    assert.deepEqual([task.state.name, task.state.message], ["Cancelled", "not needed"]);
  }
  await service.runtime.start();
  // What came after them has run.
  await service.run("add", input);
  for (const task of (await service.get("/v1/tasks?state=CANCELLED")).body.tasks) {
    assert.equal(task.startedAt, null);
  }
});

Deno.test("cancelling twice says the same and changes nothing", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  await service.post(`/v1/tasks/${id}/cancel`, { reason: "first" });
  const before = await service.task(id);
  const { status, body } = await service.post(`/v1/tasks/${id}/cancel`, { reason: "second" });
  assert.deepEqual([status, body.outcome], [200, "cancelled"]);
  assert.deepEqual(await service.task(id), before);
});

Deno.test("cancelling a running task aborts its signal, and it ends CANCELLED when its function returns", async () => {
  const seen: unknown[] = [];
  const finish = Promise.withResolvers<void>();
  const polite = define({ name: "polite", input: z.object({}) }, async ({ signal }) => {
    signal.addEventListener("abort", () => seen.push(signal.reason.message));
    await finish.promise;
    return "a value that nobody wants";
  });
  await using service = await aService({ definitions: [polite] });
  const { id } = await service.submit("polite");
  await service.until(id, "RUNNING");
  const { status, body } = await service.post(`/v1/tasks/${id}/cancel`, {
    reason: "enough",
    graceMs: 60_000,
  });
  assert.deepEqual([status, body.outcome, body.state.type], [202, "requested", "CANCELLING"]);
  assert.deepEqual(seen, ["enough"]);
  assert.equal((await service.task(id)).state.type, "CANCELLING");
  const again = await service.post(`/v1/tasks/${id}/cancel`, {});
  assert.deepEqual([again.status, again.body.outcome], [202, "requested"]);
  finish.resolve();
  const task = await service.ended(id);
  assert.deepEqual(types(task), ["PENDING", "RUNNING", "CANCELLING", "CANCELLED"]);
  assert.deepEqual([task.result, task.state.message], [null, "enough"]);
});

Deno.test("a function that does not stop is given up after graceMs", async () => {
  const finish = Promise.withResolvers<void>();
  const deaf = define({ name: "deaf", input: z.object({}) }, () => finish.promise);
  await using service = await aService({ definitions: [deaf] });
  const { id } = await service.submit("deaf");
  await service.until(id, "RUNNING");
  await service.post(`/v1/tasks/${id}/cancel`, { graceMs: 40 });
  const task = await service.ended(id);
  const [, , asked, ended] = task.history.map(({ at }: Body) => Date.parse(at));
  assert.equal(task.state.type, "CANCELLED");
  assert.ok(ended - asked >= 38, `${ended - asked} ms`);
  assert.equal(service.runtime.running, 0);
  finish.resolve();
});

Deno.test("a function that fails while it is being cancelled ends CANCELLED and is not retried", async () => {
  await using service = await aService();
  const { id } = await service.submit("sleep", { ms: 60_000 }, { retry: { maxAttempts: 3, delayMs: 0 } });
  await service.until(id, "RUNNING");
  await service.post(`/v1/tasks/${id}/cancel`, {});
  const task = await service.ended(id);
  assert.deepEqual([task.state.type, task.attempt], ["CANCELLED", 1]);
});

Deno.test("a thread that computes is ended by a cancel", async () => {
  await using service = await aService();
  const { id } = await service.submit("primes", { limit: 1e9 });
  await service.until(id, "RUNNING");
  await service.post(`/v1/tasks/${id}/cancel`, {});
  assert.equal((await service.ended(id)).state.type, "CANCELLED");
});

Deno.test("a task that waits for its next attempt is cancelled at once", async () => {
  await using service = await aService();
  const { id } = await service.submit("fail", { message: "m" }, {
    retry: { maxAttempts: 2, delayMs: 60_000, jitter: false },
  });
  await service.until(id, "SCHEDULED");
  const { status } = await service.post(`/v1/tasks/${id}/cancel`, {});
  assert.equal(status, 200);
  assert.equal((await service.task(id)).state.type, "CANCELLED");
});

Deno.test("a task that has ended otherwise is too late to cancel", async () => {
  await using service = await aService();
  for (const [task, given] of [["add", input], ["fail", { message: "m" }]] as const) {
    const { id } = await service.run(task, given);
    const problem = assertProblem(await service.post(`/v1/tasks/${id}/cancel`, {}), 409, "conflict");
    assert.equal(problem.outcome, "too_late");
  }
});

Deno.test("cancel and retry need no body, also over a real socket", async () => {
  await using service = await aService();
  const base = service.listen();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  await service.until(id, "RUNNING");
  const cancelled = await fetch(`${base}/v1/tasks/${id}/cancel`, { method: "POST" });
  assert.equal(cancelled.status, 202, await cancelled.text());
  await service.ended(id);
  const retried = await fetch(`${base}/v1/tasks/${id}/retry`, { method: "POST" });
  assert.equal(retried.status, 202, await retried.text());
});

Deno.test("a retry runs an ended task again under its id", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "m", untilAttempt: 2 });
  const { status, headers, body } = await service.post(`/v1/tasks/${id}/retry`);
  assert.equal(status, 202);
  assert.equal(headers.get("location"), `/v1/tasks/${id}`);
  assert.deepEqual([body.id, body.error, body.finishedAt], [id, null, null]);
  const task = await service.ended(id);
  assert.deepEqual([task.state.type, task.result, task.attempt], ["COMPLETED", 2, 2]);
  assert.deepEqual(types(task), ["PENDING", "RUNNING", "FAILED", "PENDING", "RUNNING", "COMPLETED"]);
});

Deno.test("a retry gives a fresh budget of attempts", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "m" }, { retry: { maxAttempts: 2, delayMs: 0 } });
  await service.post(`/v1/tasks/${id}/retry`, {});
  const task = await service.ended(id);
  assert.deepEqual([task.attempt, task.maxAttempts, task.state.name], [4, 4, "RetriesExhausted"]);
});

Deno.test("a retry can replace the input, which is checked like a submit's", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "m" });
  const bad = await service.post(`/v1/tasks/${id}/retry`, { input: { message: 5 } });
  assertProblem(bad, 422, "validation-failed", "/input/message");
  const large = { message: "x".repeat(2 ** 20) };
  assertProblem(
    await service.post(`/v1/tasks/${id}/retry`, { input: large }),
    413,
    "payload-too-large",
    "/input",
  );
  assert.equal((await service.task(id)).state.type, "FAILED");
  await service.post(`/v1/tasks/${id}/retry`, { input: { message: "m", untilAttempt: 1 } });
  const task = await service.ended(id);
  assert.deepEqual([task.state.type, task.input], ["COMPLETED", { message: "m", untilAttempt: 1 }]);
});

Deno.test("only an ended, not completed task is retried", async () => {
  await using service = await aService();
  const completed = await service.run("add", input);
  assertProblem(await service.post(`/v1/tasks/${completed.id}/retry`, {}), 409, "conflict");
  const waiting = await service.submit("add", input, { delayMs: 60_000 });
  assertProblem(await service.post(`/v1/tasks/${waiting.id}/retry`, {}), 409, "conflict");
});

Deno.test("of two retries at the same time one is accepted", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "m" });
  const answers = await Promise.all([1, 2].map(() => service.post(`/v1/tasks/${id}/retry`, {})));
  assert.ok(answers.some(({ status }) => status === 202));
  const task = await service.ended(id);
  assert.equal(task.attempt, 1 + answers.filter(({ status }) => status === 202).length);
});

Deno.test("only an ended task is forgotten, with all it stored", async () => {
  await using service = await aService();
  const waiting = await service.submit("add", input, { delayMs: 60_000 });
  assertProblem(await service.delete(`/v1/tasks/${waiting.id}`), 409, "conflict");
  const text = Array.from({ length: 5_000 }, () => crypto.randomUUID()).join();
  const { id } = await service.run("echo", { value: text });
  assert.equal((await service.delete(`/v1/tasks/${id}`)).status, 204);
  await service.run("add", input);
  const left = async () => {
    const all = await Array.fromAsync(service.kv.writer.list({ prefix: [] }));
    return all.filter(({ key }) => (key[0] === "blob" || key[0] === "event") && key[1] === id);
  };
  await eventually(async () => (await left()).length === 0, "something of it is left");
});

Deno.test("If-Match with an old ETag is 412 and changes nothing", async () => {
  await using service = await aService();
  const { id } = await service.submit("fail", { message: "m" });
  const old = { headers: { "if-match": '"0000"' } };
  await service.ended(id);
  assertProblem(await service.post(`/v1/tasks/${id}/retry`, {}, old), 412, "precondition-failed");
  assertProblem(await service.delete(`/v1/tasks/${id}`, old), 412, "precondition-failed");
  const etag = (await service.get(`/v1/tasks/${id}`)).headers.get("etag")!;
  // As a server or a proxy that compresses answers makes it.
  assert.equal(
    (await service.delete(`/v1/tasks/${id}`, { headers: { "if-match": `W/${etag}` } })).status,
    204,
  );
});

Deno.test("what is asked after a retry is answered from its end, however many tasks it has put back", async () => {
  await using service = await aService({ concurrency: 50 });
  const many = 1_200;
  const group = Array.from({ length: many }, (_, value) => {
    return { task: "echo", input: { value }, immutable: true };
  });
  const head = { task: "fail", input: { message: "no", untilAttempt: 2 }, name: "head" };
  const { body } = await service.post("/v1/flows", {
    chain: [head, { group }, { task: "add", input: { a: 1, b: 2 }, immutable: true }],
  });
  const self = `/v1/groups/${body.groupId}`;
  await eventually(async () => (await service.get(`${self}?graph=false`)).body.done === many + 2);
  const { tasks } = (await service.get(`/v1/tasks?state=FAILED`)).body;
  assert.equal((await service.post(`/v1/tasks/${tasks[0].id}/retry`, {})).status, 202);
  assert.deepEqual((await service.get("/v1/tasks?state=CANCELLED&limit=1")).body.tasks, []);
  const ends = service.events(`/v1/as-completed?groupId=${body.groupId}`);
  const results = await eventually(async () => {
    const answer = await service.get(`${self}/results?wait=20`);
    if (answer.status === 202) assert.ok(answer.body.done < many + 2, answer.text);
    else assert.equal(answer.status, 200, answer.text);
    return answer.status === 200 && answer.body.results;
  });
  assert.equal(results.length, many + 2);
  const states = (await ends).filter(({ event }) => event === "task").map(({ data }) => data.state.type);
  assert.deepEqual(states, Array(many + 2).fill("COMPLETED"));
});
