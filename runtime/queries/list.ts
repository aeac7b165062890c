// Lists of tasks, newest first. One filter narrows the search by its index; the others are compared with the
// records. A page reads a bounded number of records, so it may have fewer tasks than its limit, and a cursor
// to go on from.

import { isTerminalType, type StateType } from "../core/states.ts";
import { type Entry, isForgotten, typeOf } from "../core/task.ts";
import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import { activeIds } from "./active_ids.ts";
import { type IdBounds, idBounds, within } from "./id_bounds.ts";

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

/** Records that one page reads. */
const MOST_READ = 5_000;
const PER_READ = 200;

export async function list(store: Store, query: ListQuery): Promise<Page> {
  const entries: Entry[] = [];
  const bounds = await idBounds(store, query);
  let before = query.cursor ?? null;
  for (let read = 0; read < MOST_READ;) {
    const { found, ids, done } = await candidates(store, query, bounds, before);
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
    const active = await activeIds(store, [state], task);
    if (active) return fromIds(store, active, before);
  } else if (task !== undefined) {
    // The index of a definition has its ended tasks only.
    const active = state === undefined
      ? await activeIds(store, ["PENDING", "SCHEDULED", "RUNNING"], task)
      : [];
    if (active) {
      const ended = await idsWithin(store, prefixes.index("task", task), bounds, before);
      return fromIds(store, [...active, ...ended].sort().reverse(), before, ended.length < PER_READ);
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

/** @param isComplete true if `all` lacks no older id */
async function fromIds(
  store: Store,
  all: string[],
  before: string | null,
  isComplete = true,
): Promise<Candidates> {
  const rest = all.filter((id, i) => (before === null || id < before) && id !== all[i - 1]);
  const ids = rest.slice(0, PER_READ);
  return { ids, found: await records(store, ids), done: isComplete && rest.length <= PER_READ };
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
