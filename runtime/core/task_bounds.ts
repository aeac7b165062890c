// What bounds a task, as those who look at it and its own function are told.

import { DEFAULT_RETRY, longestRetryDelayMs, type RetryPolicy } from "./retry.ts";
import { FAILURE_RETENTION_MS, isTerminal, stateOf, type TaskRecord } from "./task.ts";

export interface TaskBounds {
  /** Longest time of one attempt; null for no limit. */
  readonly timeoutMs: number | null;
  /** When its function is told that its time is nearly over; null for never. */
  readonly softTimeoutMs: number | null;
  /** Attempts are those of one budget: a retry on request gives another one. */
  readonly retry: Readonly<RetryPolicy>;
  /** How often it is run again because its worker died. */
  readonly maxCrashes: number;
  readonly retentionMs: number;
  readonly failureRetentionMs: number;
  /**
   * How long it will pause if the present attempt fails (before the first start: if the first one does); with
   * jitter at most so long. In a pause: how long that is. Null if no other attempt will follow.
   */
  readonly nextPauseMs: number | null;
}

export function boundsOf(record: TaskRecord): TaskBounds {
  const { timeoutMs, softTimeoutMs = null, maxAttempts, retriedAtAttempt = 0, maxCrashes, retentionMs } =
    record;
  const { failureRetentionMs = FAILURE_RETENTION_MS } = record;
  const { fromAt: _, ...policy } = record.retry;
  const retry = { ...DEFAULT_RETRY, ...policy, maxAttempts: maxAttempts - retriedAtAttempt };
  return {
    timeoutMs,
    softTimeoutMs,
    retry,
    maxCrashes,
    retentionMs,
    failureRetentionMs,
    nextPauseMs: nextPauseMs(record),
  };
}

function nextPauseMs(record: TaskRecord): number | null {
  const { attempt, maxAttempts, retriedAtAttempt = 0, runAt } = record;
  if (isTerminal(record)) return null;
  const { type, name, at } = stateOf(record);
  if (name === "AwaitingRetry") return Math.max(0, runAt - at);
  const present = type === "RUNNING" || type === "CANCELLING" ? attempt : attempt + 1;
  if (type === "CANCELLING" || present >= maxAttempts) return null;
  return longestRetryDelayMs({ ...DEFAULT_RETRY, ...record.retry }, present - retriedAtAttempt);
}
