// A cached result: the record of a task that gets it, and of the one that has it.

import { end, enter } from "./enter_state.ts";
import { keptUntil, type StoredValue, type TaskRecord } from "./task.ts";
import { bare } from "./tenant.ts";

/** What is stored under a cache key. */
export interface CacheEntry {
  id: string;
}

/** A new task that has its result from another one. */
export function cachedBy(draft: TaskRecord, now: number, source: TaskRecord): TaskRecord {
  const { cache: _cache, unique: _unique, ...rest } = draft;
  const message = `the result of ${bare(source.id)}`;
  const patch = { finishedAt: now, result: lent(source), cachedFrom: source.id };
  return enter(rest, now, "COMPLETED", "Cached", message, patch);
}

/** A task that runs, and gets its result from another one in place of calling its function. */
export function servedBy(record: TaskRecord, now: number, source: TaskRecord): TaskRecord {
  const { cache: _cache, ...rest } = record;
  const message = `the result of ${bare(source.id)}`;
  return end(rest, now, "COMPLETED", "Cached", message, { result: lent(source), cachedFrom: source.id });
}

/** The task that has the value, kept for as long as the one that got it. */
export function lending(source: TaskRecord, next: TaskRecord): TaskRecord {
  const { blob } = next.result as { blob: string };
  return { ...source, lent: { blob, until: Math.max(source.lent?.until ?? 0, keptUntil(next)!) } };
}

/** Large values are not copied: the record says whose it is. */
function lent({ id, result }: TaskRecord): StoredValue {
  return "json" in result! ? result : { ...result!, of: id };
}
