// Concurrency limits by key: at most so many tasks with a key run at once, in all processes. A task has a
// slot of each of its limits from when it is ready to the end of the attempt, and its record says so. The
// counters (store/limit_counters.ts) follow the records, so no slot is lost or given twice.

import { LONGEST_MESSAGE } from "./enter_state.ts";
import { clip } from "./json.ts";
import { type Parked, stateOf, type TaskRecord } from "./task.ts";
import { tenantOf } from "./tenant.ts";

/** A limit as the engine knows it: the keys of tenants are apart. Keys contain no control characters. */
export function limitName(key: string, tenant: string): string {
  return `${tenant}\n${key}`;
}

export function limitOf(name: string): { tenant: string; key: string } {
  const at = name.indexOf("\n");
  return { tenant: name.slice(0, at), key: name.slice(at + 1) };
}

/** The limits of which it has a slot. */
export function heldBy(record: TaskRecord): string[] {
  if (record.limits === undefined || record.held === undefined) return [];
  const tenant = tenantOf(record.id);
  return record.limits.map(({ key }) => limitName(key, tenant));
}

/** The limit for a slot of which it waits; null if it waits for none. */
export function parkedAt(record: TaskRecord): string | null {
  return record.parked ? limitName(record.parked.key, tenantOf(record.id)) : null;
}

/** True if it may start once it has a slot of each of its limits. */
export function wantsSlots(record: TaskRecord): boolean {
  return record.limits !== undefined && record.held === undefined && stateOf(record).name === "Pending";
}

/** It starts, or waits for a worker. */
export function withSlots(record: TaskRecord): TaskRecord {
  return { ...record, held: true, parked: undefined };
}

/** In place of the state in which it would be ready. */
export function parked(record: TaskRecord, at: Parked, message: string): TaskRecord {
  const state = stateOf(record);
  // Why it was about to be ready stays with it.
  const said = state.message === null ? message : `${state.message}; ${message}`;
  const entry = { ...state, name: "AwaitingConcurrencySlot" as const, message: clip(said, LONGEST_MESSAGE) };
  return { ...record, history: [...record.history.slice(0, -1), entry], parked: at, queued: undefined };
}

/** For people: which limit holds a task back, and whose word it is. */
export function heldBack(key: string, limit: number, pattern: string | undefined): string {
  const by = pattern === undefined ? "" : `, by the rule ${JSON.stringify(pattern)}`;
  return `waits for a slot of ${JSON.stringify(key)}: at most ${limit} at once${by}`;
}
