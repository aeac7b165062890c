// Which tasks this worker has in hand, and how many more it may take. Each kind of function has slots of its
// own: work of the main thread never waits for a worker thread.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { PassingMap } from "../core/passing_map.ts";
import type { Lease } from "../core/task.ts";
import type { Attempt } from "./attempt.ts";
import type { CallerSlot } from "./caller_slots.ts";
import { SlotPool } from "./slot_pool.ts";

/** With more outcomes than this waiting for their commit, the worker takes nothing new. */
const MOST_SETTLING = 2_000;

export interface Starting {
  lease: Lease;
  block: string;
  kind: RunnerKind;
  ofCaller: CallerSlot | null;
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
  readonly #pools: Record<RunnerKind, SlotPool>;

  /** @param onFree called when a slot of the kind has come free */
  constructor(
    sizes: Record<RunnerKind, number>,
    private readonly onFree: (kind: RunnerKind) => void,
  ) {
    const pool = (kind: RunnerKind) => new SlotPool(sizes[kind], () => onFree(kind));
    this.#pools = { inline: pool("inline"), thread: pool("thread") };
  }

  of(kind: RunnerKind): SlotPool {
    return this.#pools[kind];
  }

  /** How many more functions of the kind may start. */
  free(kind: RunnerKind): number {
    return this.settling.size >= MOST_SETTLING ? 0 : this.#pools[kind].free;
  }

  /** For what a claim may bring: taken before it, and given back after it. */
  take(counts: Record<RunnerKind, number>): void {
    for (const kind of RUNNER_KINDS) this.#pools[kind].take(counts[kind]);
  }

  give(counts: Record<RunnerKind, number>): void {
    for (const kind of RUNNER_KINDS) if (counts[kind] > 0) this.#pools[kind].give(counts[kind]);
  }

  /** The attempt's outcome is written, or never will be. */
  settled(attempt: Attempt): void {
    if (this.settling.get(attempt.id) !== attempt) return;
    this.settling.delete(attempt.id);
    if (this.settling.size === MOST_SETTLING - 1) { for (const kind of RUNNER_KINDS) this.onFree(kind); }
  }

  get isIdle(): boolean {
    return this.running.size + this.settling.size + this.starting.size + this.unconfirmed === 0;
  }
}
