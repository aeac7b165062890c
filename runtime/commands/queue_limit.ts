// Bounds the ready queue. Its length is counted now and then, and followed from there by the commits of this
// process; what other processes add and take is seen at the next count.

import { QueueFullError } from "../core/errors.ts";
import { allShards, readyBlocks } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isReady, type Stored } from "../core/task.ts";

/** The pause after a count, in multiples of the time it took: counting must not become the main work. */
const PAUSE_FACTOR = 10;
const SHORTEST_PAUSE_MS = 100;

export class QueueLimit {
  #counted = 0;
  #since = 0;
  #nextCountAt = -Infinity;
  #counting: Promise<void> | null = null;

  constructor(private readonly store: Store, private readonly most: number) {}

  /** Tasks that wait, as far as this process knows. */
  get waiting(): number {
    return Math.max(0, this.#counted + this.#since);
  }

  /** To be called after each commit of this process. */
  changed(entry: Entry<Stored>, before: Entry<Stored> | null): void {
    this.#since += Number(isReady(entry.record)) - Number(before !== null && isReady(before.record));
  }

  /** @throws {QueueFullError} if there is no room for `count` more tasks, by a fresh count. */
  async admit(count: number): Promise<void> {
    if (this.waiting + count <= this.most) return;
    await this.#count();
    if (this.waiting + count > this.most) throw new QueueFullError(this.waiting, this.most);
  }

  async #count(): Promise<void> {
    const { clock } = this.store;
    if (this.#counting === null && clock.monotonic() < this.#nextCountAt) return;
    this.#counting ??= this.#countAll().finally(() => this.#counting = null);
    await this.#counting;
  }

  async #countAll(): Promise<void> {
    const { clock, kv } = this.store;
    const startedAt = clock.monotonic();
    const before = this.#since;
    let counted = 0;
    for (const shard of allShards(kv.shards)) {
      for await (const { value } of readyBlocks(kv, shard)) counted += value.ids.length;
    }
    this.#counted = counted;
    this.#since -= before;
    const tookMs = clock.monotonic() - startedAt;
    this.#nextCountAt = clock.monotonic() + Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * tookMs);
  }
}
