// What makes a task the same task, whoever stores it and however often: its place in its call, or what else
// it was made for.

import { BULK } from "../../runtime/commands/bulk/order.ts";
import type { TaskRecord } from "../../runtime/core/task.ts";
import { slotOf } from "./schedules.ts";

/** `call/n` of a call that a caller has made. */
export function placeOf(record: TaskRecord): string {
  if (record.task === BULK) return `bulk ${record.id}/0`;
  if (record.rerunOf !== undefined) return `rerun ${record.id}/0`;
  const { call, n } = JSON.parse(record.metadata);
  return slotOf(record) ?? `${call}/${n}`;
}
