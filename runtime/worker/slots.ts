// Which tasks this worker has in hand, and how many more it may take. Each kind of function has slots of its
// own: work of the main thread never waits for a worker thread.

import { type ServedQueues, slotsOfAll } from "../core/queue.ts";
import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { PassingMap } from "../core/passing_map.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { Lease } from "../core/task.ts";
import type { Attempt } from "./attempt.ts";
import type { CallerSlot } from "./caller_slots.ts";
import { SlotPool } from "./slot_pool.ts";

/** How many slots of each kind. */
export type Sizes = Record<RunnerKind, number>;
type Pools = Record<RunnerKind, SlotPool>;

/** With more outcomes than this waiting for their commit, the worker takes nothing new. */
const MOST_SETTLING = 2_000;

export interface Starting {
  lease: Lease;
  block: string;
  pool: SlotPool;
  ofCaller: CallerSlot | null;
}

/** How many functions run at once: of queues without slots of their own, of each other queue, of all. */
export function sizesFor(
  served: ServedQueues | null,
  concurrency: number,
  threads: number,
): { shared: Sizes; own: Map<string, Sizes>; all: Sizes } {
  const sizesOf = (slots: number): Sizes => ({ inline: slots, thread: Math.min(slots, threads) });
  const own = new Map<string, Sizes>();
  for (const { name, slots } of served ?? []) if (slots !== undefined) own.set(name, sizesOf(slots));
  return { shared: sizesOf(concurrency), own, all: sizesOf(slotsOfAll(served, concurrency)) };
}

export class Slots {
  /** New tasks whose commit is under way, and which begin with it. */
  readonly starting = new PassingMap<string, Starting>();
  /** Attempts whose function runs. */
  readonly running = new PassingMap<string, Attempt>();
  /** Attempts whose outcome is on its way to KV. */
  readonly settling = new PassingMap<string, Attempt>();
  /** Claimed tasks that wait for a heartbeat before they begin. */
  unconfirmed = 0;
  /** Of the queues that share slots. */
  readonly #shared: Pools;
  readonly #own = new Map<string, Pools>();

  /**
   * @param onFree called when a slot of the kind has come free: of a queue with slots of its own, or one that
   *   others share
   * @param own by the names of their queues
   */
  constructor(
    sizes: Sizes,
    private readonly onFree: (kind: RunnerKind, queue: string | null) => void,
    own: ReadonlyMap<string, Sizes> = new Map(),
  ) {
    this.#shared = this.#poolsOf(sizes, null);
    for (const [queue, sizes] of own) this.#own.set(queue, this.#poolsOf(sizes, queue));
  }

  #poolsOf({ inline, thread }: Sizes, queue: string | null): Pools {
    const pool = (kind: RunnerKind, size: number) => new SlotPool(size, () => this.onFree(kind, queue));
    return { inline: pool("inline", inline), thread: pool("thread", thread) };
  }

  get ownQueues(): string[] {
    return [...this.#own.keys()];
  }

  hasOwn(queue: string): boolean {
    return this.#own.has(queue);
  }

  of(kind: RunnerKind, queue: string = DEFAULT_QUEUE): SlotPool {
    return (this.#own.get(queue) ?? this.#shared)[kind];
  }

  /** How many more functions of the kind may start. */
  free(kind: RunnerKind, queue?: string): number {
    return this.settling.size >= MOST_SETTLING ? 0 : this.of(kind, queue).free;
  }

  /** For what a claim may bring: taken before it, and given back after it. */
  take(counts: Sizes, queue?: string): void {
    for (const kind of RUNNER_KINDS) this.of(kind, queue).take(counts[kind]);
  }

  give(counts: Sizes, queue?: string): void {
    for (const kind of RUNNER_KINDS) if (counts[kind] > 0) this.of(kind, queue).give(counts[kind]);
  }

  /** The attempt's outcome is written, or never will be. */
  settled(attempt: Attempt): void {
    if (this.settling.get(attempt.id) !== attempt) return;
    this.settling.delete(attempt.id);
    if (this.settling.size !== MOST_SETTLING - 1) return;
    for (const queue of [null, ...this.#own.keys()]) {
      for (const kind of RUNNER_KINDS) this.onFree(kind, queue);
    }
  }

  get isIdle(): boolean {
    return this.running.size + this.settling.size + this.starting.size + this.unconfirmed === 0;
  }
}
