import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { sleep } from "../../tasks/sleep.ts";
import { refusals, runTask } from "../support/task_context.ts";

const HOUR_MS = 60 * 60 * 1000;

Deno.test("sleep waits as long as asked, then returns its value", async () => {
  const startedAt = performance.now();
  assert.deepEqual((await runTask(sleep, { ms: 20, value: { a: 1 } })).result, { a: 1 });
  assert.ok(performance.now() - startedAt >= 19);
});

Deno.test("sleep without a value returns null", async () => {
  assert.equal((await runTask(sleep, { ms: 0 })).result, null);
});

Deno.test("sleep returns a value that is falsy as it is", async () => {
  for (const value of [null, false, 0, ""]) {
    assert.equal((await runTask(sleep, { ms: 0, value })).result, value);
  }
});

Deno.test("sleep stops at once with the signal's reason, and leaves no timer", async () => {
  const controller = new AbortController();
  const reason = new Error("cancelled by a test");
  const running = runTask(sleep, { ms: HOUR_MS }, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 5);
  await assert.rejects(running, (error) => error === reason);
});

Deno.test("sleep does not even start when the signal is aborted already", async () => {
  const reason = new Error("cancelled before the start");
  await assert.rejects(
    runTask(sleep, { ms: HOUR_MS }, { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
});

Deno.test("sleep refuses more than a day, less than nothing and fractions", () => {
  assert.deepEqual(refusals(sleep, { ms: 24 * HOUR_MS }), []);
  for (const ms of [24 * HOUR_MS + 1, -1, 0.5, "5", null]) assert.notDeepEqual(refusals(sleep, { ms }), []);
});
