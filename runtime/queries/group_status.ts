// How many tasks of a group are in each state.

import type { StateType } from "../core/states.ts";
import { isForgotten, typeOf } from "../core/task.ts";
import { prefixes } from "../platform/keys.ts";
import { doneOf, type GroupRecord } from "../store/group_counters.ts";
import type { Waiting } from "../store/index_entries.ts";
import type { Store } from "../store/store.ts";

export interface GroupStatus {
  id: string;
  total: number;
  /** How many have ended. */
  done: number;
  /** How many tasks are in each state; states without a task are left out. */
  counts: Partial<Record<StateType, number>>;
  createdAt: number;
}

/** Leases and timers that are read. */
const MOST_READ = 100_000;

export async function statusOf(store: Store, group: GroupRecord): Promise<GroupStatus> {
  const { id, total, ended, createdAt } = group;
  const done = doneOf(group);
  const counts: Partial<Record<StateType, number>> = {};
  for (const [type, count] of Object.entries(ended) as [StateType, number][]) {
    if (count > 0) counts[type] = count;
  }
  let rest = total - done;
  if (rest > 0) {
    // Leases and timers say which tasks run or are scheduled. The rest waits in the queue.
    for (const type of [...await running(store, id), ...await scheduled(store, id)].slice(0, rest)) {
      counts[type] = (counts[type] ?? 0) + 1;
      rest--;
    }
    if (rest > 0) counts.PENDING = rest;
  }
  return { id, total, done, counts, createdAt };
}

async function running(store: Store, group: string): Promise<StateType[]> {
  const leases = await store.kv.list<string[]>({ prefix: prefixes.leases }, { limit: MOST_READ });
  const entries = await store.readMany([...new Set(leases.flatMap(({ value }) => value))]);
  return entries.flatMap((entry) => {
    const record = entry?.record;
    const runs = record && !isForgotten(record) && record.lease !== null && record.groups.includes(group);
    return runs ? [typeOf(record)] : [];
  });
}

async function scheduled(store: Store, group: string): Promise<StateType[]> {
  const timers = await store.kv.list<Waiting>({ prefix: prefixes.due("start") }, { limit: MOST_READ });
  return timers.flatMap(({ value }) => value.groups.includes(group) ? ["SCHEDULED" as const] : []);
}
