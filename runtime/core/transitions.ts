// Every way a task can move, as pure functions of (record, now, …). None of them reads or writes
// anything; the store commits what they return, under a check of what they were given.

import { clip } from "./json.ts";
import { DEFAULT_RETRY, retryDelayMs } from "./retry.ts";
import {
  HISTORY_KEPT,
  type HistoryEntry,
  type Lease,
  type Progress,
  type StateName,
  stateOf,
  type StateType,
  type StoredValue,
  type TaskError,
  type TaskRecord,
  typeOf,
} from "./task.ts";

/** How an attempt ended, normalised by the executor. */
export type Outcome =
  | { kind: "completed"; result: StoredValue }
  | { kind: "failed"; error: TaskError }
  | { kind: "timed-out"; error: TaskError }
  /** The worker is stopping and hands the attempt back unused. */
  | { kind: "released" };

/** Bytes of JSON; 64 of them and everything else at its longest fit a record. */
const LONGEST_MESSAGE = 120;
const LONGEST_REASON = 1_000;
/** A start this much after `runAt` is recorded as Late. */
const LATE_AFTER_MS = 15_000;

/** What may follow what. A terminal state is left by a retry on request alone; COMPLETED never is. */
const NEXT: Record<StateType, StateType[]> = {
  SCHEDULED: ["SCHEDULED", "PENDING", "CANCELLED"],
  PENDING: ["PENDING", "SCHEDULED", "RUNNING", "CANCELLED"],
  RUNNING: ["PENDING", "SCHEDULED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED"],
  PAUSED: [],
  CANCELLING: ["CANCELLED"],
  COMPLETED: [],
  FAILED: ["PENDING"],
  CRASHED: ["PENDING"],
  CANCELLED: ["PENDING"],
};

/** Appends a state to the history. An instant never lies before the one ahead of it, whatever the clock says. */
function enter(
  record: TaskRecord,
  now: number,
  type: StateType,
  name: StateName,
  message: string | null,
  patch: Partial<TaskRecord> = {},
): TaskRecord {
  const from = stateOf(record)?.type;
  if (from && !NEXT[from].includes(type)) {
    throw new Error(`Cannot move task ${record.id} from ${from} to ${type}`);
  }
  const entry: HistoryEntry = {
    seq: record.seq + 1,
    type,
    name,
    message: message === null ? null : clip(message, LONGEST_MESSAGE),
    at: Math.max(now, stateOf(record)?.at ?? 0),
    attempt: patch.attempt ?? record.attempt,
  };
  const queued = type === "PENDING" ? record.queued : null;
  const history = record.history.length < HISTORY_KEPT
    ? [...record.history, entry]
    : [...record.history.slice(record.history.length - HISTORY_KEPT + 1), entry];
  return { ...record, ...patch, seq: entry.seq, history, queued };
}

function end(
  record: TaskRecord,
  now: number,
  type: StateType,
  name: StateName,
  message: string | null,
  patch: Partial<TaskRecord> = {},
): TaskRecord {
  const finishedAt = Math.max(now, stateOf(record).at);
  return enter(record, now, type, name, message, { lease: null, finishedAt, ...patch });
}

/** The first state of a new task: waiting for others, for its time, or ready. */
export function submitted(draft: TaskRecord, now: number): TaskRecord {
  if (draft.deps && !draft.deps.released) return enter(draft, now, "PENDING", "AwaitingDependencies", null);
  return upcoming(draft, now);
}

/** Nothing but a place in its group's window, or its time, can keep it from being ready. */
function upcoming(record: TaskRecord, now: number): TaskRecord {
  if (record.windowed) return enter(record, now, "PENDING", "AwaitingConcurrencySlot", null);
  return record.runAt > now
    ? enter(record, now, "SCHEDULED", "Scheduled", null)
    : enter(record, now, "PENDING", "Pending", null);
}

/** All that it waited for has ended. */
export function released(record: TaskRecord, now: number): TaskRecord {
  return upcoming({ ...record, deps: { ...record.deps!, released: true } }, now);
}

/** Its group's window lets it in; null if it has ended. It may still wait for others. */
export function admitted(record: TaskRecord, now: number): TaskRecord | null {
  const inside = { ...record, windowed: false, late: undefined };
  switch (stateOf(record).name) {
    case "AwaitingConcurrencySlot":
      return upcoming(inside, now);
    case "AwaitingDependencies":
      return inside;
    default:
      return null;
  }
}

/** What has ended has left its slot, and needs another one to run again. */
function outside({ windowed }: TaskRecord): Partial<TaskRecord> {
  return windowed === undefined ? {} : { windowed: true, late: true };
}

/** One of those that it waited for has ended otherwise than COMPLETED. */
export function upstreamFailed(record: TaskRecord, now: number, upstream: TaskRecord | null): TaskRecord {
  const { message, cause } = failureOf(upstream);
  const error: TaskError = { name: "UpstreamFailed", message, retryable: false, ...(cause && { cause }) };
  return end(record, now, "CANCELLED", "UpstreamFailed", message, { error });
}

/** Of several failures in a row, the first one says what was wrong. */
function failureOf(upstream: TaskRecord | null): { message: string; cause?: TaskError } {
  if (upstream === null) return { message: "a task that it waited for did not complete" };
  const { id, task, error } = upstream;
  const { type, name, message } = stateOf(upstream);
  if (name === "UpstreamFailed" && error) return error;
  const reason = error ? `${error.name}: ${error.message}` : message ?? name;
  return {
    message: `its upstream ${id} (${task}) ended ${type}: ${clip(reason, LONGEST_REASON)}`,
    ...(error && { cause: { ...error, cause: undefined, stack: undefined } }),
  };
}

/** An upstream whose failure had cancelled it is run again. */
export function resumed(record: TaskRecord, now: number): TaskRecord {
  return enter(
    { ...record, seq: record.seq + 2 },
    now,
    "PENDING",
    "AwaitingDependencies",
    "its upstream was retried",
    {
      error: null,
      hasEvents: true,
      finishedAt: null,
      ...outside(record),
    },
  );
}

/** A scheduled task's time has come. */
export function becameReady(record: TaskRecord, now: number): TaskRecord {
  const late = now - record.runAt > LATE_AFTER_MS
    ? enter(record, now, "SCHEDULED", "Late", `${Math.round((now - record.runAt) / 1000)} s after runAt`)
    : record;
  return enter(late, now, "PENDING", "Pending", null);
}

/** A worker takes the right to run the next attempt. */
export function claimed(record: TaskRecord, now: number, lease: Lease): TaskRecord {
  const attempt = record.attempt + 1;
  return enter(record, now, "RUNNING", attempt > 1 ? "Retrying" : "Running", null, {
    attempt,
    lease,
    startedAt: record.startedAt ?? Math.max(now, stateOf(record).at),
    progress: null,
  });
}

/** Events and progress of the running attempt were written; takes up `events` places in the sequence. */
export function reported(record: TaskRecord, events: number, progress: Progress | null): TaskRecord {
  return { ...record, seq: record.seq + events, hasEvents: true, progress: progress ?? record.progress };
}

/** The running attempt ended. A task that was asked to stop ends CANCELLED, whatever its function did. */
export function settled(
  record: TaskRecord,
  now: number,
  outcome: Outcome,
  random: () => number,
): TaskRecord {
  if (typeOf(record) === "CANCELLING") return cancelled(record, now, record.cancel?.reason ?? null);
  switch (outcome.kind) {
    case "completed":
      return end(record, now, "COMPLETED", "Completed", null, { result: outcome.result });
    case "released":
      return handedBack(record, now, "handed back by a stopping worker");
    case "failed":
    case "timed-out":
      return failed(record, now, outcome, random);
  }
}

function failed(
  record: TaskRecord,
  now: number,
  outcome: { kind: "failed" | "timed-out"; error: TaskError },
  random: () => number,
): TaskRecord {
  const { error } = outcome;
  const message = `${error.name}: ${error.message}`;
  if (error.retryable && record.attempt < record.maxAttempts) {
    const policy = { ...DEFAULT_RETRY, ...record.retry };
    const runAt = now + retryDelayMs(policy, record.attempt - (record.retriedAtAttempt ?? 0), random());
    return enter(record, now, "SCHEDULED", "AwaitingRetry", message, { lease: null, runAt });
  }
  const name = outcome.kind === "timed-out"
    ? "TimedOut"
    : error.retryable && record.maxAttempts > 1
    ? "RetriesExhausted"
    : "Failed";
  return end(record, now, "FAILED", name, message, { error });
}

/** Back into the queue; the attempt that was begun does not count. */
function handedBack(record: TaskRecord, now: number, message: string): TaskRecord {
  return enter(record, now, "PENDING", "Pending", message, {
    lease: null,
    attempt: record.attempt - 1,
  });
}

/** The worker that held the lease is dead. Uses up one of `maxCrashes`, and no attempt. */
export function reclaimed(record: TaskRecord, now: number): TaskRecord {
  if (typeOf(record) === "CANCELLING") return cancelled(record, now, record.cancel?.reason ?? null);
  const crashes = record.crashes + 1;
  if (crashes > record.maxCrashes) {
    const message = `its workers died ${crashes} times; maxCrashes is ${record.maxCrashes}`;
    const error: TaskError = { name: "CrashedError", message, retryable: false };
    return end(record, now, "CRASHED", "Crashed", message, { crashes, error });
  }
  return {
    ...handedBack(record, now, `its worker died (${crashes} of ${record.maxCrashes})`),
    crashes,
  };
}

/** A running task is asked to stop. */
export function cancelRequested(
  record: TaskRecord,
  now: number,
  reason: string | null,
  graceMs: number,
): TaskRecord {
  return enter(record, now, "CANCELLING", "Cancelling", reason, { cancel: { reason, graceMs } });
}

export function cancelled(record: TaskRecord, now: number, reason: string | null): TaskRecord {
  return end(record, now, "CANCELLED", "Cancelled", reason, {
    cancel: record.cancel ?? { reason, graceMs: 0 },
  });
}

/** It did not start in time. */
export function expired(record: TaskRecord, now: number): TaskRecord {
  return end(record, now, "CANCELLED", "Expired", "not started before expiresAt");
}

/** True while `expiresAt` still has a say: the task has never started. */
export function canExpire(record: TaskRecord): boolean {
  const type = typeOf(record);
  return record.expiresAt !== null && record.startedAt === null &&
    (type === "SCHEDULED" || type === "PENDING");
}

/**
 * An ended task is run again on request, with a fresh budget of attempts and crashes. Its attempts go on
 * counting, so that each start stays distinguishable. `seq` leaves room for the two events (`error` and `end`)
 * that readers of the ended task have already seen.
 */
export function retried(record: TaskRecord, now: number, input: StoredValue): TaskRecord {
  const attempts = record.maxAttempts - (record.retriedAtAttempt ?? 0);
  const { deps } = record;
  const name = deps && !deps.released && deps.total > 0
    ? "AwaitingDependencies"
    : record.windowed === undefined
    ? "Pending"
    : "AwaitingConcurrencySlot";
  return enter({ ...record, seq: record.seq + 2 }, now, "PENDING", name, "retried on request", {
    input,
    maxAttempts: record.attempt + attempts,
    retriedAtAttempt: record.attempt,
    crashes: 0,
    error: null,
    progress: null,
    cancel: null,
    hasEvents: true,
    ...outside(record),
    expiresAt: null,
    runAt: now,
    finishedAt: null,
  });
}
