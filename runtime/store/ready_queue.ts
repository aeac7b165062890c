// The ready queue. What one commit makes ready stands in one entry, a block of ids, because a key of its own for
// each task would double what a task costs (README, "Design"). A task enters a block once, and blocks only ever
// shrink. So a claim may rewrite a block without a check: whatever another claim does at the same time, no id that
// still waits can be lost, and an id that no longer waits is found out by its record.

import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { after, keys, parse, prefixes, shardOf } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import type { TaskRecord } from "../core/task.ts";

/** Ids in their order, and their definitions' names, so that a worker can pass over what it does not know. */
export interface ReadyBlock {
  ids: string[];
  tasks: string[];
}

/** A claim rewrites what it leaves of a block, so blocks are kept small. */
const MOST_IN_A_BLOCK = 100;
const MOST_PER_READ = 256;

export class Queue {
  #lastOrder = 0;

  constructor(
    private readonly shards: number,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Puts tasks at the end of the queue, in their order, and notes in each record which block holds it. */
  add(records: TaskRecord[]): Write[] {
    const open = new Map<string, { key: Deno.KvKey; value: ReadyBlock; queued: TaskRecord["queued"] }>();
    const writes: Write[] = [];
    for (const record of records) {
      const shard = shardOf(record.id, this.shards);
      const line = `${shard}/${record.priority}`;
      let block = open.get(line);
      if (!block || block.value.ids.length === MOST_IN_A_BLOCK) {
        const queued = { order: this.#nextOrder(), block: this.ids.token() };
        const key = keys.ready(shard, record.priority, queued.order, queued.block);
        block = { key, value: { ids: [], tasks: [] }, queued };
        open.set(line, block);
        writes.push(block);
      }
      block.value.ids.push(record.id);
      block.value.tasks.push(record.task);
      record.queued = block.queued;
    }
    return writes.map(({ key, value }) => ({ key, value }));
  }

  /** The time now, made to rise strictly within this process. */
  #nextOrder(): number {
    const now = this.clock.now();
    // 1/1024 ms is exact in a double for as long as milliseconds have 43 bits or fewer.
    this.#lastOrder = now > this.#lastOrder ? now : this.#lastOrder + 1 / 1024;
    return this.#lastOrder;
  }
}

/** The blocks of a shard, from the head on or `behind` a block's key, a few at first: most claims are satisfied by the first ones. */
export async function* blocks(
  kv: KvPort,
  shard: number,
  behind: Deno.KvKey | null = null,
): AsyncGenerator<Deno.KvEntry<ReadyBlock>> {
  const prefix = prefixes.ready(shard);
  const selector = behind ? { prefix, start: after(behind) } : { prefix };
  // A claim that takes few tasks finds them in one or two blocks, and a server is slow with long answers.
  const size = kv.limits.checks < MOST_IN_A_BLOCK ? 2 : 4;
  for await (const page of pages<ReadyBlock>(kv, selector, { size, growTo: MOST_PER_READ })) yield* page;
}

/** True if this block of the queue holds the record. */
export function isQueuedAt(record: TaskRecord, blockKey: Deno.KvKey): boolean {
  const { block, order } = parse.ready(blockKey);
  return record.queued !== null && record.queued.block === block && record.queued.order === order;
}
