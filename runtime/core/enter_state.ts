// How a record enters a state.

import { clip } from "./json.ts";
import { NEXT, type StateName, type StateType } from "./states.ts";
import { HISTORY_KEPT, type HistoryEntry, stateOf, type TaskRecord } from "./task.ts";

/** Bytes of JSON: so many messages, with everything else at its longest, fit a record. */
export const LONGEST_MESSAGE = 120;

/** Appends a state. Its instant is never before the last one, even if the clock goes back. */
export function enter(
  record: TaskRecord,
  now: number,
  type: StateType,
  name: StateName,
  message: string | null,
  patch: Partial<TaskRecord> = {},
): TaskRecord {
  const from = stateOf(record)?.type;
  if (from && !NEXT[from].includes(type)) {
    throw new Error(`Cannot move task ${record.id} from ${from} to ${type}`);
  }
  const entry: HistoryEntry = {
    seq: record.seq + 1,
    type,
    name,
    message: message === null ? null : clip(message, LONGEST_MESSAGE),
    at: Math.max(now, stateOf(record)?.at ?? 0),
    attempt: patch.attempt ?? record.attempt,
  };
  const queued = type === "PENDING" ? record.queued : undefined;
  const history = record.history.length < HISTORY_KEPT
    ? [...record.history, entry]
    : [...record.history.slice(record.history.length - HISTORY_KEPT + 1), entry];
  const next: TaskRecord = { ...record, seq: entry.seq, history, queued };
  // Two objects spread into one take several times as long.
  Object.assign(next, patch);
  if (next.limits !== undefined || next.rates !== undefined) dropSlots(next);
  return next;
}

/**
 * Of a record that has just entered a state. Its slots go with the attempt, its places with the start. Only
 * what is there is taken away: V8 copies objects of more than 32 fields ten times as slowly.
 */
function dropSlots(record: TaskRecord): void {
  const { type, name } = stateOf(record);
  const isReady = name === "Pending";
  const keepsSlots = isReady || type === "RUNNING" || type === "CANCELLING";
  if (!keepsSlots && record.held !== undefined) record.held = undefined;
  if (!isReady && record.paid !== undefined) record.paid = undefined;
  if (record.parked !== undefined) record.parked = undefined;
  if (record.rateAt !== undefined) record.rateAt = undefined;
}

export function end(
  record: TaskRecord,
  now: number,
  type: StateType,
  name: StateName,
  message: string | null,
  patch: Partial<TaskRecord> = {},
): TaskRecord {
  const finishedAt = Math.max(now, stateOf(record).at);
  return enter(record, now, type, name, message, { lease: null, finishedAt, ...patch });
}
