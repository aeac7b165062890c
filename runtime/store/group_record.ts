// What is stored of a group, and what its policy makes of its counters.

import type { GroupEndType, GroupPolicy, StopCause } from "../core/group_policy.ts";
import type { StateType } from "../core/states.ts";

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
  /** Left out of most groups, and then all that is below, too. */
  policy?: GroupPolicy;
  /** Places in the log of the first failures. */
  failed?: number[];
  /** What has not ended is cancelled. Never taken back. */
  stopped?: { cause: StopCause; at: number; reason?: string };
  /** Never changes. */
  outcome?: { type: GroupEndType; at: number };
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
export function isClosed({ stopped, outcome }: GroupRecord): boolean {
  return stopped !== undefined || outcome !== undefined;
}

/**
 * Nothing of it may start any more: it was stopped, or has ended without success. One that has ended well may
 * have a task again that was skipped, and whose upstream was retried.
 */
export function isCutShort({ stopped, outcome }: GroupRecord): boolean {
  return stopped !== undefined || outcome !== undefined && outcome.type !== "COMPLETED";
}

/** How it has ended, or null. Without a policy its tasks alone say so: a retry of one takes the end back. */
export function endOfGroup(group: GroupRecord): GroupEndType | null {
  if (group.policy) return group.outcome?.type ?? null;
  return doneOf(group) >= group.total ? verdictOf(group) : null;
}

/**
 * Decides, by its counters, whether a group with a policy must stop, and how it has ended. Sets both in the
 * record.
 *
 * @returns true if something follows, which the outbox must do
 */
export function decide(group: GroupRecord, now: number): boolean {
  const { policy } = group;
  if (!policy || group.outcome) return false;
  const isWhole = doneOf(group) >= group.total;
  let follows = false;
  if (!isWhole && !group.stopped && policy.onFailure !== "continue" && hasFailed(group)) {
    group.stopped = { cause: "failure", at: now };
    follows = true;
  }
  const isAtOnce = policy.onFailure === "cancel-all-and-fail" && group.stopped !== undefined;
  if (isWhole || isAtOnce) {
    group.outcome = { type: isWhole ? verdictOf(group) : stoppedAs(group), at: now };
    follows ||= group.outcome.type !== "COMPLETED" || policy.until !== undefined;
  }
  return follows;
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
