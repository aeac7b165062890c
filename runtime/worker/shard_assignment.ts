// Which shards of the queue a worker starts from. They are dealt out in turn among the workers that live, so that all of
// them claim at once and rarely meet; what each of them thinks of the others may be old, and then they meet.

import { every } from "../platform/periodic.ts";
import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";

const MOST_WORKERS = 1_000;
const AT_MOST_EVERY_MS = 200;

export class ShardAssignment {
  #workers: string[] = [];
  #own: { of: string; shards: Set<number> } | null = null;
  #lookedAt = -Infinity;
  #stopLooks: () => Promise<void> = async () => {};
  #stopped = false;

  /** @param everyMs milliseconds between looks. */
  constructor(private readonly store: Store, private readonly everyMs: number) {}

  /** With more workers than shards some share one. */
  ownShards(worker: string): ReadonlySet<number> {
    if (this.#own?.of !== worker) {
      this.#own = { of: worker, shards: dealt(worker, this.#workers, this.store.kv.shards) };
    }
    return this.#own.shards;
  }

  async start(): Promise<void> {
    // A queue in one piece is everybody's.
    if (this.store.kv.shards === 1) return;
    await this.#look();
    if (!this.#stopped) this.#stopLooks = every(this.store.clock, this.everyMs, () => this.#look());
  }

  /** There may be more of them, or fewer, than is known. */
  lookSoon(): void {
    if (this.#stopped || this.store.kv.shards === 1) return;
    if (this.store.clock.monotonic() - this.#lookedAt < AT_MOST_EVERY_MS) return;
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopLooks();
  }

  async #look(): Promise<void> {
    const { kv, clock } = this.store;
    this.#lookedAt = clock.monotonic();
    try {
      const beats = await kv.list({ prefix: prefixes.workers }, { limit: MOST_WORKERS });
      this.#workers = beats.map(({ key }) => parse.worker(key));
      this.#own = null;
    } catch { /* What was known goes on to hold: they only meet more often. */ }
  }
}

/** Every shard is somebody's, and nobody has many more than another. */
export function dealt(worker: string, workers: string[], shards: number): Set<number> {
  const all = [...new Set([...workers, worker])].sort();
  const place = all.indexOf(worker);
  const own = new Set<number>();
  for (let shard = place % shards; shard < shards; shard += all.length) own.add(shard);
  return own;
}
