import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { countdown } from "../../tasks/countdown.ts";
import { aContext, refusals, runTask } from "../support/task_context.ts";

Deno.test("countdown gives progress, a log line and a chunk per step, then returns liftoff", async () => {
  const { result, said } = await runTask(countdown, { from: 3, stepMs: 1 });
  assert.equal(result, "liftoff");
  assert.deepEqual(said, {
    progress: [[1, 3, "T minus 3"], [2, 3, "T minus 2"], [3, 3, "T minus 1"]],
    logs: [["T minus 3"], ["T minus 2"], ["T minus 1"]],
    chunks: [3, 2, 1],
  });
});

Deno.test("countdown from 0 lifts off without a word", async () => {
  const { result, said } = await runTask(countdown, { from: 0, stepMs: 60_000 });
  assert.equal(result, "liftoff");
  assert.deepEqual(said, { progress: [], logs: [], chunks: [] });
});

Deno.test("countdown stops in the middle of a step with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("hold");
  const { context, said } = aContext("countdown", { from: 5, stepMs: 60_000 }, { signal: controller.signal });
  const running = Promise.resolve(countdown.handler(context));
  setTimeout(() => controller.abort(reason), 5);
  await assert.rejects(running, (error) => error === reason);
  assert.deepEqual(said.chunks, [5]);
});

Deno.test("countdown refuses negative numbers and too long ones", () => {
  for (
    const input of [{ from: -1, stepMs: 0 }, { from: 10_001, stepMs: 0 }, { from: 1, stepMs: -1 }, {
      from: 1,
    }]
  ) {
    assert.notDeepEqual(refusals(countdown, input), [], JSON.stringify(input));
  }
});
