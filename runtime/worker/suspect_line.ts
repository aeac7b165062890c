// Tasks in whose company workers have died again and again: one of them may be what kills them. They wait in
// a shard of their own, and a worker runs one of them at a time. So each further death is counted against
// one of them alone, and what is innocent never comes to its last crash by another's fault. One that only
// waits for its children lets the next one run: that may be a child of its own.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { Entry } from "../core/task.ts";
import type { Log } from "../platform/log.ts";
import { every } from "../platform/periodic.ts";
import type { Controls } from "../queues/controls.ts";
import { suspectShard } from "../store/ready_queue.ts";
import { Slot, SlotPool } from "./slot_pool.ts";
import type { Store } from "../store/store.ts";
import { claim } from "./claim.ts";
import type { LeaseBook } from "./lease_book.ts";
import type { Hints } from "./queue_scan.ts";
import type { Slots } from "./slots.ts";

export interface SuspectLineOptions {
  worker: string;
  slots: Slots;
  leases: LeaseBook;
  log: Log;
  /** The line is looked at this often: suspects of other processes ring no bell here. */
  everyMs: number;
  takesWork: () => boolean;
  runnerOf: (task: string) => RunnerKind | null;
  /** Of which suspects may start now. Default: the default queue. */
  queues?: () => readonly string[];
  controls?: Controls;
  /**
   * Resolves once the attempt is over and its outcome is written.
   *
   * @param place in the line, which its function leaves while it waits for its children
   */
  run: (entry: Entry, block: string, place: Slot) => Promise<void>;
}

export class SuspectLine {
  /** Kinds that may wait in the line. At the start nothing is known. */
  readonly #mayWait = new Set(RUNNER_KINDS);
  /** Of the one that is claimed, or runs. */
  readonly #place: SlotPool = new SlotPool(1, () => this.#isClaiming || this.ring());
  #isClaiming = false;
  #claiming: Promise<void> = Promise.resolve();
  #stopLooking: () => Promise<void> = async () => {};

  constructor(private readonly store: Store, private readonly options: SuspectLineOptions) {}

  start(): void {
    this.#stopLooking = every(this.store.clock, this.options.everyMs, () => this.ring());
    this.go();
  }

  /** There may be suspects in the line. */
  ring(): void {
    for (const kind of RUNNER_KINDS) this.#mayWait.add(kind);
    this.go();
  }

  /** Runs the next one, if none runs and there is a slot for it. */
  go(): void {
    if (this.isBusy || this.#next() === null || !this.options.takesWork()) return;
    this.#claiming = this.#take();
  }

  /** A suspect is claimed, or runs. */
  get isBusy(): boolean {
    return this.#place.free === 0;
  }

  /** Resolves once no claim is under way. */
  async idle(): Promise<void> {
    await this.#claiming;
  }

  async stop(): Promise<void> {
    await this.#stopLooking();
    await this.#claiming;
  }

  /** The kind to look for; null if there is no slot for those that may wait. */
  #next(): RunnerKind | null {
    for (const kind of this.#mayWait) {
      if (this.#queues.some((queue) => this.options.slots.free(kind, queue) > 0)) return kind;
    }
    return null;
  }

  get #queues(): readonly string[] {
    return this.options.queues?.() ?? [DEFAULT_QUEUE];
  }

  async #take(): Promise<void> {
    this.#isClaiming = true;
    this.#place.take();
    for (let kind = this.#next(); kind !== null; kind = this.#next()) {
      this.#mayWait.delete(kind);
      if (await this.#claimAny(kind)) break;
    }
    this.#place.give();
    this.#isClaiming = false;
  }

  /** @returns false if none of the kind waits where there is a slot. */
  async #claimAny(kind: RunnerKind): Promise<boolean> {
    for (const queue of this.#queues) {
      if (this.options.slots.free(kind, queue) > 0 && await this.#claim(kind, queue)) return true;
    }
    return false;
  }

  async #claim(kind: RunnerKind, queue: string): Promise<boolean> {
    const { worker, slots, leases, log, runnerOf, takesWork, run, controls } = this.options;
    const pool = slots.of(kind, queue);
    const budgets = { inline: 0, thread: 0, [kind]: 1 };
    // Not kept for the next look: where claims skip, another process may put one by its clock.
    let hints: Hints | undefined;
    pool.take();
    try {
      while (takesWork()) {
        if (controls && !controls.isFresh) await controls.look();
        if (controls && !controls.isOpen(queue)) return false;
        const shard = suspectShard(this.store.kv.shards);
        const writes = () => leases.takeDeletions();
        const claimed = await claim(this.store, {
          worker,
          shard,
          queue,
          takesWork,
          controls,
          budgets,
          runnerOf,
          writes,
          hints,
        });
        hints = claimed.hints;
        const { entries, block } = claimed;
        if (block !== null) leases.open(block, entries.map(({ record }) => record.id));
        if (entries.length > 0) {
          const place = new Slot(this.#place);
          run(entries[0], block!, place).then(() => place.end());
          return true;
        }
        if (!claimed.more[kind]) return false;
      }
    } catch (error) {
      // The next look tries again.
      log.error("claiming a suspect failed", error);
    } finally {
      pool.give();
    }
    return false;
  }
}
