// The worker: claim → execute → settle, while there is work and a free slot. It connects its parts:
// claim_scheduler.ts says where and when to claim, attempt_runner.ts runs what was claimed, heartbeat.ts
// keeps the worker alive.

import type { Entry, Stored, TaskRecord } from "../core/task.ts";
import { sleep } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import type { Starter, Taken } from "../store/starter.ts";
import type { Store } from "../store/store.ts";
import { AttemptRunner } from "./attempt_runner.ts";
import { claim, type Place } from "./claim.ts";
import { ClaimScheduler } from "./claim_scheduler.ts";
import type { ClaimResult } from "./shard_states.ts";
import { CommitStarter } from "./commit_starter.ts";
import type { ExecuteOptions } from "./execute.ts";
import { Heartbeat } from "./heartbeat.ts";
import { LeaseBook } from "./lease_book.ts";
import { ShardAssignment } from "./shard_assignment.ts";
import { Slots } from "./slots.ts";

export interface WorkerOptions extends ExecuteOptions {
  /** Handlers that run at once. */
  concurrency: number;
  leaseMs: number;
  log: Log;
}

export class Worker implements Starter {
  readonly id: string;
  readonly #slots: Slots;
  readonly #leases: LeaseBook;
  readonly #heartbeat: Heartbeat;
  readonly #shards: ShardAssignment;
  readonly #claims: ClaimScheduler;
  readonly #attempts: AttemptRunner;
  readonly #starter: CommitStarter;
  #isStarted = false;
  #isStopping = false;
  /** When functions that still run are handed back (monotonic). */
  #stopAt = Infinity;
  #stopped: Promise<void> | null = null;

  constructor(private readonly store: Store, private readonly options: WorkerOptions) {
    const worker = this.id = store.ids.id();
    const slots = this.#slots = new Slots(options.concurrency);
    const leases = this.#leases = new LeaseBook(worker);
    const onFree = () => this.#refill();
    this.#shards = new ShardAssignment(store, options.leaseMs / 3);
    this.#claims = new ClaimScheduler(store, {
      free: () => this.#free,
      own: () => this.#shards.ownShards(worker),
      onBeaten: () => this.#shards.refreshSoon(),
      claim: (shard, limit, from) => this.#claim(shard, limit, from),
      onError: (error) => options.log.error("claiming failed", error),
    });
    const heartbeat = this.#heartbeat = new Heartbeat(store, { ...options, worker, slots, leases });
    const isStopping = () => this.#isStopping;
    this.#attempts = new AttemptRunner(store, { ...options, slots, leases, heartbeat, onFree, isStopping });
    this.#starter = new CommitStarter(store, {
      worker,
      slots,
      leases,
      knows: (task) => options.registry.has(task),
      room: () => this.#takesWork && !this.#claims.more ? this.#free - store.ready.size : 0,
      begin: (entry, block) => this.#attempts.begin(entry, block),
      onFree,
    });
  }

  /** One heartbeat now: see {@linkcode Heartbeat.beat}. */
  beat(): Promise<void> {
    return this.#heartbeat.beat();
  }

  /** How many functions run. */
  get running(): number {
    return this.#slots.running.size;
  }

  /** It has tasks in hand, or some may wait for it. */
  get isBusy(): boolean {
    return !this.#slots.isIdle || this.#claims.isBusy;
  }

  /**
   * True if it has tasks in hand, or some wait. A look for tasks is no work by itself: what it finds is
   * waited for.
   */
  async hasWork(): Promise<boolean> {
    if (this.#slots.isIdle && !this.#claims.more) await this.#claims.idle();
    return this.isBusy;
  }

  /** More tasks wait than it has slots for. */
  get isFull(): boolean {
    return this.#free === 0 && this.#claims.more;
  }

  /** Claims so far, and how many of them another worker was faster with. */
  get claims(): { made: number; beaten: number } {
    return this.#claims.counts;
  }

  async start(): Promise<void> {
    await this.#heartbeat.start();
    await this.#shards.start();
    this.#isStarted = true;
    this.ring();
  }

  /** There may be work. */
  ring(): void {
    if (this.#takesWork) this.#claims.ring();
  }

  /** See {@linkcode CommitStarter}. */
  take(ready: TaskRecord[]): Taken {
    return this.#starter.take(ready);
  }

  release(taken: Taken): void {
    this.#starter.release(taken);
  }

  /** A task was changed in this process. If it runs here, this is how a cancel reaches its function. */
  changed(entry: Entry<Stored>): void {
    if (!this.#starter.committed(entry)) this.#slots.running.get(entry.record.id)?.adopt(entry);
  }

  /**
   * Takes no more work, gives running functions `graceMs` to finish, hands the rest back, and signs off.
   * Called again it can only shorten the grace.
   */
  stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#stopAt = Math.min(this.#stopAt, this.store.clock.monotonic() + graceMs);
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    const { clock } = this.store;
    let isLooking = true;
    const looked = Promise.all([this.#claims.stop(), this.#shards.stop()]).finally(() => isLooking = false);
    while (isLooking || !this.#slots.isIdle) {
      // Also what begins now, because its claim is answered so late.
      if (clock.monotonic() >= this.#stopAt) {
        for (const attempt of this.#slots.running.values()) attempt.release();
      }
      await sleep(clock, 5);
    }
    await looked;
    // The heartbeat goes on for as long as the worker holds leases.
    await this.#heartbeat.stop();
    await this.#signOff();
  }

  async #signOff(): Promise<void> {
    const { kv } = this.store;
    try {
      for (
        let writes = this.#leases.takeDeletions();
        writes.length > 0;
        writes = this.#leases.takeDeletions()
      ) {
        await kv.writeBlind(writes, 0);
      }
      await kv.writeBlind([{ key: keys.worker(this.id) }], 0);
    } catch (error) {
      this.options.log.error("signing off failed: the others will take this worker for dead", error);
    }
  }

  get #takesWork(): boolean {
    return this.#isStarted && !this.#isStopping;
  }

  /** Slots that no function runs in or is about to. */
  get #free(): number {
    return Math.max(0, this.#slots.free - this.#claims.reserved);
  }

  /** A slot is free: tasks that wait for one take it. */
  #refill(): void {
    if (this.#takesWork && this.#claims.more) this.#claims.refill();
  }

  /** Claims once, and begins what it got. */
  async #claim(shard: number, limit: number, from: Place | undefined): Promise<ClaimResult> {
    const round = this.store.ready.nextLook();
    const { entries, block, more, beaten, next } = await claim(this.store, {
      worker: this.id,
      shard,
      limit,
      knows: (task) => this.options.registry.has(task),
      writes: () => this.#leases.takeDeletions(),
      from,
    });
    if (!more) this.store.ready.forgetBefore(round, shard);
    if (block !== null) {
      this.#leases.open(block, entries.map(({ record }) => record.id));
      for (const entry of entries) this.#attempts.begin(entry, block);
    }
    return { more, beaten, next };
  }
}
