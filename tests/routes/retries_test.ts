// What a submit and a function may say of retries, over HTTP.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import { ignore, reject, retryAfter } from "../../runtime/core/failure_hints.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { aService, assertProblem, type Body, type Service } from "../support/service.ts";
import { directs } from "../support/thread_tasks.ts";
import { eventually } from "../support/waiting.ts";

const tokens: string[] = [];

/** Does what its input says at its first start, and returns at the next one. */
const directed = define(
  { name: "directed", input: z.object({ how: z.string() }) },
  ({ input: { how }, task, attempt }) => {
    const isFirst = !tokens.includes(task.id);
    tokens.push(task.id);
    if (!isFirst) return { attempt, token: task.token };
    throw {
      snooze: retryAfter(5_000, { reason: "not yet", countAttempt: false }),
      reject: reject("bad order"),
      ignore: ignore("seen before"),
      answer: new Response(null, { status: 503, headers: { "retry-after": "9" } }),
    }[
      how
    ];
  },
);

const always = define({ name: "always", input: z.object({ name: z.string() }) }, ({ input: { name } }) => {
  throw Object.assign(new Error("m"), { name, status: 503 });
});

const definitions = [directed, always, directs] as AnyDefinition[];

async function paused(service: Service, id: string): Promise<Body> {
  return await eventually(async () => {
    const task = await service.task(id);
    return task.state.name === "AwaitingRetry" && task;
  });
}

Deno.test("a function says when it is tried again, and whether that counts; the state has the pause and the reason", async () => {
  const clock = new ManualClock();
  await using service = await aService({ definitions, clock });
  const { id } = await service.submit("directed", { how: "snooze" });
  const waiting = await paused(service, id);
  assert.deepEqual([waiting.attempt, waiting.nextPauseMs], [0, 5_000]);
  assert.equal(waiting.state.message, "in 5000 ms, as its function asked: RetryAfter: not yet");
  await clock.advance(4_999);
  assert.equal((await service.task(id)).state.type, "SCHEDULED");
  await clock.advance(1);
  const { result, attempt, state } = await service.until(id, "COMPLETED");
  assert.deepEqual([attempt, state.name, result], [1, "Completed", { attempt: 1, token: `${id}:1` }]);
});

Deno.test("a function ends its task FAILED Rejected, or COMPLETED Ignored, also on a thread", async () => {
  await using service = await aService({ definitions });
  const options = { retry: { maxAttempts: 5, delayMs: 1 } };
  for (const task of ["directed", "directs"]) {
    const rejected = await service.run(task, { how: "reject" }, options);
    assert.deepEqual([rejected.state.name, rejected.attempt, rejected.error.message], [
      "Rejected",
      1,
      "bad order",
    ]);
    const ignored = await service.run(task, { how: "ignore" }, options);
    const { type, name, message } = ignored.state;
    assert.deepEqual([type, name, message], ["COMPLETED", "Ignored", "seen before"]);
    assert.deepEqual([ignored.result, ignored.error, ignored.attempt], [null, null, 1]);
    const { status, body } = await service.get(`/v1/tasks/${ignored.id}/result`);
    assert.deepEqual([status, body.state.name, body.result], [200, "Ignored", null]);
  }
});

Deno.test("Retry-After of an answer that was thrown is heeded, also on a thread, and its status is told", async () => {
  const clock = new ManualClock();
  await using service = await aService({ definitions, clock });
  for (const task of ["directed", "directs"]) {
    const retry = { maxAttempts: 2, delayMs: 1, on: [{ status: 503 }] };
    const { id } = await service.submit(task, { how: "answer" }, { retry });
    const waiting = await paused(service, id);
    assert.equal(waiting.nextPauseMs, 9_000, waiting.state.message);
    assert.match(waiting.state.message, /^in 9000 ms, as Retry-After says: Response: answered 503/);
    await service.post(`/v1/tasks/${id}/cancel`, {});
  }
  const failed = await service.run("always", { name: "E" });
  assert.deepEqual([failed.error.status, failed.state.name], [503, "Failed"]);
});

Deno.test("retry.on and notOn are options of a submit, of a definition, of flows and of children", async () => {
  await using service = await aService({ definitions });
  const attempts = async (retry: object, name = "Flaky") =>
    (await service.run("always", { name }, { retry: { maxAttempts: 3, delayMs: 0, ...retry } })).attempt;
  assert.deepEqual(
    [
      await attempts({ on: ["Flaky"] }),
      await attempts({ on: ["Other"] }),
      await attempts({ notOn: ["Flaky"] }),
    ],
    [3, 1, 1],
  );
  assert.equal(await attempts({ on: ["Other", { status: "5xx" }] }), 3);
  const { body } = await service.post("/v1/flows", {
    options: { retry: { maxAttempts: 3, delayMs: 5, on: ["Other"] } },
    tasks: {
      a: { task: "always", input: { name: "Flaky" }, options: { retry: { delaysMs: [0], on: ["Flaky"] } } },
    },
  });
  const ended = await service.ended(body.tasks.a.id);
  assert.equal(ended.attempt, 3);
  assert.deepEqual(ended.retry, {
    maxAttempts: 3,
    delayMs: 1_000,
    factor: 2,
    maxDelayMs: 60_000,
    jitter: false,
    delaysMs: [0],
    on: ["Flaky"],
  });
});

Deno.test("untilMs ends a task that would be tried again too late", async () => {
  const clock = new ManualClock();
  await using service = await aService({ definitions, clock });
  const retry = { maxAttempts: 100, delaysMs: [10_000], untilMs: 25_000 };
  const { id } = await service.submit("always", { name: "E" }, { retry });
  for (const attempt of [1, 2]) {
    await eventually(async () => {
      const task = await service.task(id);
      return task.attempt === attempt && task.state.name === "AwaitingRetry";
    });
    await clock.advance(10_000);
  }
  const { state, attempt } = await service.until(id, "FAILED");
  assert.deepEqual([state.name, attempt], ["RetriesExhausted", 3]);
});

Deno.test("what is wrong with a policy is told with its place, and nothing is stored", async () => {
  await using service = await aService({ definitions, running: false });
  for (
    const [retry, pointer] of [
      [{ on: [] }, "/options/retry/on"],
      [{ on: "TimeoutError" }, "/options/retry/on"],
      [{ on: [{ status: 99 }] }, "/options/retry/on/0/status"],
      [{ notOn: [{ status: "5x" }] }, "/options/retry/notOn/0/status"],
      [{ notOn: [{ code: 5 }] }, "/options/retry/notOn/0"],
      [{ notOn: Array(21).fill("E") }, "/options/retry/notOn"],
      [{ delaysMs: [] }, "/options/retry/delaysMs"],
      [{ delaysMs: [-1] }, "/options/retry/delaysMs/0"],
      [{ delaysMs: Array(51).fill(1) }, "/options/retry/delaysMs"],
      [{ delaysMs: [1], factor: 2 }, "/options/retry/factor"],
      [{ delaysMs: [1], delayMs: 2 }, "/options/retry/delayMs"],
      [{ untilMs: -1 }, "/options/retry/untilMs"],
    ] as const
  ) {
    const answer = await service.post("/v1/tasks", {
      task: "always",
      input: { name: "E" },
      options: { retry },
    });
    const { errors } = assertProblem(answer, 422, "validation-failed");
    assert.ok(errors.some((fault: Body) => fault.pointer.startsWith(pointer)), `${pointer}: ${answer.text}`);
  }
  const misplaced = { task: "always", input: { name: "E" }, options: { untilMs: 5 } };
  assertProblem(await service.post("/v1/tasks", misplaced), 422, "validation-failed", "/options/untilMs");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 0);
});
