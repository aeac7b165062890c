import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { traceparentIn } from "../../../runtime/platform/tracing.ts";
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
    assert.equal(traceparentIn(traceparent), null);
  }
});
