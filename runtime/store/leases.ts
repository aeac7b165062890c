// Heartbeats of workers, and the blocks of tasks that they have leased.

import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "./store.ts";

/** Written by each worker every third of a lease. */
export interface HeartbeatRecord {
  rev: string;
  startedAt: number;
  concurrency: number;
  running: number;
}

export async function leaseBlocksOf(
  store: Store,
  worker: string,
  limit: number,
): Promise<{ block: string; ids: string[] }[]> {
  const entries = await store.kv.list<string[]>({ prefix: prefixes.leasesOf(worker) }, { limit });
  return entries.map(({ key, value }) => ({ block: parse.lease(key).block, ids: value }));
}
