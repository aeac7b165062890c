// Which tasks a list, a count or a bulk action is about.

import { ANYBODY, type Caller, knows } from "../core/caller.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { isTerminalType, STATE_TYPES, type StateType } from "../core/states.ts";
import { stateOf, type TaskError, type TaskRecord } from "../core/task.ts";
import { inTenant } from "../core/tenant.ts";

/** All of what is said must hold. */
export interface TaskFilter {
  /** Any of these. None, or left out: all. */
  states?: readonly StateType[];
  task?: string;
  queue?: string;
  tag?: string;
  groupId?: string;
  /** Whose function submitted it. */
  parentId?: string;
  /** Milliseconds since the epoch; both ends exclusive. */
  createdAfter?: number;
  createdBefore?: number;
  /** Likewise. Tasks that have not ended fit neither. */
  finishedAfter?: number;
  finishedBefore?: number;
  /** The beginning of an id, from 8 digits on, or else a part of an error, in any case. */
  q?: string;
}

/** The ids in it as the engine knows them. */
export function ofTenant<Filter extends TaskFilter>(filter: Filter, tenant: string): Filter {
  const own = (id?: string) => id && inTenant(id, tenant);
  return { ...filter, groupId: own(filter.groupId), parentId: own(filter.parentId) };
}

/** The others have no error, and no message that is one. */
const WITH_ERRORS: readonly StateType[] = STATE_TYPES.filter((type) =>
  type !== "COMPLETED" && type !== "PAUSED"
);
const ENDS = STATE_TYPES.filter(isTerminalType);

/** The states that a task which fits can have; empty: any. */
export function statesOf(
  { states = [], q, finishedAfter, finishedBefore }: TaskFilter,
): readonly StateType[] {
  let fitting = states;
  const narrow = (types: readonly StateType[]) => {
    fitting = fitting.length === 0 ? types : fitting.filter((type) => types.includes(type));
  };
  if (looksIntoErrors(q)) narrow(WITH_ERRORS);
  if (finishedAfter !== undefined || finishedBefore !== undefined) narrow(ENDS);
  return fitting;
}

/** True if no task can fit: of the states that are asked for none has what else is. */
export function fitsNone(filter: TaskFilter): boolean {
  return (filter.states ?? []).length > 0 && statesOf(filter).length === 0;
}

export function looksIntoErrors(q: string | undefined): boolean {
  return q !== undefined && idBeginning(q) === null;
}

/** Null for what is looked for in errors. */
export function idBeginning(q: string): string | null {
  return /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(q) ? q.toLowerCase() : null;
}

/** @param caller who may know of the task at all */
export function fits(record: TaskRecord, filter: TaskFilter, caller: Caller = ANYBODY): boolean {
  const { task, queue, tag, groupId, parentId, q } = filter;
  const { finishedAt } = record;
  const states = filter.states ?? [];
  return knows(caller, record) &&
    (states.length === 0 || states.includes(stateOf(record).type)) &&
    (task === undefined || record.task === task) &&
    (queue === undefined || (record.queue ?? DEFAULT_QUEUE) === queue) &&
    (tag === undefined || record.tags.includes(tag)) &&
    (groupId === undefined || record.groups.includes(groupId)) &&
    (parentId === undefined || record.parentId === parentId) &&
    isWithin(record.createdAt, filter.createdAfter, filter.createdBefore) &&
    isWithin(finishedAt, filter.finishedAfter, filter.finishedBefore) &&
    (q === undefined || isFound(record, q));
}

function isWithin(at: number | null, after: number | undefined, before: number | undefined): boolean {
  if (at === null) return after === undefined && before === undefined;
  return (after === undefined || at > after) && (before === undefined || at < before);
}

function isFound(record: TaskRecord, q: string): boolean {
  const beginning = idBeginning(q);
  if (beginning !== null) return record.id.startsWith(beginning);
  const { type, message } = stateOf(record);
  if (!WITH_ERRORS.includes(type)) return false;
  const text = q.toLowerCase();
  // While it waits for another attempt its error is the message of its state.
  return (message?.toLowerCase().includes(text) ?? false) || isInError(record.error, text);
}

function isInError(error: TaskError | null | undefined, text: string): boolean {
  if (!error) return false;
  const { name, message, cause, errors = [] } = error;
  return `${name}: ${message}`.toLowerCase().includes(text) || isInError(cause, text) ||
    errors.some((each) => isInError(each, text));
}
