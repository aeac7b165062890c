// The keys that follow from a record: its driver (ready entry, timer or lease: exactly one while it has not
// ended) and its places in lists. A transition writes the difference between the old and the new set in the
// same commit as the record, so index and record cannot part ways.

import { keys, shardOf } from "./keys.ts";
import { canExpire } from "./transitions.ts";
import { isForgotten, isTerminalType, type StateType, type Stored, type TaskRecord, typeOf } from "./task.ts";

export interface IndexEntry {
  key: Deno.KvKey;
  value: unknown;
  /** When KV may drop it by itself; null for as long as the task has not ended. */
  expireAt: number | null;
}

/** What a lease or due entry says, so that counting and listing need no reading of records. */
export interface DriverValue {
  type: StateType;
  task: string;
  groups: string[];
}

/** Physical expiry comes this much after the logical one; every read compares the logical one itself. */
const EXPIRY_SLACK_MS = 60_000;
const TOMBSTONE_MS = 24 * 60 * 60 * 1000;

/** When KV may drop the record itself. */
export function expiryOf(stored: Stored): number | null {
  if (isForgotten(stored)) return stored.forgottenAt + TOMBSTONE_MS;
  return stored.finishedAt === null ? null : stored.finishedAt + stored.retentionMs + EXPIRY_SLACK_MS;
}

export function entriesOf(stored: Stored, shards: number): IndexEntry[] {
  if (isForgotten(stored)) {
    return [{ key: keys.due(stored.forgottenAt, "purge", stored.id), value: null, expireAt: null }];
  }
  const record = stored;
  const { id } = record;
  const type = typeOf(record);
  const expireAt = expiryOf(record);
  const entries: IndexEntry[] = [];
  for (const tag of record.tags) entries.push({ key: keys.index("tag", tag, id), value: null, expireAt });
  for (const group of record.groups) {
    entries.push({ key: keys.index("group", group, id), value: null, expireAt });
  }
  if (isTerminalType(type)) {
    entries.push({ key: keys.index("task", record.task, id), value: null, expireAt });
    // Most tasks complete, so a list of those is found by going through all; only the rarer ends are worth a write.
    if (type !== "COMPLETED") entries.push({ key: keys.index("state", type, id), value: null, expireAt });
    if (storesMore(record)) {
      const at = record.finishedAt! + record.retentionMs;
      entries.push({ key: keys.due(at, "purge", id), value: null, expireAt: null });
    }
    return entries;
  }
  entries.push(driverOf(record, type, shards));
  if (canExpire(record)) {
    entries.push({ key: keys.due(record.expiresAt!, "expire", id), value: null, expireAt: null });
  }
  return entries;
}

/** The one thing that will move a task that has not ended. */
function driverOf(record: TaskRecord, type: StateType, shards: number): IndexEntry {
  const { id } = record;
  const value: DriverValue = { type, task: record.task, groups: record.groups };
  switch (type) {
    case "PENDING":
      // The definition's name, so that a worker can pass over what it does not know without a read.
      return { key: readyKey(record, shards), value: record.task, expireAt: null };
    case "SCHEDULED":
      return { key: keys.due(record.runAt, "start", id), value, expireAt: null };
    case "RUNNING":
    case "CANCELLING":
      return { key: keys.lease(record.lease!.worker, id), value, expireAt: null };
    default:
      throw new Error(`Cannot drive a task in state ${type}`);
  }
}

export function readyKey(record: TaskRecord, shards: number): Deno.KvKey {
  return keys.ready(shardOf(record.id, shards), record.priority, record.order, record.id);
}

/** True if the task keeps keys that only a purge finds: events, or values in chunks. */
function storesMore(record: TaskRecord): boolean {
  return record.hasEvents || "blob" in record.input || (record.result !== null && "blob" in record.result);
}
