// The ready queue. All tasks that one commit makes ready are in one entry, a block of ids: a key for each
// task would double the cost of a task (docs/decisions/0015-blocks-of-ids.md). A task enters a block once,
// and blocks only shrink. So a claim may rewrite a block without a check: at worst an id comes back that no
// longer waits, and its record tells.

import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { after, keys, parse, prefixes } from "../platform/keys.ts";
import { shardOf } from "../platform/shard.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { firstOfEach, pages } from "../platform/paging.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { isSuspect, queueOf, type TaskRecord } from "../core/task.ts";

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

/** What is left of a block without these ids. */
export function without({ key, value }: Deno.KvEntry<ReadyBlock>, taken: ReadonlySet<string>): Write {
  const left = picked(value, (id) => !taken.has(id));
  return left.ids.length === 0 ? { key } : { key, value: left };
}

/** A block of these ids alone. */
export function partOf(block: ReadyBlock, ids: ReadonlySet<string>): ReadyBlock {
  return picked(block, (id) => ids.has(id));
}

function picked({ ids, tasks, callers }: ReadyBlock, picks: (id: string) => boolean): ReadyBlock {
  const found = ids.map((id, i) => ({ id, task: tasks[i], caller: callers?.[i] })).filter(({ id }) =>
    picks(id)
  );
  const block: ReadyBlock = { ids: found.map(({ id }) => id), tasks: found.map(({ task }) => task) };
  if (callers) block.callers = found.map(({ caller }) => caller!);
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
      const line = lineOf(record, shard);
      let block = open.get(line);
      if (!block || block.records.length === MOST_IN_A_BLOCK) {
        const queued = { order: this.#nextOrder(), block: this.ids.token() };
        const key = keys.ready(shard, record.priority, queued.order, queued.block, record.queue);
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

/** Tasks of one line share blocks. */
export function lineOf({ priority, queue }: TaskRecord, shard: number): string {
  return queue === undefined ? `${shard}/${priority}` : `${shard}/${priority}/${queue}`;
}

export function queueShardOf(record: TaskRecord, shards: number): number {
  return isSuspect(record) ? suspectShard(shards) : shardOf(record.id, shards);
}

/** The blocks under a prefix: of a queue, of all named ones, or of those that a pause holds. */
export async function* blocksUnder(
  kv: KvPort,
  prefix: Deno.KvKey,
): AsyncGenerator<Deno.KvEntry<ReadyBlock>> {
  for await (const page of pages<ReadyBlock>(kv, { prefix }, { size: 4, growTo: MOST_PER_READ })) yield* page;
}

/** Where tasks that are ready stand, in whatever queue. */
export const ALL_READY: readonly Deno.KvKey[] = [
  prefixes.allReady,
  prefixes.allNamedQueues,
  prefixes.allHeld,
];

/** The default queue, and the named ones that hold tasks: a small read for each of those. */
export async function* queuesWithTasks(kv: Pick<KvPort, "list">): AsyncGenerator<string> {
  yield DEFAULT_QUEUE;
  const queueOf = (key: Deno.KvKey) => parse.ready(key).queue;
  const groupOf = (key: Deno.KvKey) => prefixes.queue(queueOf(key));
  for await (const key of firstOfEach(kv, prefixes.allNamedQueues, groupOf)) yield queueOf(key);
}

/** The definitions of which a pause holds tasks, each with where its first ones stood. */
export async function* heldDefinitions(
  kv: Pick<KvPort, "list">,
): AsyncGenerator<ReturnType<typeof parse.held>> {
  const groupOf = (key: Deno.KvKey) => prefixes.held(parse.held(key).definition);
  for await (const key of firstOfEach(kv, prefixes.allHeld, groupOf)) yield parse.held(key);
}

/** The blocks of a shard, from the head on or `behind` a block. Few at first: most claims need no more. */
export async function* readyBlocks(
  kv: KvPort,
  shard: number,
  behind: Deno.KvKey | null = null,
  queue?: string,
): AsyncGenerator<Deno.KvEntry<ReadyBlock>> {
  const prefix = prefixes.ready(shard, queue);
  const selector = behind ? { prefix, start: after(behind) } : { prefix };
  // A claim that takes few tasks finds them in one or two blocks, and a server is slow with long answers.
  const size = kv.limits.checks < MOST_IN_A_BLOCK ? 2 : 4;
  for await (const page of pages<ReadyBlock>(kv, selector, { size, growTo: MOST_PER_READ })) yield* page;
}

export function queueKeyOf(record: TaskRecord, shards: number): Deno.KvKey {
  const { priority, queued, queue } = record;
  const { order, block } = queued ?? { order: 0, block: "" };
  return keys.ready(queueShardOf(record, shards), priority, order, block, queue);
}

export function isQueuedAt(record: TaskRecord, blockKey: Deno.KvKey): boolean {
  const { queue, block, order } = parse.ready(blockKey);
  return record.queued?.order === order && record.queued.block === firstNameOf(block) &&
    queueOf(record) === queue;
}

/**
 * A block that is moved gets a key that nobody has read, because whoever has read the old one may write it
 * again. The records of its tasks go on to name the block by its first name.
 */
const MOVED = "~";

export function movedBlock(block: string, token: string): string {
  return firstNameOf(block) + MOVED + token;
}

function firstNameOf(block: string): string {
  const at = block.indexOf(MOVED);
  return at < 0 ? block : block.slice(0, at);
}
