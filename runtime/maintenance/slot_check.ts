// Finds tasks that wait for a slot of their group, where nothing will ever give them one.

import { type Entry, stateOf } from "../core/task.ts";
import { type ConcurrencyLimit, freeSlots } from "../dependencies/concurrency_limit.ts";
import { keys } from "../platform/keys.ts";
import { concurrencyLimitId } from "../platform/outbox_subject.ts";
import type { GroupRecord } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import { adoptGroup } from "./group_pruner.ts";

/** A task whose driver was not found. */
export interface Suspect {
  entry: Entry;
  /** What is wrong with it. */
  what: string;
}

/**
 * @param active tasks that have not ended. Groups of theirs that release 0.1 has made are kept from now
 * on.
 */
export async function withoutSlot(store: Store, active: Entry[]): Promise<Suspect[]> {
  const suspects: Suspect[] = [];
  const waiting = Map.groupBy(
    active.filter(({ record }) => record.windowed),
    ({ record }) => record.groups[0],
  );
  for (const group of new Set(active.flatMap(({ record }) => record.groups))) {
    const what = await faultOf(store, group);
    const entries = waiting.get(group) ?? [];
    if (what === "was not admitted to a free slot") {
      // A task that waits for others may not have had its turn: it takes no slot from those behind it.
      const next = entries.find(({ record }) => stateOf(record).name === "AwaitingConcurrencySlot");
      if (next) suspects.push({ entry: next, what });
    } else if (what) suspects.push(...entries.map((entry) => ({ entry, what })));
  }
  return suspects;
}

async function faultOf(store: Store, group: string): Promise<string | null> {
  // One snapshot: a slot that is free and an outbox entry that is gone must have been so at the same time.
  const [record, limit, outbox] = await store.kv.getMany<unknown>([
    keys.group(group),
    keys.concurrencyLimit(group),
    keys.outbox(concurrencyLimitId(group)),
  ]);
  const counters = record.value as GroupRecord | null;
  if (counters && counters.purgeAt === undefined) await adoptGroup(store, group);
  if (!counters) return "waited for a slot of a group that was gone";
  const { value } = limit as Deno.KvEntryMaybe<ConcurrencyLimit>;
  if (counters.maxConcurrent !== undefined && value === null) return "waited for a slot of a lost limit";
  const isOverlooked = value !== null && outbox.versionstamp === null && freeSlots(value, counters) > 0;
  return isOverlooked ? "was not admitted to a free slot" : null;
}
