import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { failed } from "../../../runtime/core/failed_attempt.ts";
import {
  type FailureHints,
  hintedPauseMs,
  hintsOf,
  ignore,
  reject,
  retryAfter,
  statusOf,
} from "../../../runtime/core/failure_hints.ts";
import {
  longestRetryDelayMs,
  mergedRetry,
  type RetryPolicy,
  wholeRetry,
} from "../../../runtime/core/retry.ts";
import { stateOf, type TaskError, type TaskRecord } from "../../../runtime/core/task.ts";
import { boundsOf } from "../../../runtime/core/task_bounds.ts";
import * as move from "../../../runtime/core/transitions.ts";
import { aDraft } from "../../support/builders.ts";
import { START } from "../../support/manual_clock.ts";

const lease = { worker: "w", token: "t" };
const LATER = START + 10_000;

/** It has run so often, and runs. */
function running(policy: Partial<RetryPolicy>, attempt = 1, patch: Partial<TaskRecord> = {}): TaskRecord {
  const { maxAttempts, ...retry } = wholeRetry({ delayMs: 100, jitter: false, ...policy });
  const pending = move.submitted(aDraft({ maxAttempts, retry, attempt: attempt - 1, ...patch }), START);
  return move.claimed(pending, START, lease);
}

const error = (name: string, more: Partial<TaskError> = {}): TaskError => {
  return { name, message: "m", retryable: true, ...more };
};

function after(record: TaskRecord, of: TaskError, hints?: FailureHints, random = 1) {
  const next = failed(record, LATER, { kind: "failed", error: of, hints }, () => random);
  const { name, message } = stateOf(next);
  return { name, message, pauseMs: next.runAt - LATER, attempt: next.attempt, next };
}

Deno.test("on and notOn say after which errors there is another attempt: by name, by status and by class", () => {
  const cases: [Partial<RetryPolicy>, TaskError, again: boolean][] = [
    [{ on: ["Flaky"] }, error("Flaky"), true],
    [{ on: ["Flaky"] }, error("Other"), false],
    [{ on: ["flaky"] }, error("Flaky"), false],
    [{ on: ["Flaky"] }, error("Other", { cause: error("Flaky") }), false],
    [{ on: ["A", { status: 503 }] }, error("B", { status: 503 }), true],
    [{ on: [{ status: 503 }] }, error("B", { status: 502 }), false],
    [{ on: [{ status: "5xx" }] }, error("B", { status: 502 }), true],
    [{ on: [{ status: "5xx" }] }, error("B"), false],
    [{ notOn: ["Wrong"] }, error("Wrong"), false],
    [{ notOn: ["Wrong"] }, error("Other"), true],
    [{ notOn: [{ status: "4xx" }] }, error("B", { status: 404 }), false],
    [{ on: [{ status: "4xx" }], notOn: [{ status: 404 }] }, error("B", { status: 404 }), false],
    [{ on: [{ status: "4xx" }], notOn: [{ status: 404 }] }, error("B", { status: 429 }), true],
    [{ on: ["Flaky"] }, error("Flaky", { retryable: false }), false],
  ];
  for (const [policy, thrown, again] of cases) {
    const { name } = after(running({ maxAttempts: 3, ...policy }), thrown);
    assert.equal(name, again ? "AwaitingRetry" : "Failed", JSON.stringify([policy, thrown]));
  }
  const late = { kind: "timed-out", error: error("TimeoutError") } as const;
  const record = running({ maxAttempts: 3, notOn: ["TimeoutError"] });
  assert.equal(stateOf(failed(record, LATER, late, () => 1)).name, "TimedOut");
});

Deno.test("delaysMs are the pauses, the last one again and again, and say how many attempts there are", () => {
  const policy = { delaysMs: [1_000, 5_000] };
  const pauses = [1, 2, 3].map((attempt) =>
    after(running({ ...policy, jitter: false }, attempt), error("E"))
  );
  assert.deepEqual(pauses.map(({ name, pauseMs }) => [name, name === "AwaitingRetry" && pauseMs]), [
    ["AwaitingRetry", 1_000],
    ["AwaitingRetry", 5_000],
    ["RetriesExhausted", false],
  ]);
  assert.equal(after(running({ ...policy, maxAttempts: 9 }, 7), error("E")).pauseMs, 5_000);
  assert.equal(after(running({ ...policy, jitter: true }), error("E"), undefined, 0.5).pauseMs, 500);
  assert.deepEqual(wholeRetry(policy), {
    maxAttempts: 3,
    delayMs: 1_000,
    factor: 2,
    maxDelayMs: 60_000,
    jitter: false,
    delaysMs: [1_000, 5_000],
  });
  assert.equal(longestRetryDelayMs(wholeRetry(policy), 2), 5_000);
  assert.equal(boundsOf(running(policy, 2)).nextPauseMs, 5_000);
  const computed = { delayMs: 1, factor: 3, jitter: true, on: ["A"] };
  assert.deepEqual(mergedRetry(computed, policy), { jitter: true, on: ["A"], ...policy });
  assert.deepEqual(mergedRetry(policy, { factor: 3 }), { factor: 3 });
  assert.deepEqual(mergedRetry(policy, { maxAttempts: 2 }), { ...policy, maxAttempts: 2 });
  assert.deepEqual([mergedRetry(undefined, policy), mergedRetry(policy, undefined)], [policy, policy]);
});

Deno.test("retryAfter() is the pause, whatever the policy; it counts unless it is told not to", () => {
  const asked = (ms: number, options = {}) => hintsOf(retryAfter(ms, options))!;
  const policy = { maxAttempts: 2, on: ["Other"] };
  const first = after(running(policy), error("RetryAfter", { message: "busy" }), asked(7_000));
  assert.deepEqual([first.name, first.pauseMs, first.attempt], ["AwaitingRetry", 7_000, 1]);
  assert.equal(first.message, "in 7000 ms, as its function asked: RetryAfter: busy");
  assert.equal(after(running(policy, 2), error("RetryAfter"), asked(7_000)).name, "RetriesExhausted");
  const snoozed = after(running({ maxAttempts: 1 }), error("RetryAfter"), asked(0, { countAttempt: false }));
  assert.deepEqual([snoozed.name, snoozed.pauseMs, snoozed.attempt], ["AwaitingRetry", 0, 0]);
  const again = move.claimed(move.becameReady(snoozed.next, LATER), LATER, lease);
  assert.deepEqual([again.attempt, stateOf(again).name], [1, "Running"]);
  for (const ms of [-1, 0.5, NaN, Infinity, "5" as unknown as number]) {
    assert.throws(() => retryAfter(ms), RangeError);
  }
});

Deno.test("reject() ends it FAILED Rejected, and ignore() COMPLETED Ignored without a result, attempts left or not", () => {
  for (const attempt of [1, 3]) {
    const record = running({ maxAttempts: 3 }, attempt);
    const rejected = after(record, error("Rejected", { retryable: false }), hintsOf(reject("no"))!);
    assert.deepEqual([rejected.name, rejected.next.error?.name], ["Rejected", "Rejected"]);
    const ignored = after(record, error("Ignored", { message: "old" }), hintsOf(ignore("old"))!);
    assert.deepEqual([stateOf(ignored.next).type, ignored.name, ignored.message], [
      "COMPLETED",
      "Ignored",
      "old",
    ]);
    assert.deepEqual([ignored.next.result, ignored.next.error], [{ json: "null" }, null]);
  }
});

Deno.test("untilMs bounds the whole: no attempt begins later, asked for or not, and a retry on request begins anew", () => {
  const fails = (untilMs: number, hints?: FailureHints) =>
    after(running({ maxAttempts: 9, delayMs: 1_000, untilMs }), error("E"), hints).name;
  // It has started at START, it is LATER, and the pause is one second.
  assert.deepEqual([fails(11_001), fails(11_000), fails(5_000)], [
    "AwaitingRetry",
    "RetriesExhausted",
    "RetriesExhausted",
  ]);
  const snooze = hintsOf(retryAfter(500, { countAttempt: false }))!;
  assert.deepEqual([fails(10_501, snooze), fails(10_500, snooze)], ["AwaitingRetry", "RetriesExhausted"]);
  const ended = after(running({ maxAttempts: 9, untilMs: 5_000 }), error("E")).next;
  const retried = move.claimed(move.retried(ended, LATER + 50_000, ended.input), LATER + 50_000, lease);
  const again = failed(retried, LATER + 54_000, { kind: "failed", error: error("E") }, () => 1);
  assert.equal(stateOf(again).name, "AwaitingRetry");
  assert.equal("fromAt" in boundsOf(again).retry, false);
});

Deno.test("Retry-After of an answer is heeded, in each form in which errors have it, and up to a day", () => {
  const headers = { "Retry-After": "30" };
  const answer = new Response(null, { status: 429, headers });
  const forms: object[] = [
    answer,
    Object.assign(new Error("m"), { response: answer }),
    Object.assign(new Error("m"), { status: 429, headers }),
    Object.assign(new Error("m"), { statusCode: 429, headers: new Headers(headers) }),
    { response: { status: 429, headers: { "retry-after": 30 } } },
  ];
  for (const thrown of forms) {
    const hints = hintsOf(thrown)!;
    assert.deepEqual([statusOf(thrown), hintedPauseMs(hints, LATER)], [429, 30_000]);
    const { message, pauseMs } = after(running({ maxAttempts: 2 }), error("E"), hints);
    assert.deepEqual([pauseMs, message], [30_000, "in 30000 ms, as Retry-After says: E: m"]);
    assert.equal(after(running({ maxAttempts: 1 }), error("E"), hints).name, "Failed");
    assert.equal(after(running({ maxAttempts: 2, notOn: ["E"] }), error("E"), hints).name, "Failed");
  }
  const at = (value: string) => hintsOf({ headers: { "retry-after": value } });
  assert.equal(hintedPauseMs(at(new Date(LATER + 5_000).toUTCString())!, LATER), 5_000);
  assert.equal(hintedPauseMs(at(new Date(LATER - 5_000).toUTCString())!, LATER), 0);
  assert.equal(hintedPauseMs(at("999999999")!, LATER), 24 * 60 * 60 * 1_000);
  for (const odd of ["", "soon", "-5", "1e3", "2026-01-01"]) assert.equal(at(odd), null, odd);
  // A shorter one does not shorten the policy's pause.
  const short = after(running({ maxAttempts: 2, delayMs: 5_000 }), error("E"), at("1")!);
  assert.deepEqual([short.pauseMs, short.message], [5_000, "E: m"]);
});

Deno.test("whatever is thrown says nothing, if it is none of these", () => {
  const hostile = new Proxy({}, {
    get: () => {
      throw new Error("hands off");
    },
  });
  for (
    const thrown of [null, undefined, 1, "text", new Error("m"), {}, hostile, { headers: null }, {
      response: 5,
    }]
  ) {
    assert.equal(hintsOf(thrown), null);
  }
  for (const status of [99, 600, 200.5, "503", null]) assert.equal(statusOf({ status }), undefined);
});
