// Limits by key. A concurrency limit: at most so many tasks with a key run at once, in all processes; a task
// has a slot of each of its limits from when it is ready to the end of the attempt. A rate limit: so many of
// them start in a period; a task has its place from when it is ready. Its record says both, and the counters
// (store/limit_counters.ts) follow the records, so no slot is lost or given twice.

import { LONGEST_MESSAGE } from "./enter_state.ts";
import { fairnessKeyOf } from "./fairness.ts";
import { imposedBy, isImposed } from "./imposed_limits.ts";
import { clip } from "./json.ts";
import type { Rate } from "./rate_limit.ts";
import { type HistoryEntry, stateOf, type TaskRecord } from "./task.ts";
import type { Parked } from "./limit_terms.ts";
import { tenantOf } from "./tenant.ts";

/**
 * A limit as the engine knows it: the keys of tenants are apart, but for those of a queue or a definition,
 * which all share. Keys of callers contain no control characters.
 */
export function limitName(key: string, tenant: string): string {
  return isImposed(key) ? `\n${key}` : `${tenant}\n${key}`;
}

export function limitOf(name: string): { tenant: string; key: string } {
  const at = name.indexOf("\n");
  return { tenant: name.slice(0, at), key: name.slice(at + 1) };
}

/** The limits of which it has a slot. */
export function heldBy(record: TaskRecord): string[] {
  if (record.limits === undefined || record.held === undefined) return [];
  const tenant = tenantOf(record.id);
  const isReady = stateOf(record).name === "Pending";
  const names: string[] = [];
  for (const { key, untilStart } of record.limits) {
    if (isReady || !untilStart) names.push(limitName(key, tenant));
  }
  return names;
}

/** The limits of which a ready task gives its slots back when it starts. */
export function turnsOf({ id, limits = [], held }: TaskRecord): string[] {
  if (!held || limits.every(({ untilStart }) => !untilStart)) return [];
  return limits.flatMap(({ key, untilStart }) => untilStart ? [limitName(key, tenantOf(id))] : []);
}

/** Where it waits for its turn. */
function turnMessage(key: string): string {
  return `waits for its turn: tasks with the fairness key ${JSON.stringify(key)} are before it`;
}

/** The limit for a slot of which it waits; null if it waits for none. */
export function parkedAt(record: TaskRecord): string | null {
  return record.parked ? limitName(record.parked.key, tenantOf(record.id)) : null;
}

export function isLimited({ limits, rates }: TaskRecord): boolean {
  return limits !== undefined || rates !== undefined;
}

/** It is about to start, and its limits decide whether it may. */
export function isBeforeLimits(record: TaskRecord): boolean {
  const { limits, held, rates, paid } = record;
  if (!(limits !== undefined && !held) && !(rates !== undefined && !paid)) return false;
  return stateOf(record).name === "Pending";
}

/** The limits that decide whether it may start; none if it may, or is not about to. */
export function limitsBefore(record: TaskRecord): string[] {
  if (!isBeforeLimits(record)) return [];
  const { id, limits = [], held, rates = [], paid } = record;
  const tenant = tenantOf(id);
  const names = held ? [] : limits.map(({ key }) => limitName(key, tenant));
  return paid ? names : names.concat(rates.map(({ key }) => limitName(key, tenant)));
}

/** In place of the state in which it would be ready. */
function waiting(record: TaskRecord, name: HistoryEntry["name"], message: string): TaskRecord {
  const state = stateOf(record);
  // Why it was about to be ready stays with it.
  const said = state.message === null ? message : `${state.message}; ${message}`;
  const entry = { ...state, name, message: clip(said, LONGEST_MESSAGE) };
  return { ...record, history: [...record.history.slice(0, -1), entry], queued: undefined };
}

/** It waits for a slot. */
export function parked(record: TaskRecord, at: Parked, message: string): TaskRecord {
  return { ...waiting(record, "AwaitingConcurrencySlot", message), parked: at, held: undefined };
}

/** It waits for its place in a rate; slots that it has go back meanwhile. */
export function delayed(record: TaskRecord, rateAt: number, message: string): TaskRecord {
  return { ...waiting(record, "AwaitingRateLimit", message), rateAt, held: undefined };
}

/** For people: which limit holds a task back, and whose word it is. */
export function slotMessage(key: string, limit: number, pattern: string | undefined): string {
  const fairness = fairnessKeyOf(key);
  if (fairness !== null) return turnMessage(fairness);
  const imposed = imposedBy(key);
  if (imposed !== null) return `waits for a slot of ${imposed}: at most ${limit} at once`;
  return `waits for a slot of ${JSON.stringify(key)}: at most ${limit} at once${byRule(pattern)}`;
}

export function rateMessage(key: string, { limit, periodMs }: Rate, pattern: string | undefined): string {
  return `waits for the rate of ${JSON.stringify(key)}: ${limit} in ${periodMs} ms${byRule(pattern)}`;
}

function byRule(pattern: string | undefined): string {
  return pattern === undefined ? "" : `, by the rule ${JSON.stringify(pattern)}`;
}
