// A group that tasks wait for: its end is told to them as that of a task is, by blocks of them that stand
// with the group. The group's record says that there are some; whatever changes its end leaves an outbox
// entry (store/group_counters.ts).

import type { EndedGroup, GroupEndType } from "../core/group_policy.ts";
import { isForgotten, isTerminal, type TaskRecord, typeOf } from "../core/task.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { groupEndSubject } from "../platform/outbox_subject.ts";
import { pages } from "../platform/paging.ts";
import { groupRecord, type LogValue } from "../store/group_counters.ts";
import { endOfGroup, type GroupRecord } from "../store/group_record.ts";
import type { Store } from "../store/store.ts";
import { edgesOfGroup, tellDependents } from "./edges.ts";

const MEMBERS_PER_READ = 100;
/** The first one that failed is mostly among the first that have ended. */
const LOG_READ = 500;

/** One that is gone has no results, and never ends otherwise. */
export function endOfUpstream(group: GroupRecord | null): GroupEndType | null {
  return group === null ? "CANCELLED" : endOfGroup(group);
}

/**
 * Tells the tasks that wait for a group how it has ended; or that it has not, after a retry.
 *
 * @param outboxVersion the version of the outbox entry that asked for it
 * @param isStopping asked in between
 * @returns false if it must be done again.
 */
export async function tellOfGroup(
  store: Store,
  group: string,
  outboxVersion: string,
  isStopping: () => boolean,
): Promise<boolean> {
  const { value, versionstamp } = await store.kv.get<GroupRecord>(keys.group(group));
  if (value?.referred && !await keepResults(store, group, isStopping)) return false;
  // It may go on, and end otherwise, while they are told.
  const check = { key: keys.group(group), versionstamp };
  const edges = edgesOfGroup(store.kv, group);
  if (!await tellDependents(store, group, endOfUpstream(value), check, isStopping, edges)) return false;
  const key = keys.outbox(groupEndSubject(group));
  const checks = [{ key, versionstamp: outboxVersion }];
  return await store.commit("outbox", [], { checks, writes: [{ key }] }) !== null;
}

/** Its tasks are kept as long as somebody may take their results. @returns false if the process stops */
async function keepResults(store: Store, group: string, isStopping: () => boolean): Promise<boolean> {
  const selector = { prefix: prefixes.index("group", group) };
  for await (const page of pages(store.kv, selector, { size: MEMBERS_PER_READ })) {
    if (isStopping()) return false;
    // Its retention may have ended since somebody came to refer to it.
    const entries = await store.peekMany(page.map(({ key }) => parse.index(key).id));
    await Promise.all(entries.map(async (entry) => {
      if (!entry || isForgotten(entry.record) || entry.record.referred) return;
      await store.update("outbox", entry.record.id, ({ record }) => {
        return isForgotten(record) || record.referred ? null : { next: { ...record, referred: true } };
      }, entry);
    }));
  }
  return true;
}

/** Null if it has not ended any more. */
export async function endedGroup(store: Store, group: string): Promise<EndedGroup | null> {
  const record = await groupRecord(store.kv, group);
  const type = endOfUpstream(record);
  return type && { group, type, failed: await firstFailure(store, group) };
}

async function firstFailure(store: Store, group: string): Promise<TaskRecord | null> {
  const log = await store.kv.list<LogValue>({ prefix: prefixes.groupDone(group) }, { limit: LOG_READ });
  const first = log.find(({ value: { type } }) => type === "FAILED" || type === "CRASHED") ??
    log.find(({ value: { type } }) => type === "CANCELLED");
  const [entry] = first ? await store.peekMany([parse.groupDone(first.key).id]) : [];
  if (!entry || isForgotten(entry.record)) return null;
  return isTerminal(entry.record) && typeOf(entry.record) !== "COMPLETED" ? entry.record : null;
}
