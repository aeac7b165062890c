// Lists of tasks, newest first. One filter narrows the search by an index; the others are compared with the
// records. A page reads a bounded number of records, for a bounded time, so it may have fewer tasks than its
// limit, and a cursor to go on from. A task that fits the filters all the time is on one page, however it
// moves meanwhile.

import { ANYBODY, type Caller } from "../core/caller.ts";
import { isTerminalType } from "../core/states.ts";
import type { Entry } from "../core/task.ts";
import { idRange, parse, prefixes, tasksOf } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import type { Store } from "../store/store.ts";
import { activeIds, LISTED_STATES, MOST_SORTED_IN_TIME } from "./active_ids.ts";
import { presentOrNull } from "./group_members.ts";
import { endOf, type IdBounds, idBounds } from "./id_bounds.ts";
import { fits, fitsNone, looksIntoErrors, statesOf, type TaskFilter } from "./list_filter.ts";
import { type Bound, ReadingTime, UNBOUNDED } from "./reading_time.ts";

export interface ListQuery extends TaskFilter {
  /** The id that the last page ended at. */
  cursor?: string;
  limit: number;
  /** Count all that fit, as far as there is time. */
  counts?: boolean;
  /** Whose tasks. Default: those of the default tenant, all of them. */
  caller?: Caller;
}

export interface Page {
  entries: Entry[];
  nextCursor: string | null;
  /** If it was asked for. Not exact: there are at least so many. */
  count?: { value: number; exact: boolean };
}

/** Records that one page reads. */
const MOST_READ = 5_000;
const PER_READ = 200;

export async function list(store: Store, query: ListQuery): Promise<Page> {
  const { cursor = null, limit, counts = false, caller = ANYBODY } = query;
  if (fitsNone(query)) return { entries: [], nextCursor: null, ...counts && { count: NONE } };
  const entries: Entry[] = [];
  let nextCursor: string | null = null;
  const time = new ReadingTime(store.clock);
  const bounds = await idBounds(store, query);
  const sources = await sourcesOf(store, query, time);
  const scan = (before: string | null, time: ReadingTime) =>
    candidates(store, query, sources, bounds, before, time);
  const isKeyed = sources !== null && bounds.to === null && bounds.from === "" &&
    countedByKeys(query, caller);
  // What a first page looks through is counted as it is.
  const isCounted = counts && !isKeyed && cursor === null;
  const count = { value: 0, exact: false };
  for await (const { ids, found, done } of scan(cursor, time)) {
    const isFull = entries.length === limit;
    let end = ids.length - 1;
    for (let i = 0; i < ids.length && (isCounted || entries.length < limit); i++) {
      const entry = found[i];
      if (!entry || !fits(entry.record, query, caller)) continue;
      count.value++;
      if (entries.length === limit) continue;
      entries.push(entry);
      if (entries.length === limit) end = i;
    }
    if (!isFull) nextCursor = done && end === ids.length - 1 ? null : ids[end];
    count.exact = done;
    if (entries.length === limit && !isCounted) break;
  }
  if (!counts) return { entries, nextCursor };
  // A list that is on its first page, and whole, is its own count.
  if (cursor === null && nextCursor === null) {
    return { entries, nextCursor, count: { value: entries.length, exact: true } };
  }
  if (isCounted) return { entries, nextCursor, count };
  if (isKeyed) return { entries, nextCursor, count: await countKeys(store, sources.indexes, time) };
  return {
    entries,
    nextCursor,
    count: await countFrom(scan(null, new ReadingTime(store.clock)), query, entries.length),
  };
}

async function countFrom(
  slices: AsyncIterable<Candidates>,
  query: ListQuery,
  least: number,
): Promise<NonNullable<Page["count"]>> {
  const count = { value: 0, exact: false };
  for await (const { found, done } of slices) {
    for (const entry of found) if (entry && fits(entry.record, query, query.caller)) count.value++;
    count.exact = done;
  }
  return { ...count, value: Math.max(count.value, least) };
}

/**
 * All that fits, newest first, however long it takes: a page for each read, which may be empty.
 *
 * @param query its limit is left out
 */
export async function* scan(
  store: Store,
  query: Omit<ListQuery, "limit">,
): AsyncGenerator<{ entries: Entry[]; cursor: string }> {
  const { cursor = null, caller = ANYBODY } = query;
  const bounds = await idBounds(store, query);
  const sources = await sourcesOf(store, query, UNBOUNDED);
  for await (const { ids, found } of candidates(store, query, sources, bounds, cursor, UNBOUNDED, Infinity)) {
    if (ids.length === 0) return;
    const entries = found.filter((entry): entry is Entry =>
      entry !== null && fits(entry.record, query, caller)
    );
    yield { entries, cursor: ids[ids.length - 1] };
  }
}

/** True if each key of the indexes is a task that fits. */
function countedByKeys(
  { task, queue, tag, groupId, parentId, states = [], ...rest }: ListQuery,
  caller: Caller,
) {
  const said = [tag, groupId, parentId, states.length > 0 || undefined].filter((one) => one !== undefined);
  const isMore = [task, queue, rest.q, rest.finishedAfter, rest.finishedBefore].some((one) =>
    one !== undefined
  );
  const isEnds = states.every((state) => isTerminalType(state) && state !== "COMPLETED");
  return said.length === 1 && !isMore && isEnds && caller.patterns.length === 0;
}

async function countKeys(
  { kv }: Store,
  indexes: Deno.KvKey[],
  time: ReadingTime,
): Promise<NonNullable<Page["count"]>> {
  const count = { value: 0, exact: true };
  for (const prefix of indexes) {
    for await (const page of pages(kv, { prefix }, { size: KEYS_PER_READ })) {
      count.value += page.length;
      if (page.length === KEYS_PER_READ && time.isOver) return { ...count, exact: false };
    }
  }
  return count;
}

const KEYS_PER_READ = 500;
const NONE = { value: 0, exact: true };
/** Where the tasks are that may fit. Null: they may be anywhere. */
interface Sources {
  /** Newest first; read once for a page, and before the indexes. */
  active: string[];
  /** Prefixes of keys that end with an id. */
  indexes: Deno.KvKey[];
}

async function sourcesOf(
  { kv }: Store,
  query: Omit<ListQuery, "limit">,
  time: Bound,
): Promise<Sources | null> {
  const { task, tag, groupId, parentId, caller: { tenant } = ANYBODY } = query;
  const states = statesOf(query);
  const most = time === UNBOUNDED ? MOST_SORTED_IN_TIME : undefined;
  if (tag !== undefined) return fromIndex(prefixes.index("tag", tag, tenant));
  if (groupId !== undefined) return fromIndex(prefixes.index("group", groupId));
  if (parentId !== undefined) return fromIndex(prefixes.index("parent", parentId));
  const ends = states.filter(isTerminalType);
  const others = states.filter((state) => !isTerminalType(state));
  if (others.some((state) => !LISTED_STATES.has(state))) return null;
  // Most tasks complete: those have no index of their own.
  const isNarrow = states.length > 0 && !ends.includes("COMPLETED");
  const ended = ends.map((end) => prefixes.index("state", end, tenant));
  if (isNarrow && others.length === 0) return { active: [], indexes: ended };
  if (task !== undefined) {
    // The index of a definition has the tasks that have ended or gone back; the others only go forward.
    const isOfEnds = states.length > 0 && others.length === 0;
    const wanted = states.length > 0 ? others : [...LISTED_STATES];
    const active = isOfEnds ? [] : await activeIds(kv, wanted, tenant, { task, time, most });
    return active && { active, indexes: [prefixes.index("task", task, tenant)] };
  }
  // A retry leads from an end back to a state that was read before; it also takes the error away.
  if (!isNarrow || ends.length > 0 && !looksIntoErrors(query.q)) return null;
  const active = await activeIds(kv, others, tenant, { time, most });
  return active && { active, indexes: ended };
}

function fromIndex(prefix: Deno.KvKey): Sources {
  return { active: [], indexes: [prefix] };
}

interface Candidates {
  ids: string[];
  found: (Entry | null)[];
  /** There are no older ones. */
  done: boolean;
}

/** Those below `before`, newest first, as far as there is time. */
async function* candidates(
  store: Store,
  { caller: { tenant } = ANYBODY }: Omit<ListQuery, "limit">,
  sources: Sources | null,
  bounds: IdBounds,
  before: string | null,
  time: Bound,
  most = MOST_READ,
): AsyncGenerator<Candidates> {
  for (let read = 0; read < most && (read === 0 || !time.isOver);) {
    const end = endOf(bounds, before);
    const next = sources === null
      ? await anywhere(store, tenant, bounds.from, end)
      : await fromSources(store, sources, bounds.from, end);
    yield next;
    if (next.done) return;
    read += next.ids.length;
    before = next.ids[next.ids.length - 1];
  }
}

async function anywhere(store: Store, tenant: string, from: string, end: string | null): Promise<Candidates> {
  const page = await store.readNewest(tasksOf(tenant, from, end), PER_READ);
  return {
    ids: page.map(({ id }) => id),
    found: page.map(({ entry }) => presentOrNull(entry)),
    done: page.length < PER_READ,
  };
}

async function fromSources(
  store: Store,
  sources: Sources,
  from: string,
  end: string | null,
): Promise<Candidates> {
  const indexed = await Promise.all(
    sources.indexes.map((prefix) => idsWithin(store, idRange(prefix, from, end))),
  );
  const first = end === null ? 0 : firstBelow(sources.active, end);
  const active = sources.active.slice(first, first + PER_READ + 1).filter((id) => id >= from);
  const all = [...new Set([...active, ...indexed.flat()])].sort().reverse();
  const ids = all.slice(0, PER_READ);
  const isComplete = indexed.every(({ length }) => length < PER_READ) && all.length <= PER_READ;
  return { ids, found: (await store.readMany(ids, "caller")).map(presentOrNull), done: isComplete };
}

/** The place of the first id below one, among ids that have the newest first. */
function firstBelow(ids: readonly string[], end: string): number {
  let low = 0;
  for (let high = ids.length; low < high;) {
    const middle = (low + high) >> 1;
    if (ids[middle] < end) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function idsWithin({ kv }: Store, selector: Deno.KvListSelector): Promise<string[]> {
  const page = await kv.list(selector, { limit: PER_READ, reverse: true });
  return page.map(({ key }) => parse.index(key).id);
}
