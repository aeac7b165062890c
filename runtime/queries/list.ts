// Lists of tasks, newest first. One filter narrows the search by an index; the others are compared with the
// records. A page reads a bounded number of records, so it may have fewer tasks than its limit, and a cursor
// to go on from. A task that fits the filters all the time is on one page, however it moves meanwhile.

import { ANYBODY, type Caller, knows } from "../core/caller.ts";
import { isTerminalType, type StateType } from "../core/states.ts";
import { type Entry, typeOf } from "../core/task.ts";
import { idRange, parse, prefixes, tasksOf } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import { activeIds, LISTED_STATES } from "./active_ids.ts";
import { presentOrNull } from "./group_members.ts";
import { endOf, type IdBounds, idBounds } from "./id_bounds.ts";

export interface ListQuery {
  /** Any of these. None, or left out: all. */
  states?: readonly StateType[];
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
  /** Whose tasks. Default: those of the default tenant, all of them. */
  caller?: Caller;
}

export interface Page {
  entries: Entry[];
  nextCursor: string | null;
}

/** Records that one page reads. */
const MOST_READ = 5_000;
const PER_READ = 200;

export async function list(store: Store, query: ListQuery): Promise<Page> {
  const entries: Entry[] = [];
  const { tenant } = query.caller ?? ANYBODY;
  const bounds = await idBounds(store, query);
  const sources = await sourcesOf(store, query);
  let before = query.cursor ?? null;
  for (let read = 0; read < MOST_READ;) {
    const { found, ids, done } = await candidates(store, sources, bounds, before, tenant);
    read += ids.length;
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

/** Where the tasks are that may fit. Null: they may be anywhere. */
interface Sources {
  /** Newest first; read once for a page, and before the indexes. */
  active: string[];
  /** Prefixes of keys that end with an id. */
  indexes: Deno.KvKey[];
}

async function sourcesOf({ kv }: Store, query: ListQuery): Promise<Sources | null> {
  const { states = [], task, tag, groupId, parentId, caller: { tenant } = ANYBODY } = query;
  if (tag !== undefined) return fromIndex(prefixes.index("tag", tag, tenant));
  if (groupId !== undefined) return fromIndex(prefixes.index("group", groupId));
  if (parentId !== undefined) return fromIndex(prefixes.index("parent", parentId));
  const ends = states.filter(isTerminalType);
  const others = states.filter((state) => !isTerminalType(state));
  if (others.some((state) => !LISTED_STATES.has(state))) return null;
  const isOfEnds = states.length > 0 && others.length === 0;
  const isActive = states.length > 0 && ends.length === 0;
  if (task !== undefined) {
    // The index of a definition has the tasks that have ended or gone back; the others only go forward.
    const active = isOfEnds ? [] : await activeIds(kv, isActive ? states : [...LISTED_STATES], tenant, task);
    return active && { active, indexes: [prefixes.index("task", task, tenant)] };
  }
  if (isActive) {
    const active = await activeIds(kv, states, tenant);
    return active && { active, indexes: [] };
  }
  if (isOfEnds && !ends.includes("COMPLETED")) {
    return { active: [], indexes: ends.map((end) => prefixes.index("state", end, tenant)) };
  }
  return null;
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

async function candidates(
  store: Store,
  sources: Sources | null,
  bounds: IdBounds,
  before: string | null,
  tenant: string,
): Promise<Candidates> {
  const end = endOf(bounds, before);
  if (!sources) {
    const page = await store.readNewest(tasksOf(tenant, bounds.from, end), PER_READ);
    return {
      ids: page.map(({ id }) => id),
      found: page.map(({ entry }) => presentOrNull(entry)),
      done: page.length < PER_READ,
    };
  }
  const indexed = await Promise.all(
    sources.indexes.map((prefix) => idsWithin(store, idRange(prefix, bounds.from, end))),
  );
  const active = sources.active.filter((id) => before === null || id < before).slice(0, PER_READ + 1);
  const all = [...new Set([...active, ...indexed.flat()])].sort().reverse();
  const ids = all.slice(0, PER_READ);
  const isComplete = indexed.every(({ length }) => length < PER_READ) && all.length <= PER_READ;
  return { ids, found: (await store.readMany(ids, "caller")).map(presentOrNull), done: isComplete };
}

async function idsWithin({ kv }: Store, selector: Deno.KvListSelector): Promise<string[]> {
  const page = await kv.list(selector, { limit: PER_READ, reverse: true });
  return page.map(({ key }) => parse.index(key).id);
}

function matches({ record }: Entry, query: ListQuery): boolean {
  const { states = [], caller = ANYBODY } = query;
  return knows(caller, record) && (states.length === 0 || states.includes(typeOf(record))) &&
    (query.task === undefined || record.task === query.task) &&
    (query.tag === undefined || record.tags.includes(query.tag)) &&
    (query.groupId === undefined || record.groups.includes(query.groupId)) &&
    (query.parentId === undefined || record.parentId === query.parentId) &&
    (query.createdAfter === undefined || record.createdAt > query.createdAfter) &&
    (query.createdBefore === undefined || record.createdAt < query.createdBefore);
}
