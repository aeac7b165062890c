// Undoes calls of several commits that were cut off between them, because their process died.

import { isAwaiting, isForgotten, isTerminal } from "../core/task.ts";
import { cancelled } from "../core/transitions.ts";
import { abandonBarrier, type Barrier } from "../dependencies/barrier.ts";
import { edgesOf } from "../dependencies/edges.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { doneOf, groupRecord, setTotal } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";

const PER_READ = 500;

/**
 * Cancels the tasks behind a barrier that was never lifted.
 *
 * @param until the time that the timer was set for
 * @returns false if the call moved on at this moment.
 */
export async function abandonCall(store: Store, barrier: string, until: number): Promise<boolean> {
  const { kv, clock } = store;
  const entry = await kv.get<Barrier>(keys.barrier(barrier));
  const { value } = entry;
  // The call was taken up again since, with a timer of its own.
  if (value && value.until !== until) return true;
  if (value?.sealed) return true;
  if (value && !value.givenUp) {
    const atomic = kv.atomic().check(entry);
    kv.write(atomic, abandonBarrier(barrier, value, clock.now()), clock.now());
    if (!(await kv.commit(atomic)).ok) return false;
  }
  // In the order of the blocks: dependents are cancelled before their upstreams, so no task is released
  // meanwhile.
  for await (const page of edgesOf(kv, barrier)) {
    for (const id of page.flatMap(({ value }) => value.ids)) {
      await store.update("settle", id, ({ record }) => {
        if (isForgotten(record) || !isAwaiting(record)) return null;
        return { next: cancelled(record, clock.now(), "the call that submitted it was cut off") };
      });
    }
    await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
  }
  return true;
}

/** Corrects the total of a group whose call has stored fewer tasks than it had announced. */
export async function recountGroup(store: Store, group: string): Promise<void> {
  const { kv, clock } = store;
  for (;;) {
    const record = await groupRecord(kv, group);
    if (record === null) return;
    const unfinished = await unfinishedOf(store, group);
    // A task that ended meanwhile may be in neither number: then both are counted again.
    const now = await groupRecord(kv, group);
    if (now?.log !== record.log || doneOf(now) !== doneOf(record)) continue;
    // Ended tasks are counted by the group: some may be gone already.
    return await setTotal(kv, clock, group, doneOf(record) + unfinished);
  }
}

async function unfinishedOf(store: Store, group: string): Promise<number> {
  let count = 0;
  for await (const page of pages(store.kv, { prefix: prefixes.index("group", group) }, { size: PER_READ })) {
    const entries = await store.readMany(page.map(({ key }) => parse.index(key).id));
    count += entries.filter((entry) => {
      return entry && !isForgotten(entry.record) && !isTerminal(entry.record);
    }).length;
  }
  return count;
}
