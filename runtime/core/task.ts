// The record: everything that is true of a task, under one key. All else in KV (queue, timers, leases, lists)
// follows from it. Values of users are kept as JSON text, so that they do not change.

import type { CompensationTerms } from "./compensation_terms.ts";
import type { Conditions } from "./condition_terms.ts";
import { DEFAULT_QUEUE } from "./queue.ts";
import type { Parked, TaskLimit, TaskRate } from "./limit_terms.ts";
import type { RetryPolicy } from "./retry.ts";
import type { Replacement } from "./replacement_terms.ts";
import type { ShownTerms } from "./shown_terms.ts";
import { isTerminalType, type StateName, type StateType } from "./states.ts";

/** So many of the newest states stay in the record. Older ones move to the event log. */
export const HISTORY_KEPT = 64;

export interface HistoryEntry {
  /** Place in the task's event sequence, which is dense from 1. */
  seq: number;
  type: StateType;
  name: StateName;
  message: string | null;
  /** Milliseconds since the epoch. */
  at: number;
  attempt: number;
}

/** JSON text, inline or as gzip chunks under `blob/<task>/<blob>/<n>`. `bytes`: its size in UTF-8. */
export type StoredValue = { json: string } | {
  blob: string;
  chunks: number;
  bytes: number;
  /** The task that has the chunks, if that is another one (cache.ts). */
  of?: string;
};

export interface TaskError {
  name: string;
  message: string;
  cause?: TaskError;
  /** Of an AggregateError. */
  errors?: TaskError[];
  stack?: string;
  retryable: boolean;
  /** With which an HTTP call was answered, where the error says so. */
  status?: number;
}

export interface Progress {
  current: number;
  total: number | null;
  message: string | null;
}

/** The tasks that a task waits for. How many have not ended is counted in store/dependency_counters.ts. */
export interface Dependencies {
  /** JSON list of ids: those of `waitFor`, then those that the input refers to. */
  upstreams: StoredValue;
  /** Length of that list. */
  total: number;
  /** How many at the head of the list are of `waitFor`. */
  waitFor: number;
  allowFailure: boolean;
  /** It waits for them no more: its dependency counter is removed. */
  released: boolean;
  /** How some of them must end; which are groups. Releases that know neither cannot read such a record. */
  conditions?: Conditions;
  groups?: string[];
}

export interface ScheduledSlot {
  name: string;
  /** Milliseconds since the epoch. Of a task that was triggered, when it was. */
  for: number;
}

/** The right to run one attempt. Writes under another token are refused. */
export interface Lease {
  worker: string;
  token: string;
}

/** The unique key that a task has, or had (unique_key.ts). */
export interface UniqueHold {
  /** Digest of its definition and of the key, or of its input (commands/unique/rule.ts). */
  key: string;
  while: "waiting" | "active" | "forMs";
  /** With "forMs": when it is over. */
  until?: number;
  /** Another task has taken the key. */
  lost?: true;
  /** The task whose end it waits for: that one was asked to stop for it. */
  after?: string;
}

export interface TaskRecord extends ShownTerms, CompensationTerms {
  id: string;
  task: string;
  /** Rises by one with each write of the record. */
  rev: number;
  /** Names the unit that wrote this record, for the read-back of an uncertain commit. */
  op: string;
  /** Some of the ops before it: other processes may write before a commit is read back. */
  ops?: string[];
  /** The last place in the event sequence that is taken. */
  seq: number;
  history: HistoryEntry[];
  /** The number of the running attempt, or of the last one. */
  attempt: number;
  maxAttempts: number;
  /** The value of `attempt` at the last retry on request. */
  retriedAtAttempt?: number;
  crashes: number;
  maxCrashes: number;
  lease: Lease | null;
  /** The block of the ready queue that holds it while PENDING. 0.1 wrote null for none. */
  queued?: { order: number; block: string } | null;
  input: StoredValue;
  result: StoredValue | null;
  error: TaskError | null;
  progress: Progress | null;
  /** `keepResult`: what its function returns after it is kept. */
  cancel: { reason: string | null; graceMs: number; keepResult?: true } | null;
  priority: number;
  /** Left out for the default one. Releases that know no queues cannot read a record that has it. */
  queue?: string;
  tags: string[];
  metadata: string;
  /** The groups that count this task; the first one is its `groupId`. */
  groups: string[];
  places?: number[];
  /** A running task of its group has added it. */
  added?: true;
  /** The groups that have logged an end of it. */
  logged?: string[];
  parentId: string | null;
  /** The name of the key that has submitted it, or the task that it is a child of. */
  caller?: string;
  /** Its parent may ask for its result until the parent has ended. Release 0.1 knows no such children. */
  awaited?: true;
  children?: number;
  deps?: Dependencies;
  /** The input contains references or quotes. */
  special?: boolean;
  /** Dependents of the same call; and whether it has others, in blocks (dependencies/edges.ts). */
  next?: string[];
  followed?: boolean;
  /** A task takes the results of a group that it is in. */
  referred?: true;
  node?: string;
  /** Its input is a list, and its function runs once for each element. */
  chunk?: boolean;
  /** Of a task that a schedule has submitted: its name, and the time that it is for. */
  schedule?: ScheduledSlot;
  /** W3C trace context of its submit, or of the call that made it (trace_context.ts). */
  trace?: string;
  rerunOf?: string;
  /** Only in a group with a concurrency limit: true until it has a slot. */
  windowed?: boolean;
  /** It needs a slot again, after its turn. */
  late?: boolean;
  /** Its concurrency limits by key. */
  limits?: TaskLimit[];
  /** It has a slot of each of them. */
  held?: true;
  parked?: Parked;
  /** Its rate limits by key. */
  rates?: TaskRate[];
  /** The next start has its place in each of these rates. */
  paid?: true;
  /** It waits for that place, which comes at this instant. */
  rateAt?: number;
  /** It has gone back to an earlier state, as for another attempt: lists find it by keys of its own. */
  wentBack?: true;
  timeoutMs: number | null;
  /** When its function is told that its time is nearly over. */
  softTimeoutMs?: number;
  /** `fromAt`: since when `untilMs` counts, if not from the first start. */
  retry: Omit<RetryPolicy, "maxAttempts"> & { fromAt?: number };
  retentionMs: number;
  /** In place of `retentionMs` where it ends FAILED or CRASHED. Left out: FAILURE_RETENTION_MS. */
  failureRetentionMs?: number;
  unique?: UniqueHold;
  /** Others may take its result for so long. `asks`: it looks for one at its start, which may say the key. */
  cache?: { key?: string; ttlMs: number; asks?: true };
  /** The task whose result it got. */
  cachedFrom?: string;
  /** Other tasks have got a stored value of it, which is kept for the longest of them. */
  lent?: { blob: string; until: number };
  replacement?: Replacement<StoredValue>;
  /** Its event log is not empty. */
  hasEvents?: true;
  createdAt: number;
  runAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  expiresAt: number | null;
}

/**
 * Replaces the record of a forgotten task for a day, so that readers learn that it was deleted; and that of a
 * task past its retention for a minute, so that a submit that is read back late is still recognised.
 */
export interface Tombstone {
  id: string;
  op: string;
  ops?: string[];
  rev: number;
  forgottenAt: number;
  /** Past its retention, and not deleted on request: to readers the task is unknown. */
  isPast?: true;
  lent?: TaskRecord["lent"];
}

export type Stored = TaskRecord | Tombstone;

/** A record and its version, which a later write checks. */
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

export function isTerminal(record: TaskRecord): boolean {
  return isTerminalType(typeOf(record));
}

export function isReady(stored: Stored): boolean {
  if (isForgotten(stored)) return false;
  const { type, name } = stateOf(stored);
  return type === "PENDING" && name === "Pending";
}

export function queueOf({ queue = DEFAULT_QUEUE }: Pick<TaskRecord, "queue">): string {
  return queue;
}

/**
 * Its workers have died so often that one or two more deaths end it CRASHED: it may be what kills them. It
 * runs with no other suspect beside it, so that the next death tells.
 */
export function isSuspect({ crashes, maxCrashes }: Pick<TaskRecord, "crashes" | "maxCrashes">): boolean {
  return crashes > 0 && crashes >= maxCrashes - 1;
}

export function isAwaiting(record: TaskRecord): boolean {
  return stateOf(record).name === "AwaitingDependencies";
}

/** True if other tasks wait for it, or may still need its result. */
export function hasDependents(record: TaskRecord): boolean {
  return record.followed === true || record.next !== undefined;
}

/** How long a task that ended FAILED or CRASHED is kept, if nothing else was said. */
export const FAILURE_RETENTION_MS = 14 * 24 * 60 * 60 * 1000;

function isFailure(record: TaskRecord): boolean {
  const type = typeOf(record);
  return type === "FAILED" || type === "CRASHED";
}

/** When it may be removed; null until it has ended. */
export function keptUntil(record: TaskRecord): number | null {
  const { finishedAt, retentionMs, failureRetentionMs = FAILURE_RETENTION_MS, unique, lent } = record;
  if (finishedAt === null) return null;
  const until = finishedAt + (isFailure(record) ? failureRetentionMs : retentionMs);
  if (unique === undefined && lent === undefined) return until;
  // Submits under its key get this task; others have a value of it.
  return Math.max(until, unique?.lost ? 0 : unique?.until ?? 0, lent?.until ?? 0);
}

/** The ended task, kept so long after its end. */
export function keptFor(record: TaskRecord, ms: number): TaskRecord {
  return isFailure(record) ? { ...record, failureRetentionMs: ms } : { ...record, retentionMs: ms };
}

/** True if others may need it beyond its retention: then the pruner removes it, and not KV. */
export function mayBeNeeded(record: TaskRecord): boolean {
  return hasDependents(record) || Boolean(record.awaited || record.referred || record.compensate);
}

/** KV expires keys up to a minute late, so every read compares the time itself. */
export function isPastRetention(stored: Stored, now: number): boolean {
  if (isForgotten(stored)) return stored.isPast === true;
  // The pruner removes it when nobody needs it any more.
  if (mayBeNeeded(stored)) return false;
  const until = keptUntil(stored);
  return until !== null && until <= now;
}
