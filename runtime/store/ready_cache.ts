// Tasks that this process made ready, so that claiming them needs no read. A hint: the commit of a claim
// checks it.

import { type Entry, isReady, type Stored, type TaskRecord } from "../core/task.ts";
import { shardOf } from "../platform/keys.ts";
import { isSmall } from "./record_size.ts";

const MOST_KEPT = 20_000;

interface Known {
  /** Null for a large record: it is only counted. */
  entry: Entry | null;
  /** The look at the queue before which it became ready. */
  look: number;
}

export class ReadyCache {
  readonly #shards: Map<string, Known>[];
  #look = 0;

  constructor(shards: number) {
    this.#shards = Array.from({ length: shards }, () => new Map());
  }

  get size(): number {
    return this.#shards.reduce((sum, { size }) => sum + size, 0);
  }

  get(id: string): Entry | null {
    return this.#shardOf(id).get(id)?.entry ?? null;
  }

  update(entry: Entry<Stored>): void {
    const { record } = entry;
    const shard = this.#shardOf(record.id);
    shard.delete(record.id);
    if (!isReady(record) || this.size >= MOST_KEPT) return;
    shard.set(record.id, { entry: isSmall(record as TaskRecord) ? entry as Entry : null, look: this.#look });
  }

  forget(id: string): void {
    this.#shardOf(id).delete(id);
  }

  nextLook(): number {
    return ++this.#look;
  }

  /** The look has reached the end of the shard: what it did not find is claimed by others. */
  forgetBefore(look: number, shard: number): void {
    const known = this.#shards[shard];
    for (const [id, { look: madeBefore }] of known) {
      if (madeBefore >= look) return;
      known.delete(id);
    }
  }

  #shardOf(id: string): Map<string, Known> {
    return this.#shards[shardOf(id, this.#shards.length)];
  }
}
