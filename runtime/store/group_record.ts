// What is stored of a group, and what its policy makes of its counters.

import type { GroupEndType, GroupPolicy, StopCause } from "../core/group_policy.ts";
import type { StateType } from "../core/states.ts";
import type { TaskError } from "../core/task.ts";

export interface GroupRecord {
  id: string;
  total: number;
  log: number;
  ended: Partial<Record<StateType, number>>;
  createdAt: number;
  /** Of its last change. Release 0.1 has left out both of these. */
  changedAt?: number;
  /** When its timer looks whether anybody needs it still (maintenance/group_pruner.ts). */
  purgeAt?: number;
  /** Tasks that may run at once (concurrency_limit.ts). */
  maxConcurrent?: number;
  /** Tasks that have ended without a slot, less those that had a slot, have ended, and are retried. */
  outside?: number;
  /** How many of the total running tasks of it have added. */
  added?: number;
  /** CANCELLED ones that were skipped: their condition could not come true any more. */
  skipped?: number;
  /** Tasks wait for its end (dependencies/group_end.ts). */
  followed?: true;
  /** Some of them take its results. */
  referred?: true;
  /** The end that they were told of, or are about to be. */
  told?: GroupEndType;
  /** Left out of most groups, and then all that is below, too. */
  policy?: GroupPolicy;
  /** Places in the log of the first failures. */
  failed?: number[];
  /** What has not ended is cancelled. Never taken back. */
  stopped?: { cause: StopCause; at: number; reason?: string };
  /** Never changes. */
  outcome?: { type: GroupEndType; at: number };
  compensation?: GroupCompensation;
  /** Its tasks take back those of this group, which goes on when one of them has ended. */
  compensates?: string;
}

/** How the completed tasks of a group that did not complete are taken back. */
export interface GroupCompensation {
  /** How many of them have a compensation. */
  total: number;
  /** When it began: all tasks of the group have ended, and none is retried or added any more. */
  began?: number;
  /** How the group ends, or has ended. */
  as?: GroupEndType;
  /** The group of the compensations, once there is one. */
  group?: string;
  /** How many were submitted. */
  started?: number;
  /** Place in the log that is looked at next, downwards. */
  next?: number;
  /** How many could not be submitted, and the first of them. */
  refused?: number;
  errors?: { task: string; definition: string; error: TaskError }[];
  ended?: number;
}

/** Failures that a group tells of. */
export const MOST_ERRORS = 20;

export function doneOf({ ended }: Pick<GroupRecord, "ended">): number {
  return Object.values(ended).reduce((sum, count) => sum + count, 0);
}

export function failuresOf({ ended }: Pick<GroupRecord, "ended">): number {
  return (ended.FAILED ?? 0) + (ended.CRASHED ?? 0);
}

/** Nothing may be added to it, or retried in it, any more. */
export function isClosed({ stopped, outcome, compensation }: GroupRecord): boolean {
  return stopped !== undefined || outcome !== undefined || compensation?.began !== undefined;
}

/** Some of its tasks are taken back just now. */
export function isCompensating({ compensation }: GroupRecord): boolean {
  return compensation?.began !== undefined && compensation.ended === undefined;
}

/**
 * Nothing of it may start any more: it was stopped, is taken back, or has ended without success. One that has
 * ended well may have a task again that was skipped, and whose upstream was retried.
 */
export function isCutShort({ stopped, outcome, compensation }: GroupRecord): boolean {
  return stopped !== undefined || compensation?.began !== undefined ||
    outcome !== undefined && outcome.type !== "COMPLETED";
}

/** How it has ended, or null. Without a policy its tasks alone say so: a retry of one takes the end back. */
export function endOfGroup(group: GroupRecord): GroupEndType | null {
  if (group.policy) return group.outcome?.type ?? null;
  return doneOf(group) >= group.total ? verdictOf(group) : null;
}

/**
 * Decides, by its counters, whether a group with a policy must stop, how it has ended, and whether tasks of
 * it must be taken back. Sets all of that in the record.
 *
 * @returns true if something follows, which the outbox must do
 */
export function decide(group: GroupRecord, now: number): boolean {
  if (!group.policy) return false;
  const isWhole = doneOf(group) >= group.total;
  const follows = !group.outcome && !isCompensating(group) && decideEnd(group, group.policy, isWhole, now);
  // One that an upstream's retry has brought back was cancelled again: all of them have ended now.
  return isWhole && (beginCompensation(group, now) || isCompensating(group)) || follows;
}

function decideEnd(group: GroupRecord, policy: GroupPolicy, isWhole: boolean, now: number): boolean {
  let follows = false;
  if (!isWhole && !group.stopped && policy.onFailure !== "continue" && hasFailed(group)) {
    group.stopped = { cause: "failure", at: now };
    follows = true;
  }
  const isAtOnce = policy.onFailure === "cancel-all-and-fail" && group.stopped !== undefined;
  if (!isWhole && !isAtOnce) return follows;
  const type = isWhole ? verdictOf(group) : stoppedAs(group);
  // Others end when their tasks are taken back.
  const isLater = type !== "COMPLETED" && hasCompensations(group) &&
    policy.onFailure !== "cancel-all-and-fail";
  if (isLater) return follows;
  group.outcome = { type, at: now };
  return follows || type !== "COMPLETED" || policy.until !== undefined;
}

/** Of a group all of whose tasks have ended. */
function beginCompensation(group: GroupRecord, now: number): boolean {
  const { outcome, compensation } = group;
  if (!compensation || !hasCompensations(group) || compensation.began !== undefined) return false;
  const as = outcome?.type ?? verdictOf(group);
  if (as === "COMPLETED") return false;
  group.compensation = { ...compensation, began: now, as };
  return true;
}

function hasCompensations({ compensation }: GroupRecord): boolean {
  return compensation !== undefined && compensation.total > 0;
}

/** Of a group all of whose tasks have ended. */
function verdictOf(group: GroupRecord): GroupEndType {
  if (hasFailed(group) || group.stopped?.cause === "timeout") return "FAILED";
  const { ended: { CANCELLED = 0 }, skipped = 0 } = group;
  return CANCELLED > skipped ? "CANCELLED" : "COMPLETED";
}

function stoppedAs(group: GroupRecord): GroupEndType {
  return group.stopped?.cause === "cancel" && !hasFailed(group) ? "CANCELLED" : "FAILED";
}

function hasFailed(group: GroupRecord): boolean {
  return failuresOf(group) > (group.policy?.maxFailures ?? 0);
}
