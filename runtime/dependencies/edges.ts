// Who waits for whom, on the side of the upstream. Tasks that were made together with it stand in its record; those
// that came later, or are too many, stand in blocks under `edge/<upstream>`, one for each call that made them. Its end
// is told to a block as a whole, and the block notes what it was told, so nothing is told twice.

import { keys, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { mostGroupsOf } from "../store/group_counters.ts";
import type { KvLimits, KvPort, Write } from "../platform/kv.ts";
import type { Store } from "../store/store.ts";
import { isForgotten, isTerminal, type StateType, type TaskRecord } from "../core/task.ts";

export interface EdgeBlock {
  ids: string[];
  /** The end of the upstream that these tasks' joins have counted. */
  told: StateType | null;
  /** Of a seal: how its tasks are let go by it. By their joins, if it says nothing. */
  kind?: BarrierEdgeKind;
}

/** They wait for the seal alone and have no joins; or they wait for others of the call, and not for the seal itself. */
export type BarrierEdgeKind = "direct" | "inside";

const MOST_NEXT = 50;

/** The note, the join and the record of a task that it moves. */
const FOLLOWERS_CHECKS = 3;
const PER_READ = 100;
/** Checks of a commit that a block's own key, its upstream and an idempotency key may need. */
const SPARE_CHECKS = 5;

/**
 * A record names so many of those that wait for it; more of them stand in blocks. The commit in which it ends checks the
 * join of each of them, beside its own groups and what the follower checks.
 */
export function mostInlineDependents(limits: KvLimits): number {
  return Math.max(0, Math.min(MOST_NEXT, limits.checks - mostGroupsOf(limits) - FOLLOWERS_CHECKS));
}

/** Ids in blocks that can each be told in one commit. */
export function edgeBlocks(limits: KvLimits, ids: string[]): string[][] {
  const size = Math.min(100, limits.checks - SPARE_CHECKS);
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));
}

export function edgeWrite(
  upstream: string,
  block: string,
  ids: string[],
  told: StateType | null,
  kind?: BarrierEdgeKind,
): Write {
  return { key: keys.edge(upstream, block), value: { ids, told, kind } satisfies EdgeBlock };
}

/** All blocks of an upstream, a page at a time. */
export function edgesOf(kv: KvPort, upstream: string): AsyncGenerator<Deno.KvEntry<EdgeBlock>[]> {
  return pages(kv, { prefix: prefixes.edges(upstream) }, { size: PER_READ });
}

/** Ids of all tasks that wait, or waited, for this one. */
async function* followersOf(kv: KvPort, { id, next, followed }: TaskRecord): AsyncGenerator<string[]> {
  if (next) yield next;
  if (!followed) return;
  for await (const page of edgesOf(kv, id)) yield page.flatMap(({ value }) => value.ids);
}

/** True if a task that takes its result has not ended. */
export async function isNeeded(store: Store, record: TaskRecord): Promise<boolean> {
  for await (const ids of followersOf(store.kv, record)) {
    for (const follower of await store.readMany(ids)) {
      if (follower && !isForgotten(follower.record) && !isTerminal(follower.record)) return true;
    }
  }
  return false;
}
