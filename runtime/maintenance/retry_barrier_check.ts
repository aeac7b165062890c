// Finds retried tasks that wait behind a barrier of their own, where nothing will ever lift it.

import { type Entry, isAwaiting } from "../core/task.ts";
import { isHeldBack } from "../dependencies/retry_barrier.ts";
import { keys } from "../platform/keys.ts";
import { retryBarrierId } from "../platform/outbox_subject.ts";
import type { Store } from "../store/store.ts";
import type { Suspect } from "./slot_check.ts";

/** @param active tasks that have not ended */
export async function heldForGood({ kv }: Store, active: Entry[]): Promise<Suspect[]> {
  const entries = active.filter(({ record }) => isAwaiting(record) && record.retriedAtAttempt !== undefined);
  const found = await kv.getMany<unknown>(entries.flatMap(({ record: { id } }) => {
    const barrier = retryBarrierId(id);
    return [keys.edge(barrier, id), keys.outbox(barrier), keys.dependencyCounter(id)];
  }));
  return entries.flatMap((entry, i): Suspect[] => {
    const [block, outbox, counter] = found.slice(3 * i, 3 * i + 3);
    const isLifted = !isHeldBack(block) || outbox.versionstamp !== null && counter.versionstamp !== null;
    return isLifted ? [] : [{ entry, what: "was held back for good after its retry" }];
  });
}
