// Gives a task that has not ended another priority.

import { enter } from "../../core/enter_state.ts";
import { type Entry, isForgotten, isReady, isTerminal, type TaskRecord } from "../../core/task.ts";
import type { Store } from "../../store/store.ts";

/**
 * One that stands in a queue leaves it, and comes back by its timer, which is due at once: the key of a block
 * of the queue says the priority of all tasks in it.
 *
 * @returns false if it has ended, or has that priority
 */
export async function changePriority(store: Store, known: Entry, priority: number): Promise<boolean> {
  const changed = await store.update("change", known.record.id, ({ record }) => {
    if (isForgotten(record) || isTerminal(record) || record.priority === priority) return null;
    return { next: withPriority(record, store.clock.now(), priority) };
  }, known);
  return Boolean(changed);
}

function withPriority(record: TaskRecord, now: number, priority: number): TaskRecord {
  if (!isReady(record)) return { ...record, priority };
  const patch = { priority, runAt: now, wentBack: true } as const;
  return enter(record, now, "SCHEDULED", "Scheduled", `its priority is now ${priority}`, patch);
}
