// One commit changes a record once: a task that lends its result may also lose its key to a task of the same
// call, or join its group.

import type { TaskRecord } from "../../core/task.ts";
import type { Change } from "../../store/commit_unit.ts";

/** All that the changes do to one record goes into one of them. */
export function oneForEach(changes: readonly Change[]): void {
  const known = new Map<string, Change>();
  for (const change of changes) if (change.before !== null) known.set(change.next.id, change);
  for (const change of changes) {
    const { beside } = change;
    if (!beside) continue;
    const first = known.get(beside.next.id);
    if (first === undefined) known.set(beside.next.id, beside);
    else if (first !== beside) {
      first.next = both(first, beside);
      change.beside = undefined;
    }
  }
}

/** What either has changed. */
function both({ before, next }: Change, other: Change): TaskRecord {
  const [was, one, two] = [before!.record, next, other.next] as [TaskRecord, TaskRecord, TaskRecord];
  const changed = Object.entries(two).filter(([field, value]) => value !== was[field as keyof TaskRecord]);
  const merged = { ...one, ...Object.fromEntries(changed) };
  const until = Math.max(one.lent?.until ?? 0, two.lent?.until ?? 0);
  return merged.lent ? { ...merged, lent: { ...merged.lent, until } } : merged;
}
