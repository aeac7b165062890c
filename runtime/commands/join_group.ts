// A task that a running one adds to its group.

import type { Submission } from "../core/submission.ts";
import type { TaskRecord } from "../core/task.ts";

/** Behind those of the group's call, in the order in which they are added. */
export function joinGroup(draft: TaskRecord, { group, hasLimit }: NonNullable<Submission["joins"]>): void {
  draft.groups = [group];
  draft.places = [draft.createdAt];
  draft.added = true;
  if (hasLimit) Object.assign(draft, { windowed: true, late: true });
}
