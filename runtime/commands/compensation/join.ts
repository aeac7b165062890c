// A task that takes another one back, on its way to a record.

import type { Submission } from "../../core/submission.ts";
import type { TaskRecord } from "../../core/task.ts";

/** It is in the group of those that take tasks of a group back. */
export function joinCompensations(
  draft: TaskRecord,
  { task, group, place, redact }: NonNullable<Submission["compensates"]>,
): void {
  draft.compensates = task;
  draft.groups = [group];
  draft.places = [place];
  if (redact.length > 0) draft.redact = [...draft.redact ?? [], ...redact];
}
