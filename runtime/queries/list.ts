// Lists of tasks, newest first. Each filter has an index that narrows the search; the rest is compared on the records.
// A page looks at a bounded number of records, so it may come back short, with a cursor to go on from.

import { idRange, keys, parse, prefixes } from "../platform/keys.ts";
import type { Waiting } from "../store/index_entries.ts";
import type { DependencyCounter } from "../store/dependency_counters.ts";
import { blocks } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import type { ConcurrencyLimit } from "../dependencies/concurrency_limit.ts";
import { MAX_CLOCK_SKEW_MS } from "../platform/ids.ts";
import { type Entry, isForgotten, isTerminalType, type StateType, typeOf } from "../core/task.ts";

export interface ListQuery {
  state?: StateType;
  task?: string;
  tag?: string;
  groupId?: string;
  /** Whose function submitted it. */
  parentId?: string;
  /** Milliseconds since the epoch; both ends exclusive. */
  createdAfter?: number;
  createdBefore?: number;
  /** The id that the last page ended at. */
  cursor?: string;
  limit: number;
}

export interface Page {
  entries: Entry[];
  nextCursor: string | null;
}

/** Records that one page looks at. */
const LONGEST_LOOK = 5_000;
const PER_READ = 200;
/** Up to this many tasks of one waiting or running state are sorted in memory; beyond, all tasks are looked through. */
const MOST_SORTED = 10_000;
const MOST_WINDOWS = 1_000;

export async function list(store: Store, query: ListQuery): Promise<Page> {
  const entries: Entry[] = [];
  const bounds = await idBounds(store, query);
  let before = query.cursor ?? null;
  for (let looked = 0; looked < LONGEST_LOOK;) {
    const { found, ids, done } = await candidates(store, query, bounds, before);
    looked += ids.length;
    for (const [i, id] of ids.entries()) {
      const entry = found[i];
      before = id;
      if (entry && matches(entry, query)) entries.push(entry);
      if (entries.length === query.limit) {
        return { entries, nextCursor: done && i === ids.length - 1 ? null : id };
      }
    }
    if (done) return { entries, nextCursor: null };
  }
  return { entries, nextCursor: before };
}

interface Candidates {
  ids: string[];
  found: (Entry | null)[];
  done: boolean;
}

async function candidates(
  store: Store,
  query: ListQuery,
  bounds: IdBounds,
  before: string | null,
): Promise<Candidates> {
  const { state, task, tag, groupId, parentId } = query;
  if (tag !== undefined) return await fromIndex(store, prefixes.index("tag", tag), bounds, before);
  if (groupId !== undefined) return await fromIndex(store, prefixes.index("group", groupId), bounds, before);
  if (parentId !== undefined) {
    return await fromIndex(store, prefixes.index("parent", parentId), bounds, before);
  }
  if (state !== undefined && !isTerminalType(state)) {
    const driven = await drivenIn(store, [state], task);
    if (driven) return fromIds(store, driven, before);
  } else if (task !== undefined) {
    // Only ended tasks stand in the index of their definition; the others are found by what drives them.
    const driven = state === undefined
      ? await drivenIn(store, ["PENDING", "SCHEDULED", "RUNNING"], task)
      : [];
    if (driven) {
      const ended = await idsWithin(store, prefixes.index("task", task), bounds, before);
      return fromIds(store, [...driven, ...ended].sort().reverse(), before, ended.length < PER_READ);
    }
  } else if (state !== undefined && state !== "COMPLETED") {
    return await fromIndex(store, prefixes.index("state", state), bounds, before);
  }
  const page = await store.readNewest(within(prefixes.task, bounds, before), PER_READ);
  return {
    ids: page.map(({ id }) => id),
    found: page.map(({ entry }) => entry && !isForgotten(entry.record) ? entry as Entry : null),
    done: page.length < PER_READ,
  };
}

async function fromIndex(
  store: Store,
  prefix: Deno.KvKey,
  bounds: IdBounds,
  before: string | null,
): Promise<Candidates> {
  const ids = await idsWithin(store, prefix, bounds, before);
  return { ids, found: await records(store, ids), done: ids.length < PER_READ };
}

async function idsWithin(
  store: Store,
  prefix: Deno.KvKey,
  bounds: IdBounds,
  before: string | null,
): Promise<string[]> {
  const page = await store.kv.list(within(prefix, bounds, before), { limit: PER_READ, reverse: true });
  return page.map(({ key }) => parse.index(key).id);
}

/** @param whole true if `all` misses none of the older ones. */
async function fromIds(
  store: Store,
  all: string[],
  before: string | null,
  whole = true,
): Promise<Candidates> {
  const rest = all.filter((id, i) => (before === null || id < before) && id !== all[i - 1]);
  const ids = rest.slice(0, PER_READ);
  return { ids, found: await records(store, ids), done: whole && rest.length <= PER_READ };
}

/** Ids of tasks that wait or run, newest first; null if they are too many to sort. */
async function drivenIn(store: Store, states: StateType[], task?: string): Promise<string[] | null> {
  const ids = new Set<string>();
  for (const state of states) {
    for await (const found of driversOf(store, state, task)) {
      for (const id of found) ids.add(id);
      if (ids.size > MOST_SORTED) return null;
    }
  }
  return [...ids].sort().reverse();
}

/** Ids that the drivers of a state name; some may have moved on since. */
async function* driversOf(
  store: Store,
  state: StateType,
  task: string | undefined,
): AsyncGenerator<string[]> {
  if (state === "PENDING") {
    for (let shard = 0; shard < store.kv.shards; shard++) {
      for await (const { value: { ids, tasks } } of blocks(store.kv, shard)) {
        yield task === undefined ? ids : ids.filter((_, i) => tasks[i] === task);
      }
    }
    // Those that wait for a place in their group's window.
    for (
      const { key, value } of await store.kv.list<ConcurrencyLimit>({ prefix: prefixes.concurrencyLimits }, {
        limit: MOST_WINDOWS,
      })
    ) {
      const group = parse.concurrencyLimit(key);
      const prefix = prefixes.index("group", group);
      const start = keys.index("group", group, value.cursor);
      const members = await store.kv.list({ prefix, start }, { limit: MOST_SORTED + 1 });
      yield members.map((member) => parse.index(member.key).id);
    }
    const late = await store.kv.list({ prefix: prefixes.readmissions }, { limit: MOST_SORTED + 1 });
    yield late.map(({ key }) => parse.readmission(key).id);
    const joins = await store.kv.list<DependencyCounter>({ prefix: prefixes.dependencyCounters }, {
      limit: MOST_SORTED + 1,
    });
    const awaiting = joins.filter(({ value }) => task === undefined || value.task === task);
    yield (joins.length > MOST_SORTED ? joins : awaiting).map(({ key }) => parse.dependencyCounter(key));
  } else if (state === "SCHEDULED") {
    const page = await store.kv.list<Waiting>({ prefix: prefixes.due("start") }, { limit: MOST_SORTED + 1 });
    const wanted = page.filter(({ value }) => task === undefined || value.task === task);
    yield (page.length > MOST_SORTED ? page : wanted).map(({ key }) => parse.due(key).id);
  } else {
    const page = await store.kv.list<string[]>({ prefix: prefixes.leases }, { limit: MOST_SORTED });
    yield page.flatMap(({ value }) => value);
  }
}

async function records(store: Store, ids: string[]): Promise<(Entry | null)[]> {
  const entries = await store.readMany(ids);
  return entries.map((entry) => entry && !isForgotten(entry.record) ? entry as Entry : null);
}

function matches({ record }: Entry, query: ListQuery): boolean {
  return (query.state === undefined || typeOf(record) === query.state) &&
    (query.task === undefined || record.task === query.task) &&
    (query.tag === undefined || record.tags.includes(query.tag)) &&
    (query.groupId === undefined || record.groups.includes(query.groupId)) &&
    (query.parentId === undefined || record.parentId === query.parentId) &&
    (query.createdAfter === undefined || record.createdAt > query.createdAfter) &&
    (query.createdBefore === undefined || record.createdAt < query.createdBefore);
}

/** Where in a range of ids the wanted tasks can be. */
interface IdBounds {
  from: string;
  to: string | null;
}

/** A UUIDv7 begins with its milliseconds, so instants narrow a range, unless ids of callers' own tell other times. */
async function idBounds(store: Store, { createdAfter, createdBefore }: ListQuery): Promise<IdBounds> {
  const asked = createdAfter !== undefined || createdBefore !== undefined;
  if (!asked || (await store.kv.get(keys.oddIds)).value !== null) return { from: "", to: null };
  return {
    from: createdAfter === undefined ? "" : idAt(createdAfter - MAX_CLOCK_SKEW_MS),
    to: createdBefore === undefined ? null : idAt(createdBefore + MAX_CLOCK_SKEW_MS),
  };
}

/** The part of an id-ordered range that a page may be in. */
function within(prefix: Deno.KvKey, { from, to }: IdBounds, before: string | null): Deno.KvListSelector {
  const end = to !== null && (before === null || to < before) ? to : before;
  return idRange(prefix, from, end);
}

/** The smallest UUIDv7 of a millisecond. */
function idAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** Ids that have a tag now, newest first, at most `limit`. */
export async function idsTagged(store: Store, tag: string, limit: number): Promise<string[]> {
  const page = await store.kv.list({ prefix: prefixes.index("tag", tag) }, { limit, reverse: true });
  const ids = page.map(({ key }) => parse.index(key).id);
  const found = await store.readMany(ids);
  return ids.filter((_, i) => found[i] !== null && !isForgotten(found[i].record));
}
