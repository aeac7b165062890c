import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { STATES, type StateType } from "../../../runtime/core/states.ts";
import {
  HISTORY_KEPT,
  isSuspect,
  isTerminal,
  stateOf,
  type TaskError,
  type TaskRecord,
  typeOf,
} from "../../../runtime/core/task.ts";
import * as move from "../../../runtime/core/transitions.ts";
import type { Outcome } from "../../../runtime/core/transitions.ts";
import { aDraft } from "../../support/builders.ts";
import { START } from "../../support/manual_clock.ts";

const LATER = START + 60_000;
const lease = { worker: "w", token: "t" };
const mayMend: TaskError = { name: "Error", message: "no luck", retryable: true };
const forGood: TaskError = { name: "Error", message: "never", retryable: false };
const completed: Outcome = { kind: "completed", result: { json: "1" } };
const noJitter = () => 1;

const settle = (record: TaskRecord, outcome: Outcome, now = LATER) =>
  move.settled(record, now, outcome, noJitter);

/** One record for each state that a task can be in. */
function inState(patch: Partial<TaskRecord> = {}): Record<string, TaskRecord> {
  const draft = aDraft({ maxAttempts: 3, ...patch });
  const PENDING = move.submitted(draft, START);
  const RUNNING = move.claimed(PENDING, START, lease);
  return {
    PENDING,
    RUNNING,
    SCHEDULED: move.submitted({ ...draft, runAt: START + 1_000 }, START),
    CANCELLING: move.cancelRequested(RUNNING, START, "stop it", 500),
    COMPLETED: settle(RUNNING, completed),
    FAILED: settle(RUNNING, { kind: "failed", error: forGood }),
    CRASHED: move.reclaimed({ ...RUNNING, crashes: 3 }, LATER),
    CANCELLED: move.cancelled(PENDING, LATER, null),
  };
}

/** Every transition with its result, by the state it starts from. No caller may make any other. */
const TABLE: [string, (record: TaskRecord) => TaskRecord, Partial<Record<StateType, string>>][] = [
  ["becameReady", (r) => move.becameReady(r, LATER), { SCHEDULED: "PENDING Pending" }],
  ["claimed", (r) => move.claimed(r, LATER, lease), { PENDING: "RUNNING Running" }],
  ["reported", (r) => move.reported(r, 2, null), {
    RUNNING: "RUNNING Running",
    CANCELLING: "CANCELLING Cancelling",
  }],
  ["completed", (r) => settle(r, completed), {
    RUNNING: "COMPLETED Completed",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["failed, to be retried", (r) => settle(r, { kind: "failed", error: mayMend }), {
    RUNNING: "SCHEDULED AwaitingRetry",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["failed for good", (r) => settle(r, { kind: "failed", error: forGood }), {
    RUNNING: "FAILED Failed",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["timed out for good", (r) => settle(r, { kind: "timed-out", error: forGood }), {
    RUNNING: "FAILED TimedOut",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["released", (r) => settle(r, { kind: "released" }), {
    RUNNING: "PENDING Pending",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["reclaimed", (r) => move.reclaimed(r, LATER), {
    RUNNING: "PENDING Pending",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["cancelRequested", (r) => move.cancelRequested(r, LATER, null, 0), { RUNNING: "CANCELLING Cancelling" }],
  ["cancelled", (r) => move.cancelled(r, LATER, null), {
    SCHEDULED: "CANCELLED Cancelled",
    PENDING: "CANCELLED Cancelled",
    CANCELLING: "CANCELLED Cancelled",
  }],
  ["expired", (r) => move.expired(r, LATER), {
    SCHEDULED: "CANCELLED Expired",
    PENDING: "CANCELLED Expired",
  }],
  ["retried", (r) => move.retried(r, LATER, r.input), {
    FAILED: "PENDING Pending",
    CRASHED: "PENDING Pending",
    CANCELLED: "PENDING Pending",
  }],
];

for (const [name, transition, legal] of TABLE) {
  for (const [from, to] of Object.entries(legal)) {
    Deno.test(`${name}: ${from} becomes ${to}`, () => {
      const before = inState()[from];
      const copy = structuredClone(before);
      const after = transition(before);
      const { type, name } = stateOf(after);
      assert.equal(`${type} ${name}`, to);
      assert.ok(STATES[type].includes(name), `${name} is no name of ${type}`);
      assert.deepEqual(before, copy, "a transition changes nothing of what it was given");
      requireSound(before, after);
    });
  }
}

/** What holds for any record after any legal step. */
function requireSound(before: TaskRecord, after: TaskRecord): void {
  const type = typeOf(after);
  assert.equal(after.id, before.id);
  assert.ok(after.seq >= before.seq, "seq never falls");
  const added = after.history.filter(({ seq }) => seq > before.seq);
  assert.deepEqual(
    after.history.slice(0, -added.length || undefined),
    before.history.slice(added.length ? -(after.history.length - added.length) : 0),
  );
  assert.equal(stateOf(after).seq <= after.seq, true);
  for (const [i, { at }] of after.history.entries()) if (i > 0) assert.ok(at >= after.history[i - 1].at);
  assert.equal(after.lease !== null, type === "RUNNING" || type === "CANCELLING", `lease while ${type}`);
  assert.equal(after.finishedAt !== null, isTerminal(after), `finishedAt while ${type}`);
  if (type !== "PENDING") assert.equal(after.queued, undefined, `queued while ${type}`);
  assert.equal(after.result !== null, type === "COMPLETED", `result while ${type}`);
  assert.equal(after.error !== null, type === "FAILED" || type === "CRASHED", `error while ${type}`);
}

Deno.test("seq is dense over the states of a whole life", () => {
  let record = move.submitted(aDraft({ maxAttempts: 2, runAt: START + 10 }), START);
  record = move.becameReady(record, START + 10);
  record = move.claimed(record, START + 20, lease);
  record = settle(record, { kind: "failed", error: mayMend }, START + 30);
  record = move.becameReady(record, START + 40);
  record = move.claimed(record, START + 50, lease);
  record = settle(record, completed, START + 60);
  assert.deepEqual(record.history.map(({ seq }) => seq), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(
    record.history.map(({ name }) => name),
    ["Scheduled", "Pending", "Running", "AwaitingRetry", "Pending", "Retrying", "Completed"],
  );
  assert.equal(record.seq, 7);
  assert.equal(record.attempt, 2);
  assert.equal(record.startedAt, START + 20);
});

Deno.test("reports take their places in the sequence, and the newest progress stays", () => {
  const { RUNNING } = inState();
  const progress = { current: 1, total: 2, message: null };
  const after = move.reported(move.reported(RUNNING, 3, progress), 2, null);
  assert.equal(after.seq, RUNNING.seq + 5);
  assert.deepEqual(after.progress, progress);
  assert.equal(after.hasEvents, true);
  assert.equal(settle(after, completed).history.at(-1)!.seq, RUNNING.seq + 6);
});

Deno.test("a crash uses up no attempt, and is counted", () => {
  const { RUNNING } = inState();
  const after = move.reclaimed(RUNNING, LATER);
  assert.equal(after.attempt, 0);
  assert.equal(after.crashes, 1);
  assert.equal(move.claimed(after, LATER, lease).attempt, 1);
});

Deno.test("a release uses up no attempt and no crash", () => {
  const after = settle(inState().RUNNING, { kind: "released" });
  assert.equal(after.attempt, 0);
  assert.equal(after.crashes, 0);
});

Deno.test("the death of its worker is survived maxCrashes times; then it is CRASHED, input kept", () => {
  let record = move.submitted(aDraft({ maxCrashes: 2, input: { json: '"poison"' } }), START);
  const ends: string[] = [];
  for (let death = 1; death <= 3; death++) {
    record = move.reclaimed(move.claimed(record, START, lease), START);
    ends.push(typeOf(record));
  }
  assert.deepEqual(ends, ["PENDING", "PENDING", "CRASHED"]);
  assert.deepEqual(record.input, { json: '"poison"' });
  assert.equal(record.error?.name, "CrashedError");
  assert.equal(record.crashes, 3);
});

Deno.test("maxCrashes 0 ends at the first death", () => {
  assert.equal(typeOf(move.reclaimed(inState({ maxCrashes: 0 }).RUNNING, LATER)), "CRASHED");
});

Deno.test("names of a failure: Failed, RetriesExhausted, TimedOut", () => {
  const last = (maxAttempts: number, outcome: Outcome) => {
    const record = { ...inState({ maxAttempts }).RUNNING, attempt: maxAttempts };
    return stateOf(settle(record, outcome)).name;
  };
  assert.equal(last(1, { kind: "failed", error: mayMend }), "Failed");
  assert.equal(last(3, { kind: "failed", error: mayMend }), "RetriesExhausted");
  assert.equal(last(3, { kind: "failed", error: forGood }), "Failed");
  assert.equal(last(1, { kind: "timed-out", error: mayMend }), "TimedOut");
  assert.equal(last(3, { kind: "timed-out", error: mayMend }), "TimedOut");
});

Deno.test("back-off is counted from now, and grows with each failure since the last retry on request", () => {
  const retry = { delayMs: 100, factor: 2, maxDelayMs: 10_000, jitter: true };
  let record = inState({ retry, maxAttempts: 9 }).RUNNING;
  const waits: number[] = [];
  for (const random of [1, 0.5, 1]) {
    record = move.settled(record, LATER, { kind: "failed", error: mayMend }, () => random);
    waits.push(record.runAt - LATER);
    record = move.claimed(move.becameReady(record, LATER), LATER, lease);
  }
  assert.deepEqual(waits, [100, 100, 400]);
  const again = move.retried(settle(record, { kind: "failed", error: forGood }), LATER, record.input);
  const failed = settle(move.claimed(again, LATER, lease), { kind: "failed", error: mayMend });
  assert.equal(failed.runAt - LATER, 100);
});

Deno.test("a retry gives a fresh budget of attempts and crashes, however often", () => {
  let record = move.submitted(aDraft({ maxAttempts: 2, maxCrashes: 1 }), START);
  for (let round = 1; round <= 3; round++) {
    record = move.reclaimed(move.claimed(record, START, lease), START);
    let attempts = 0;
    while (!isTerminal(record)) {
      if (typeOf(record) === "SCHEDULED") record = move.becameReady(record, START);
      record = settle(move.claimed(record, START, lease), { kind: "failed", error: mayMend });
      attempts++;
    }
    assert.equal(attempts, 2, `round ${round}`);
    assert.equal(record.attempt, 2 * round, "each start stays distinguishable");
    const { seq } = record;
    record = move.retried(record, START, { json: `"${round}"` });
    assert.equal(record.seq, seq + 3, "two events of the past end, then the new state");
    assert.deepEqual([record.crashes, record.error, record.cancel, record.finishedAt], [0, null, null, null]);
    assert.deepEqual(record.input, { json: `"${round}"` });
  }
});

Deno.test("a retry of an expired task does not let it expire again", () => {
  const { PENDING } = inState({ expiresAt: START + 5 });
  const record = move.retried(move.expired(PENDING, LATER), LATER, PENDING.input);
  assert.equal(record.expiresAt, null);
  assert.equal(move.canExpire(record), false);
});

Deno.test("only a task that never started can expire", () => {
  const states = inState({ expiresAt: START + 5 });
  const can = Object.keys(states).filter((type) => move.canExpire(states[type])).sort();
  assert.deepEqual(can, ["PENDING", "SCHEDULED"]);
  assert.equal(move.canExpire(move.reclaimed(states.RUNNING, LATER)), false);
  assert.equal(move.canExpire(settle(states.RUNNING, { kind: "failed", error: mayMend })), false);
  assert.equal(move.canExpire(inState().PENDING), false, "without expiresAt");
});

Deno.test("a start more than 15 s after runAt is Late first", () => {
  const { SCHEDULED } = inState();
  const names = (lateMs: number) =>
    move.becameReady(SCHEDULED, SCHEDULED.runAt + lateMs).history.map(({ name }) => name);
  assert.deepEqual(names(15_000), ["Scheduled", "Pending"]);
  assert.deepEqual(names(15_001), ["Scheduled", "Late", "Pending"]);
});

Deno.test("a runAt that is not after now is ready at once", () => {
  assert.equal(typeOf(move.submitted(aDraft({ runAt: START }), START)), "PENDING");
  assert.equal(typeOf(move.submitted(aDraft({ runAt: START + 1 }), START)), "SCHEDULED");
});

Deno.test("no instant goes back when the clock does", () => {
  const before = START - 3_600_000;
  let record = move.submitted(aDraft(), START);
  record = move.claimed(record, before, lease);
  const done = settle(record, completed, before);
  assert.deepEqual(done.history.map(({ at }) => at), [START, START, START]);
  assert.equal(done.finishedAt, START);
  assert.ok(done.startedAt! >= done.createdAt, "startedAt lies before createdAt");
});

Deno.test("a cancel keeps its first reason", () => {
  const { CANCELLING } = inState();
  const done = settle(CANCELLING, completed);
  assert.deepEqual(done.cancel, { reason: "stop it", graceMs: 500 });
  assert.equal(stateOf(done).message, "stop it");
  assert.equal(done.result, null);
});

Deno.test("the error of an upstream is kept whole by all that wait for it: its causes and inner errors, in bounds", () => {
  const error = (name: string, more: Partial<TaskError> = {}): TaskError => {
    return { name, message: name, retryable: true, ...more };
  };
  const thrown = error("A", {
    stack: "A at here",
    errors: [error("I"), error("J", { cause: error("K") })],
    cause: error("B", { cause: error("C", { cause: error("D") }) }),
  });
  const { stack: _, ...whole } = thrown;
  const deps = { upstreams: { json: "[]" }, total: 1, waitFor: 1, allowFailure: false, released: false };
  const waiting = move.submitted(aDraft({ deps }), START);
  const failed = settle(inState().RUNNING, { kind: "failed", error: { ...thrown, retryable: false } });
  const next = move.upstreamFailed(waiting, LATER, failed);
  const last = move.upstreamFailed(waiting, LATER, next);
  for (const { error } of [next, last]) assert.deepEqual(error!.cause, { ...whole, retryable: false });
  const long = { ...thrown, message: "m".repeat(2_000), cause: error("B", { message: "n".repeat(400) }) };
  const { error: kept } = move.upstreamFailed(waiting, LATER, { ...failed, error: long });
  assert.ok(JSON.stringify(kept).length <= 2_500);
  assert.deepEqual([kept!.cause!.name, kept!.cause!.cause!.message], ["A", "n".repeat(400)]);
  assert.equal(failed.error!.stack, "A at here");
});

Deno.test("a message is cut to what 64 of them may take", () => {
  const error = { ...forGood, message: "\u0001".repeat(5_000) };
  const { message } = stateOf(settle(inState().RUNNING, { kind: "failed", error }));
  assert.ok(JSON.stringify(message).length <= 120);
});

Deno.test("the record keeps the newest states only", () => {
  let record = inState().PENDING;
  for (let i = 0; i < 2 * HISTORY_KEPT; i++) {
    record = i % 2 ? settle(record, { kind: "released" }) : move.claimed(record, START, lease);
  }
  assert.equal(record.history.length, HISTORY_KEPT);
  assert.equal(record.seq, 1 + 2 * HISTORY_KEPT);
  const seqs = record.history.map(({ seq }) => seq);
  assert.deepEqual(seqs, Array.from({ length: HISTORY_KEPT }, (_, i) => record.seq - HISTORY_KEPT + 1 + i));
});

Deno.test("where one suspect runs at a time, a death ends at most one task, and in the end only what kills", () => {
  for (let maxCrashes = 1; maxCrashes <= 6; maxCrashes++) {
    let tasks = ["killer", "a", "b", "c"].map((id) => move.submitted(aDraft({ id, maxCrashes }), START));
    let deaths = 0;
    for (; !tasks.every(isTerminal); deaths++) {
      const waiting = tasks.filter((task) => !isTerminal(task));
      const run = [...waiting.filter((task) => !isSuspect(task)), ...waiting.filter(isSuspect).slice(0, 1)];
      const dies = run.some(({ id }) => id === "killer");
      tasks = tasks.map((task) => {
        if (!run.includes(task)) return task;
        const running = move.claimed(task, START, lease);
        return dies ? move.reclaimed(running, START) : settle(running, completed);
      });
      // A task that has run goes to the end of the queue.
      tasks = [
        ...tasks.filter(({ id }) => !run.some((one) => one.id === id)),
        ...tasks.filter(({ id }) => run.some((one) => one.id === id)),
      ];
    }
    const ends = Object.fromEntries(tasks.map((task) => [task.id, typeOf(task)]));
    assert.deepEqual(
      ends,
      { killer: "CRASHED", a: "COMPLETED", b: "COMPLETED", c: "COMPLETED" },
      `${maxCrashes}`,
    );
    assert.equal(deaths <= maxCrashes + 1 + 3, true);
  }
});
