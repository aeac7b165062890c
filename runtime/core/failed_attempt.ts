// What follows an attempt that failed: another one after a pause, or the end.

import { end, enter } from "./enter_state.ts";
import { type FailureHints, hintedPauseMs } from "./failure_hints.ts";
import { DEFAULT_RETRY, isTriedAgain, retryDelayMs } from "./retry.ts";
import type { TaskError, TaskRecord } from "./task.ts";

export interface Failure {
  kind: "failed" | "timed-out";
  error: TaskError;
  hints?: FailureHints;
}

export function failed(record: TaskRecord, now: number, failure: Failure, random: () => number): TaskRecord {
  const { kind, error, hints } = failure;
  const message = `${error.name}: ${error.message}`;
  if (hints?.endsAs === "Ignored") {
    return end(record, now, "COMPLETED", "Ignored", error.message, { result: { json: "null" } });
  }
  const isAgain = hints?.isAsked || isTriedAgain(record.retry, error);
  if (isAgain && hints?.endsAs === undefined) {
    const next = nextAttempt(record, now, hints, random);
    if (next) return paused(record, now, next, message, hints);
  }
  const isExhausted = isAgain && (record.maxAttempts > 1 || record.retry.untilMs !== undefined);
  const name = hints?.endsAs ??
    (kind === "timed-out" ? "TimedOut" : isExhausted ? "RetriesExhausted" : "Failed");
  return end(record, now, "FAILED", name, message, { error });
}

interface Next {
  attempt: number;
  pauseMs: number;
  /** The pause is longer than the policy's, or not the policy's. */
  isHinted: boolean;
}

/** Null if there is none any more. */
function nextAttempt(
  record: TaskRecord,
  now: number,
  hints: FailureHints | undefined,
  random: () => number,
): Next | null {
  const isSnooze = hints?.isSnooze === true;
  if (!isSnooze && record.attempt >= record.maxAttempts) return null;
  const policy = { ...DEFAULT_RETRY, ...record.retry };
  const failures = record.attempt - (record.retriedAtAttempt ?? 0);
  const ownMs = hints?.isAsked ? 0 : retryDelayMs(policy, failures, random());
  const hintedMs = hintedPauseMs(hints, now);
  const pauseMs = Math.max(ownMs, hintedMs);
  const { untilMs, fromAt = record.startedAt ?? now } = record.retry;
  if (untilMs !== undefined && now + pauseMs >= fromAt + untilMs) return null;
  const isHinted = hints?.isAsked === true || hintedMs > ownMs;
  return { attempt: isSnooze ? record.attempt - 1 : record.attempt, pauseMs, isHinted };
}

function paused(
  record: TaskRecord,
  now: number,
  { attempt, pauseMs, isHinted }: Next,
  error: string,
  hints: FailureHints | undefined,
): TaskRecord {
  const why = hints?.isAsked ? "as its function asked" : "as Retry-After says";
  const message = isHinted ? `in ${pauseMs} ms, ${why}: ${error}` : error;
  const patch = { lease: null, runAt: now + pauseMs, wentBack: true, attempt } as const;
  return enter(record, now, "SCHEDULED", "AwaitingRetry", message, patch);
}
