// Claiming: the head of the ready queue becomes RUNNING under a lease of this worker, many tasks in one commit.

import type { DriverValue } from "./entries.ts";
import { readyKey } from "./entries.ts";
import { keys, prefixes } from "./keys.ts";
import type { Store } from "./store.ts";
import { type Entry, isForgotten, type Stored, typeOf } from "./task.ts";
import { canExpire, claimed, expired } from "./transitions.ts";

export interface ClaimOptions {
  worker: string;
  /** The most tasks to take. */
  limit: number;
  /** Definitions that this process can run. Tasks of others are left for those that can. */
  knows: (task: string) => boolean;
}

export interface Claimed {
  /** Now RUNNING under a lease each. */
  entries: Entry[];
  /** True if the queue may hold more for this worker. */
  more: boolean;
}

/** Ready entries looked through in one go, so that a head full of unknown definitions cannot hide the rest forever. */
const LONGEST_LOOK = 10_000;

/** Takes up to `limit` tasks, larger priority first, then first in, first out. */
export async function claim(store: Store, { worker, limit, knows }: ClaimOptions): Promise<Claimed> {
  const found: { id: string; key: Deno.KvKey }[] = [];
  for (let shard = 0; shard < store.kv.shards && found.length < limit; shard++) {
    found.push(...await head(store, shard, limit - found.length, knows));
  }
  if (found.length === 0) return { entries: [], more: false };

  const entries = await store.readReady(found.map(({ id }) => id));
  const now = store.clock.now();
  const steps = entries.map(async (entry, i) => {
    const { id, key } = found[i];
    if (!entry || !isAt(entry, key, store.kv.shards)) {
      await removeStray(store, id, key);
      return null;
    }
    const { record } = entry;
    if (canExpire(record) && record.expiresAt! <= now) {
      await store.commit("settle", [{ before: entry, next: expired(record, now) }]);
      return null;
    }
    const lease = { worker, token: store.ids.token() };
    const applied = await store.commit("claim", [{ before: entry, next: claimed(record, now, lease) }]);
    if (!applied) store.forgetReady(id);
    return applied ? applied[0] as Entry : null;
  });
  const mine = (await Promise.all(steps)).filter((entry) => entry !== null);
  return { entries: mine, more: found.length >= limit || mine.length < found.length };
}

/** True if the record is driven by this very queue entry. */
function isAt({ record }: Entry, key: Deno.KvKey, shards: number): boolean {
  return typeOf(record) === "PENDING" && sameKey(readyKey(record, shards), key);
}

/**
 * The entry and what is known of its record do not fit: the memory is old, or someone was faster, or the entry is a
 * stray. Only the last is mended, under a check of the record it should belong to.
 */
async function removeStray(store: Store, id: string, key: Deno.KvKey): Promise<void> {
  store.forgetReady(id);
  const current = await store.kv.get<Stored>(keys.task(id));
  if (
    current.value && !isForgotten(current.value) &&
    isAt({ record: current.value, versionstamp: current.versionstamp }, key, store.kv.shards)
  ) return;
  await store.kv.atomic().check({ key: keys.task(id), versionstamp: current.versionstamp }).delete(key)
    .commit();
}

function sameKey(a: Deno.KvKey, b: Deno.KvKey): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i]);
}

async function head(
  store: Store,
  shard: number,
  limit: number,
  knows: (task: string) => boolean,
): Promise<{ id: string; key: Deno.KvKey }[]> {
  const prefix = prefixes.ready(shard);
  const found: { id: string; key: Deno.KvKey }[] = [];
  let start: Deno.KvKey | null = null;
  for (let looked = 0; found.length < limit && looked < LONGEST_LOOK;) {
    const size = limit - found.length;
    const page: Deno.KvEntry<string>[] = await store.kv.list<string>(
      start ? { prefix, start } : { prefix },
      { limit: size },
    );
    for (const { key, value } of page) {
      if (knows(value)) found.push({ id: key[key.length - 1] as string, key });
    }
    if (page.length < size) break;
    looked += page.length;
    start = [...page[page.length - 1].key, ""];
  }
  return found;
}

/** Ids that a worker holds leases for, with the state each lease entry tells. */
export async function leasesOf(
  store: Store,
  worker: string,
  limit: number,
): Promise<{ id: string; type: DriverValue["type"] }[]> {
  const entries = await store.kv.list<DriverValue>({ prefix: prefixes.leasesOf(worker) }, { limit });
  return entries.map(({ key, value }) => ({ id: key[2] as string, type: value.type }));
}
