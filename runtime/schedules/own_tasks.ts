// The tasks of schedules that may not have ended.

import { inTenant } from "../core/tenant.ts";
import type { Store } from "../store/store.ts";
import { type OwnTask, ownTaskOf } from "./decision.ts";
import type { ScheduleRecord } from "./record.ts";

/** Of each record its tasks that are still there, in a few reads for all of them. */
export async function ownTasks(store: Store, records: (ScheduleRecord | null)[]): Promise<OwnTask[][]> {
  const ids = records.map((record) => record ? record.active.map((id) => inTenant(id, record.tenant)) : []);
  const stored = await store.readMany(ids.flat());
  let at = 0;
  return ids.map((own) =>
    stored.slice(at, at += own.length).flatMap((entry) => entry ? ownTaskOf(entry.record) ?? [] : [])
  );
}
