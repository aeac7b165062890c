// The cache: a task whose result is there already is stored as ended. What a key names is written by the
// commit that completes its task (store/index_entries.ts), and is looked at by each submit with that key, or
// by the start of a task that has waited for others.

import { cachedBy, type CacheEntry, lending, servedBy } from "../core/cache.ts";
import { type Entry, isForgotten, type TaskRecord } from "../core/task.ts";
import { keys } from "../platform/keys.ts";
import type { Change } from "../store/commit_unit.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import type { Checked } from "./prepare.ts";

/** The tasks whose results these submissions may take at an instant, in their order. */
export async function hitsOf(
  store: Store,
  checked: Pick<Checked, "cache">[],
  now: number,
): Promise<(Entry | null)[]> {
  const asking = checked.map(({ cache }) => cache && !cache.refresh ? cache : null);
  const digests = [...new Set(asking.flatMap((cache) => cache?.key ?? []))];
  if (digests.length === 0) return checked.map(() => null);
  const found = await store.kv.getMany<CacheEntry>(digests.map(keys.cache));
  const entries = await store.readEach(found.map(({ value }) => value?.id ?? "none"));
  const byDigest = new Map(digests.map((digest, i) => [digest, entries[i]]));
  return asking.map((cache) => {
    if (cache?.key === undefined) return null;
    const entry = byDigest.get(cache.key);
    const { key, ttlMs } = cache;
    // A result of a newer release is one that cannot be read here.
    if (
      !entry || isNewerRecord(entry) || isForgotten(entry.record) ||
      !mayServe(entry.record, { key, ttlMs }, now)
    ) return null;
    return entry as Entry;
  });
}

/** Neither older than this submit wants it, nor than its own task said. */
function mayServe(source: TaskRecord, { key, ttlMs }: { key: string; ttlMs: number }, now: number): boolean {
  const { cache, finishedAt, result } = source;
  return cache?.key === key && result !== null && finishedAt !== null &&
    source.history.at(-1)!.name === "Completed" &&
    now - finishedAt < Math.min(ttlMs, cache.ttlMs);
}

/**
 * The task of a hit. A result that is too large for its record is kept for it by the task that has it.
 *
 * @param lenders changes of those tasks, by their ids: of several hits of a call the first one takes it along
 */
export function hitChange(
  draft: TaskRecord,
  now: number,
  source: Entry,
  lenders: Map<string, Change>,
): Change {
  const next = cachedBy(draft, now, source.record);
  const change: Change = { before: null, next };
  if ("json" in next.result!) return change;
  const lender = lenders.get(source.record.id);
  if (lender) lender.next = lending(lender.next as TaskRecord, next);
  else {
    change.beside = { before: source, next: lending(source.record, next) };
    lenders.set(source.record.id, change.beside);
  }
  return change;
}

/** The task of a hit that has begun to run. */
export function servingChange(entry: Entry, now: number, source: Entry): Change {
  const next = servedBy(entry.record, now, source.record);
  const change: Change = { before: entry, next };
  if (!("json" in next.result!)) change.beside = { before: source, next: lending(source.record, next) };
  return change;
}
