// Heartbeats of workers, and the blocks of tasks that they have leased.

import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "./store.ts";

/** Written by each worker every third of a lease. */
export interface HeartbeatRecord {
  rev: string;
  startedAt: number;
  /** When it was sent, by the clock of its machine. Earlier releases leave out this, and what follows. */
  at?: number;
  concurrency: number;
  running: number;
  /** The queues that it takes tasks from; null: all. */
  queues?: string[] | null;
  release?: string;
}

/** One beat for a worker whose own ones are late. None if it was taken for dead, or beats by itself now. */
export async function beatInstead(kv: Pick<Deno.Kv, "get" | "atomic">, key: Deno.KvKey): Promise<void> {
  const { value, versionstamp } = await kv.get<HeartbeatRecord>(key);
  if (value === null) return;
  const next: HeartbeatRecord = { ...value, rev: `instead of ${versionstamp}` };
  await kv.atomic().check({ key, versionstamp }).set(key, next).commit();
}

export async function leaseBlocksOf(
  store: Store,
  worker: string,
  limit: number,
): Promise<{ block: string; ids: string[] }[]> {
  const entries = await store.kv.list<string[]>({ prefix: prefixes.leasesOf(worker) }, { limit });
  return entries.map(({ key, value }) => ({ block: parse.lease(key).block, ids: value }));
}
