// The ready queue. All tasks that one commit makes ready are in one entry, a block of ids: a key for each
// task would double the cost of a task (docs/decisions/0015-blocks-of-ids.md). A task enters a block once,
// and blocks only shrink. So a claim may rewrite a block without a check: at worst an id comes back that no
// longer waits, and its record tells.

import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { after, keys, parse, prefixes, shardOf } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import { isSuspect, type TaskRecord } from "../core/task.ts";

/**
 * Ids in order, with the names of their definitions and of the keys that have submitted them: a worker skips
 * what it does not know, and what it has enough of.
 */
export interface ReadyBlock {
  ids: string[];
  tasks: string[];
  /** Empty texts for those without a key; left out where none has one. */
  callers?: string[];
}

export function readyBlockOf(records: readonly TaskRecord[]): ReadyBlock {
  const block: ReadyBlock = { ids: records.map(({ id }) => id), tasks: records.map(({ task }) => task) };
  if (records.some(({ caller }) => caller !== undefined)) {
    block.callers = records.map(({ caller = "" }) => caller);
  }
  return block;
}

/** A claim rewrites what it leaves of a block, so blocks are small. */
export const MOST_IN_A_BLOCK = 100;
const MOST_PER_READ = 256;

interface OpenBlock {
  key: Deno.KvKey;
  records: TaskRecord[];
  queued: TaskRecord["queued"];
}

export class ReadyQueue {
  #lastOrder = 0;

  constructor(
    private readonly shards: number,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Puts tasks at the end of the queue, in order. Sets in each record which block holds it. */
  add(records: TaskRecord[]): Write[] {
    const open = new Map<string, OpenBlock>();
    const blocks: OpenBlock[] = [];
    for (const record of records) {
      const shard = queueShardOf(record, this.shards);
      const line = `${shard}/${record.priority}`;
      let block = open.get(line);
      if (!block || block.records.length === MOST_IN_A_BLOCK) {
        const queued = { order: this.#nextOrder(), block: this.ids.token() };
        const key = keys.ready(shard, record.priority, queued.order, queued.block);
        block = { key, records: [], queued };
        open.set(line, block);
        blocks.push(block);
      }
      block.records.push(record);
      record.queued = block.queued;
    }
    return blocks.map(({ key, records }) => ({ key, value: readyBlockOf(records) }));
  }

  /** The time now, but always later than the last one in this process. */
  #nextOrder(): number {
    const now = this.clock.now();
    // 1/1024 ms is exact in a double while milliseconds have 43 bits or fewer.
    this.#lastOrder = now > this.#lastOrder ? now : this.#lastOrder + 1 / 1024;
    return this.#lastOrder;
  }
}

/** The shard behind all others: see worker/suspect_line.ts. */
export function suspectShard(shards: number): number {
  return shards;
}

/** All shards, also that of the suspects. */
export function allShards(shards: number): number[] {
  return Array.from({ length: shards + 1 }, (_, shard) => shard);
}

export function queueShardOf(record: TaskRecord, shards: number): number {
  return isSuspect(record) ? suspectShard(shards) : shardOf(record.id, shards);
}

/** The blocks of a shard, from the head on or `behind` a block. Few at first: most claims need no more. */
export async function* readyBlocks(
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

export function queueKeyOf(record: TaskRecord, shards: number): Deno.KvKey {
  const { priority, queued } = record;
  return keys.ready(queueShardOf(record, shards), priority, queued?.order ?? 0, queued?.block ?? "");
}

export function isQueuedAt(record: TaskRecord, blockKey: Deno.KvKey): boolean {
  const { block, order } = parse.ready(blockKey);
  return record.queued?.block === block && record.queued.order === order;
}
