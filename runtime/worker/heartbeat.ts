// A worker's heartbeat: it says that the worker lives, and finds what others did to its tasks meanwhile.

import { Attempt } from "./attempt.ts";
import { leaseBlocksOf } from "../store/leases.ts";
import { sleep } from "../platform/clock.ts";
import { every } from "../platform/periodic.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { LeaseBook } from "./lease_book.ts";
import type { Log } from "../platform/log.ts";
import type { HeartbeatRecord } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten } from "../core/task.ts";

export interface HeartbeatOptions {
  /** The worker's id. */
  worker: string;
  concurrency: number;
  leaseMs: number;
  log: Log;
}

/** What the worker holds. */
export interface Held {
  /** Attempts whose function runs. */
  running: ReadonlyMap<string, Attempt>;
  /** Attempts whose outcome is on its way to KV. */
  settling: ReadonlyMap<string, Attempt>;
  leases: LeaseBook;
}

const MOST_LEASES = 10_000;
const FIRST_BEAT_AGAIN_MS = 500;

export class Heartbeat {
  /** Lease blocks of this worker that nothing here knew of at the last beat. */
  #suspects = new Set<string>();
  #startedAt = 0;
  #version: string | null = null;
  /** When the last beat that is known to be in KV was sent (monotonic). */
  #beatAt = -Infinity;
  #stopBeats: () => Promise<void> = async () => {};
  #stopped = false;
  #beating: Promise<void> = Promise.resolve();
  #shared: Promise<void> | null = null;

  constructor(
    private readonly store: Store,
    private readonly options: HeartbeatOptions,
    private readonly held: Held,
  ) {}

  /** Resolves with the first beat, however long the database is away. */
  async start(): Promise<void> {
    this.#startedAt = this.store.clock.now();
    for (let tries = 0; !this.#stopped; tries++) {
      try {
        await this.beat();
        break;
      } catch (error) {
        if (tries === 0) this.options.log.error("the first heartbeat failed; trying again", error);
        await sleep(this.store.clock, FIRST_BEAT_AGAIN_MS);
      }
    }
    if (this.#stopped) return;
    this.#stopBeats = every(this.store.clock, this.options.leaseMs / 3, () => {
      return this.beat().catch((error) => this.options.log.error("a heartbeat failed", error));
    });
  }

  /** True if the others may have taken the worker for dead. */
  get isOverdue(): boolean {
    return this.store.clock.monotonic() - this.#beatAt >= this.options.leaseMs;
  }

  /**
   * One beat. If the worker was declared dead meanwhile (it was paused, or KV was away), it looks at each of its tasks
   * anew and goes on under the same id.
   */
  beat(): Promise<void> {
    const beat = this.#beating.then(() => this.#beat());
    // One after the other: each compares what it finds with what the one before has found.
    this.#beating = beat.catch(() => {});
    return beat;
  }

  /** One beat for all that ask for one at the same time. */
  shared(): Promise<void> {
    return this.#shared ??= this.beat().finally(() => this.#shared = null);
  }

  /** No more beats; resolves once the last one is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopBeats();
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const { kv, ids, clock } = this.store;
    const { worker, concurrency, leaseMs } = this.options;
    const key = keys.worker(worker);
    const value: HeartbeatRecord = {
      rev: ids.token(),
      startedAt: this.#startedAt,
      concurrency,
      running: this.held.running.size,
    };
    const beganAt = clock.monotonic();
    // One that hangs must not hold up the next.
    const atomic = kv.atomic().check({ key, versionstamp: this.#version }).set(key, value);
    const result = await kv.commit(atomic, Math.ceil(leaseMs / 3));
    if (result.ok) {
      this.#version = result.versionstamp;
      this.#beatAt = beganAt;
      await this.#heedStops();
      await this.#compareLeases();
      return;
    }
    this.#version = (await kv.get(key)).versionstamp;
    await this.#adoptAll();
  }

  /** A cancel that another process asked for. */
  async #heedStops(): Promise<void> {
    const { running } = this.held;
    const prefix = prefixes.stopsOf(this.options.worker);
    const stops = await this.store.kv.list({ prefix }, { limit: MOST_LEASES });
    const ids = stops.map(({ key }) => parse.stop(key).id).filter((id) => !running.get(id)?.aborted);
    if (ids.length === 0) return;
    const entries = await this.store.readMany(ids);
    ids.forEach((id, i) => running.get(id)?.adopt(entries[i]));
  }

  /**
   * Holds the lease blocks in KV against those that this worker knows. An unknown one is of a claim that was applied
   * but reported as failed: its tasks are handed back.
   */
  async #compareLeases(): Promise<void> {
    const { running, settling, leases } = this.held;
    const { worker } = this.options;
    const blocks = await leaseBlocksOf(this.store, worker, MOST_LEASES);
    const unknown = blocks.filter(({ block }) => !leases.holds(block));
    // Twice in a row: the first time it may be a claim that is just being answered, or a used-up block.
    const lost = unknown.filter(({ block }) => this.#suspects.has(block));
    this.#suspects = new Set(unknown.map(({ block }) => block));
    for (const { block, ids } of lost) {
      // Deleting it would leave those without a driver that are still to be settled.
      if (ids.some((id) => running.has(id) || settling.has(id))) continue;
      for (const entry of await this.store.readMany(ids)) {
        if (!entry || isForgotten(entry.record) || entry.record.lease?.worker !== worker) continue;
        await new Attempt(this.store, entry as Entry).settle({ kind: "released" });
      }
      await this.store.kv.writeBlind([{ key: keys.lease(worker, block) }], 0);
    }
  }

  async #adoptAll(): Promise<void> {
    const attempts = [...this.held.running.values()];
    const entries = await this.store.readMany(attempts.map(({ id }) => id));
    attempts.forEach((attempt, i) => attempt.adopt(entries[i]));
  }
}
