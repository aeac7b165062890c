// A concurrency limit: so many tasks of a group may run at once. The others wait in the order of their ids.
// Each end of a task leaves an outbox entry, by which the next one is admitted.

import { isForgotten, isTerminal } from "../core/task.ts";
import { admitted } from "../core/transitions.ts";
import { after, keys, parse, prefixes } from "../platform/keys.ts";
import { concurrencyLimitId } from "../platform/outbox_subject.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { doneOf, type GroupRecord, groupRecord } from "../store/group_counters.ts";
import { isCutShort } from "../store/group_record.ts";
import type { Store } from "../store/store.ts";

export interface ConcurrencyLimit {
  max: number;
  admitted: number;
  /** The last admitted one: the next one has the next larger id. */
  cursor: string;
  /** The largest id of the group, and the definition of all its tasks: for lists, if they are known. */
  last?: string;
  task?: string;
}

/** Checks of a commit that are not about an admitted task. */
const SPARE_CHECKS = 5;

/** Of a group that is about to be stored. Its first tasks are admitted. */
export function openConcurrencyLimit(group: string, max: number, ids: string[], task?: string): Write {
  const count = Math.min(max, ids.length);
  return limitWrite(group, { max, admitted: count, cursor: ids[count - 1] ?? "", last: largest(ids), task });
}

function largest(ids: string[]): string {
  return ids.reduce((most, id) => id > most ? id : most, "");
}

/** Removed with its group. */
function limitWrite(group: string, value: ConcurrencyLimit): Write {
  return { key: keys.concurrencyLimit(group), value };
}

/**
 * Admits as many tasks as there are free slots, up to what one commit takes.
 *
 * @param outboxVersion the version of the outbox entry that asked for it
 * @returns false if there may be more to admit, or something has changed meanwhile.
 */
export async function admit(
  store: Store,
  group: string,
  outboxVersion: string,
  atOnce: number = store.kv.limits.checks - SPARE_CHECKS,
): Promise<boolean> {
  const { kv } = store;
  const outboxKey = keys.outbox(concurrencyLimitId(group));
  const limit = await kv.get<ConcurrencyLimit>(keys.concurrencyLimit(group));
  const record = await groupRecord(kv, group);
  const free = limit.value && record ? freeSlots(limit.value, record) : 0;
  const slots = Math.min(free, atOnce);
  const { again, next } = slots > 0 ? await waiting(kv, group, limit.value!, slots) : { again: [], next: [] };
  const options: UnitOptions = { checks: [{ key: outboxKey, versionstamp: outboxVersion }], writes: [] };
  // The outbox entry stays until no slot is free, or no task waits.
  if (again.length + next.length === 0) {
    options.writes!.push({ key: outboxKey });
    return await store.commit("outbox", [], options) !== null;
  }
  const changes = await admissions(store, [...new Set([...again, ...next])]);
  const { admitted, cursor } = limit.value!;
  const value = {
    ...limit.value!,
    admitted: admitted + changes.length,
    cursor: next.at(-1) ?? cursor,
  };
  options.checks!.push({ key: keys.concurrencyLimit(group), versionstamp: limit.versionstamp });
  options.writes!.push(limitWrite(group, value));
  // Large inputs stand in the records.
  if (slots > 1 && !store.fits(changes, options)) {
    return await admit(store, group, outboxVersion, Math.ceil(slots / 2));
  }
  await store.commit("outbox", changes, options);
  return false;
}

/** None in a group that was stopped: what waits there is about to be cancelled. */
export function freeSlots({ max, admitted }: ConcurrencyLimit, group: GroupRecord): number {
  if (isCutShort(group)) return 0;
  return max - (admitted - endedWithSlot(group));
}

function endedWithSlot(group: GroupRecord): number {
  return doneOf(group) - (group.outside ?? 0);
}

/** The limit of a group, made again from its tasks. */
export async function rebuiltConcurrencyLimit(
  store: Store,
  group: GroupRecord,
  max: number,
): Promise<Write> {
  let admitted = endedWithSlot(group);
  let cursor = "";
  let isBehindCursor = true;
  for await (const page of pages(store.kv, { prefix: prefixes.index("group", group.id) }, { size: 500 })) {
    const entries = await store.readMany(page.map(({ key }) => parse.index(key).id));
    for (const [i, entry] of entries.entries()) {
      const record = entry && !isForgotten(entry.record) ? entry.record : null;
      if (record && !isTerminal(record) && !record.windowed) admitted++;
      // Those that need a slot again stand under keys of their own.
      if (record?.windowed && !record.late && !isTerminal(record)) isBehindCursor = false;
      if (isBehindCursor) cursor = parse.index(page[i].key).id;
    }
  }
  return limitWrite(group.id, { max, admitted, cursor });
}

/** The group's tasks that have not had a slot yet. */
export function withoutSlotYet(group: string, { cursor }: ConcurrencyLimit): Deno.KvListSelector {
  return { prefix: prefixes.index("group", group), start: after(keys.index("group", group, cursor)) };
}

/** The ids of tasks that need a slot again, and of those that have not had one. Together at most `count`. */
async function waiting(
  kv: KvPort,
  group: string,
  limit: ConcurrencyLimit,
  count: number,
): Promise<{ again: string[]; next: string[] }> {
  const readmissions = await kv.list({ prefix: prefixes.readmissionsOf(group) }, { limit: count });
  const again = readmissions.map(({ key }) => parse.readmission(key).id);
  if (again.length === count) return { again, next: [] };
  const members = await kv.list(withoutSlotYet(group, limit), { limit: count - again.length });
  return { again, next: members.map(({ key }) => parse.index(key).id) };
}

async function admissions(store: Store, ids: string[]): Promise<Change[]> {
  const entries = await store.readMany(ids);
  return entries.flatMap((entry): Change[] => {
    if (!entry || isForgotten(entry.record) || !entry.record.windowed) return [];
    const next = admitted(entry.record, store.clock.now());
    return next ? [{ before: entry, next }] : [];
  });
}
