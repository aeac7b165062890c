// A task of another call that a submission got becomes a task of the submission's group, too.

import { ConflictError } from "../../core/errors.ts";
import { isForgotten, type TaskRecord } from "../../core/task.ts";
import { bare } from "../../core/tenant.ts";
import { mostGroupsOf } from "../../store/group_counters.ts";
import type { Store } from "../../store/store.ts";
import type { SubmitPlan } from "../submit_plan.ts";

/** @throws {ConflictError} if it is in too many groups already. */
export function joining(
  { kv }: Store,
  record: TaskRecord,
  group: string,
  place: number,
  pointer: string,
): TaskRecord {
  const most = mostGroupsOf(kv.limits, record.limits?.length ?? 0);
  if (record.groups.length >= most) {
    throw new ConflictError(`task ${bare(record.id)} has its key, and is in ${most} groups already`, pointer);
  }
  const places = record.places ?? record.groups.map(() => 0);
  return { ...record, groups: [...record.groups, group], places: [...places, place] };
}

/** Others' tasks join the call's group when all of its own are stored. */
export async function joinLater(store: Store, { part }: SubmitPlan): Promise<void> {
  for (const { before, next } of part?.joins ?? []) {
    const { groups, places } = next as TaskRecord;
    const joined = await store.update("settle", next.id, ({ record }) => {
      const group = groups.at(-1)!;
      if (isForgotten(record) || record.groups.includes(group)) return null;
      return { next: joining(store, record, group, places!.at(-1)!, "") };
    }, before);
    if (joined === undefined) {
      throw new ConflictError(`task ${bare(next.id)}, which has its key, was deleted`);
    }
  }
}
