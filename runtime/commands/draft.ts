// The record of a checked submission, without its input and its first state.

import type { Caller } from "../core/caller.ts";
import { toJsonText } from "../core/json.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { mergedRetry, wholeRetry } from "../core/retry.ts";
import { FAILURE_RETENTION_MS, type TaskRecord } from "../core/task.ts";
import { joinCompensations } from "./compensation/join.ts";
import { joinGroup } from "./join_group.ts";
import type { Checked } from "./prepare.ts";
import { queueFor } from "./queue_for.ts";
import { copyShownTerms } from "./shown_terms.ts";
import { holdOf } from "./unique/rule.ts";

const DEFAULT_RETENTION_MS = 24 * 60 * 60 * 1000;
const DEFAULT_MAX_CRASHES = 3;

export interface DraftOptions {
  now: number;
  /** Where neither the submission nor its definition says another. */
  failureRetentionMs?: number;
  groupId: string | null;
  /** So many of the group run at once. */
  maxConcurrent?: number;
  caller: Caller;
}

/**
 * The record without its input and its first state.
 *
 * @param place among the submissions of the call.
 */
export function draftOf(
  checked: Checked,
  id: string,
  place: number,
  { now, groupId, maxConcurrent, caller, failureRetentionMs = FAILURE_RETENTION_MS }: DraftOptions,
): TaskRecord {
  const { submission, defaults, special, limits, rates, unique, cache } = checked;
  const { options = {} } = submission;
  const failureKeptMs = options.failureRetentionMs ?? defaults.failureRetentionMs ?? failureRetentionMs;
  const { maxAttempts, ...retry } = wholeRetry(mergedRetry(defaults.retry, options.retry));
  const draft: TaskRecord = {
    id,
    task: submission.task,
    rev: 0,
    op: "",
    // What every task gets on its way has its place from the first: copies of a record then keep its shape.
    ops: undefined,
    queued: undefined,
    seq: 0,
    history: [],
    attempt: 0,
    maxAttempts,
    crashes: 0,
    maxCrashes: options.maxCrashes ?? defaults.maxCrashes ?? DEFAULT_MAX_CRASHES,
    lease: null,
    input: { json: "null" },
    result: null,
    error: null,
    progress: null,
    cancel: null,
    priority: options.priority ?? defaults.priority ?? 0,
    tags: options.tags ? [...new Set(options.tags)] : [],
    metadata: options.metadata ? toJsonText(options.metadata) : "{}",
    groups: groupId === null ? [] : [groupId],
    parentId: submission.parentId ?? null,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs ?? null,
    retry,
    retentionMs: options.retentionMs ?? defaults.retentionMs ?? DEFAULT_RETENTION_MS,
    createdAt: now,
    runAt: instantOf(options.runAt, options.delayMs, now) ?? now,
    startedAt: null,
    finishedAt: null,
    expiresAt: instantOf(options.expiresAt, options.ttlMs, now),
  };
  const queue = queueFor(submission, defaults);
  if (queue !== DEFAULT_QUEUE) draft.queue = queue;
  if (caller.name !== null) draft.caller = caller.name;
  if (groupId !== null) draft.places = [place];
  if (submission.parentId !== undefined) draft.awaited = true;
  if (failureKeptMs !== FAILURE_RETENTION_MS) draft.failureRetentionMs = failureKeptMs;
  copyShownTerms(checked, draft);
  const softTimeoutMs = options.softTimeoutMs ?? defaults.softTimeoutMs;
  if (softTimeoutMs !== undefined) draft.softTimeoutMs = softTimeoutMs;
  if (special) draft.special = special;
  if (cache) {
    draft.cache = cache.key === undefined ? { ttlMs: cache.ttlMs } : { key: cache.key, ttlMs: cache.ttlMs };
    if (cache.isLate && !cache.refresh) draft.cache.asks = true;
  }
  if (unique) {
    draft.unique = holdOf(unique, now);
    if (unique.debounce) draft.runAt = now + unique.debounce.delayMs;
  }
  if (submission.node !== undefined) draft.node = submission.node;
  if (submission.chunk) draft.chunk = true;
  if (limits !== undefined) draft.limits = limits;
  if (rates !== undefined) draft.rates = rates;
  if (submission.schedule) draft.schedule = submission.schedule;
  if (caller.trace !== undefined) draft.trace = caller.trace;
  if (submission.rerunOf !== undefined) draft.rerunOf = submission.rerunOf;
  if (maxConcurrent !== undefined) draft.windowed = place >= maxConcurrent;
  if (submission.joins) joinGroup(draft, submission.joins);
  if (checked.compensate !== undefined) draft.compensate = checked.compensate;
  if (submission.compensates) joinCompensations(draft, submission.compensates);
  return draft;
}

function instantOf(at: string | undefined, inMs: number | undefined, now: number): number | null {
  if (at !== undefined) return Date.parse(at);
  return inMs === undefined ? null : now + inMs;
}
