// How far a group has come that takes its completed tasks back.

import { doneOf, groupRecord } from "../store/group_counters.ts";
import type { GroupRecord } from "../store/group_record.ts";
import type { Store } from "../store/store.ts";
import { errorsOf, type GroupError, type ReadLog } from "./group_errors.ts";

export interface CompensationStatus {
  /** Of the compensations; null until there is one. */
  groupId: string | null;
  total: number;
  /** So many have completed. */
  done: number;
  /** So many have ended otherwise, or could not be submitted. */
  failed: number;
  endedAt: number | null;
}

/** Null for a group that takes nothing back, or not yet. */
export async function compensationOf(
  { kv }: Store,
  { compensation }: GroupRecord,
): Promise<CompensationStatus | null> {
  if (compensation?.began === undefined) return null;
  const { group, total, refused = 0, ended = null } = compensation;
  const own = group === undefined ? null : await groupRecord(kv, group);
  const done = own?.ended.COMPLETED ?? 0;
  const failed = own ? doneOf(own) - done : 0;
  return { groupId: group ?? null, total, done, failed: failed + refused, endedAt: ended };
}

/** Of compensations that have failed. */
export async function compensationErrors(
  store: Store,
  { compensation }: GroupRecord,
  logOf: (group: string) => ReadLog,
): Promise<GroupError[]> {
  if (compensation === undefined) return [];
  const { group, errors = [] } = compensation;
  const own = group === undefined ? null : await groupRecord(store.kv, group);
  return [
    ...own ? await errorsOf(store, own, logOf(own.id)) : [],
    ...errors.map(({ task, definition, error }) => ({ entry: null, error, refused: { task, definition } })),
  ];
}
