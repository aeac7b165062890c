// The ids of tasks that have not ended: from what drives them, the queue, timers, leases and counters.

import type { StateType } from "../core/states.ts";
import type { ConcurrencyLimit } from "../dependencies/concurrency_limit.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { DependencyCounter } from "../store/dependency_counters.ts";
import type { Waiting } from "../store/index_entries.ts";
import { readyBlocks } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";

/** Up to so many ids are sorted in memory. */
const MOST_SORTED = 10_000;
const MOST_LIMITS = 1_000;

/** Ids of tasks in these states, newest first. Null if there are too many to sort. */
export async function activeIds(store: Store, states: StateType[], task?: string): Promise<string[] | null> {
  const ids = new Set<string>();
  for (const state of states) {
    for await (const found of idsIn(store, state, task)) {
      for (const id of found) ids.add(id);
      if (ids.size > MOST_SORTED) return null;
    }
  }
  return [...ids].sort().reverse();
}

/** May name tasks that have moved on, or of other definitions: the caller compares the records. */
function idsIn(store: Store, state: StateType, task?: string): AsyncGenerator<string[]> {
  switch (state) {
    case "PENDING":
      return pending(store, task);
    case "SCHEDULED":
      return scheduled(store, task);
    default:
      return leased(store);
  }
}

async function* pending(store: Store, task?: string): AsyncGenerator<string[]> {
  for (let shard = 0; shard < store.kv.shards; shard++) {
    for await (const { value: { ids, tasks } } of readyBlocks(store.kv, shard)) {
      yield task === undefined ? ids : ids.filter((_, i) => tasks[i] === task);
    }
  }
  yield* limited(store);
  const counters = await store.kv.list<DependencyCounter>({ prefix: prefixes.dependencyCounters }, {
    limit: MOST_SORTED + 1,
  });
  yield wanted(counters, task).map(({ key }) => parse.dependencyCounter(key));
}

/** Tasks that wait for a slot of their group. */
async function* limited({ kv }: Store): AsyncGenerator<string[]> {
  const limits = await kv.list<ConcurrencyLimit>({ prefix: prefixes.concurrencyLimits }, {
    limit: MOST_LIMITS,
  });
  for (const { key, value } of limits) {
    const group = parse.concurrencyLimit(key);
    const selector = {
      prefix: prefixes.index("group", group),
      start: keys.index("group", group, value.cursor),
    };
    const members = await kv.list(selector, { limit: MOST_SORTED + 1 });
    yield members.map((member) => parse.index(member.key).id);
  }
  const readmissions = await kv.list({ prefix: prefixes.readmissions }, { limit: MOST_SORTED + 1 });
  yield readmissions.map(({ key }) => parse.readmission(key).id);
}

async function* scheduled({ kv }: Store, task?: string): AsyncGenerator<string[]> {
  const timers = await kv.list<Waiting>({ prefix: prefixes.due("start") }, { limit: MOST_SORTED + 1 });
  yield wanted(timers, task).map(({ key }) => parse.due(key).id);
}

async function* leased({ kv }: Store): AsyncGenerator<string[]> {
  const leases = await kv.list<string[]>({ prefix: prefixes.leases }, { limit: MOST_SORTED });
  yield leases.flatMap(({ value }) => value);
}

/** Entries of a definition; all entries where the list was cut, because then there are too many. */
function wanted<T extends { task: string }>(entries: Deno.KvEntry<T>[], task?: string): Deno.KvEntry<T>[] {
  if (task === undefined || entries.length > MOST_SORTED) return entries;
  return entries.filter(({ value }) => value.task === task);
}
