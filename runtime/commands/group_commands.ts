// Makes groups of existing tasks, and cancels all tasks of a group.

import { ConflictError, NotFoundError } from "../core/errors.ts";
import { type Entry, isForgotten, type Stored } from "../core/task.ts";
import { bare, inTenant, tenantOf } from "../core/tenant.ts";
import type { GroupStatus } from "../queries/group_status.ts";
import type { Groups } from "../queries/groups.ts";
import { byEnd, present } from "../queries/wait.ts";
import { mostGroupsOf, newGroup, setTotal } from "../store/group_counters.ts";
import { stopGroup } from "../store/stop_group.ts";
import type { Store } from "../store/store.ts";
import type { CancelRequest } from "./cancel.ts";
import { type CancelCounts, cancelMany } from "./cancel_many.ts";

/**
 * Makes a group of existing tasks. Those that have ended are in its completion log at once.
 *
 * @throws {NotFoundError | ForgottenError | ConflictError} before anything is written, for a task that is not
 *   there or is in too many groups.
 */
export async function createGroup(store: Store, groups: Groups, ids: string[]): Promise<GroupStatus> {
  const members = [...new Set(ids)];
  const entries = present(await store.readMany(members), members, ids);
  requireRoom(store, entries, ids);
  const id = inTenant(store.ids.id(), tenantOf(members[0]));
  const now = store.clock.now();
  // The group first: a task that ends in between must find its counters.
  await store.kv.writeBlind(newGroup({ id, total: members.length }, now), now);
  const placeOf = new Map(members.map((member, place) => [member, place]));
  // Ended tasks join in the order in which they ended: the log keeps that order.
  const joined = await Promise.all(
    entries.toSorted(byEnd).map((entry) => {
      return join(store, entry, id, placeOf.get(entry.record.id)!);
    }),
  );
  const lost = joined.filter((isMember) => !isMember).length;
  // Members that were forgotten while the group was made are not waited for.
  if (lost > 0) await setTotal(store.kv, store.clock, id, members.length - lost);
  return await groups.status(id);
}

function requireRoom({ kv }: Store, entries: Entry[], ids: string[]): void {
  for (const { record } of entries) {
    const most = mostGroupsOf(kv.limits, record.limits?.length ?? 0);
    if (record.groups.length < most) continue;
    const pointer = `/ids/${ids.indexOf(record.id)}`;
    throw new ConflictError(`task ${bare(record.id)} is in ${most} groups already`, pointer);
  }
}

/** False if the task was forgotten meanwhile. */
async function join(store: Store, known: Entry, group: string, place: number): Promise<boolean> {
  const joined = await store.update("settle", known.record.id, ({ record }: Entry<Stored>) => {
    if (isForgotten(record)) return null;
    const places = record.places ?? record.groups.map(() => 0);
    return { next: { ...record, groups: [...record.groups, group], places: [...places, place] } };
  }, known);
  return Boolean(joined);
}

/**
 * Cancels all tasks of a group that have not ended. Nothing is added any more to one with a policy.
 *
 * @throws {NotFoundError}
 */
export async function cancelGroup(
  store: Store,
  groups: Groups,
  id: string,
  request: CancelRequest,
): Promise<CancelCounts> {
  const { policy } = await groups.record(id);
  const isForGood = policy !== undefined && !request.onlyWaiting;
  if (isForGood) await stopGroup(store, id, { cause: "cancel", reason: request.reason });
  return await cancelMany(store, groups.members.newestFirst(id), { ...request, isForGood });
}

/** Null if the group is gone. */
export async function cancelGroupIfThere(
  store: Store,
  groups: Groups,
  id: string,
  request: CancelRequest,
): Promise<CancelCounts | null> {
  try {
    return await cancelGroup(store, groups, id, request);
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}
