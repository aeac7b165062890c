// A worker's heartbeat: it shows that the worker lives, and finds what others have done to its tasks
// meanwhile.

import { Attempt } from "./attempt.ts";
import type { ServedQueues } from "../core/queue.ts";
import { RELEASE } from "../core/release.ts";
import { leaseBlocksOf } from "../store/leases.ts";
import { sleep } from "../platform/clock.ts";
import { every } from "../platform/periodic.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { LeaseBook } from "./lease_book.ts";
import type { Slots } from "./slots.ts";
import type { StandIn } from "./stand_in.ts";
import type { Log } from "../platform/log.ts";
import type { HeartbeatRecord } from "../store/leases.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten } from "../core/task.ts";

export interface HeartbeatOptions {
  /** The worker's id. */
  worker: string;
  concurrency: number;
  queues?: ServedQueues;
  leaseMs: number;
  slots: Slots;
  leases: LeaseBook;
  log: Log;
  /** Null where no other thread can beat. */
  standIn?: Pick<StandIn, "isStarted" | "start" | "signOfLife" | "stop"> | null;
}

const MOST_LEASES = 10_000;
const FIRST_BEAT_RETRY_MS = 500;

export class Heartbeat {
  /** Lease blocks of this worker in KV that the lease book did not hold at the last beat. */
  #suspects = new Set<string>();
  #startedAt = 0;
  #version: string | null = null;
  /** When the last beat that is known to be in KV was sent (monotonic). */
  #beatAt = -Infinity;
  #stopBeats: () => Promise<void> = async () => {};
  #stopped = false;
  #beating: Promise<void> = Promise.resolve();
  #shared: Promise<void> | null = null;

  constructor(private readonly store: Store, private readonly options: HeartbeatOptions) {}

  /** Resolves after the first beat, however long the database is away. */
  async start(): Promise<void> {
    this.#startedAt = this.store.clock.now();
    for (let tries = 0; !this.#stopped; tries++) {
      try {
        await this.beat();
        break;
      } catch (error) {
        if (tries === 0) this.options.log.error("the first heartbeat failed; trying again", error);
        await sleep(this.store.clock, FIRST_BEAT_RETRY_MS);
      }
    }
    if (this.#stopped) return;
    this.#stopBeats = every(this.store.clock, this.options.leaseMs / 3, () => {
      return this.beat().catch((error) => this.options.log.error("a heartbeat failed", error));
    });
  }

  /** True if other workers may take this one for dead. */
  get isOverdue(): boolean {
    return this.store.clock.monotonic() - this.#beatAt >= this.options.leaseMs;
  }

  /**
   * One beat. If the worker was declared dead meanwhile (it was suspended, or KV was away), it reads all its
   * tasks again and goes on under the same id.
   */
  beat(): Promise<void> {
    const beat = this.#beating.then(() => this.#beat());
    // One after the other: each beat compares what it finds with what the beat before it found.
    this.#beating = beat.catch(() => {});
    return beat;
  }

  /** One beat for all callers that ask for one at the same time. */
  shared(): Promise<void> {
    return this.#shared ??= this.beat().finally(() => this.#shared = null);
  }

  /** No more beats; resolves once the last one is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopBeats();
    await this.#beating;
    await this.options.standIn?.stop();
  }

  async #beat(): Promise<void> {
    const { kv, ids, clock } = this.store;
    const { worker, slots, leases, concurrency, leaseMs, queues = null } = this.options;
    const key = keys.worker(worker);
    const value: HeartbeatRecord = {
      rev: ids.token(),
      startedAt: this.#startedAt,
      at: clock.now(),
      concurrency,
      running: slots.running.size,
      queues: queues && queues.map(({ name }) => name),
      release: RELEASE,
    };
    const beganAt = clock.monotonic();
    // A beat that hangs must not hold up the next one.
    const atomic = kv.atomic().check({ key, versionstamp: this.#version }).set(key, value);
    // An idle worker claims nothing, and a claim is what deletes them otherwise.
    for (const write of leases.takeDeletions()) kv.write(atomic, write, clock.now());
    const result = await kv.commit(atomic, Math.ceil(leaseMs / 3));
    this.options.standIn?.signOfLife();
    if (result.ok) {
      this.#version = result.versionstamp;
      this.#beatAt = beganAt;
      await this.#readStops();
      await this.#compareLeases();
      await this.#startStandIn();
      return;
    }
    this.#version = (await kv.get(key)).versionstamp;
    await this.#adoptAll();
  }

  /** Only another process can take this one for dead. */
  async #startStandIn(): Promise<void> {
    const { standIn } = this.options;
    if (!standIn || standIn.isStarted || this.#stopped) return;
    const workers = await this.store.kv.list({ prefix: prefixes.workers }, { limit: 2 });
    if (workers.length > 1 && !this.#stopped) standIn.start();
  }

  /** Finds cancels that another process has asked for. */
  async #readStops(): Promise<void> {
    const { worker, slots: { running } } = this.options;
    const prefix = prefixes.stopsOf(worker);
    const stops = await this.store.kv.list({ prefix }, { limit: MOST_LEASES });
    const ids = stops.map(({ key }) => parse.stop(key).id).filter((id) => !running.get(id)?.aborted);
    if (ids.length === 0) return;
    await this.#adopt(ids);
  }

  /**
   * Compares the lease blocks in KV with the lease book. An unknown block is from a claim that was applied
   * but reported as failed: its tasks are handed back.
   */
  async #compareLeases(): Promise<void> {
    const { worker, slots: { running, settling }, leases } = this.options;
    const blocks = await leaseBlocksOf(this.store, worker, MOST_LEASES);
    const unknown = blocks.filter(({ block }) => !leases.holds(block));
    // Only blocks that are unknown twice in a row: at first it may be a claim under way, or a used-up block.
    const lost = unknown.filter(({ block }) => this.#suspects.has(block));
    this.#suspects = new Set(unknown.map(({ block }) => block));
    for (const { block, ids } of lost) {
      // Tasks of this block are still to be settled: without it nobody would find them if this worker died.
      if (ids.some((id) => running.has(id) || settling.has(id))) continue;
      const entries = await this.store.readEach(ids);
      for (const entry of entries) {
        if (
          !entry || isNewerRecord(entry) || isForgotten(entry.record) || entry.record.lease?.worker !== worker
        ) continue;
        await new Attempt(this.store, entry as Entry).settle({ kind: "released" });
      }
      // What only a newer release can read is handed on by one, once this worker has gone.
      if (!entries.some(isNewerRecord)) {
        await this.store.kv.writeBlind([{ key: keys.lease(worker, block) }], 0);
      }
    }
  }

  async #adoptAll(): Promise<void> {
    await this.#adopt([...this.options.slots.running.keys()]);
  }

  async #adopt(ids: string[]): Promise<void> {
    const entries = await this.store.readEach(ids);
    ids.forEach((id, i) => {
      const entry = entries[i];
      if (!isNewerRecord(entry)) this.options.slots.running.get(id)?.adopt(entry);
    });
  }
}
