// Claims tasks: the head of the ready queue becomes RUNNING under leases of this worker, many tasks in one
// commit.

import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import { isQueuedAt, type ReadyBlock, readyBlocks } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import { recordBytes, writeBytes } from "../store/record_size.ts";
import { type Entry, isReady, type TaskRecord } from "../core/task.ts";
import { canExpire, claimed, expired } from "../core/transitions.ts";
import type { Change } from "../store/commit_unit.ts";

export interface ClaimOptions {
  worker: string;
  shard: number;
  limit: number;
  /** True for definitions that this process can run. */
  knows: (task: string) => boolean;
  /** More writes for the same commit: used-up lease blocks are deleted with it. */
  writes?: () => Write[];
  /** Where the last claim of this shard stopped. */
  from?: Place;
}

/** A place in a shard of the queue: after this block. */
export type Place = Deno.KvKey;

export interface Claimed {
  entries: Entry[];
  /** The lease block that lists the tasks; null if nothing was claimed. */
  block: string | null;
  /** The shard may hold more for this worker. */
  more: boolean;
  /** Another worker was faster with one of the tasks. */
  beaten?: boolean;
  /** Where the next claim must go on: everything before it is for other workers. */
  next?: Place;
}

/** Ids that one claim reads; the next claim goes on from there. */
const MOST_READ = 10_000;
/** The part of a commit's bytes that is for records. */
const RECORDS_SHARE = 0.8;
/** The part that is for what is left of the blocks: the ids of tasks that this worker does not want. */
const BLOCKS_SHARE = 0.15;

/** A block, and the ids in it that this claim wants. */
interface Part {
  block: Deno.KvEntry<ReadyBlock>;
  wanted: string[];
}

/**
 * Claims up to `limit` tasks, larger priority first, then first in, first out. If another worker is faster
 * with any of them, nothing is claimed, and `more` asks for another try.
 */
export async function claim(store: Store, options: ClaimOptions): Promise<Claimed> {
  const limit = Math.min(options.limit, store.kv.limits.checks);
  const { parts, full, next } = await head(store, { ...options, limit });
  if (parts.length === 0) return { entries: [], block: null, more: next !== undefined, next };

  const { changes, late, taken, found } = await select(store, parts, options.worker);
  await Promise.all(late.map((entry) => expire(store, entry, taken)));
  // A block loses only the ids that this claim wanted of it. Another block may name the same task again.
  const writes = parts.filter(({ wanted }) => wanted.some((id) => taken.has(id)))
    .map(({ block, wanted }) => without(block, new Set(wanted.filter((id) => taken.has(id)))));
  if (changes.length === 0) {
    await store.kv.writeBlind(writes, store.clock.now());
    return { entries: [], block: null, more: true };
  }
  const block = store.ids.token();
  writes.push({ key: keys.lease(options.worker, block), value: changes.map(({ next }) => next.id) });
  writes.push(...options.writes?.() ?? []);
  const applied = await store.commit("claim", changes, { writes });
  if (applied) {
    // After a commit that was read back, some tasks may have moved on: even to a new lease of this worker.
    const mine = (applied as Entry[]).filter(({ record }, i) => {
      return record.lease?.token === (changes[i].next as TaskRecord).lease!.token;
    });
    return { entries: mine, block, more: full || taken.size < found };
  }
  for (const id of taken) store.ready.forget(id);
  return { entries: [], block: null, more: true, beaten: true };
}

/** What a claim does with the tasks of its parts. */
interface Selection {
  changes: Change[];
  /** Tasks that have expired in the queue. */
  late: Entry[];
  /** Ids that leave their block. */
  taken: Set<string>;
  /** How many ids there are. */
  found: number;
}

async function select(store: Store, parts: Part[], worker: string): Promise<Selection> {
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
    if (store.newer.has(id)) continue;
    const entry = known.get(id);
    // A task that was cancelled, forgotten or claimed since it was queued only leaves the block.
    if (entry && isHere(entry.record)) {
      if (canExpire(entry.record) && entry.record.expiresAt! <= now) {
        late.push(entry);
      } else {
        const next = claimed(entry.record, now, { worker, token: store.ids.token() });
        room -= recordBytes(next);
        // The commit is full: the rest waits for the next claim.
        if (room < 0 && changes.length > 0) break;
        changes.push({ before: entry, next });
      }
    }
    taken.add(id);
  }
  return { changes, late, taken, found: blocksOf.size };
}

async function expire(store: Store, entry: Entry, taken: Set<string>): Promise<void> {
  const { id } = entry.record;
  const next = expired(entry.record, store.clock.now());
  if (await store.commit("settle", [{ before: entry, next }])) return;
  // The known record was outdated: the task may wait here again.
  taken.delete(id);
  store.ready.forget(id);
}

/** Reads the head of a shard. `full`: there may be more after it. */
async function head(
  store: Store,
  { shard, limit, knows, from }: ClaimOptions,
): Promise<{ parts: Part[]; full: boolean; next?: Place }> {
  const parts: Part[] = [];
  let count = 0;
  let read = 0;
  let room = BLOCKS_SHARE * store.kv.limits.bytes;
  for await (const block of readyBlocks(store.kv, shard, from ?? null)) {
    const { ids, tasks } = block.value;
    const wanted = ids.filter((id, i) => knows(tasks[i]) && !store.newer.has(id)).slice(0, limit - count);
    if (wanted.length > 0) {
      room -= writeBytes(without(block, new Set(wanted)));
      if (room < 0 && parts.length > 0) return { parts, full: true };
      parts.push({ block, wanted });
    }
    count += wanted.length;
    read += ids.length;
    if (count === limit) return { parts, full: true };
    if (read >= MOST_READ) return { parts, full: true, next: block.key };
  }
  return { parts, full: false };
}

/**
 * The blocks of each task. A task that came back into the queue may still be in its old block too, and where
 * clocks differ either block may come first.
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
