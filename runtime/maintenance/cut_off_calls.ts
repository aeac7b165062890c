// Undoes calls of several commits that were cut off between them, because their process died.

import { isAwaiting, isForgotten } from "../core/task.ts";
import { cancelled } from "../core/transitions.ts";
import { abandonBarrier, type Barrier } from "../dependencies/barrier.ts";
import { edgesOf } from "../dependencies/edges.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { setTotal } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";

const PER_READ = 500;

/**
 * Cancels the tasks behind a barrier that was never lifted.
 *
 * @param until the time that the timer was set for
 * @param isStopping asked between tasks
 * @returns false if the call moved on at this moment, or this process stops.
 */
export async function abandonCall(
  store: Store,
  barrier: string,
  until: number,
  isStopping: () => boolean,
): Promise<boolean> {
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
      if (isStopping()) return false;
      await store.update("settle", id, ({ record }) => {
        if (isForgotten(record) || !isAwaiting(record)) return null;
        return { next: cancelled(record, clock.now(), "the call that submitted it was cut off") };
      });
    }
    await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
  }
  return true;
}

/**
 * Corrects the total of a group whose call has stored fewer tasks than it had announced.
 *
 * @param timer the call renews it with each commit: then nothing is corrected
 */
export async function recountGroup(
  { kv, clock }: Store,
  group: string,
  timer: Deno.AtomicCheck,
): Promise<void> {
  const members = new Set<string>();
  for await (const page of pages(kv, { prefix: prefixes.index("group", group) }, { size: PER_READ })) {
    for (const { key } of page) members.add(parse.index(key).id);
  }
  // Those that are gone have ended before: the log, which is read last, has them.
  for await (const page of pages(kv, { prefix: prefixes.groupDone(group) }, { size: PER_READ })) {
    for (const { key } of page) members.add(parse.groupDone(key).id);
  }
  await setTotal(kv, clock, group, members.size, timer);
}
