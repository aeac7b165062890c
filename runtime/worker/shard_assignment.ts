// The shards of the queue that a worker starts from. Shards are dealt out in turn among the live workers, so
// that their claims rarely conflict. A worker may know an outdated list of the others: then claims conflict,
// and one of them wins.

import { every } from "../platform/periodic.ts";
import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";

const MOST_WORKERS = 1_000;
const AT_MOST_EVERY_MS = 200;

export class ShardAssignment {
  #workers: string[] = [];
  #own: { of: string; shards: Set<number> } | null = null;
  #readAt = -Infinity;
  #stopReading: () => Promise<void> = async () => {};
  #stopped = false;

  /** @param everyMs milliseconds between reads of the list of workers */
  constructor(private readonly store: Store, private readonly everyMs: number) {}

  /** With more workers than shards, some workers share a shard. */
  ownShards(worker: string): ReadonlySet<number> {
    if (this.#own?.of !== worker) {
      this.#own = { of: worker, shards: dealt(worker, this.#workers, this.store.kv.shards) };
    }
    return this.#own.shards;
  }

  async start(): Promise<void> {
    // A single shard belongs to all workers.
    if (this.store.kv.shards === 1) return;
    await this.#read();
    if (!this.#stopped) this.#stopReading = every(this.store.clock, this.everyMs, () => this.#read());
  }

  /** The list of workers may be outdated. */
  refreshSoon(): void {
    if (this.#stopped || this.store.kv.shards === 1) return;
    if (this.store.clock.monotonic() - this.#readAt < AT_MOST_EVERY_MS) return;
    this.#read();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopReading();
  }

  async #read(): Promise<void> {
    const { kv, clock } = this.store;
    this.#readAt = clock.monotonic();
    try {
      const beats = await kv.list({ prefix: prefixes.workers }, { limit: MOST_WORKERS });
      this.#workers = beats.map(({ key }) => parse.worker(key));
      this.#own = null;
    } catch { /* The known list stays in use: it only makes conflicts likelier. */ }
  }
}

/** Deals out all shards, about as many to each worker. */
export function dealt(worker: string, workers: string[], shards: number): Set<number> {
  const all = [...new Set([...workers, worker])].sort();
  const place = all.indexOf(worker);
  const own = new Set<number>();
  for (let shard = place % shards; shard < shards; shard += all.length) own.add(shard);
  return own;
}
