// Looks through a shard of the ready queue for what a claim can take: tasks of definitions that this process
// has, as many of each kind as there are slots for. What it cannot take may be very long, such as tasks that
// wait for a thread: the next scan then goes on behind it.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { isBehind } from "./block_order.ts";
import type { Held } from "../queues/held_tasks.ts";
import { type ReadyBlock, readyBlocks, without } from "../store/ready_queue.ts";
import { writeBytes } from "../store/record_size.ts";
import type { Store } from "../store/store.ts";
import { tenantOf } from "../core/tenant.ts";
import type { CallerSlots } from "./caller_slots.ts";

/** Free slots, by kind. */
export type Budgets = Record<RunnerKind, number>;

/** By kind, a block of the shard up to which none holds a task of the kind. */
export type Skips = Partial<Record<RunnerKind, Deno.KvKey>>;

/** What one claim of a shard has found out for the next one. */
export interface Hints {
  skips: Skips;
  /** The queue named tasks that do not wait any more: the next claim looks at more than it can take. */
  isStale: boolean;
}

/** By kind: whether the shard may hold more of it. Left out where the scan cannot tell. */
export type More = Partial<Record<RunnerKind, boolean>>;

export interface ScanOptions {
  shard: number;
  /** Default: the default queue. */
  queue?: string;
  budgets: Budgets;
  /** Null for definitions that this process does not have. */
  runnerOf: (task: string) => RunnerKind | null;
  hints?: Hints;
  /** True for definitions whose tasks are to leave the queue. */
  isPaused?: (task: string) => boolean;
  /** Passes over tasks of callers who have enough. Left out: takes all. */
  callers?: CallerSlots;
}

/** A block, and the ids in it that this claim wants. */
export interface Part {
  block: Deno.KvEntry<ReadyBlock>;
  wanted: string[];
}

/** Blocks at the head that every scan reads: a task with a larger priority stands there. */
const HEAD_BLOCKS = 20;
/** Ids that one scan reads; the next scan goes on from there. */
const MOST_READ = 10_000;
/** Ids that a scan looks for in a queue that is out of date, however few slots are free. */
const SOUGHT_IF_STALE = 100;
/** The part of a commit's bytes that is for what is left of the blocks: the ids of other tasks. */
const BLOCKS_SHARE = 0.15;

export class QueueScan {
  readonly parts: Part[] = [];
  /** Tasks of paused definitions that it has met. */
  readonly held: Held[] = [];
  readonly #skips: Skips;
  readonly #left: Budgets;
  readonly #asked: RunnerKind[];
  /** Kinds of which no block so far holds a task. */
  readonly #absent = new Set(RUNNER_KINDS);
  /** Kinds of which it has seen tasks that it does not take. */
  readonly #leaves = new Set<RunnerKind>();
  /** Kinds of which a task stands where the scans before saw none. */
  readonly #early = new Set<RunnerKind>();
  /** Kinds whose tasks it may have passed over unseen. */
  readonly #unseen = new Set<RunnerKind>();
  #hasReachedEnd = false;
  #blocks = 0;
  #read = 0;
  #room: number;
  /** How many more of a caller's tasks there is room for, by kind and caller. */
  #roomOf = new Map<string, number>();

  constructor(private readonly store: Store, private readonly options: ScanOptions) {
    this.#skips = { ...options.hints?.skips };
    const { budgets } = options;
    this.#left = { inline: this.#soughtFor(budgets.inline), thread: this.#soughtFor(budgets.thread) };
    this.#asked = RUNNER_KINDS.filter((kind) => this.#left[kind] > 0);
    this.#room = BLOCKS_SHARE * store.kv.limits.bytes;
  }

  async run(): Promise<this> {
    for (let from: Deno.KvKey | null = null;;) {
      const next = await this.#readFrom(from);
      if (!next) return this;
      for (const kind of RUNNER_KINDS) {
        const skip = this.#skips[kind];
        if (skip && !isBehind(next, skip)) continue;
        this.#absent.delete(kind);
        this.#unseen.add(kind);
      }
      from = next;
    }
  }

  /**
   * What the next claim goes by.
   *
   * @param left kinds of which wanted tasks were not taken after all
   * @param isStale some of those that were wanted do not wait any more
   */
  next(left: RunnerKind[], isStale: boolean): { more: More; hints: Hints } {
    const more: More = {};
    const skips = { ...this.#skips };
    for (const kind of RUNNER_KINDS) {
      const isLeft = this.#leaves.has(kind) || left.includes(kind);
      if (isLeft) more[kind] = true;
      else if (this.#hasReachedEnd && !this.#unseen.has(kind)) more[kind] = false;
      else if (this.#asked.includes(kind)) more[kind] = true;
      if (isLeft && this.#early.has(kind)) delete skips[kind];
    }
    return { more, hints: { skips, isStale } };
  }

  /** Returns the block behind which to read on, if that is not the next one; null if the scan is over. */
  async #readFrom(from: Deno.KvKey | null): Promise<Deno.KvKey | null> {
    const { kv } = this.store;
    const { shard, queue } = this.options;
    for await (const block of readyBlocks(kv, shard, from, queue)) {
      if (!this.#takeOf(block)) return null;
      this.#blocks++;
      this.#read += block.value.ids.length;
      for (const kind of this.#absent) this.#passed(kind, block.key);
      const open = this.#asked.filter((kind) => this.#left[kind] > 0);
      if (open.length === 0 || this.#read >= MOST_READ) return null;
      const next = this.#blocks < HEAD_BLOCKS ? null : firstOf(open.map((kind) => this.#skips[kind]));
      if (next && isBehind(next, block.key)) return next;
    }
    this.#hasReachedEnd = true;
    return null;
  }

  /** Returns false if the commit has no room for what would be left of the block. */
  #takeOf(block: Deno.KvEntry<ReadyBlock>): boolean {
    const { ids, tasks, callers } = block.value;
    const { isPaused } = this.options;
    const held = isPaused ? ids.filter((_, i) => isPaused(tasks[i])) : [];
    const roomOf = callers && this.options.callers ? new Map(this.#roomOf) : null;
    const left = { ...this.#left };
    const found = new Set<RunnerKind>();
    const leaves = new Set<RunnerKind>();
    const wanted = ids.filter((id, i) => {
      const kind = this.store.newer.has(id) ? null : this.options.runnerOf(tasks[i]);
      if (kind === null || held.length > 0 && isPaused!(tasks[i])) return false;
      const caller = callers?.[i] ?? "";
      const isCounted = roomOf !== null && caller !== "";
      // As if it were not there: this claim, and the next ones, look behind it.
      if (isCounted && this.#roomFor(kind, { id, caller }, roomOf) <= 0) return false;
      found.add(kind);
      if (left[kind] === 0) {
        leaves.add(kind);
        return false;
      }
      left[kind]--;
      if (isCounted) roomOf.set(nameOf(kind, id, caller), this.#roomFor(kind, { id, caller }, roomOf) - 1);
      return true;
    });
    if (wanted.length > 0) {
      this.#room -= writeBytes(without(block, new Set(wanted)));
      if (this.#room < 0 && this.parts.length > 0) return false;
      this.parts.push({ block, wanted });
    }
    if (held.length > 0) this.held.push({ block, ids: held });
    Object.assign(this.#left, left);
    if (roomOf) this.#roomOf = roomOf;
    for (const kind of found) {
      this.#absent.delete(kind);
      const skip = this.#skips[kind];
      if (skip && !isBehind(block.key, skip)) this.#early.add(kind);
    }
    for (const kind of leaves) this.#leaves.add(kind);
    return true;
  }

  #roomFor(kind: RunnerKind, owned: { id: string; caller: string }, roomOf: Map<string, number>): number {
    const name = nameOf(kind, owned.id, owned.caller);
    let room = roomOf.get(name);
    if (room === undefined) roomOf.set(name, room = this.options.callers!.room(kind, owned));
    if (room <= 0) this.options.callers!.passOver(kind, owned);
    return room;
  }

  #soughtFor(slots: number): number {
    if (slots > 0 && this.options.hints?.isStale) return SOUGHT_IF_STALE;
    return Math.min(slots, this.store.kv.limits.checks);
  }

  #passed(kind: RunnerKind, block: Deno.KvKey): void {
    const skip = this.#skips[kind];
    if (!skip || isBehind(block, skip)) this.#skips[kind] = block;
  }
}

function nameOf(kind: RunnerKind, id: string, caller: string): string {
  return `${kind}/${tenantOf(id)}/${caller}`;
}

/** Null if one is not known. */
function firstOf(keys: (Deno.KvKey | undefined)[]): Deno.KvKey | null {
  let first: Deno.KvKey | null = null;
  for (const key of keys) {
    if (!key) return null;
    if (!first || isBehind(first, key)) first = key;
  }
  return first;
}
