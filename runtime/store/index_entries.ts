// The keys that follow from a record alone: its timers and its places in lists. A transition writes the difference between the old and the new set in the
// same commit as the record, so index and record cannot part ways.

import { keys } from "../platform/keys.ts";
import { canExpire } from "../core/transitions.ts";
import {
  hasDependents,
  isForgotten,
  isTerminalType,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";

export interface IndexEntry {
  key: Deno.KvKey;
  value: unknown;
  /** When KV may drop it by itself; null for as long as the task has not ended. */
  expireAt: number | null;
}

/** What the timer of a scheduled task says, so that counting and listing need no reading of records. */
export interface Waiting {
  task: string;
  groups: string[];
}

/** Physical expiry comes this much after the logical one; every read compares the logical one itself. */
const EXPIRY_SLACK_MS = 60_000;
const TOMBSTONE_MS = 24 * 60 * 60 * 1000;

/** When KV may drop the record itself. */
export function expiryOf(stored: Stored): number | null {
  if (isForgotten(stored)) return stored.forgottenAt + (stored.isPast ? EXPIRY_SLACK_MS : TOMBSTONE_MS);
  // One that others follow goes when none of them needs it any more, which only the timer finds out.
  if (stored.finishedAt === null || hasDependents(stored)) return null;
  return stored.finishedAt + stored.retentionMs + EXPIRY_SLACK_MS;
}

export function entriesOf(stored: Stored): IndexEntry[] {
  if (isForgotten(stored)) {
    return stored.isPast
      ? []
      : [{ key: keys.due("purge", stored.forgottenAt, stored.id), value: null, expireAt: null }];
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
  if (isTerminalType(type)) {
    entries.push({ key: keys.index("task", record.task, id), value: null, expireAt });
    // Most tasks complete, so a list of those is found by going through all; only the rarer ends are worth a write.
    if (type !== "COMPLETED") entries.push({ key: keys.index("state", type, id), value: null, expireAt });
    if (storesMore(record)) {
      const at = record.finishedAt! + record.retentionMs;
      entries.push({ key: keys.due("purge", at, id), value: null, expireAt: null });
    }
    return entries;
  }
  // PENDING and RUNNING are driven by a block in the queue or of a lease, which stand for many tasks (ready_queue.ts).
  if (record.late) entries.push({ key: keys.readmission(record.groups[0], id), value: null, expireAt: null });
  if (type === "SCHEDULED") {
    const value: Waiting = { task: record.task, groups: record.groups };
    entries.push({ key: keys.due("start", record.runAt, id), value, expireAt: null });
  }
  if (type === "CANCELLING") {
    entries.push({ key: keys.stop(record.lease!.worker, id), value: null, expireAt: null });
  }
  if (canExpire(record)) {
    entries.push({ key: keys.due("expire", record.expiresAt!, id), value: null, expireAt: null });
  }
  return entries;
}

/** True if the task keeps keys that only a purge finds: events, values in chunks, a join, edges. */
function storesMore(record: TaskRecord): boolean {
  const { hasEvents, input, result, deps } = record;
  return hasEvents || hasDependents(record) || deps?.released === false ||
    [input, result, deps?.upstreams].some((value) => value && "blob" in value);
}
