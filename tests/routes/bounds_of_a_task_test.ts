// What bounds a task is told: in its JSON, and to its function.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import { DEFAULT_RETRY } from "../../runtime/core/retry.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { aService, type Body } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";

const told: Body[] = [];

/** Fails until its last attempt, and notes what it is told. */
const bounded = define(
  { name: "bounded", input: z.object({}), timeoutMs: 7_000, retry: { maxAttempts: 2, factor: 3 } },
  ({ task, attempt }) => {
    told.push(limitsIn(task));
    if (attempt % 3 !== 0) throw new Error("not yet");
  },
);

function limitsIn(
  { timeoutMs, softTimeoutMs, retry, maxCrashes, retentionMs, failureRetentionMs, nextPauseMs }: Body,
) {
  return { timeoutMs, softTimeoutMs, retry, maxCrashes, retentionMs, failureRetentionMs, nextPauseMs };
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const DEFAULTS = {
  timeoutMs: null,
  softTimeoutMs: null,
  retry: DEFAULT_RETRY,
  maxCrashes: 3,
  retentionMs: DAY_MS,
  failureRetentionMs: 14 * DAY_MS,
  nextPauseMs: null,
};

Deno.test("a task tells its limits: those of the submit, of its definition, and the defaults", async () => {
  await using service = await aService({ definitions: [bounded] as AnyDefinition[], running: false });
  const plain = await service.submit("add", { a: 1, b: 2 });
  assert.deepEqual(limitsIn(plain), DEFAULTS);
  const own = { timeoutMs: 5, softTimeoutMs: 4, maxCrashes: 0, retentionMs: 6, failureRetentionMs: 7 };
  const retry = { maxAttempts: 4, jitter: false };
  assert.deepEqual(limitsIn(await service.submit("bounded", {}, { ...own, retry })), {
    ...own,
    retry: { ...DEFAULT_RETRY, ...retry, factor: 3 },
    nextPauseMs: 1_000,
  });
  assert.deepEqual(limitsIn(await service.submit("bounded")), {
    ...DEFAULTS,
    timeoutMs: 7_000,
    retry: { ...DEFAULT_RETRY, maxAttempts: 2, factor: 3 },
    nextPauseMs: 1_000,
  });
  const { body: { tasks } } = await service.get("/v1/tasks?limit=1");
  assert.equal("retry" in tasks[0], false, "lists leave them out");
});

Deno.test("the next pause is told before it, in it, and not when none will follow", async () => {
  told.length = 0;
  const clock = new ManualClock();
  await using service = await aService({ definitions: [bounded] as AnyDefinition[], clock });
  const retry = { maxAttempts: 3, delayMs: 100, jitter: false };
  const { id, nextPauseMs } = await service.submit("bounded", {}, { retry });
  assert.equal(nextPauseMs, 100);
  for (const [pauseMs, attempt] of [[100, 1], [300, 2]]) {
    const waiting = await eventually(async () => {
      const task = await service.task(id);
      return task.attempt === attempt && task.state.type === "SCHEDULED" && task;
    });
    assert.deepEqual([waiting.state.name, waiting.attempt, waiting.nextPauseMs], [
      "AwaitingRetry",
      attempt,
      pauseMs,
    ]);
    assert.equal(Date.parse(waiting.runAt) - Date.parse(waiting.state.at), pauseMs);
    await clock.advance(pauseMs);
  }
  const ended = await service.until(id, "COMPLETED");
  assert.equal(ended.nextPauseMs, null);
  assert.deepEqual(told.map(({ nextPauseMs }) => nextPauseMs), [100, 300, null]);
  for (const { nextPauseMs: _, ...limits } of told) {
    const { nextPauseMs: __, ...ofTask } = limitsIn(ended);
    assert.deepEqual(limits, ofTask);
  }
});

Deno.test("a retry on request gives the same budget, and pauses from the first on", async () => {
  const clock = new ManualClock();
  await using service = await aService({ clock });
  const options = { retry: { maxAttempts: 2, delayMs: 100, jitter: false } };
  const { id } = await service.submit("fail", { message: "always" }, options);
  const failed = async () => {
    await service.until(id, "SCHEDULED");
    await clock.advance(100);
    return await service.until(id, "FAILED");
  };
  const { retry, attempt } = await failed();
  assert.deepEqual([retry.maxAttempts, attempt], [2, 2]);
  const { body } = await service.post(`/v1/tasks/${id}/retry`, {});
  assert.deepEqual([body.retry.maxAttempts, body.maxAttempts, body.nextPauseMs], [2, 4, 100]);
  const again = await failed();
  assert.deepEqual([again.retry.maxAttempts, again.attempt, again.nextPauseMs], [2, 4, null]);
});
