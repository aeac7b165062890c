// Cancels many tasks, page by page: those of a group, of a list of ids, or all that a filter matches.

import { ANYBODY, type Caller, knows } from "../core/caller.ts";
import { wasStoppedByUpstream } from "../core/conditions.ts";
import { ValidationError } from "../core/errors.ts";
import { isTerminalType, STATE_TYPES } from "../core/states.ts";
import { type Entry, isForgotten, isTerminal, type Stored, typeOf } from "../core/task.ts";
import { inTenant } from "../core/tenant.ts";
import { list } from "../queries/list.ts";
import { ofTenant, type TaskFilter } from "../queries/list_filter.ts";
import type { Store } from "../store/store.ts";
import { cancelIfThere, type Cancelled, type CancelRequest } from "./cancel.ts";

/** How many tasks ended up in which outcome of {@linkcode Cancelled}. */
export interface CancelCounts {
  cancelled: number;
  requested: number;
  tooLate: number;
  /** There is no such task, or none that the caller may know. */
  notFound: number;
}

export type Which = { ids: readonly string[] } | { filter: TaskFilter };

/** So many tasks are cancelled by one call. */
export const MOST_CANCELLED = 10_000;
/** While one page is read, commits are filled with the tasks of the others. */
const PAGES_AT_ONCE = 2;
const PER_PAGE = 500;
const NOT_ENDED = STATE_TYPES.filter((type) => !isTerminalType(type));

/**
 * The last ones first: otherwise the first ones would free slots for them, or cancel them as their upstreams,
 * before they are cancelled themselves.
 *
 * @param caller whose tasks they are; others are not found
 */
export async function cancelMany(
  store: Store,
  idsByPage: AsyncIterable<string[]> | Iterable<string[]>,
  request: CancelRequest,
  caller: Caller = ANYBODY,
): Promise<CancelCounts> {
  const counts = { cancelled: 0, requested: 0, too_late: 0 };
  let notFound = 0;
  const cancelPage = async (entries: (Entry<Stored> | null)[]) => {
    const outcomes = await Promise.all(entries.map((entry) => cancelOne(store, entry, request, caller)));
    for (const outcome of outcomes) {
      if (outcome) counts[outcome]++;
      else notFound++;
    }
  };
  const underWay: Promise<void>[] = [];
  for await (const ids of idsByPage) {
    const entries = await store.readTogether(ids);
    if (underWay.length === PAGES_AT_ONCE) await underWay.shift();
    const cancelling = cancelPage(entries);
    // Whatever it throws is thrown when it is awaited; another page may throw before.
    cancelling.catch(() => {});
    underWay.push(cancelling);
  }
  await Promise.all(underWay);
  const { cancelled, requested, too_late: tooLate } = counts;
  return { cancelled, requested, tooLate, notFound };
}

async function cancelOne(
  store: Store,
  entry: Entry<Stored> | null,
  request: CancelRequest,
  caller: Caller,
): Promise<Cancelled["outcome"] | null> {
  if (entry === null || isForgotten(entry.record) || !knows(caller, entry.record)) return null;
  const { record } = entry;
  const mayGoOn = request.children || request.isForGood && wasStoppedByUpstream(record);
  if (isTerminal(record) && !mayGoOn) {
    return typeOf(entry.record) === "CANCELLED" ? "cancelled" : "too_late";
  }
  return (await cancelIfThere(store, entry.record.id, request, entry as Entry))?.outcome ?? null;
}

/** As a caller says which. @throws {ValidationError} for a filter that matches too many */
export async function cancelWhich(
  store: Store,
  which: Which,
  request: CancelRequest,
  caller: Caller,
): Promise<CancelCounts> {
  const ids = "ids" in which
    ? which.ids.map((id) => inTenant(id, caller.tenant))
    : await idsToCancel(store, ofTenant(which.filter, caller.tenant), caller);
  return await cancelMany(store, pagesOfIds(ids), request, caller);
}

/** Ids, without those that are there twice, as pages with the newest first. */
function* pagesOfIds(ids: readonly string[]): Generator<string[]> {
  const sorted = [...new Set(ids)].sort().reverse();
  for (let at = 0; at < sorted.length; at += PER_PAGE) yield sorted.slice(at, at + PER_PAGE);
}

/**
 * The ids of all tasks that match and have not ended, newest first.
 *
 * @throws {ValidationError} if they are too many for one call; then none is cancelled
 */
async function idsToCancel(store: Store, filter: TaskFilter, caller: Caller): Promise<string[]> {
  const states = filter.states?.length ? filter.states : NOT_ENDED;
  const ids: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await list(store, {
      ...filter,
      states,
      cursor: cursor ?? undefined,
      limit: PER_PAGE,
      caller,
    });
    ids.push(...page.entries.map(({ record }) => record.id));
    cursor = page.nextCursor;
  } while (cursor !== null && ids.length <= MOST_CANCELLED);
  if (ids.length <= MOST_CANCELLED) return ids;
  const message = `matches more than ${MOST_CANCELLED} tasks, the most for one call: narrow it, as by ` +
    "createdBefore; none was cancelled. Larger ones are bulk work (POST /v1/bulk)";
  throw new ValidationError([{ pointer: "/filter", message }]);
}
