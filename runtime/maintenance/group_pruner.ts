// Removes groups. A group lives as long as any of its tasks is there, and a week after its last change at the
// least: a retry of one of its tasks, or one that is delayed by months, needs its counters, log and slots.

import { edgesOfGroup } from "../dependencies/edges.ts";
import { keys, prefixes } from "../platform/keys.ts";
import { concurrencyLimitId, groupEndSubject } from "../platform/outbox_subject.ts";
import { pages } from "../platform/paging.ts";
import { GROUP_RETENTION_MS, type GroupRecord, listing, writesWithTimer } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";

/** A group whose tasks are there is looked at again after this. */
const LOOK_AGAIN_MS = 24 * 60 * 60 * 1000;
const KEYS_PER_WRITE = 500;
/** Keys that one call removes: the timers of others wait meanwhile. */
const MOST_REMOVED = 10_000;

/**
 * @param at the time that the timer was set for
 * @returns false if the timer must stay, or was moved.
 */
export async function pruneGroup(store: Store, group: string, at: number): Promise<boolean> {
  const { kv, clock } = store;
  const { value, versionstamp } = await kv.get<GroupRecord>(keys.group(group));
  if (value) {
    // The group has another timer.
    if (value.purgeAt !== at) return true;
    const check = { key: keys.group(group), versionstamp };
    const now = clock.now();
    const next = await nextLook(store, value, now);
    const atomic = kv.atomic().check(check);
    if (next !== null) {
      if (isAdopted(value)) await keepLog(store, group);
      for (const write of writesWithTimer({ ...value }, next)) kv.write(atomic, write, now);
      // Releases before 0.3 make groups that no list finds.
      kv.write(atomic, listing(group), now);
      if (next !== at) atomic.delete(keys.due("group", at, group));
      await kv.commit(atomic);
      return false;
    }
    // Those that wait for it must have been told of its end.
    if (value.followed) atomic.check({ key: keys.outbox(groupEndSubject(group)), versionstamp: null });
    atomic.delete(check.key).delete(keys.listedGroup(group));
    if (!(await kv.commit(atomic)).ok) return false;
  }
  for await (const page of edgesOfGroup(kv, group)) await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
  await kv.writeBlind([{ key: keys.concurrencyLimit(group) }, {
    key: keys.outbox(concurrencyLimitId(group)),
  }], 0);
  return await removeLog(store, group);
}

/** Null if the group is needed no more. */
async function nextLook({ kv }: Store, group: GroupRecord, now: number): Promise<number | null> {
  const { id, createdAt, changedAt = createdAt } = group;
  const leastUntil = changedAt + GROUP_RETENTION_MS;
  if (leastUntil > now) return leastUntil;
  const [member] = await kv.list({ prefix: prefixes.index("group", id) }, { limit: 1 });
  return member ? now + LOOK_AGAIN_MS : null;
}

/** Release 0.1 made it: its timer was due at once. */
function isAdopted({ purgeAt, changedAt }: GroupRecord): boolean {
  return purgeAt !== undefined && changedAt !== undefined && purgeAt <= changedAt;
}

/** Release 0.1 let each entry of the log expire a week after it was written. */
async function keepLog({ kv }: Store, group: string): Promise<void> {
  for await (const page of pages(kv, { prefix: prefixes.groupDone(group) }, { size: KEYS_PER_WRITE })) {
    await kv.writeBlind(page.map(({ key, value }) => ({ key, value })), 0);
  }
}

/** @returns false if there is more of it. */
async function removeLog({ kv }: Store, group: string): Promise<boolean> {
  let removed = 0;
  for await (const page of pages(kv, { prefix: prefixes.groupDone(group) }, { size: KEYS_PER_WRITE })) {
    await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
    removed += page.length;
    if (removed >= MOST_REMOVED) return false;
  }
  return true;
}

/** Gives a timer to a group of release 0.1, which would go a week after its last change. */
export async function adoptGroup({ kv, clock }: Store, group: string): Promise<void> {
  const { value, versionstamp } = await kv.get<GroupRecord>(keys.group(group));
  if (!value || value.purgeAt !== undefined) return;
  const now = clock.now();
  const atomic = kv.atomic().check({ key: keys.group(group), versionstamp });
  for (const write of writesWithTimer({ ...value, changedAt: now }, now)) kv.write(atomic, write, now);
  await kv.commit(atomic);
}
