// Claiming: the head of the ready queue becomes RUNNING under leases of this worker, many tasks in one commit.

import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import { blocks, isQueuedAt, type ReadyBlock } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import { recordBytes } from "../store/record_size.ts";
import { type Entry, isReady, type TaskRecord } from "../core/task.ts";
import { canExpire, claimed, expired } from "../core/transitions.ts";
import type { Change } from "../store/commit_unit.ts";

export interface ClaimOptions {
  worker: string;
  /** The part of the queue to take from. */
  shard: number;
  /** The most tasks to take. */
  limit: number;
  /** Definitions that this process can run. Tasks of others are left for those that can. */
  knows: (task: string) => boolean;
  /** Written along: lease blocks that are used up. */
  writes?: () => Write[];
  /** Where the last look ended without finding anything. */
  from?: Place;
}

/** A place in a shard of the queue: behind this block. */
export type Place = Deno.KvKey;

export interface Claimed {
  /** Now RUNNING under a lease each. */
  entries: Entry[];
  /** The block that lists these leases; null if nothing was claimed. */
  block: string | null;
  /** True if the shard may hold more for this worker. */
  more: boolean;
  /** Somebody else was faster with one of them. */
  beaten?: boolean;
  /** Where to look next, if nothing was found up to there: what stands ahead is for others. */
  next?: Place;
}

/** Ids that one look passes over; the next one goes on from there. */
const LONGEST_LOOK = 10_000;
/** Of a commit's bytes, what records may take; the rest is for the blocks. */
const RECORDS_SHARE = 0.8;

/** A block with what this claim wants of it. */
interface Part {
  block: Deno.KvEntry<ReadyBlock>;
  wanted: string[];
}

/**
 * Takes up to `limit` tasks, larger priority first, then first in, first out. If somebody else is faster with any of
 * them nothing is taken, and `more` asks for another try.
 */
export async function claim(store: Store, options: ClaimOptions): Promise<Claimed> {
  const limit = Math.min(options.limit, store.kv.limits.checks);
  const { parts, full, next } = await head(store, { ...options, limit });
  if (parts.length === 0) return { entries: [], block: null, more: next !== undefined, next };

  const blocksOf = blocksById(parts);
  const isHere = (record: TaskRecord) =>
    isReady(record) && blocksOf.get(record.id)!.some((key) => isQueuedAt(record, key));
  const known = await store.readReady([...blocksOf.keys()], isHere);
  const now = store.clock.now();
  const changes: Change[] = [];
  const late: Entry[] = [];
  const taken = new Set<string>();
  let room = RECORDS_SHARE * store.kv.limits.bytes;
  for (const id of blocksOf.keys()) {
    const entry = known.get(id);
    // Cancelled, forgotten or claimed elsewhere since it was queued here: it only leaves the block.
    if (entry && isHere(entry.record)) {
      if (canExpire(entry.record) && entry.record.expiresAt! <= now) {
        late.push(entry);
      } else {
        const lease = { worker: options.worker, token: store.ids.token() };
        const next = claimed(entry.record, now, lease);
        room -= recordBytes(next);
        // Full: the others wait where they are for the next claim.
        if (room < 0 && changes.length > 0) break;
        changes.push({ before: entry, next });
      }
    }
    taken.add(id);
  }
  await Promise.all(late.map(async (entry) => {
    const { id } = entry.record;
    if (await store.commit("settle", [{ before: entry, next: expired(entry.record, now) }])) return;
    // What was remembered of it was old: it may wait here again.
    taken.delete(id);
    store.ready.forget(id);
  }));
  // Of a block that was cut short, one that was looked for in another block is still to be found there.
  const writes = parts.map(({ block, wanted }) =>
    without(block, new Set(wanted.filter((id) => taken.has(id))))
  );
  if (changes.length === 0) {
    await store.kv.writeBlind(writes, now);
    return { entries: [], block: null, more: true };
  }
  const block = store.ids.token();
  writes.push({ key: keys.lease(options.worker, block), value: changes.map(({ next }) => next.id) });
  writes.push(...options.writes?.() ?? []);
  const applied = await store.commit("claim", changes, { writes });
  if (applied) {
    // After a commit that was read back, some of them may have been taken on already: also by this worker, once more.
    const mine = (applied as Entry[]).filter(({ record }, i) => {
      return record.lease?.token === (changes[i].next as TaskRecord).lease!.token;
    });
    return { entries: mine, block, more: full || taken.size < blocksOf.size };
  }
  for (const id of taken) store.ready.forget(id);
  return { entries: [], block: null, more: true, beaten: true };
}

/** What to take from which blocks; `full` if there may be more behind it. */
async function head(
  store: Store,
  { shard, limit, knows, from }: ClaimOptions,
): Promise<{ parts: Part[]; full: boolean; next?: Place }> {
  const parts: Part[] = [];
  let count = 0;
  let looked = 0;
  for await (const block of blocks(store.kv, shard, from ?? null)) {
    const { ids, tasks } = block.value;
    const wanted = ids.filter((_, i) => knows(tasks[i])).slice(0, limit - count);
    if (wanted.length > 0) parts.push({ block, wanted });
    count += wanted.length;
    looked += ids.length;
    if (count === limit) return { parts, full: true };
    if (looked >= LONGEST_LOOK) return { parts, full: true, next: block.key };
  }
  return { parts, full: false };
}

/**
 * Where each task was found. One that came back into the queue may still stand in its old block too, and with clocks
 * that differ either may be ahead of the other.
 */
function blocksById(parts: Part[]): Map<string, Deno.KvKey[]> {
  const blocksOf = new Map<string, Deno.KvKey[]>();
  for (const { block, wanted } of parts) {
    for (const id of wanted) {
      const known = blocksOf.get(id);
      if (known) known.push(block.key);
      else blocksOf.set(id, [block.key]);
    }
  }
  return blocksOf;
}

function without({ key, value: { ids, tasks } }: Deno.KvEntry<ReadyBlock>, taken: Set<string>): Write {
  const left = ids.map((id, i) => ({ id, task: tasks[i] })).filter(({ id }) => !taken.has(id));
  if (left.length === 0) return { key };
  return {
    key,
    value: { ids: left.map(({ id }) => id), tasks: left.map(({ task }) => task) } satisfies ReadyBlock,
  };
}
