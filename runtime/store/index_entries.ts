// The keys that follow from a record alone: its timers and its places in lists. A change writes the
// difference between the old and the new keys in the same commit as the record, so they cannot disagree.

import { limitName } from "../core/limits.ts";
import { tenantOf } from "../core/tenant.ts";
import { keys } from "../platform/keys.ts";
import { isReplaced } from "../core/replaced.ts";
import { canExpire } from "../core/transitions.ts";
import type { CacheEntry } from "../core/cache.ts";
import { isTerminalType } from "../core/states.ts";
import { holdsKey, type UniqueKey } from "../core/unique_key.ts";
import { isForgotten, keptUntil, mayBeNeeded, type Stored, type TaskRecord, typeOf } from "../core/task.ts";
import { valuesOf } from "../core/stored_values.ts";

export interface IndexEntry {
  key: Deno.KvKey;
  value: unknown;
  /** When KV may remove it; null until the task has ended. */
  expireAt: number | null;
}

/** Stored with the timer of a scheduled task, so that counting and listing need not read records. */
export interface Waiting {
  task: string;
  groups: string[];
  /** Left out for the default one. */
  queue?: string;
}

export function waitingOf({ task, groups, queue }: TaskRecord): Waiting {
  return queue === undefined ? { task, groups } : { task, groups, queue };
}

/** Stored with a task that waits for a slot of a limit, for lists and counts. */
export interface ParkedValue {
  task: string;
  queue?: string;
}

/** KV removes a record this much after its retention. Until then every read compares the retention itself. */
const EXPIRY_SLACK_MS = 60_000;
const KEY_SLACK_MS = 24 * 60 * 60 * 1000;
/** For the one key that every task leaves: KV takes bytes as they are, and would serialise a null. */
const NOTHING = new Uint8Array();
const TOMBSTONE_MS = 24 * 60 * 60 * 1000;

export function expiryOf(stored: Stored): number | null {
  if (isForgotten(stored)) {
    const until = stored.forgottenAt + (stored.isPast ? EXPIRY_SLACK_MS : TOMBSTONE_MS);
    return stored.lent ? Math.max(until, stored.lent.until + EXPIRY_SLACK_MS) : until;
  }
  // The timer removes a task that others may need when none of them needs it any more.
  const until = keptUntil(stored);
  return until === null || mayBeNeeded(stored) ? null : until + EXPIRY_SLACK_MS;
}

export function entriesOf(stored: Stored): IndexEntry[] {
  if (isForgotten(stored)) {
    if (stored.isPast) return [];
    // At once, and once more when nobody has a value of it.
    const instants = stored.lent ? [stored.forgottenAt, stored.lent.until] : [stored.forgottenAt];
    return instants.map((at) => ({ key: keys.due("purge", at, stored.id), value: null, expireAt: null }));
  }
  const record = stored;
  const { id } = record;
  const type = typeOf(record);
  const expireAt = expiryOf(record);
  const entries: IndexEntry[] = [];
  for (const tag of record.tags) entries.push({ key: keys.index("tag", tag, id), value: null, expireAt });
  record.groups.forEach((group, i) => {
    entries.push({ key: keys.index("group", group, id), value: record.places?.[i] ?? null, expireAt });
  });
  if (record.parentId !== null) {
    entries.push({ key: keys.index("parent", record.parentId, id), value: null, expireAt });
  }
  if (record.unique && holdsKey(record)) {
    const value: UniqueKey = { id };
    // Never before its record: whoever found no key would take it, and the record would say that it has it.
    entries.push({
      key: keys.unique(record.unique.key),
      value,
      expireAt: expireAt && expireAt + KEY_SLACK_MS,
    });
  }
  if (record.cache?.key !== undefined && type === "COMPLETED") {
    const value: CacheEntry = { id };
    entries.push({
      key: keys.cache(record.cache.key),
      value,
      expireAt: record.finishedAt! + record.cache.ttlMs,
    });
  }
  if (isTerminalType(type)) {
    entries.push({ key: keys.index("task", record.task, id), value: NOTHING, expireAt });
    // Most tasks complete: those are found by going through all tasks. Only the rarer ends are worth a write.
    if (type !== "COMPLETED") entries.push({ key: keys.index("state", type, id), value: null, expireAt });
    if (storesMore(record)) {
      entries.push({ key: keys.due("purge", keptUntil(record)!, id), value: null, expireAt: null });
    }
    return entries;
  }
  // It may go from state to state as fast as a list reads them one after the other.
  if (record.wentBack) {
    entries.push({ key: keys.index("task", record.task, id), value: null, expireAt: null });
    entries.push({ key: keys.index("again", record.task, id), value: null, expireAt: null });
  }
  // PENDING and RUNNING tasks are driven by blocks of the queue and of leases, which hold many tasks
  // (ready_queue.ts).
  if (record.parked) entries.push(parkedEntry(record));
  if (record.rateAt !== undefined) entries.push(rateEntry(record));
  if (record.late) entries.push({ key: keys.readmission(record.groups[0], id), value: null, expireAt: null });
  if (isReplaced(record)) entries.push(replacedEntry(record));
  if (type === "SCHEDULED") {
    entries.push({ key: keys.due("start", record.runAt, id), value: waitingOf(record), expireAt: null });
  }
  if (type === "CANCELLING") {
    entries.push({ key: keys.stop(record.lease!.worker, id), value: null, expireAt: null });
  }
  if (canExpire(record)) {
    entries.push({ key: keys.due("expire", record.expiresAt!, id), value: null, expireAt: null });
  }
  return entries;
}

/** Of a task in whose place others are. */
export function replacedEntry(record: TaskRecord): IndexEntry {
  const key = keys.due("replaced", record.replacement!.until, record.id);
  return { key, value: waitingOf(record), expireAt: null };
}

/** Of a task that waits for a slot of a limit. */
export function parkedEntry(record: TaskRecord): IndexEntry {
  return { key: parkedKey(record), value: parkedOf(record), expireAt: null };
}

export function parkedKey({ id, priority, parked }: TaskRecord): Deno.KvKey {
  return keys.parked(limitName(parked!.key, tenantOf(id)), priority, parked!.order, id);
}

function parkedOf({ task, queue }: TaskRecord): ParkedValue {
  return queue === undefined ? { task } : { task, queue };
}

/** Of a task that waits for its place in a rate. */
export function rateEntry(record: TaskRecord): IndexEntry {
  return { key: keys.due("rate", record.rateAt!, record.id), value: waitingOf(record), expireAt: null };
}

/** True if the task has keys that only the pruner finds: events, chunks, a dependency counter, edges. */
function storesMore(record: TaskRecord): boolean {
  const { hasEvents, deps, replacement } = record;
  // One that was cancelled while others were in its place may have a counter.
  return hasEvents === true || mayBeNeeded(record) || deps?.released === false || replacement !== undefined ||
    valuesOf(record).some((value) => value && "blob" in value);
}
