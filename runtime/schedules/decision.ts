// What becomes of the time of a schedule that is due: a pure function of its record, its tasks that may not
// have ended, and the time.

import { isTerminalType, type StateType } from "../core/states.ts";
import { isForgotten, stateOf, type Stored } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { type Pause, planned, type ScheduleRecord, slotId } from "./record.ts";
import type { Expansion } from "./spec.ts";

/** A task of the schedule. */
export interface OwnTask {
  /** As callers know it. */
  id: string;
  type: StateType;
  /** It waits for those before it. */
  isWaiting: boolean;
  endedAt: number | null;
}

export type Decision =
  /** Submit the task of the time; it starts when these have ended. */
  | { kind: "fire"; next: ScheduleRecord; taskId: string; waitFor: string[] }
  /** Ask these to stop, and decide again. */
  | { kind: "cancel"; ids: string[] }
  | { kind: "move"; next: ScheduleRecord };

/** Tasks of a schedule that are followed: where none may overlap, so many wait at the most. */
export const MOST_ACTIVE = 100;
/** Where they may overlap, nothing depends on them. */
const ACTIVE_TOLD = 20;

export function ownTaskOf(stored: Stored): OwnTask | null {
  if (isForgotten(stored)) return null;
  const { type, name } = stateOf(stored);
  const isWaiting = name === "AwaitingDependencies";
  return { id: bare(stored.id), type, isWaiting, endedAt: stored.finishedAt };
}

/** True if it must be known what has become of its tasks before it is decided. */
export function looksAtTasks({ overlap, pauseOnFailure }: ScheduleRecord): boolean {
  return overlap !== "allow-all" || pauseOnFailure;
}

export function runningOf(tasks: OwnTask[]): string[] {
  return tasks.filter(({ type }) => !isTerminalType(type)).map(({ id }) => id);
}

/** The tasks that the next decision must know of. */
export function followed(record: ScheduleRecord, tasks: OwnTask[]): string[] {
  return tasks.filter((task) => !isTerminalType(task.type) || pauseOf(record, [task]) !== null)
    .map(({ id }) => id);
}

/** The pause that a failed task of the schedule brings about; null if there is none. */
export function pauseOf({ pauseOnFailure }: ScheduleRecord, tasks: OwnTask[]): Pause | null {
  if (!pauseOnFailure) return null;
  const failed = tasks.find(({ type }) => type === "FAILED" || type === "CRASHED");
  if (!failed) return null;
  return { note: `task ${failed.id} ended ${failed.type}`, since: failed.endedAt!, by: null };
}

export function withPause(record: ScheduleRecord, paused: Pause): ScheduleRecord {
  return { ...record, paused, next: null, dueAt: null };
}

/** @param tasks of `active`; empty if {@linkcode looksAtTasks} says that they need not be known */
export function decisionOf(
  record: ScheduleRecord,
  expansion: Expansion,
  tasks: OwnTask[],
  now: number,
): Decision {
  const { next, dueAt, catchupMs } = record;
  if (next === null || dueAt === null) {
    return { kind: "move", next: planned(record, expansion, record.seenUntil) };
  }
  const slot = next.at;
  if (next.isExcluded) return passed(record, expansion, slot, 0);
  if (now - dueAt > catchupMs) return passed(record, expansion, Math.max(slot, now - catchupMs - 1), 1);
  const pause = pauseOf(record, tasks);
  if (pause !== null) return { kind: "move", next: withPause(record, pause) };
  if (record.overlap === "allow-all") {
    return fired(record, expansion, record.active.slice(1 - ACTIVE_TOLD), []);
  }
  const running = tasks.filter(({ type }) => !isTerminalType(type));
  if (running.length === 0) return fired(record, expansion, [], []);
  const active = running.map(({ id }) => id);
  const isFull = running.length >= MOST_ACTIVE || record.overlap === "skip" ||
    record.overlap === "buffer-one" && running.some(({ isWaiting }) => isWaiting);
  if (isFull) {
    // All that is due by now finds the same task running.
    const until = record.windowMs === 0 ? Math.max(slot, now) : slot;
    return passed({ ...record, active }, expansion, until, 1);
  }
  if (record.overlap === "cancel-running") {
    const ids = running.filter(({ type }) => type !== "CANCELLING").map(({ id }) => id);
    if (ids.length > 0) return { kind: "cancel", ids };
  }
  // For all of them: the last one may be cancelled while those before it still wait, or run.
  return fired(record, expansion, active, active);
}

/** Checks of a commit that fires a time: of the schedule, of the new task, and what limits may add. */
const OTHER_CHECKS = 4;

/**
 * As many as one commit can check, where that is fewer: the one that runs, and the newest that wait. A call
 * of several commits that is cut off would hold all later times up until it is given up.
 *
 * @param active in the order of their times
 */
export function waitedFor(active: string[], checks: number): string[] {
  const most = checks - OTHER_CHECKS;
  return active.length <= most ? active : [active[0], ...active.slice(1 - most)];
}

/** @param before tasks that are followed on */
function fired(record: ScheduleRecord, expansion: Expansion, before: string[], waitFor: string[]): Decision {
  const { at } = record.next!;
  const taskId = slotId(record, at);
  const next = {
    ...record,
    seenUntil: at,
    active: [...before, taskId],
    last: { scheduledFor: at, taskId },
    left: record.left === null ? null : record.left - 1,
    fired: record.fired + 1,
  };
  return { kind: "fire", next: planned(next, expansion, at), taskId, waitFor };
}

function passed(record: ScheduleRecord, expansion: Expansion, until: number, skipped: number): Decision {
  const next = { ...record, seenUntil: until, skipped: record.skipped + skipped };
  return { kind: "move", next: planned(next, expansion, until) };
}

/** The time was not fired, for a reason that will not go away. */
export function refused(record: ScheduleRecord, expansion: Expansion, message: string): ScheduleRecord {
  const { at } = record.next!;
  const next = {
    ...record,
    seenUntil: at,
    skipped: record.skipped + 1,
    fault: { scheduledFor: at, message: message.slice(0, LONGEST_FAULT) },
  };
  return planned(next, expansion, at);
}

const LONGEST_FAULT = 500;

/** Another submit's task stands for that of the time. */
export function passedOver(record: ScheduleRecord, expansion: Expansion): ScheduleRecord {
  const { at } = record.next!;
  return planned({ ...record, seenUntil: at, skipped: record.skipped + 1 }, expansion, at);
}

/** The task of the time is there already, or was: a schedule of this name has fired for it before. */
export function firedBefore(record: ScheduleRecord, expansion: Expansion): ScheduleRecord {
  const { at } = record.next!;
  const taskId = slotId(record, at);
  const active = record.active.includes(taskId) ? record.active : [...record.active, taskId];
  const last = { scheduledFor: at, taskId };
  return planned({ ...record, seenUntil: at, last, active: active.slice(-MOST_ACTIVE) }, expansion, at);
}
