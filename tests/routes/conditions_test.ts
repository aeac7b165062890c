// Conditions on how others must end, over HTTP: what they say, how tasks show them, and what is refused.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aKey } from "../support/api_keys.ts";
import { assertProblem, type Body, UNKNOWN_ID } from "../support/service.ts";
import { onSocket } from "../support/on_socket.ts";

const echo = (value: unknown) => ({ task: "echo", input: { value } });
const fail = { task: "fail", input: { message: "boom", name: "DemoError" } };

Deno.test("a task runs on a failure, with the error where it allows one, and others are Skipped", async () => {
  await using service = await onSocket();
  const failed = await service.run("fail", fail.input);
  const done = await service.run("echo", { value: "good" });
  const { body: { tasks: [handler, other, any] } } = await service.post("/v1/tasks/batch", {
    tasks: [
      {
        ...echo([{ $task: failed.id, $allowFailure: true }, { $task: done.id, $allowFailure: true }]),
        options: { waitFor: [{ task: failed.id, on: ["FAILED", "CRASHED"] }] },
      },
      { ...echo(1), options: { waitFor: [{ task: failed.id, on: ["COMPLETED"] }] } },
      {
        ...echo({ first: { $task: failed.id, $allowFailure: true } }),
        options: { waitFor: { anyOf: [failed.id, done.id], count: 1 } },
      },
    ],
  });
  assert.deepEqual(handler.conditions, [
    { task: failed.id, on: ["FAILED", "CRASHED"] },
    { task: done.id },
  ]);
  assert.deepEqual(handler.waitFor, [failed.id]);
  const { result } = await service.ended(handler.id);
  assert.deepEqual(result, [{ error: { name: "DemoError", message: "boom", retryable: true } }, "good"]);
  const skipped = await service.ended(other.id);
  assert.deepEqual([skipped.state.type, skipped.state.name, skipped.error.name], [
    "CANCELLED",
    "Skipped",
    "Skipped",
  ]);
  assert.match(skipped.state.message, new RegExp(`its upstream ${failed.id} .* ended FAILED`));
  assertProblem(await service.get(`/v1/tasks/${other.id}/result`), 410, "task-cancelled");
  const both = await service.ended(any.id);
  assert.equal(both.result.first.error.name, "DemoError");
  assert.equal(both.conditions[0].met[0], failed.id);
  const { body: { tasks } } = await service.get("/v1/tasks?state=CANCELLED");
  assert.deepEqual(tasks.map(({ id }: Body) => id), [other.id]);
});

Deno.test("a flow names its own tasks under conditions, and a task without the first of several", async () => {
  await using service = await onSocket();
  const { body, text } = await service.post("/v1/flows", {
    tasks: {
      fast: echo("fast"),
      never: { task: "sleep", input: { ms: 60_000 } },
      first: {
        ...echo([{ $task: "fast", $allowFailure: true }, { $task: "never", $allowFailure: true }]),
        waitFor: { anyOf: ["fast", "never"], cancelRest: true },
      },
      cleanUp: { ...echo("cleaned"), waitFor: [{ task: "first", optional: true }] },
      onFailure: { ...echo("x"), waitFor: [{ task: "first", on: ["FAILED"] }, "fast"] },
    },
  });
  assert.ok(body.tasks, text);
  const { fast, never, first, cleanUp, onFailure } = body.tasks;
  const { result, conditions } = await service.ended(first.id);
  assert.equal(result[0], "fast");
  assert.equal(result[1].error.name, "NotAmongFirst");
  assert.deepEqual(conditions[0].met, [fast.id]);
  assert.equal((await service.ended(never.id)).state.type, "CANCELLED");
  assert.equal((await service.ended(cleanUp.id)).result, "cleaned");
  assert.equal((await service.ended(onFailure.id)).state.name, "Skipped");
  const chained = await service.post("/v1/flows", {
    chain: [fail, { ...echo("handled"), immutable: true, waitFor: [{ task: "0", on: ["FAILED"] }] }],
  });
  assert.equal((await service.ended(chained.body.tasks["1"].id)).result, "handled", chained.text);
});

Deno.test("conditions that contradict each other, or come true never, are refused with their place", async () => {
  await using service = await onSocket({ running: false });
  const { id } = await service.submit("echo", { value: 1 });
  const { id: other } = await service.submit("echo", { value: 1 });
  const at = (waitFor: unknown, input: unknown = 1) => ({ ...echo(input), options: { waitFor } });
  const on = ["FAILED"];
  const wrong: [unknown, string][] = [
    [at({ anyOf: [id, other], count: 3 }), "/options/waitFor/count"],
    [at([{ anyOf: [id], count: 0 }]), "/options/waitFor/0/count"],
    [at({ anyOf: [] }), "/options/waitFor/anyOf"],
    [at({ anyOf: [id, UNKNOWN_ID] }), "/options/waitFor/anyOf/1"],
    [at({ anyOf: [id, id] }), "/options/waitFor/anyOf/1"],
    [at({ anyOf: [id], of: 1 }), "/options/waitFor/of"],
    [at([{ task: UNKNOWN_ID, on }]), "/options/waitFor/0/task"],
    [at([{ task: id, on: ["RUNNING"] }]), "/options/waitFor/0/on/0"],
    [at([{ task: id, on: [] }]), "/options/waitFor/0/on"],
    [at([id, { task: id, on }]), "/options/waitFor/1/task"],
    [at([{ task: id, on }, { task: id, on: ["COMPLETED"] }]), "/options/waitFor/1/task"],
    [at([id, { anyOf: [id, other] }]), "/options/waitFor/1/anyOf/0"],
    [at([{ task: id, on }], { $task: id }), "/options/waitFor/0/task"],
    [at({ anyOf: [id, other] }, { $task: other }), "/options/waitFor/anyOf/1"],
    [at([{}]), "/options/waitFor/0"],
    [at({}), "/options/waitFor"],
    [echo({ $task: id, $allowFailure: 1 }), "/input/value"],
    [echo({ $quote: id, $allowFailure: true }), "/input/value"],
  ];
  for (const [body, pointer] of wrong) {
    const answer = await service.post("/v1/tasks/batch", { tasks: [echo(1), body] });
    assertProblem(answer, 422, "validation-failed", `/tasks/1${pointer}`);
  }
  const named = await service.post("/v1/flows", {
    tasks: { a: echo(1), b: { ...echo(1), waitFor: ["a", { anyOf: ["a", id], count: 3 }] } },
  });
  assert.deepEqual(named.body.errors.map((fault: Body) => fault.pointer), [
    "/tasks/b/waitFor/1/anyOf/0",
    "/tasks/b/waitFor/1/count",
  ]);
  const unknown = await service.post("/v1/flows", {
    tasks: { a: echo(1), b: { ...echo(1), waitFor: { anyOf: ["a", "nobody"] } } },
  });
  assertProblem(unknown, 422, "validation-failed", "/tasks/b/waitFor/anyOf/1");
  const circle = await service.post("/v1/flows", {
    tasks: {
      a: { ...echo(1), waitFor: { anyOf: ["b", id] } },
      b: { ...echo(1), waitFor: [{ task: "a", optional: true }] },
    },
  });
  assert.match(assertProblem(circle, 422, "validation-failed").errors[0].message, /a cycle: .* → /);
  const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
  const batch = await service.post("/v1/tasks/batch", {
    tasks: [{ ...at({ anyOf: [two, id] }), id: one }, { ...at([{ task: one, on }]), id: two }],
  });
  assert.match(assertProblem(batch, 422, "validation-failed").errors[0].message, /wait for each other/);
  const many = Array.from({ length: 101 }, () => crypto.randomUUID());
  const tasks = many.map((id) => ({ ...echo(1), id }));
  const input = many.map((id) => ({ $task: id, $allowFailure: true }));
  const tooMany = await service.post("/v1/tasks/batch", { tasks: [...tasks, echo(input)] });
  assertProblem(tooMany, 422, "validation-failed", "/tasks/101/input");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 2);
});

Deno.test("who may not cancel cannot have the rest cancelled", async () => {
  const submitter = aKey(["submit"]);
  const canceller = aKey(["submit", "cancel"]);
  await using service = await onSocket({ running: false, apiKeys: [submitter.key, canceller.key] });
  const submit = (body: unknown, { headers }: { headers: Record<string, string> }) =>
    service.post("/v1/tasks", body, { headers });
  const { body: { id } } = await submit(echo(1), submitter);
  const body = { ...echo(1), options: { waitFor: { anyOf: [id], cancelRest: true } } };
  assertProblem(await submit(body, submitter), 403, "forbidden");
  assert.equal((await submit(body, canceller)).status, 202);
});
