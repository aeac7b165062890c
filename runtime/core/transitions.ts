// Every way a task can move, as pure functions of (record, now, …). The store commits what they return, under
// a check of the record that they were given.

import type { EndedGroup } from "./group_policy.ts";
import { bounded } from "./error_bounds.ts";
import { clip } from "./json.ts";
import { end, enter } from "./enter_state.ts";
import { failed, type Failure } from "./failed_attempt.ts";
import { replaced } from "./replaced.ts";
import {
  type Dependencies,
  type Lease,
  type Progress,
  stateOf,
  type StoredValue,
  type TaskError,
  type TaskRecord,
  typeOf,
} from "./task.ts";
import { bare } from "./tenant.ts";

export type Outcome =
  /** `cacheKey`: under which others find the result, if that was not known before. */
  | { kind: "completed"; result: StoredValue; cacheKey?: string }
  /** The function has put these tasks in the place of its own. */
  | { kind: "replaced"; flow: StoredValue }
  | Failure
  /** The worker hands the attempt back unused: it is stopping, or what it says. */
  | { kind: "released"; reason?: string };

const LONGEST_REASON = 1_000;
/** A start this much after `runAt` is recorded as Late. */
const LATE_AFTER_MS = 15_000;

export function submitted(draft: TaskRecord, now: number): TaskRecord {
  if (draft.deps && !draft.deps.released) return enter(draft, now, "PENDING", "AwaitingDependencies", null);
  return withoutDependencies(draft, now);
}

/** Of a task that waits for no other task. */
function withoutDependencies(record: TaskRecord, now: number): TaskRecord {
  if (record.windowed) return enter(record, now, "PENDING", "AwaitingConcurrencySlot", null);
  return record.runAt > now
    ? enter(record, now, "SCHEDULED", "Scheduled", null)
    : enter(record, now, "PENDING", "Pending", null);
}

export function released(record: TaskRecord, now: number): TaskRecord {
  return withoutDependencies({ ...record, deps: { ...record.deps!, released: true } }, now);
}

export function admitted(record: TaskRecord, now: number): TaskRecord | null {
  const withSlot = { ...record, windowed: false, late: undefined };
  switch (stateOf(record).name) {
    case "AwaitingConcurrencySlot":
      return withoutDependencies(withSlot, now);
    case "AwaitingDependencies":
      return withSlot;
    default:
      return null;
  }
}

/** It goes to its limits again: the commit gives it its slots, or parks it again. */
export function admittedToLimit(record: TaskRecord, now: number): TaskRecord {
  return enter(record, now, "PENDING", "Pending", null);
}

/** Its place in its rates has come. */
export function placeCame(record: TaskRecord, now: number): TaskRecord {
  return enter(record, now, "PENDING", "Pending", null, { paid: true });
}

/** An ended task has given up its slot, and needs another one to run again. */
function withoutSlot({ windowed }: TaskRecord): Partial<TaskRecord> {
  return windowed === undefined ? {} : { windowed: true, late: true };
}

/** A task or a group that it waited for did not complete. */
export function upstreamFailed(
  record: TaskRecord,
  now: number,
  upstream: TaskRecord | EndedGroup | null,
): TaskRecord {
  const { message, cause } = failureOf(upstream);
  const error = bounded({ name: "UpstreamFailed", message, retryable: false, ...(cause && { cause }) });
  return end(record, now, "CANCELLED", "UpstreamFailed", message, { error });
}

/** In a chain of failures the first one says what was wrong. */
function failureOf(upstream: TaskRecord | EndedGroup | null): { message: string; cause?: TaskError } {
  if (upstream === null) return { message: "a task that it waited for did not complete" };
  if ("group" in upstream) return failureOfGroup(upstream);
  const { id, task, error } = upstream;
  const { type, name, message } = stateOf(upstream);
  if (name === "UpstreamFailed" && error) return error;
  const reason = error ? `${error.name}: ${error.message}` : message ?? name;
  return {
    message: `its upstream ${bare(id)} (${task}) ended ${type}: ${clip(reason, LONGEST_REASON)}`,
    ...(error && { cause: error }),
  };
}

function failureOfGroup({ group, type, failed }: EndedGroup): { message: string; cause?: TaskError } {
  const whole = `its upstream, the group ${bare(group)}, ended ${type}`;
  if (failed === null) return { message: whole };
  const { error, task } = failed;
  const reason = error ? `${error.name}: ${error.message}` : stateOf(failed).message ?? stateOf(failed).name;
  return {
    message: `${whole}: ${bare(failed.id)} (${task}) ended ${typeOf(failed)}: ${
      clip(reason, LONGEST_REASON)
    }`,
    ...(error && { cause: error }),
  };
}

/** The upstream whose failure had cancelled it is retried. Like a retry, this lifts `expiresAt`. */
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
      expiresAt: null,
      wentBack: true,
      finishedAt: null,
      ...withoutSlot(record),
    },
  );
}

export function becameReady(record: TaskRecord, now: number): TaskRecord {
  const late = now - record.runAt > LATE_AFTER_MS
    ? enter(record, now, "SCHEDULED", "Late", `${Math.round((now - record.runAt) / 1000)} s after runAt`)
    : record;
  return enter(late, now, "PENDING", "Pending", null);
}

export function claimed(record: TaskRecord, now: number, lease: Lease): TaskRecord {
  const attempt = record.attempt + 1;
  return enter(record, now, "RUNNING", attempt > 1 ? "Retrying" : "Running", null, {
    attempt,
    lease,
    startedAt: record.startedAt ?? Math.max(now, stateOf(record).at),
    progress: null,
  });
}

export function reported(record: TaskRecord, events: number, progress: Progress | null): TaskRecord {
  return { ...record, seq: record.seq + events, hasEvents: true, progress: progress ?? record.progress };
}

/** The running attempt ended. A task that was asked to stop ends CANCELLED, whatever the outcome. */
export function settled(
  record: TaskRecord,
  now: number,
  outcome: Outcome,
  random: () => number,
): TaskRecord {
  if (typeOf(record) === "CANCELLING") {
    const isKept = record.cancel?.keepResult && outcome.kind === "completed";
    return cancelled(record, now, record.cancel?.reason ?? null, isKept ? { result: outcome.result } : {});
  }
  switch (outcome.kind) {
    case "completed": {
      const { result, cacheKey } = outcome;
      const patch = cacheKey === undefined
        ? { result }
        : { result, cache: { ...record.cache!, key: cacheKey } };
      return end(record, now, "COMPLETED", "Completed", null, patch);
    }
    case "replaced":
      return replaced(record, now, outcome.flow);
    case "released":
      return handedBack(record, now, outcome.reason ?? "handed back by a stopping worker");
    case "failed":
    case "timed-out":
      return failed(record, now, outcome, random);
  }
}

/** Back into the queue. The attempt does not count. */
function handedBack(record: TaskRecord, now: number, message: string): TaskRecord {
  return enter(record, now, "PENDING", "Pending", message, {
    lease: null,
    attempt: record.attempt - 1,
    wentBack: true,
  });
}

/** The worker that held the lease is dead. This counts as a crash, and not as an attempt. */
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

export function cancelRequested(
  record: TaskRecord,
  now: number,
  reason: string | null,
  graceMs: number,
  keepResult = false,
): TaskRecord {
  const cancel: TaskRecord["cancel"] = { reason, graceMs };
  if (keepResult) cancel.keepResult = true;
  return enter(record, now, "CANCELLING", "Cancelling", reason, { cancel });
}

export function cancelled(
  record: TaskRecord,
  now: number,
  reason: string | null,
  patch: Partial<TaskRecord> = {},
): TaskRecord {
  return end(record, now, "CANCELLED", "Cancelled", reason, {
    cancel: record.cancel ?? { reason, graceMs: 0 },
    ...patch,
  });
}

export function expired(record: TaskRecord, now: number): TaskRecord {
  return end(record, now, "CANCELLED", "Expired", "not started before expiresAt");
}

/** `expiresAt` is ignored after the first start. */
export function canExpire(record: TaskRecord): boolean {
  const type = typeOf(record);
  return record.expiresAt !== null && record.startedAt === null &&
    (type === "SCHEDULED" || type === "PENDING");
}

/** Of a task that waits for no task, but for a barrier. */
const BARRIER_ALONE: Dependencies = {
  upstreams: { json: "[]" },
  total: 0,
  waitFor: 0,
  allowFailure: false,
  released: false,
};

/**
 * An ended task is retried on request, with a fresh budget of attempts and crashes. Attempts are counted on,
 * so that each start has a number of its own. `seq` leaves room for the two events (`error` and `end`) that
 * readers of the ended task have seen.
 *
 * @param isHeld it waits behind a barrier until its dependents wait for it again
 */
export function retried(
  record: TaskRecord,
  now: number,
  input: StoredValue,
  isHeld = false,
): TaskRecord {
  const attempts = record.maxAttempts - (record.retriedAtAttempt ?? 0);
  const deps = isHeld ? { ...(record.deps ?? BARRIER_ALONE), released: false } : record.deps;
  const name = isHeld || deps && !deps.released && deps.total > 0
    ? "AwaitingDependencies"
    : record.windowed === undefined
    ? "Pending"
    : "AwaitingConcurrencySlot";
  return enter({ ...record, seq: record.seq + 2 }, now, "PENDING", name, "retried on request", {
    input,
    deps,
    maxAttempts: record.attempt + attempts,
    retriedAtAttempt: record.attempt,
    retry: record.retry.untilMs === undefined ? record.retry : { ...record.retry, fromAt: now },
    crashes: 0,
    // Of a cancel that has kept one.
    result: null,
    error: null,
    progress: null,
    cancel: null,
    hasEvents: true,
    wentBack: true,
    ...withoutSlot(record),
    expiresAt: null,
    runAt: now,
    finishedAt: null,
  });
}
