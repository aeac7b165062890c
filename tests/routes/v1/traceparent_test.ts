import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { traceIn } from "../../../runtime/core/trace_context.ts";
import { aService, type Body } from "../../support/service.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const traced = { headers: { traceparent: TRACE } };

Deno.test("traceparent is kept from the caller to the task, through retries and reruns, to its children", async () => {
  const parent = define({ name: "parent", input: z.object({}) }, async ({ submit, attempt }) => {
    const child = await submit("add", { a: 1, b: 2 });
    if (attempt === 1) throw new Error("again");
    return child.id;
  });
  await using service = await aService({ definitions: [parent] });
  const options = { retry: { maxAttempts: 2, delayMs: 0 } };
  const { body } = await service.post("/v1/tasks", { task: "parent", input: {}, options }, traced);
  assert.equal(body.traceparent, TRACE);
  const ended = await service.ended(body.id);
  assert.deepEqual([ended.traceparent, ended.attempt], [TRACE, 2]);
  assert.equal((await service.task(ended.result)).traceparent, TRACE);
  const rerun = await service.post(`/v1/tasks/${body.id}/rerun`, {}, traced);
  assert.equal(rerun.body.traceparent, TRACE);
  await service.ended(rerun.body.id);
  const tasks = [{ task: "add", input: { a: 1, b: 2 } }];
  for (const [path, request] of [["/v1/tasks/batch", { tasks }], ["/v1/flows", { tasks: { a: tasks[0] } }]]) {
    const answer = await service.post(path as string, request, traced);
    const made: Body[] = Object.values(answer.body.tasks);
    assert.deepEqual(made.map(({ traceparent }) => traceparent), [TRACE]);
  }
});

Deno.test("a task without a trace keeps none, and what is no traceparent is passed over", async () => {
  await using service = await aService();
  const wrong = [
    "",
    "x",
    TRACE.toUpperCase(),
    `${TRACE}-00`,
    TRACE.replace("00-", "01-"),
    TRACE.slice(0, -1),
  ];
  const zeros = ["00-" + "0".repeat(32) + TRACE.slice(35), TRACE.slice(0, 36) + "0".repeat(16) + "-01"];
  for (const traceparent of [undefined, ...wrong, ...zeros]) {
    const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
    const { body } = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, { headers });
    assert.equal("traceparent" in body, false, traceparent);
    const { record } = await service.runtime.task(body.id);
    assert.equal("trace" in record, false);
    assert.equal(traceIn(traceparent, "a=1"), null);
  }
});

Deno.test("tracestate is passed on with its traceparent, to children, retries and reruns", async () => {
  const parent = define({ name: "parent", input: z.object({}) }, async ({ submit, attempt }) => {
    const child = await submit("add", { a: 1, b: 2 });
    if (attempt === 1) throw new Error("again");
    return child.id;
  });
  await using service = await aService({ definitions: [parent] });
  const call = {
    headers: { traceparent: TRACE, tracestate: " congo=t61rcWkgMzE , rojo@vendor=00f067aa0ba902b7," },
  };
  const tracestate = "congo=t61rcWkgMzE,rojo@vendor=00f067aa0ba902b7";
  const options = { retry: { maxAttempts: 2, delayMs: 0 } };
  const { body } = await service.post("/v1/tasks", { task: "parent", input: {}, options }, call);
  const ended = await service.ended(body.id);
  const child = await service.task(ended.result);
  const rerun = await service.post(`/v1/tasks/${body.id}/rerun`, {}, call);
  for (const task of [body, ended, child, rerun.body]) {
    assert.deepEqual([task.traceparent, task.tracestate], [TRACE, tracestate]);
  }
  await service.ended(rerun.body.id);
  const headers = { tracestate };
  const { body: alone } = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, {
    headers,
  });
  assert.deepEqual(["traceparent" in alone, "tracestate" in alone], [false, false]);
});

Deno.test("a tracestate that breaks a rule is dropped whole, and a long one gets shorter by members", () => {
  const keptOf = (tracestate: string) => traceIn(TRACE, tracestate)!.slice(TRACE.length + 1);
  const many = (count: number) => Array.from({ length: count }, (_, n) => `k${n}=v`).join(",");
  for (const valid of ["a=1", "a=1,b=2", "0tenant@sys=x", "a= x", "a/b*c_d-e=~!", many(32)]) {
    assert.equal(keptOf(valid), valid);
  }
  const wrong = [
    "a",
    "=1",
    "a=",
    "A=1",
    "a=1,a=2",
    "a=1=2",
    "a=\u00e9",
    "0a=1",
    "a@0=1",
    "a@b@c=1",
    "a b=1",
    many(33),
  ];
  for (const bad of [...wrong, `a=1,${wrong[0]}`, `${"k".repeat(257)}=1`, `a=${"v".repeat(257)}`]) {
    assert.equal(traceIn(TRACE, bad), TRACE, bad);
  }
  const long = `long=${"v".repeat(200)}`;
  const short = Array.from({ length: 20 }, (_, n) => `k${n}=${"v".repeat(20)}`);
  const kept = keptOf([short[0], long, ...short.slice(1)].join(","));
  assert.deepEqual(kept.split(","), short.slice(0, kept.split(",").length));
  assert.ok(kept.length <= 512 && kept.length > 480, `${kept.length}`);
});
