// Whether a task may yet be taken back: until then it is kept, and all whose results it took.

import { type TaskRecord, typeOf } from "../core/task.ts";
import { groupRecord } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";

/** True as long as it has not been decided, or is not done. */
export async function mayBeCompensated({ kv }: Store, record: TaskRecord): Promise<boolean> {
  if (record.compensate === undefined || typeOf(record) !== "COMPLETED") return false;
  const group = await groupRecord(kv, record.groups[0]);
  if (!group) return false;
  return group.outcome?.type !== "COMPLETED" && group.compensation?.ended === undefined;
}
