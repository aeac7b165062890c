// Claiming: the head of the ready queue becomes RUNNING under leases of this worker, many tasks in one commit.

import { keys, prefixes } from "./keys.ts";
import type { Write } from "./kv.ts";
import { blocks, isQueuedAt, type ReadyBlock } from "./queue.ts";
import type { Store } from "./store.ts";
import { type Entry, typeOf } from "./task.ts";
import { canExpire, claimed, expired } from "./transitions.ts";
import type { Change } from "./unit.ts";

export interface ClaimOptions {
  worker: string;
  /** The most tasks to take. */
  limit: number;
  /** Definitions that this process can run. Tasks of others are left for those that can. */
  knows: (task: string) => boolean;
  /** Written along: lease blocks that are used up. */
  writes?: () => Write[];
}

export interface Claimed {
  /** Now RUNNING under a lease each. */
  entries: Entry[];
  /** The block that lists these leases; null if nothing was claimed. */
  block: string | null;
  /** True if the queue may hold more for this worker. */
  more: boolean;
}

/** Ids looked at in one go, so that a head that nobody here knows cannot hide the rest forever. */
const LONGEST_LOOK = 10_000;

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
  const { parts, full } = await head(store, limit, options.knows);
  if (parts.length === 0) return { entries: [], block: null, more: false };

  const ids = parts.flatMap(({ wanted }) => wanted);
  const known = new Map((await store.readReady(ids)).map((entry, i) => [ids[i], entry]));
  const now = store.clock.now();
  const changes: Change[] = [];
  const writes: Write[] = options.writes?.() ?? [];
  const late: Entry[] = [];
  for (const { block, wanted } of parts) {
    for (const id of wanted) {
      const entry = known.get(id) ?? null;
      // Cancelled, forgotten or claimed elsewhere since it was queued here: it only leaves the block.
      if (!entry || typeOf(entry.record) !== "PENDING" || !isQueuedAt(entry.record, block.key)) continue;
      if (canExpire(entry.record) && entry.record.expiresAt! <= now) {
        late.push(entry);
        continue;
      }
      const lease = { worker: options.worker, token: store.ids.token() };
      changes.push({ before: entry, next: claimed(entry.record, now, lease) });
    }
    writes.push(without(block, new Set(wanted)));
  }
  await Promise.all(late.map((entry) => {
    return store.commit("settle", [{ before: entry, next: expired(entry.record, now) }]);
  }));
  if (changes.length === 0) {
    await store.kv.writeBlind(writes, now);
    return { entries: [], block: null, more: true };
  }
  const block = store.ids.token();
  writes.push({ key: keys.lease(options.worker, block), value: changes.map(({ next }) => next.id) });
  const applied = await store.commit("claim", changes, { writes });
  if (applied) return { entries: applied as Entry[], block, more: full };
  for (const id of ids) store.forgetReady(id);
  return { entries: [], block: null, more: true };
}

/** What to take from which blocks; `full` if there may be more behind it. */
async function head(
  store: Store,
  limit: number,
  knows: (task: string) => boolean,
): Promise<{ parts: Part[]; full: boolean }> {
  const parts: Part[] = [];
  let count = 0;
  let looked = 0;
  for (let shard = 0; shard < store.kv.shards; shard++) {
    for await (const block of blocks(store.kv, shard)) {
      const { ids, tasks } = block.value;
      const wanted = ids.filter((_, i) => knows(tasks[i])).slice(0, limit - count);
      if (wanted.length > 0) parts.push({ block, wanted });
      count += wanted.length;
      looked += ids.length;
      if (count === limit || looked >= LONGEST_LOOK) return { parts, full: true };
    }
  }
  return { parts, full: false };
}

function without({ key, value: { ids, tasks } }: Deno.KvEntry<ReadyBlock>, taken: Set<string>): Write {
  const left = ids.map((id, i) => ({ id, task: tasks[i] })).filter(({ id }) => !taken.has(id));
  if (left.length === 0) return { key };
  return {
    key,
    value: { ids: left.map(({ id }) => id), tasks: left.map(({ task }) => task) } satisfies ReadyBlock,
  };
}

/** A worker's lease blocks, as KV holds them. */
export async function leaseBlocksOf(
  store: Store,
  worker: string,
  limit: number,
): Promise<{ block: string; ids: string[] }[]> {
  const entries = await store.kv.list<string[]>({ prefix: prefixes.leasesOf(worker) }, { limit });
  return entries.map(({ key, value }) => ({ block: key[2] as string, ids: value }));
}
