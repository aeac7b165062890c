// Limits of a queue, and of a definition: limits by key whose keys no caller can name. A task gets those that
// are in force as it becomes ready, and they go with its next state before a start.

import type { TaskLimit } from "./limit_terms.ts";
import { isForgotten, isReady, stateOf, type Stored, type TaskRecord } from "./task.ts";

/** Begins their keys: no caller's key contains it, nor does one of fairness. */
const MARK = "\u0002";

/** What may have such a limit. */
export type LimitedKind = "queue" | "definition";

/** Sorts behind the keys of these limits and of fairness, and before all others. */
export const BEHIND_IMPOSED = "\u0003";

export function imposedKey(kind: LimitedKind, name: string): string {
  return `${MARK}${kind}/${name}`;
}

export function isImposed(key: string): boolean {
  return key.startsWith(MARK);
}

/** In words, for people: `the queue gpu`. Null for the key of any other limit. */
export function imposedBy(key: string): string | null {
  return isImposed(key) ? `the ${key.slice(MARK.length).replace("/", " ")}` : null;
}

/** The limits of queues and definitions that are in force, as far as they are known here. */
export interface Imposing {
  /** Most of the time there is none. */
  readonly hasLimits: boolean;
  /** The keys of those that a task is under. */
  imposedOn(record: Pick<TaskRecord, "task" | "queue">): readonly string[];
}

/** The record as it becomes ready: under those limits, and under none that is no more. */
export function withImposed(before: Stored | null, next: Stored, imposing: Imposing): Stored {
  if (!isReady(next)) return next;
  const record = next as TaskRecord;
  if (record.held !== undefined || isReadyAsBefore(before, record)) return next;
  return underLimits(record, imposing.imposedOn(record));
}

/** True if it lacks one of those that are in force. */
export function lacks({ limits = [] }: TaskRecord, imposed: readonly string[]): boolean {
  return imposed.some((key) => !limits.some((limit) => limit.key === key));
}

/** Its own limits, with these in place of others that were imposed. */
export function underLimits(record: TaskRecord, imposed: readonly string[]): TaskRecord {
  const { limits } = record;
  const had = limits?.filter(({ key }) => isImposed(key)) ?? [];
  if (had.length === imposed.length && had.every(({ key }, i) => key === imposed[i])) return record;
  const own: TaskLimit[] = limits?.filter(({ key }) => !isImposed(key)) ?? [];
  const all = [...own, ...imposed.map((key): TaskLimit => ({ key }))];
  return { ...record, limits: all.length > 0 ? all : undefined };
}

function isReadyAsBefore(before: Stored | null, next: TaskRecord): boolean {
  return before !== null && !isForgotten(before) && stateOf(before).seq === stateOf(next).seq;
}
