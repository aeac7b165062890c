// Tasks that this process made ready, so that claiming them needs no read. A hint: the commit of a claim
// checks it.

import type { RunnerKind } from "../core/define.ts";
import { type Entry, isReady, isSuspect, type Stored, type TaskRecord } from "../core/task.ts";
import { PassingMap } from "../core/passing_map.ts";
import { shardOf } from "../platform/keys.ts";
import { isSmall } from "./record_size.ts";

const MOST_KEPT = 20_000;

interface Known {
  /** Null for a large record: it is only counted. */
  entry: Entry | null;
  /** The look at the queue before which it became ready. */
  look: number;
}

type Shard = Record<RunnerKind, PassingMap<string, Known>>;

export class ReadyCache {
  readonly #shards: Shard[];
  #look = 0;

  /** @param runnerOf where the function of a definition runs */
  constructor(shards: number, private readonly runnerOf: (task: string) => RunnerKind) {
    this.#shards = Array.from(
      { length: shards },
      () => ({ inline: new PassingMap(), thread: new PassingMap() }),
    );
  }

  size(kind: RunnerKind): number {
    return this.#shards.reduce((sum, shard) => sum + shard[kind].size, 0);
  }

  get(id: string): Entry | null {
    const { inline, thread } = this.#shardOf(id);
    return (inline.get(id) ?? thread.get(id))?.entry ?? null;
  }

  update(entry: Entry<Stored>): void {
    const { record } = entry;
    this.forget(record.id);
    // Suspects are claimed from KV, one by one.
    if (
      !isReady(record) || isSuspect(record as TaskRecord) ||
      this.size("inline") + this.size("thread") >= MOST_KEPT
    ) return;
    const task = record as TaskRecord;
    const known = this.#shardOf(task.id)[this.runnerOf(task.task)];
    known.set(task.id, { entry: isSmall(task) ? entry as Entry : null, look: this.#look });
  }

  forget(id: string): void {
    const { inline, thread } = this.#shardOf(id);
    if (!inline.delete(id)) thread.delete(id);
  }

  nextLook(): number {
    return ++this.#look;
  }

  /** The look has found no more tasks of the kind in the shard: others have claimed what it did not find. */
  forgetBefore(look: number, shard: number, kind: RunnerKind): void {
    const known = this.#shards[shard][kind];
    for (const [id, { look: madeBefore }] of known) {
      if (madeBefore >= look) return;
      known.delete(id);
    }
  }

  #shardOf(id: string): Shard {
    return this.#shards[shardOf(id, this.#shards.length)];
  }
}
