// The record: everything that is true of a task, under one key. All else in KV (queue, timers, leases,
// lists) is derived from it, see index_entries.ts. Values of users are kept as JSON text, so that they survive exactly.

import type { RetryPolicy } from "./retry.ts";

export type StateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "PAUSED"
  | "CANCELLING"
  | "COMPLETED"
  | "FAILED"
  | "CRASHED"
  | "CANCELLED";

export type StateName =
  | ("Scheduled" | "Late" | "AwaitingRetry")
  | ("Pending" | "AwaitingDependencies" | "AwaitingConcurrencySlot" | "AwaitingRateLimit")
  | ("Running" | "Retrying")
  | ("Paused" | "Suspended" | "AwaitingSignal" | "Sleeping")
  | "Cancelling"
  | ("Completed" | "Cached")
  | ("Failed" | "TimedOut" | "RetriesExhausted")
  | "Crashed"
  | ("Cancelled" | "Expired" | "UpstreamFailed" | "Superseded");

/** Every state type with its names, in the order in which a task may go through them. */
export const STATES: Record<StateType, readonly StateName[]> = {
  SCHEDULED: ["Scheduled", "Late", "AwaitingRetry"],
  PENDING: ["Pending", "AwaitingDependencies", "AwaitingConcurrencySlot", "AwaitingRateLimit"],
  RUNNING: ["Running", "Retrying"],
  PAUSED: ["Paused", "Suspended", "AwaitingSignal", "Sleeping"],
  CANCELLING: ["Cancelling"],
  COMPLETED: ["Completed", "Cached"],
  FAILED: ["Failed", "TimedOut", "RetriesExhausted"],
  CRASHED: ["Crashed"],
  CANCELLED: ["Cancelled", "Expired", "UpstreamFailed", "Superseded"],
};

export const STATE_TYPES = Object.keys(STATES) as StateType[];

const TERMINAL: ReadonlySet<StateType> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

/** At least this many of the newest states stay in the record; older ones move to the event log. */
export const HISTORY_KEPT = 64;

export interface HistoryEntry {
  /** Place in the task's event sequence, dense from 1 together with all its other events. */
  seq: number;
  type: StateType;
  name: StateName;
  message: string | null;
  /** Milliseconds since the epoch. */
  at: number;
  attempt: number;
}

/** JSON text, inline or as gzip chunks under `blob/<task>/<blob>/<n>`. `bytes` is the UTF-8 size of the text. */
export type StoredValue = { json: string } | { blob: string; chunks: number; bytes: number };

export interface TaskError {
  name: string;
  message: string;
  cause?: TaskError;
  stack?: string;
  retryable: boolean;
}

export interface Progress {
  current: number;
  total: number | null;
  message: string | null;
}

/** What a task waits for before its first start. How many of them have not ended is counted beside it (dependency_counters.ts). */
export interface Dependencies {
  /** JSON list of ids: those of `waitFor`, then those that the input refers to. */
  upstreams: StoredValue;
  /** How many of them there are. */
  total: number;
  /** How many of them, at the head of the list, stand in `waitFor`. */
  waitFor: number;
  allowFailure: boolean;
  /** It waits for them no more: its join is gone. */
  released: boolean;
}

/** The right to run one attempt. A write that shows another token is fenced off. */
export interface Lease {
  worker: string;
  token: string;
}

/** Who wrote a record, and in which form (record_codec.ts). Release 0.1 has left both out. */
export interface Stamp {
  v?: number;
  by?: string;
}

export interface TaskRecord extends Stamp {
  id: string;
  task: string;
  /** Rises by one with each write of the record. */
  rev: number;
  /** Names the unit that wrote this record: how an ambiguous commit is read back. */
  op: string;
  /** The last few before it: a commit may be read back only after others have written. */
  ops?: string[];
  /** The last used place in the event sequence. */
  seq: number;
  /** Oldest first; the last one is the state. */
  history: HistoryEntry[];
  /** The running attempt, or how many were used up. */
  attempt: number;
  maxAttempts: number;
  /** Attempts used up before the last retry on request. */
  retriedAtAttempt?: number;
  crashes: number;
  maxCrashes: number;
  lease: Lease | null;
  /** The block of the ready queue that holds it while PENDING. */
  queued: { order: number; block: string } | null;
  input: StoredValue;
  result: StoredValue | null;
  error: TaskError | null;
  progress: Progress | null;
  cancel: { reason: string | null; graceMs: number } | null;
  priority: number;
  tags: string[];
  /** JSON text of an object. */
  metadata: string;
  /** The groups that count this task; the first one is its `groupId`. */
  groups: string[];
  /** Its place in each of them. */
  places?: number[];
  /** Those of its groups that have an end of it in their log. */
  logged?: string[];
  parentId: string | null;
  /** How many tasks its attempts have submitted. */
  children?: number;
  deps?: Dependencies;
  /** Anything in the input stands for something else. */
  special?: boolean;
  /** Tasks that wait for it and were made together with it. */
  next?: string[];
  /** Other tasks wait for it: they stand under `edge/<id>`. */
  followed?: boolean;
  /** Its name in a flow. */
  node?: string;
  /** Its input is a list, and its function runs once for each element. */
  chunk?: boolean;
  /** Its group has `maxConcurrent` slots: true until it has one of them. */
  windowed?: boolean;
  /** It needs a slot once more, when its turn is over already. */
  late?: boolean;
  timeoutMs: number | null;
  retry: Omit<RetryPolicy, "maxAttempts">;
  retentionMs: number;
  /** True once something was written under `event/<id>`. */
  hasEvents: boolean;
  createdAt: number;
  runAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  expiresAt: number | null;
}

/**
 * What stays of a forgotten task for a day, so that asking for it can be answered truthfully; and of one that is past
 * its retention for a minute, so that a submit which is read back late is not taken for one that was never stored.
 */
export interface Tombstone extends Stamp {
  id: string;
  op: string;
  ops?: string[];
  rev: number;
  forgottenAt: number;
  /** Nobody asked for it: its retention is over, and it is as unknown as any other. */
  isPast?: true;
}

/** What may stand under `task/<id>`. */
export type Stored = TaskRecord | Tombstone;

/** A value as KV holds it, with the version that a later write checks. */
export interface Entry<T extends Stored = TaskRecord> {
  record: T;
  versionstamp: string;
}

export function isForgotten(stored: Stored): stored is Tombstone {
  return "forgottenAt" in stored;
}

export function stateOf(record: TaskRecord): HistoryEntry {
  return record.history[record.history.length - 1];
}

export function typeOf(record: TaskRecord): StateType {
  return stateOf(record).type;
}

export function isTerminalType(type: StateType): boolean {
  return TERMINAL.has(type);
}

export function isTerminal(record: TaskRecord): boolean {
  return TERMINAL.has(typeOf(record));
}

/** True if the record names this stored value: its input, its result, or whom it waits for. */
export function namesValue({ input, result, deps }: TaskRecord, blob: string): boolean {
  return [input, result, deps?.upstreams].some((value) => value && "blob" in value && value.blob === blob);
}

/** True if it waits for a worker and nothing else. */
export function isReady(stored: Stored): boolean {
  if (isForgotten(stored)) return false;
  const { type, name } = stateOf(stored);
  return type === "PENDING" && name === "Pending";
}

/** True if it waits for the end of other tasks. */
export function isAwaiting(record: TaskRecord): boolean {
  return stateOf(record).name === "AwaitingDependencies";
}

/** True if other tasks take its result, or may yet ask for it. */
export function hasDependents(record: TaskRecord): boolean {
  return record.followed === true || record.next !== undefined;
}

/** KV's own expiry comes late (PLATFORM: up to a minute), so every read asks this instead of trusting it. */
export function isPastRetention(stored: Stored, now: number): boolean {
  if (isForgotten(stored)) return stored.isPast === true;
  // It is kept for those that follow it, and goes when the timer finds that none needs it any more.
  if (hasDependents(stored)) return false;
  return stored.finishedAt !== null && stored.finishedAt + stored.retentionMs <= now;
}
