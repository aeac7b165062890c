// Which tasks wait for a task or a group, on the side of that one (the upstream). Dependents of the same call
// are in the record of a task. Others, or too many, are in blocks under `edge/<upstream>`, one for each call
// that made them. Its end is told to a whole block at once; the block records what it was told, so nothing is
// told twice.

import type { End } from "../core/condition_terms.ts";
import { hasDependents, isForgotten, isTerminal, type TaskRecord } from "../core/task.ts";
import { keys, prefixes } from "../platform/keys.ts";
import type { KvLimits, KvPort, Write } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import { mostGroupsOf } from "../store/group_counters.ts";
import type { GroupRecord } from "../store/group_record.ts";
import type { Store } from "../store/store.ts";
import { mayBeCompensated } from "./compensable.ts";

export interface EdgeBlock {
  ids: string[];
  /** The end of the upstream that the dependency counters of these tasks have counted. */
  told: End | null;
  /** Only in blocks of a barrier. Without a kind the barrier is counted like an upstream. */
  kind?: BarrierEdgeKind;
}

/**
 * "direct": the tasks wait for the barrier alone, and have no counters. "inside": they wait for other tasks
 * of the call, and not for the barrier.
 */
export type BarrierEdgeKind = "direct" | "inside";

const MOST_INLINE = 50;

/** Checks of the outbox processor for a task that it moves: the outbox entry, the counter and the record. */
const PROCESSOR_CHECKS = 3;
/** Of an end: the record, and the limits of its queue and its definition, which it may get at any time. */
const END_CHECKS = 3;
const BLOCKS_PER_READ = 100;
/** Blocks that are told at once: whoever tells them asks in between whether to stop. */
const TOLD_AT_ONCE = 20;
/** Checks that a commit may need for the block itself, its upstream and an idempotency key. */
const SPARE_CHECKS = 5;

/**
 * How many dependents a record may name. The commit in which the task ends checks the counter of each of
 * them, beside the task's groups, its limits and the checks of the outbox processor.
 *
 * @param limited how many limits by key the task has
 */
export function mostInlineDependents(limits: KvLimits, limited: number): number {
  // Where there are limits by key, their rules may be checked with them.
  const others = Math.max(PROCESSOR_CHECKS, END_CHECKS + Number(limited > 0));
  const most = limits.checks - mostGroupsOf(limits, 0) - others - limited;
  return Math.max(0, Math.min(MOST_INLINE, most));
}

export function edgeBlockSize(limits: KvLimits): number {
  return Math.min(100, limits.checks - SPARE_CHECKS);
}

/** Splits ids into blocks that can each be told in one commit. */
export function edgeBlocks(limits: KvLimits, ids: string[]): string[][] {
  const size = edgeBlockSize(limits);
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));
}

export function edgeWrite(
  upstream: string,
  block: string,
  ids: string[],
  told: End | null,
  kind?: BarrierEdgeKind,
): Write {
  return { key: keys.edge(upstream, block), value: { ids, told, kind } satisfies EdgeBlock };
}

export function groupEdgeWrite(group: string, block: string, ids: string[]): Write {
  return { key: keys.groupEdge(group, block), value: { ids, told: null } satisfies EdgeBlock };
}

type EdgePages = AsyncGenerator<Deno.KvEntry<EdgeBlock>[]>;

export function edgesOf(kv: KvPort, upstream: string): EdgePages {
  return pages(kv, { prefix: prefixes.edges(upstream) }, { size: BLOCKS_PER_READ });
}

export function edgesOfGroup(kv: KvPort, group: string): EdgePages {
  return pages(kv, { prefix: prefixes.groupEdges(group) }, { size: BLOCKS_PER_READ });
}

/**
 * Counts the end of a task, a group or a barrier in the counters of its dependents in blocks.
 *
 * @param end null if it has not ended, or was retried
 * @param check what the end was read from
 * @param isStopping asked in between: what is left then is told by another process, or after the next start
 * @param edges where they stand, if not with those of tasks
 * @returns false if some could not be told: it has changed meanwhile, or this process stops.
 */
export async function tellDependents(
  store: Store,
  upstream: string,
  end: End | null,
  check: Deno.AtomicCheck,
  isStopping: () => boolean,
  edges: EdgePages = edgesOf(store.kv, upstream),
): Promise<boolean> {
  let isTold = true;
  for await (const page of edges) {
    const untold = page.filter(({ value: { told, kind } }) => told !== end && kind === undefined);
    for (let from = 0; from < untold.length; from += TOLD_AT_ONCE) {
      if (isStopping()) return false;
      const commits = untold.slice(from, from + TOLD_AT_ONCE).map(
        ({ key, versionstamp, value: { ids, told: was } }) => {
          return store.commit("outbox", [], {
            checks: [{ key, versionstamp }, check],
            writes: [{ key, value: { ids, told: end } satisfies EdgeBlock }],
            counterSteps: ids.map((dependent) => ({ dependent, upstream, was, is: end })),
          });
        },
      );
      for (const applied of await Promise.all(commits)) isTold &&= applied !== null;
    }
  }
  return isTold;
}

/** The records of a task's groups. */
export async function groupsOf(
  { kv }: Store,
  { groups }: TaskRecord,
): Promise<Deno.KvEntryMaybe<GroupRecord>[]> {
  return groups.length > 0 ? await kv.getMany<GroupRecord>(groups.map(keys.group)) : [];
}

/**
 * True if a task that takes the result of this one has not ended, or is taken back by one that does.
 *
 * @param groups those of the task
 */
export async function isNeeded(
  store: Store,
  record: TaskRecord,
  groups: Deno.KvEntryMaybe<GroupRecord>[],
): Promise<boolean> {
  if (hasDependents(record) && await areAnyOpen(store, dependentsOf(store.kv, record))) return true;
  for (const { value } of groups) {
    if (value?.referred && await areAnyOpen(store, dependentsOfGroup(store.kv, value.id))) return true;
  }
  return false;
}

async function areAnyOpen(store: Store, dependents: AsyncIterable<string[]>): Promise<boolean> {
  for await (const ids of dependents) {
    for (const dependent of await store.readMany(ids)) {
      if (!dependent || isForgotten(dependent.record)) continue;
      if (!isTerminal(dependent.record) || await mayBeCompensated(store, dependent.record)) return true;
    }
  }
  return false;
}

export async function* dependentsOf(
  kv: KvPort,
  { id, next, followed }: TaskRecord,
): AsyncGenerator<string[]> {
  if (next) yield next;
  if (followed) yield* idsIn(edgesOf(kv, id));
}

export function dependentsOfGroup(kv: KvPort, group: string): AsyncGenerator<string[]> {
  return idsIn(edgesOfGroup(kv, group));
}

async function* idsIn(edges: EdgePages): AsyncGenerator<string[]> {
  for await (const page of edges) yield page.flatMap(({ value }) => value.ids);
}
