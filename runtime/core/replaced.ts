// How a task moves whose function has put other tasks in its place.

import { end, enter } from "./enter_state.ts";
import { failed } from "./failed_attempt.ts";
import { stateOf, type StoredValue, type TaskError, type TaskRecord } from "./task.ts";
import { bare } from "./tenant.ts";

/** Later than any timer that ends an attempt. */
const NEVER = Date.UTC(9_999, 0);

export function isReplaced(
  record: TaskRecord,
): record is TaskRecord & Required<Pick<TaskRecord, "replacement">> {
  return stateOf(record).name === "AwaitingTask" && record.replacement !== undefined;
}

/** Its function is done; the tasks are about to be stored. */
export function replaced(record: TaskRecord, now: number, flow: StoredValue): TaskRecord {
  const until = record.timeoutMs === null ? NEVER : stateOf(record).at + record.timeoutMs;
  const patch = { lease: null, replacement: { flow, until } };
  return enter(record, now, "PAUSED", "AwaitingTask", "its function put other tasks in its place", patch);
}

/** It is to end, and does when the tasks in its place have: they are cancelled. */
export function isToEnd({ cancel, replacement }: TaskRecord): boolean {
  return cancel !== null || replacement?.isLate === true;
}

/** The time of the attempt is over. */
export function replacementTimedOut(record: TaskRecord, now: number): TaskRecord {
  const replacement: TaskRecord["replacement"] = { ...record.replacement!, until: NEVER, isLate: true };
  return enter(record, now, "PAUSED", "AwaitingTask", `longer than timeoutMs, ${record.timeoutMs} ms`, {
    replacement,
  });
}

export function replacementCancelled(
  record: TaskRecord,
  now: number,
  reason: string | null,
  graceMs: number,
): TaskRecord {
  return enter(record, now, "PAUSED", "AwaitingTask", reason ?? "cancel requested", {
    cancel: { reason, graceMs },
  });
}

/** It was to end, and nothing of what was in its place goes on. */
export function endedAsAsked(record: TaskRecord, now: number, random: () => number): TaskRecord {
  const plain = withoutReplacement(record);
  if (record.cancel) return end(plain, now, "CANCELLED", "Cancelled", record.cancel.reason);
  const message = `the attempt took longer than timeoutMs, ${record.timeoutMs} ms`;
  const error: TaskError = { name: "TimeoutError", message, retryable: true };
  return failed(plain, now, { kind: "timed-out", error }, random);
}

export function replacementCompleted(record: TaskRecord, now: number, result: StoredValue): TaskRecord {
  return end(withoutReplacement(record), now, "COMPLETED", "Completed", null, { result });
}

export function replacementFailed(
  record: TaskRecord,
  now: number,
  error: TaskError,
  random: () => number,
): TaskRecord {
  return failed(withoutReplacement(record), now, { kind: "failed", error }, random);
}

/** @param by the first of the tasks in its place that did not complete */
export function endedAs(
  record: TaskRecord,
  now: number,
  by: TaskRecord,
  random: () => number,
): TaskRecord {
  const { type, name, message } = stateOf(by);
  const error = by.error ?? { name, message: message ?? `it ended ${type}`, retryable: false };
  if (type === "CRASHED") {
    return end(withoutReplacement(record), now, "CRASHED", "Crashed", message, { error });
  }
  // A chain whose first task failed ends with one that could not start.
  if (type !== "CANCELLED" || name === "UpstreamFailed") {
    return replacementFailed(record, now, error, random);
  }
  const reason = `task ${bare(by.id)} in its place ended ${name}${message === null ? "" : `: ${message}`}`;
  return end(withoutReplacement(record), now, "CANCELLED", "Cancelled", reason, {
    cancel: record.cancel ?? { reason, graceMs: 0 },
  });
}

function withoutReplacement(record: TaskRecord): TaskRecord {
  return { ...record, replacement: undefined };
}
