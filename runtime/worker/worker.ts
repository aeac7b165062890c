// The worker: claim → execute → settle, while there is work and a free slot. It connects its parts:
// claim_scheduler.ts says where and when to claim, attempt_runner.ts runs what was claimed, heartbeat.ts
// keeps the worker alive.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { DEFAULT_QUEUE, type ServedQueues } from "../core/queue.ts";
import { type Entry, isReady, isSuspect, queueOf, type Stored, type TaskRecord } from "../core/task.ts";
import { UNCOUNTED, type Usages } from "../core/usage.ts";
import { sleep } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import type { Starter, Taken } from "../store/starter.ts";
import { queueKeyOf } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import { AttemptRunner } from "./attempt_runner.ts";
import { claim } from "./claim.ts";
import { CallerSlots, Reservation } from "./caller_slots.ts";
import type { Controls } from "../queues/controls.ts";
import { QueueClaims } from "./queue_claims.ts";
import type { ClaimResult } from "./shard_states.ts";
import { CommitStarter } from "./commit_starter.ts";
import type { ExecuteOptions } from "./execute.ts";
import { Heartbeat } from "./heartbeat.ts";
import { LeaseBook } from "./lease_book.ts";
import type { Budgets, Hints } from "./queue_scan.ts";
import { ShardAssignment } from "./shard_assignment.ts";
import { signOff } from "./sign_off.ts";
import { sizesFor, Slots } from "./slots.ts";
import { standInOn } from "./stand_in.ts";
import { SuspectLine } from "./suspect_line.ts";

export interface WorkerOptions extends ExecuteOptions {
  /** Functions that run at once: on the main thread, and at most as many on worker threads. */
  concurrency: number;
  /** Which queues it takes tasks from. Default: all. */
  queues?: ServedQueues;
  controls: Controls;
  leaseMs: number;
  log: Log;
  /** How many of one caller's functions run at once. Default: as many as all. */
  usages?: Usages;
}

export class Worker implements Starter {
  readonly id: string;
  readonly #slots: Slots;
  readonly #callers: CallerSlots;
  readonly #leases: LeaseBook;
  readonly #heartbeat: Heartbeat;
  readonly #shards: ShardAssignment;
  readonly #claims: QueueClaims;
  readonly #attempts: AttemptRunner;
  readonly #starter: CommitStarter;
  readonly #suspects: SuspectLine;
  #isStarted = false;
  #isStopping = false;
  /** When functions that still run are handed back (monotonic). */
  #stopAt = Infinity;
  #stopped: Promise<void> | null = null;

  constructor(private readonly store: Store, private readonly options: WorkerOptions) {
    const worker = this.id = store.ids.id();
    const { concurrency, runners, queues: served = null, controls } = options;
    const { shared, own, all } = sizesFor(served, concurrency, runners.threads);
    const slots = this.#slots = new Slots(shared, (kind, queue) => this.#refill(kind, queue), own);
    const { usages = { ...UNCOUNTED } } = options;
    const callers = this.#callers = new CallerSlots(usages, all, () => this.#tellOfRoom());
    usages.onChange = () => callers.changed();
    const leases = this.#leases = new LeaseBook(worker);
    this.#shards = new ShardAssignment(store, options.leaseMs / 3);
    const claims = this.#claims = new QueueClaims(store, {
      served,
      slots,
      controls,
      own: () => this.#shards.ownShards(worker),
      onBeaten: () => this.#shards.refreshSoon(),
      claim: (...what) => this.#claim(...what),
      onError: (error) => options.log.error("claiming failed", error),
    });
    const standIn = standInOn(store.kv, keys.worker(worker), options);
    const heartbeat = this.#heartbeat = new Heartbeat(store, { ...options, worker, slots, leases, standIn });
    const isStopping = () => this.#isStopping;
    this.#attempts = new AttemptRunner(store, { ...options, slots, callers, leases, heartbeat, isStopping });
    const runnerOf = (task: string) => options.registry.runnerOf(task);
    const hands = { worker, slots, callers, leases, runnerOf };
    this.#starter = new CommitStarter(store, {
      ...hands,
      hasRoom: () => this.#takesWork && controls.isFresh && this.#hasRoom(),
      room: (kind, queue) => this.#room(kind, queue),
      mayStart: (record) => this.claims(record) && !controls.lacksLimits(record),
      begin: (entry, block) => this.#attempts.begin(entry, block),
    });
    this.#suspects = new SuspectLine(store, {
      ...hands,
      log: options.log,
      everyMs: options.leaseMs / 3,
      takesWork: () => this.#takesWork,
      queues: () => claims.queues,
      controls,
      run: (entry, block, place) => this.#attempts.begin(entry, block, place),
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

  get attempts(): Iterable<Entry> {
    return this.#slots.running.values();
  }

  /** It has tasks in hand, or some may wait for it. */
  get isBusy(): boolean {
    return !this.#slots.isIdle || this.#claims.isBusy || this.#suspects.isBusy;
  }

  /** True if it has tasks in hand, or some wait. A look for tasks is no work: what it finds is waited for. */
  async hasWork(): Promise<boolean> {
    if (this.#slots.isIdle && !this.#claims.mayWait) {
      await Promise.all([this.#claims.idle(), this.#suspects.idle()]);
    }
    return this.isBusy;
  }

  get isFull(): boolean {
    return this.#claims.isFull;
  }

  /** Claims so far, and how many of them another worker was faster with. */
  get claimCounts(): { made: number; beaten: number } {
    return this.#claims.counts;
  }

  async start(): Promise<void> {
    await this.#heartbeat.start();
    await this.#shards.start();
    this.#isStarted = true;
    if (!this.#isStopping) this.#suspects.start();
    this.ring();
  }

  /**
   * There may be work.
   *
   * @param record this task has come, and nothing else
   */
  ring(record?: TaskRecord): void {
    if (!this.#takesWork) return;
    if (record === undefined) return this.#claims.ring();
    if (this.options.controls.isPaused(record.task)) return;
    const kind = this.options.registry.runnerOf(record.task);
    if (kind !== null && record.caller !== undefined && this.#callers.room(kind, record) <= 0) {
      return this.#callers.passOver(kind, record);
    }
    this.#claims.ringFor(kind, queueOf(record));
  }

  /** Something was paused, or goes on. */
  controlsChanged(): void {
    const { controls } = this.options;
    for (const queue of this.store.ready.queues) {
      if (!controls.isOpen(queue)) this.store.ready.forgetQueue(queue);
    }
    this.#claims.reveal(true);
    this.#suspects.ring();
    this.ring();
  }

  /** True if this worker may claim the task now. */
  claims(record: TaskRecord): boolean {
    return this.#claims.takes(queueOf(record)) && !this.options.controls.isPaused(record.task);
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
    const { record } = entry;
    if (this.#starter.committed(entry)) return;
    this.#slots.running.get(record.id)?.adopt(entry);
    if (!isReady(record)) return;
    const task = record as TaskRecord;
    if (isSuspect(task)) return this.#suspects.ring();
    const kind = this.options.registry.runnerOf(task.task);
    if (kind !== null) this.#claims.added(kind, queueKeyOf(task, this.store.kv.shards));
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
    const looked = Promise.all([this.#claims.stop(), this.#shards.stop(), this.#suspects.stop()])
      .finally(() => isLooking = false);
    while (isLooking || !this.#slots.isIdle) {
      if (this.#slots.isIdle) {
        await looked;
        continue;
      }
      // Also what begins now, because its claim is answered so late.
      if (clock.monotonic() >= this.#stopAt) {
        for (const attempt of this.#slots.running.values()) attempt.release();
      }
      await sleep(clock, 5);
    }
    // The heartbeat goes on for as long as the worker holds leases.
    await this.#heartbeat.stop();
    await signOff(this.store.kv, this.id, this.#leases, this.options.log);
  }

  get #takesWork(): boolean {
    return this.#isStarted && !this.#isStopping;
  }

  /** How many tasks of the kind may start now in the slots that a queue takes. */
  #room(kind: RunnerKind, queue: string): number {
    if (this.#claims.more(kind, queue)) return 0;
    const slots = this.#slots;
    const pool = slots.of(kind, queue);
    return slots.free(kind, queue) - this.store.ready.size(kind, (name) => slots.of(kind, name) === pool);
  }

  #hasRoom(): boolean {
    return RUNNER_KINDS.some((kind) =>
      this.#room(kind, DEFAULT_QUEUE) > 0 ||
      this.#slots.ownQueues.some((queue) => this.#room(kind, queue) > 0)
    );
  }

  /** Tasks of a caller were passed over that had no room. */
  #tellOfRoom(): void {
    if (!this.#takesWork) return;
    this.#claims.reveal();
    this.#claims.ring();
  }

  /** A slot is free: tasks that wait for one take it. */
  #refill(kind: RunnerKind, queue: string | null): void {
    this.#suspects.go();
    if (this.#takesWork) this.#claims.refill(kind, queue);
  }

  async #claim(queue: string, shard: number, budgets: Budgets, hints: Hints): Promise<ClaimResult> {
    const { controls } = this.options;
    if (!controls.isFresh) await controls.look();
    if (!controls.isOpen(queue)) return { more: {}, hints };
    const round = this.store.ready.nextLook();
    const reservation = new Reservation(this.#callers);
    try {
      const { entries, block, ...result } = await claim(this.store, {
        worker: this.id,
        shard,
        queue,
        takesWork: () => this.#takesWork,
        controls,
        budgets,
        runnerOf: (task) => this.options.registry.runnerOf(task),
        writes: () => this.#leases.takeDeletions(),
        hints,
        callers: this.#callers,
        reservation,
      });
      for (const kind of RUNNER_KINDS) {
        if (result.more[kind] === false) this.store.ready.forgetBefore(round, shard, kind, queue);
      }
      if (block !== null) {
        this.#leases.open(block, entries.map(({ record }) => record.id));
        for (const entry of entries) this.#attempts.begin(entry, block);
      }
      return result;
    } finally {
      reservation.release();
    }
  }
}
