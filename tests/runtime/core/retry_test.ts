import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { DEFAULT_RETRY, retryDelayMs } from "../../../runtime/core/retry.ts";

const policy = { ...DEFAULT_RETRY, delayMs: 100, factor: 3, maxDelayMs: 5_000, jitter: false };

Deno.test("the delay grows by the factor with each failure in a row, up to the cap", () => {
  const delays = [1, 2, 3, 4, 5, 6].map((failures) => retryDelayMs(policy, failures, 0.5));
  assert.deepEqual(delays, [100, 300, 900, 2_700, 5_000, 5_000]);
});

Deno.test("without jitter chance has no say", () => {
  assert.equal(retryDelayMs(policy, 2, 0), retryDelayMs(policy, 2, 0.99));
});

Deno.test("with jitter the delay is drawn evenly from nothing to the computed one", () => {
  const jittered = { ...policy, jitter: true };
  assert.equal(retryDelayMs(jittered, 3, 0), 0);
  assert.equal(retryDelayMs(jittered, 3, 0.5), 450);
  assert.equal(retryDelayMs(jittered, 9, 0.5), 2_500);
});

Deno.test("however many failures, the delay is a number", () => {
  assert.equal(retryDelayMs({ ...policy, factor: 100 }, 1_000, 0.5), 5_000);
  assert.equal(retryDelayMs({ ...policy, delayMs: 0, factor: 100 }, 1_000, 0.5), 0);
});
