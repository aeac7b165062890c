// The ids of tasks that have not ended: from what drives them, and from an index of those that have gone back
// to an earlier state.
//
// The sources are read one after the other, while tasks move. A task that only goes forward passes them in
// the order in which they are read, so it cannot leave one that is still to be read for one that was read
// before. Where a task can go back, it has an index entry from then on, which is read last.

import type { StateType } from "../core/states.ts";
import { tenantOf } from "../core/tenant.ts";
import { type ConcurrencyLimit, withoutSlotYet } from "../dependencies/concurrency_limit.ts";
import type { EdgeBlock } from "../dependencies/edges.ts";
import { barrierEdges, parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import type { DependencyCounter } from "../store/dependency_counters.ts";
import type { ParkedValue, Waiting } from "../store/index_entries.ts";
import { ALL_READY, blocksUnder } from "../store/ready_queue.ts";

/** Up to so many ids are sorted in memory, and so many keys of all tenants and definitions looked through. */
const MOST_SORTED = 10_000;
/** Where there is time: for those of a bulk action. */
export const MOST_SORTED_IN_TIME = 200_000;
const KEYS_PER_READ = 500;
const LIMITS_PER_READ = 500;
const LIMITS_AT_ONCE = 50;
const MEMBERS_PER_READ = 200;

/**
 * May give ids of tasks that have moved on, or of other definitions: the caller compares the records. Null:
 * there are too many to look through.
 */
type Source = (kv: KvPort, task: string | undefined, most: number) => AsyncGenerator<string[] | null>;

/** In the order in which a task goes through them. A state that is not terminal needs its source here. */
const SOURCES: readonly (readonly [states: readonly StateType[], source: Source])[] = [
  [["PENDING"], behindBarriers],
  [["PENDING"], counted],
  [["PENDING"], limited],
  [["SCHEDULED"], scheduled],
  [["PENDING"], delayedByRates],
  [["PENDING"], parkedAtLimits],
  [["PENDING"], queued],
  [["RUNNING", "CANCELLING"], leased],
  [["PAUSED"], replacedByOthers],
];

/** The states that lists find without going through all tasks. */
export const LISTED_STATES: ReadonlySet<StateType> = new Set(SOURCES.flatMap(([states]) => states));

interface Narrowed {
  task?: string;
  time?: { readonly isOver: boolean };
  most?: number;
}

/**
 * Ids of tasks in these states, newest first: of each that was in one of them all the time, at least. Null if
 * there are too many to sort.
 *
 * @param tenant whose tasks
 * @param narrowed `most`: null if there are more. `task`: of this definition. Then those that have gone back
 *   are left out: the index of the definition has them, and must be read after this. `time`: null, too, if it
 *   is over before the last one.
 */
export async function activeIds(
  kv: KvPort,
  states: readonly StateType[],
  tenant: string,
  { task, time, most = MOST_SORTED }: Narrowed = {},
): Promise<string[] | null> {
  const sources = SOURCES.filter(([of]) => of.some((state) => states.includes(state)))
    .map(([, source]) => source);
  // Within one state a task goes back only where a new limit takes it out of its queue.
  const mayGoBack = states.length > 1 || states.includes("PENDING");
  if (task === undefined && mayGoBack) sources.push((kv) => goneBack(kv, tenant));
  const ids = new Set<string>();
  for (const source of sources) {
    for await (const found of source(kv, task, most)) {
      if (found === null) return null;
      for (const id of found) if (tenantOf(id) === tenant) ids.add(id);
      if (ids.size > most || time?.isOver) return null;
    }
  }
  return [...ids].sort().reverse();
}

/** Tasks of large calls that wait for nothing but that all of their call are stored. */
async function* behindBarriers(kv: KvPort): AsyncGenerator<string[]> {
  for await (const page of pages<EdgeBlock>(kv, barrierEdges, { size: 100 })) {
    yield page.flatMap(({ value: { ids, kind } }) => kind === "direct" ? ids : []);
  }
}

async function* counted(kv: KvPort, task: string | undefined, most: number): AsyncGenerator<string[] | null> {
  for await (const page of singly<DependencyCounter>(kv, prefixes.dependencyCounters, most)) {
    yield page && ofTask(page, task).map(({ key }) => parse.dependencyCounter(key));
  }
}

/** Tasks that wait for a slot of their group. */
async function* limited(kv: KvPort, task: string | undefined, most: number): AsyncGenerator<string[] | null> {
  const selector = { prefix: prefixes.concurrencyLimits };
  for await (const page of pages<ConcurrencyLimit>(kv, selector, { size: LIMITS_PER_READ })) {
    const open = page.filter(({ value: { cursor, last, task: of } }) => {
      return (last === undefined || cursor < last) && (task === undefined || of === undefined || of === task);
    });
    for (let at = 0; at < open.length; at += LIMITS_AT_ONCE) {
      yield* await Promise.all(
        open.slice(at, at + LIMITS_AT_ONCE).map(({ key, value }) =>
          members(kv, withoutSlotYet(parse.concurrencyLimit(key), value), most)
        ),
      );
    }
  }
  for await (const page of singly(kv, prefixes.readmissions, most)) {
    yield page && page.map(({ key }) => parse.readmission(key).id);
  }
}

/** Few of most groups, and at most as many as make too many. */
async function members(kv: KvPort, selector: Deno.KvListSelector, most: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of pages(kv, selector, { size: MEMBERS_PER_READ, growTo: 10 * MEMBERS_PER_READ })) {
    ids.push(...page.map(({ key }) => parse.index(key).id));
    if (ids.length > most) break;
  }
  return ids;
}

async function* scheduled(
  kv: KvPort,
  task: string | undefined,
  most: number,
): AsyncGenerator<string[] | null> {
  for await (const page of singly<Waiting>(kv, prefixes.due("start"), most)) {
    yield page && ofTask(page, task).map(({ key }) => parse.due(key).id);
  }
}

/** Tasks in whose place others are. */
async function* replacedByOthers(
  kv: KvPort,
  task: string | undefined,
  most: number,
): AsyncGenerator<string[] | null> {
  for await (const page of singly<Waiting>(kv, prefixes.due("replaced"), most)) {
    yield page && ofTask(page, task).map(({ key }) => parse.due(key).id);
  }
}

async function* delayedByRates(
  kv: KvPort,
  task: string | undefined,
  most: number,
): AsyncGenerator<string[] | null> {
  for await (const page of singly<Waiting>(kv, prefixes.due("rate"), most)) {
    yield page && ofTask(page, task).map(({ key }) => parse.due(key).id);
  }
}

/** Tasks that wait for a slot of a limit by key. */
async function* parkedAtLimits(
  kv: KvPort,
  task: string | undefined,
  most: number,
): AsyncGenerator<string[] | null> {
  for await (const page of singly<ParkedValue>(kv, prefixes.allParked, most)) {
    yield page && ofTask(page, task).map(({ key }) => parse.parked(key));
  }
}

async function* queued(kv: KvPort, task?: string): AsyncGenerator<string[]> {
  // A pause takes tasks out of their queue, and its end puts them back: those of either side are read before
  // and behind the other.
  for (const prefix of [prefixes.allHeld, ...ALL_READY, prefixes.allHeld]) {
    for await (const { value: { ids, tasks } } of blocksUnder(kv, prefix)) {
      yield task === undefined ? ids : ids.filter((_, i) => tasks[i] === task);
    }
  }
}

async function* leased(kv: KvPort): AsyncGenerator<string[]> {
  for await (const page of pages<string[]>(kv, { prefix: prefixes.leases }, { size: KEYS_PER_READ })) {
    yield page.flatMap(({ value }) => value);
  }
}

async function* goneBack(kv: KvPort, tenant: string): AsyncGenerator<string[]> {
  for await (const page of pages(kv, { prefix: prefixes.again(tenant) }, { size: KEYS_PER_READ })) {
    yield page.map(({ key }) => parse.index(key).id);
  }
}

/** What has a key for each task, whosever it is. Null in the place of what makes too many. */
async function* singly<T>(
  kv: KvPort,
  prefix: Deno.KvKey,
  most: number,
): AsyncGenerator<Deno.KvEntry<T>[] | null> {
  let read = 0;
  for await (const page of pages<T>(kv, { prefix }, { size: KEYS_PER_READ })) {
    read += page.length;
    yield read > most ? null : page;
  }
}

function ofTask<T extends { task: string }>(page: Deno.KvEntry<T>[], task?: string): Deno.KvEntry<T>[] {
  return task === undefined ? page : page.filter(({ value }) => value.task === task);
}
