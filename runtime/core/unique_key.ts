// Unique keys: at most one task at a time has a key. Which one is the difference of its record before and
// after a change: the commit of the change writes or deletes the key, so none outlives its task's hold.

import { end, enter } from "./enter_state.ts";
import { isTerminal, stateOf, type TaskRecord } from "./task.ts";
import { bare } from "./tenant.ts";

/** What is stored under a key. */
export interface UniqueKey {
  id: string;
}

/** True if the key must name this task. One whose time is over has it until another task takes it. */
export function holdsKey(record: TaskRecord): boolean {
  const { unique } = record;
  if (unique === undefined || unique.lost) return false;
  switch (unique.while) {
    case "waiting":
      return record.startedAt === null && !isTerminal(record);
    case "active":
      return !isTerminal(record);
    case "forMs":
      return true;
  }
}

/** True if other submits must heed it. */
export function keepsOthersOut(record: TaskRecord, now: number): boolean {
  return holdsKey(record) && (record.unique!.until ?? Infinity) > now;
}

/** Another task has its key. */
export function withoutKey(record: TaskRecord): TaskRecord {
  return { ...record, unique: { ...record.unique!, lost: true } };
}

/** The task, about to run again, as one that has its key; null if it needs none. */
export function withKeyAgain(record: TaskRecord, now: number): TaskRecord | null {
  if (record.unique === undefined) return null;
  const { lost: _, ...unique } = record.unique;
  const again = { ...record, unique };
  return keepsOthersOut(again, now) ? again : null;
}

/** A task that has not started ends, because a newer one takes its place. */
export function superseded(record: TaskRecord, now: number, by: string): TaskRecord {
  const reason = `task ${bare(by)} took its place`;
  return withoutKey(end(record, now, "CANCELLED", "Superseded", reason, { cancel: { reason, graceMs: 0 } }));
}

/** A task that has not started is moved to another time: now, if that is past. */
export function postponed(record: TaskRecord, now: number, runAt: number): TaskRecord {
  if (stateOf(record).name === "Pending") {
    return runAt > now ? enter({ ...record, runAt }, now, "SCHEDULED", "Scheduled", null) : record;
  }
  return runAt === record.runAt ? record : { ...record, runAt: Math.max(runAt, now) };
}
