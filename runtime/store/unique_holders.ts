// Which task has a unique key now, and how another one gets it.

import { holdsKey, keepsOthersOut, type UniqueKey, withKeyAgain, withoutKey } from "../core/unique_key.ts";
import { type Entry, isForgotten, type TaskRecord } from "../core/task.ts";
import { keys } from "../platform/keys.ts";
import type { Change } from "./commit_unit.ts";
import type { Store } from "./store.ts";

export interface Holder {
  /** Whoever takes the key checks that it is as it was read. */
  check: Deno.AtomicCheck;
  /** Null if nobody has it: also if what it names is gone, or says that it has it no more. */
  entry: Entry | null;
}

export async function holdersOf(store: Store, digests: string[]): Promise<Map<string, Holder>> {
  const found = await store.kv.getMany<UniqueKey>(digests.map(keys.unique));
  const ids = [...new Set(found.flatMap(({ value }) => value?.id ?? []))];
  const entries = await store.peekMany(ids);
  const byId = new Map(ids.map((id, i) => [id, entries[i]]));
  return new Map(digests.map((digest, i) => {
    const { key, versionstamp, value } = found[i];
    const entry = value ? byId.get(value.id) : null;
    const isHolder = entry && !isForgotten(entry.record) && holdsKey(entry.record) &&
      entry.record.unique!.key === digest;
    return [digest, { check: { key, versionstamp }, entry: isHolder ? entry as Entry : null }];
  }));
}

/** What goes with the change of a task that takes a key which keeps nobody out. */
export function taking({ check, entry }: Holder): Pick<Change, "checks" | "beside"> {
  return entry
    ? { checks: [check], beside: { before: entry, next: withoutKey(entry.record) } }
    : { checks: [check] };
}

export type Again =
  /** It runs again as one that has its key, or needs none. */
  | { next: TaskRecord; with: Pick<Change, "checks" | "beside"> }
  | { takenBy: Entry };

/** What an ended task needs to run again: its key, if it has one. */
export async function keyAgain(store: Store, before: TaskRecord, next: TaskRecord): Promise<Again> {
  if (next.unique === undefined) return { next, with: {} };
  const now = store.clock.now();
  const again = withKeyAgain(next, now);
  if (again === null || holdsKey(before)) return { next: again ?? next, with: {} };
  const { key } = again.unique!;
  const holder = (await holdersOf(store, [key])).get(key)!;
  const { entry } = holder;
  if (entry && entry.record.id !== next.id && keepsOthersOut(entry.record, now)) return { takenBy: entry };
  return { next: again, with: taking(holder) };
}
