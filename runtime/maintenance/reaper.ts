// Finds dead workers and puts their tasks back. A worker is dead when its heartbeat has not changed for a
// whole lease, by the monotonic clock of this process: clocks of different machines are never compared.

import { NewerRecordError } from "../core/errors.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { firstOfEach, pages } from "../platform/paging.ts";
import type { HeartbeatRecord } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import { isForgotten, type TaskRecord, typeOf } from "../core/task.ts";
import { reclaimed } from "../core/transitions.ts";

interface Seen {
  rev: string | null;
  /** How long this process has seen it unchanged. */
  stillMs: number;
  /** This process has seen it change. */
  hasBeaten: boolean;
}

const PER_ROUND = 1_000;

export class Reaper {
  /**
   * True if a worker with leases may be dead: no new heartbeat has been seen yet, or none for half a lease. A
   * beat that comes between two looks later than usual makes nobody suspect.
   */
  hasSuspects = true;
  readonly #seen = new Map<string, Seen>();
  #lookedAt = 0;

  /** @param onCrashed told of each task that has ended CRASHED */
  constructor(
    private readonly store: Store,
    private readonly leaseMs: number,
    private readonly onCrashed: (record: TaskRecord) => void = () => {},
  ) {}

  /**
   * @param isStopping asked between reads: what is left then is another process's
   * @returns how many tasks were put back.
   */
  async tick(isStopping: () => boolean = () => false): Promise<number> {
    const { kv, clock } = this.store;
    const beats = await kv.list<HeartbeatRecord>({ prefix: prefixes.workers }, { limit: PER_ROUND });
    const alive = new Map<string, Deno.KvEntry<HeartbeatRecord> | null>();
    for (const beat of beats) alive.set(parse.worker(beat.key), beat);
    const lessees = await this.#lessees();
    for (const worker of lessees) if (!alive.has(worker)) alive.set(worker, null);
    for (const worker of this.#seen.keys()) if (!alive.has(worker)) this.#seen.delete(worker);

    let putBack = 0;
    const now = clock.monotonic();
    // If this process was paused, the others may have been paused with it.
    const watchedMs = Math.min(now - this.#lookedAt, this.leaseMs / 2);
    this.#lookedAt = now;
    for (const [worker, beat] of alive) {
      if (isStopping()) return putBack;
      const rev = beat?.value.rev ?? null;
      const seen = this.#seen.get(worker);
      if (!seen || seen.rev !== rev) {
        this.#seen.set(worker, { rev, stillMs: 0, hasBeaten: seen !== undefined });
        continue;
      }
      seen.stillMs += watchedMs;
      if (seen.stillMs >= this.leaseMs) {
        putBack += await this.#reap(worker, beat?.versionstamp ?? null, isStopping);
      }
    }
    this.hasSuspects = lessees.some((worker) => {
      const { hasBeaten, stillMs } = this.#seen.get(worker)!;
      return !hasBeaten || stillMs > this.leaseMs / 2;
    });
    return putBack;
  }

  async #lessees(): Promise<string[]> {
    const workers: string[] = [];
    const leasesOf = (key: Deno.KvKey) => prefixes.leasesOf(parse.lease(key).worker);
    for await (const key of firstOfEach(this.store.kv, prefixes.leases, leasesOf)) {
      workers.push(parse.lease(key).worker);
      if (workers.length === PER_ROUND) break;
    }
    return workers;
  }

  async #reap(worker: string, versionstamp: string | null, isStopping: () => boolean): Promise<number> {
    const { kv } = this.store;
    // With a check: a heartbeat at this moment wins, and the worker lives.
    const key = keys.worker(worker);
    const gone = await kv.commit(kv.atomic().check({ key, versionstamp }).delete(key));
    if (!gone.ok) return 0;
    let putBack = 0;
    const prefix = prefixes.leasesOf(worker);
    for await (const blocks of pages<string[]>(kv, { prefix }, { size: PER_ROUND })) {
      for (const { key, value: ids } of blocks) {
        if (isStopping()) return putBack;
        const reclaims = await Promise.all(ids.map((id) => this.#reclaim(worker, id)));
        putBack += reclaims.filter((reclaim) => reclaim === "put back").length;
        if (!reclaims.includes("left")) await kv.writeBlind([{ key }], 0);
      }
    }
    return putBack;
  }

  /** "over": the task has ended, or another worker has it. "left": only a newer release can read it. */
  async #reclaim(worker: string, id: string): Promise<"put back" | "over" | "left"> {
    const { store } = this;
    try {
      const after = await store.update("settle", id, ({ record }) => {
        if (isForgotten(record) || record.lease?.worker !== worker) return null;
        return { next: reclaimed(record, store.clock.now()) };
      });
      if (!after) return "over";
      // Where the commit had to be read back it may have been deleted since.
      const { record } = after;
      if (!isForgotten(record) && typeOf(record) === "CRASHED") this.onCrashed(record);
      return "put back";
    } catch (error) {
      if (!(error instanceof NewerRecordError)) throw error;
      store.newer.add(id, error);
      return "left";
    }
  }
}
