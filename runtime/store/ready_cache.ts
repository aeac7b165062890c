// Tasks that this process made ready, so that claiming them needs no read. A hint: the commit of a claim
// checks it.

import type { RunnerKind } from "../core/define.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { type Entry, isForgotten, isReady, isSuspect, type Stored, type TaskRecord } from "../core/task.ts";
import { PassingMap } from "../core/passing_map.ts";
import { shardOf } from "../platform/shard.ts";
import { isSmall } from "./record_size.ts";

/** Each takes 1.3 kB, and what has been kept for a while is freed by full collections only. */
const MOST_KEPT = 5_000;

interface Known {
  /** Null for a large record: it is only counted. */
  entry: Entry | null;
  /** The look at the queue before which it became ready. */
  look: number;
}

type Shard = Record<RunnerKind, PassingMap<string, Known>>;

export interface ReadyCacheOptions {
  shards: number;
  /** Where the function of a definition runs. */
  runnerOf: (task: string) => RunnerKind;
  /** False for what this process does not claim now: it would only take up room. Default: it claims all. */
  claims?: (record: TaskRecord) => boolean;
}

export class ReadyCache {
  /** By queue. */
  readonly #queues = new Map<string, Shard[]>();
  #kept = 0;
  #look = 0;

  constructor(private readonly options: ReadyCacheOptions) {}

  /** @param counts which queues are counted; default: all */
  size(kind: RunnerKind, counts: (queue: string) => boolean = () => true): number {
    let size = 0;
    for (const [queue, shards] of this.#queues) {
      if (counts(queue)) { for (const shard of shards) size += shard[kind].size; }
    }
    return size;
  }

  get(id: string, queue: string = DEFAULT_QUEUE): Entry | null {
    const shard = this.#shardOf(id, queue);
    return shard ? (shard.inline.get(id) ?? shard.thread.get(id))?.entry ?? null : null;
  }

  update(entry: Entry<Stored>): void {
    const { record } = entry;
    const { claims = () => true } = this.options;
    this.forget(record.id, isForgotten(record) ? undefined : record.queue);
    // Suspects are claimed from KV, one by one.
    if (!isReady(record) || isSuspect(record as TaskRecord) || this.#kept >= MOST_KEPT) return;
    const task = record as TaskRecord;
    if (!claims(task)) return;
    const kind = this.options.runnerOf(task.task);
    const { queue = DEFAULT_QUEUE } = task;
    if (!this.#queues.has(queue)) this.#queues.set(queue, this.#noShards());
    const shard = this.#shardOf(task.id, queue)!;
    shard[kind].set(task.id, { entry: isSmall(task) ? entry as Entry : null, look: this.#look });
    this.#kept++;
  }

  forget(id: string, queue: string = DEFAULT_QUEUE): void {
    const shard = this.#shardOf(id, queue);
    if (shard && (shard.inline.delete(id) || shard.thread.delete(id))) this.#kept--;
  }

  /** The queue is paused. */
  forgetQueue(queue: string): void {
    for (const { inline, thread } of this.#queues.get(queue) ?? []) this.#kept -= inline.size + thread.size;
    this.#queues.delete(queue);
  }

  get queues(): string[] {
    return [...this.#queues.keys()];
  }

  nextLook(): number {
    return ++this.#look;
  }

  /** The look has found no more tasks of the kind in the shard: others have claimed what it did not find. */
  forgetBefore(look: number, shard: number, kind: RunnerKind, queue: string = DEFAULT_QUEUE): void {
    const known = this.#queues.get(queue)?.[shard][kind];
    if (!known) return;
    for (const [id, { look: madeBefore }] of known) {
      if (madeBefore >= look) return;
      known.delete(id);
      this.#kept--;
    }
  }

  #noShards(): Shard[] {
    return Array.from(
      { length: this.options.shards },
      () => ({ inline: new PassingMap(), thread: new PassingMap() }),
    );
  }

  #shardOf(id: string, queue: string): Shard | undefined {
    return this.#queues.get(queue)?.[shardOf(id, this.options.shards)];
  }
}
