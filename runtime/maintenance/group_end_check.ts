// Finds groups that have ended, and tasks that wait for them and were not told: a process of an older release
// counts the ends of a group, and tells nobody.

import { type Entry, isAwaiting } from "../core/task.ts";
import { edgesOfGroup } from "../dependencies/edges.ts";
import { endOfUpstream } from "../dependencies/group_end.ts";
import { keys } from "../platform/keys.ts";
import { groupEndSubject } from "../platform/outbox_subject.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import type { GroupRecord } from "../store/group_record.ts";
import type { Store } from "../store/store.ts";

/**
 * Has those told.
 *
 * @param active tasks that have not ended
 * @param onRepair told of each such group
 */
export async function tellOfEndedGroups(
  store: Store,
  active: Entry[],
  onRepair: (group: string, what: string) => void,
): Promise<number> {
  const groups = [
    ...new Set(active.flatMap(({ record }) => isAwaiting(record) ? record.deps?.groups ?? [] : [])),
  ];
  if (groups.length === 0) return 0;
  const found = await store.kv.getMany<unknown>(
    groups.flatMap((group) => [keys.group(group), keys.outbox(groupEndSubject(group))]),
  );
  let told = 0;
  for (const [i, group] of groups.entries()) {
    const [record, outbox] = found.slice(2 * i, 2 * i + 2);
    const end = endOfUpstream(record.value as GroupRecord | null);
    if (end === null || outbox.versionstamp !== null || await isTold(store, group, end)) continue;
    const subject = groupEndSubject(group);
    const checks = [{ key: record.key, versionstamp: record.versionstamp }];
    if (!await store.commit("outbox", [], { checks, writes: [outboxWrite(subject)] })) continue;
    onRepair(group, "is a group that had ended, and tasks that wait for it were not told");
    told++;
  }
  return told;
}

async function isTold({ kv }: Store, group: string, end: string): Promise<boolean> {
  for await (const page of edgesOfGroup(kv, group)) {
    if (page.some(({ value: { told } }) => told !== end)) return false;
  }
  return true;
}
