// A function that puts other tasks in the place of its own.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { chain, group, sig } from "../../client/mod.ts";
import { define, type TaskContext } from "../../runtime/core/define.ts";
import { replaceWith, type ReplacingFlow, type ReplacingTask } from "../../runtime/core/replace_with.ts";
import { assertProblem, type Body, type Service } from "../support/service.ts";
import { onSocket } from "../support/on_socket.ts";

const LONG = { ms: 60_000 };

/** A definition whose function is replaced by what `by` says, and how often it has run. */
function replacing(by: (context: TaskContext<{ with?: unknown }>) => ReplacingTask | ReplacingFlow) {
  const input = z.object({ with: z.unknown().optional() });
  const swap = define({ name: "swap", input }, (context) => {
    swapped.runs++;
    return replaceWith(by(context));
  });
  const swapped = { swap, runs: 0 };
  return swapped;
}

const given = replacing(({ input }) => input.with as ReplacingTask);

async function states(service: Service, groupId: string): Promise<string[]> {
  const { body } = await service.get(`/v1/groups/${groupId}`);
  return body.nodes.map(({ state }: Body) => state.type).sort();
}

Deno.test("a task takes what the tasks in its place give, under its own id", async () => {
  await using service = await onSocket({ definitions: [given.swap] });
  const add = (a: number, b: number) => sig("add", { a, b });
  const cases: [unknown, unknown][] = [
    [add(1, 2), 3],
    [{ task: "echo", input: { value: null } }, null],
    [chain(add(1, 2), sig("add", { b: 10 }, { into: "a" })), 13],
    [group(add(1, 2), chain(add(1, 1), sig("echo", undefined, { into: "value" }))), [3, 2]],
    [{ $quote: { tasks: { one: add(1, 2), two: { task: "echo", input: { value: { $task: "one" } } } } } }, {
      one: 3,
      two: 3,
    }],
    [group(), []],
    [{ task: "echo", input: { value: "x".repeat(40_000) } }, "x".repeat(40_000)],
    // Its place is taken once more.
    [{ task: "swap", input: { with: add(2, 2) } }, 4],
  ];
  const ids = await Promise.all(
    cases.map(async ([flow]) => (await service.submit("swap", { with: flow })).id),
  );
  for (const [i, [flow, result]] of cases.entries()) {
    const task = await service.ended(ids[i]);
    assert.deepEqual(
      [task.state.name, task.result],
      ["Completed", result],
      JSON.stringify(flow).slice(0, 200),
    );
    assert.equal(task.attempt, 1);
    const names = task.history.map(({ name }: Body) => name);
    assert.deepEqual(names.slice(-3), ["Running", "AwaitingTask", "Completed"]);
  }
  // Numbers stay exact on the way.
  const exact = await service.post(
    "/v1/tasks",
    '{"task": "swap", "input": {"with": {"group": [{"task": "echo", ' +
      '"input": {"value": -0}}]}}}',
  );
  await service.ended(exact.body.id);
  assert.match((await service.get(`/v1/tasks/${exact.body.id}/result`)).text, /\[-0\]/);
});

Deno.test("while others are in its place it is PAUSED, and a cancel reaches them", async () => {
  await using service = await onSocket({ definitions: [given.swap] });
  const flow = group(sig("sleep", LONG), sig("echo", { value: 1 }));
  const { id } = await service.submit("swap", { with: flow }, { metadata: { n: 1 } });
  const waiting = await service.until(id, "PAUSED");
  assert.deepEqual([waiting.state.name, waiting.finishedAt], ["AwaitingTask", null]);
  const listed = await service.get("/v1/tasks?state=PAUSED&task=swap");
  assert.deepEqual(listed.body.tasks.map((task: Body) => task.id), [id]);
  let task: Body;
  do task = await service.task(id); while (task.replacedBy === undefined);
  const after = await service.submit("echo", { value: { $task: id } });
  const { status, body } = await service.post(`/v1/tasks/${id}/cancel`, { reason: "enough" });
  assert.deepEqual([status, body.outcome], [202, "requested"]);
  const { state } = await service.ended(id);
  assert.deepEqual([state.type, state.name, state.message], ["CANCELLED", "Cancelled", "enough"]);
  assert.deepEqual(await states(service, task.replacedBy), ["CANCELLED", "COMPLETED"]);
  assert.equal((await service.ended(after.id)).state.name, "UpstreamFailed");
});

Deno.test("a timeout reaches those in its place, and another attempt has others", async () => {
  const slowFirst = replacing(({ attempt }) =>
    attempt === 1 ? sig("sleep", LONG) : sig("echo", { value: "second" })
  );
  await using service = await onSocket({ definitions: [slowFirst.swap] });
  // The second attempt must end within it.
  const options = { timeoutMs: 4_000, retry: { maxAttempts: 2, delayMs: 0 } };
  const task = await service.run("swap", {}, options);
  assert.deepEqual([task.result, task.attempt, slowFirst.runs], ["second", 2, 2]);
  const { body } = await service.get(`/v1/tasks?task=sleep`);
  assert.deepEqual(body.tasks.map(({ state }: Body) => state.type), ["CANCELLED"]);
  const late = await service.run("swap", {}, { timeoutMs: 300 });
  assert.deepEqual([late.state.type, late.state.name], ["FAILED", "TimedOut"]);
});

Deno.test("it fails as they do; retries run the function again", async () => {
  await using service = await onSocket({ definitions: [given.swap] });
  const failing = chain(sig("fail", { message: "boom", name: "DemoError" }), sig("echo"));
  const task = await service.run("swap", { with: failing });
  assert.deepEqual([task.state.type, task.error.name, task.error.cause.name], [
    "FAILED",
    "UpstreamFailed",
    "DemoError",
  ]);
  const single = { with: sig("fail", { message: "boom", name: "DemoError" }) };
  const tried = await service.run("swap", single, { retry: { maxAttempts: 2, delayMs: 0 } });
  assert.deepEqual([tried.state.name, tried.error.name, tried.attempt], ["RetriesExhausted", "DemoError", 2]);
  await service.post(`/v1/tasks/${task.id}/retry`, { input: { with: sig("echo", { value: "mended" }) } });
  assert.equal((await service.ended(task.id)).result, "mended");
});

Deno.test("what cannot take its place is refused, with its place in the flow", async () => {
  const mixed = define({ name: "mixed", input: z.object({}) }, async ({ submit }) => {
    await submit("echo", { value: 1 });
    return replaceWith(sig("echo", { value: 2 }));
  });
  await using service = await onSocket({ definitions: [given.swap, mixed], mayLogErrors: true });
  const refused = await service.run("mixed");
  assert.equal(refused.error.name, "ReplaceRefused");
  assert.match(refused.error.message, /has submitted tasks/);
  const wrong: [unknown, string, RegExp][] = [
    [{ task: "nobody" }, "UnknownDefinitionError", /nobody/],
    [{ chain: [sig("add", { a: "x" })] }, "ValidationError", /\/chain\/0\/input/],
    [{ chian: [] }, "ValidationError", /must be/],
  ];
  for (const [flow, name, message] of wrong) {
    const { error, state } = await service.run("swap", { with: flow });
    assert.deepEqual([state.type, error.name, error.retryable], ["FAILED", name, false]);
    assert.match(error.message, message);
  }
  const chunk = await service.post("/v1/flows", {
    chunks: { task: "swap", inputs: [{ with: sig("echo") }], size: 1 },
  });
  assert.equal((await service.ended(chunk.body.tasks["0"].id)).error.name, "ReplaceRefused");
  assertProblem(await service.get(`/v1/tasks/${refused.id}/result`), 424, "task-failed");
});
