// Bounds the ready queue, for all callers and for each. Its length is counted now and then, and followed from
// there by the commits of this process; what other processes add and take is seen at the next count.

import type { Caller } from "../core/caller.ts";
import { QueueFullError } from "../core/errors.ts";
import { type Entry, isForgotten, isReady, type Stored } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import { labelOf, type Usage, type Usages } from "../core/usage.ts";
import { ALL_READY, blocksUnder, type ReadyBlock } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";

/** The pause after a count, in multiples of the time it took: counting must not become the main work. */
const PAUSE_FACTOR = 10;
const SHORTEST_PAUSE_MS = 100;
/** It is counted again once this part of the room was given away: other processes give too. */
const TRUSTED_PART = 0.1;

export class QueueLimit {
  /** As far as this process knows. */
  #waiting = 0;
  /** What the commits of this process have changed while it is counted. */
  #meanwhile: { all: number; of: Map<Usage, number> } | null = null;
  /** Let in since the last count. The queue is there before this process is. */
  #admitted = Infinity;
  #nextCountAt = -Infinity;
  #counting: Promise<void> | null = null;
  #isStopped = false;
  /** Those of whom tasks waited at the last count, or have come since. */
  readonly #seen = new Set<Usage>();

  constructor(
    private readonly store: Store,
    readonly most: number,
    private readonly usages: Usages,
  ) {}

  /** Tasks that wait, as far as this process knows. */
  get waiting(): number {
    return Math.max(0, this.#waiting);
  }

  /** To be called after each commit of this process. */
  changed(entry: Entry<Stored>, before: Entry<Stored> | null): void {
    const step = Number(isReady(entry.record)) - Number(before !== null && isReady(before.record));
    if (step === 0) return;
    this.#waiting += step;
    if (this.#meanwhile) this.#meanwhile.all += step;
    const known = isForgotten(entry.record) ? before!.record : entry.record;
    if (isForgotten(known) || known.caller === undefined) return;
    for (const usage of this.usages.of({ name: known.caller, tenant: tenantOf(known.id) })) {
      usage.queued = Math.max(0, usage.queued + step);
      this.#seen.add(usage);
      this.#meanwhile?.of.set(usage, (this.#meanwhile.of.get(usage) ?? 0) + step);
    }
  }

  /** @throws {QueueFullError} if there is no room for `count` more tasks, by a fresh count. */
  async admit(count: number, caller: Caller): Promise<void> {
    const usages = caller.name === null ? [] : this.usages.of(caller);
    let least = this.most;
    for (const usage of usages) least = Math.min(least, usage.most("queued", this.most));
    this.#admitted += count;
    const isStale = this.#admitted > TRUSTED_PART * least;
    if (this.#fullFor(count, usages) || isStale && usages.length > 0) await this.count();
    // A failure is no caller's concern: the next one counts.
    else if (isStale) this.count().catch(() => {});
    const full = this.#fullFor(count, usages);
    if (!full) return;
    this.#admitted -= count;
    throw full;
  }

  /** Counts no more. Resolves once no count is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#counting?.catch(() => {});
  }

  /** Counts, unless it was counted just now. */
  async count(): Promise<void> {
    if (this.#isStopped) return;
    if (this.#counting === null && this.store.clock.monotonic() < this.#nextCountAt) return;
    this.#counting ??= this.#countAll().finally(() => this.#counting = this.#meanwhile = null);
    await this.#counting;
  }

  #fullFor(count: number, usages: readonly Usage[]): QueueFullError | null {
    if (this.waiting + count > this.most) return new QueueFullError(this.waiting, this.most);
    for (const usage of usages) {
      const most = usage.most("queued", this.most);
      if (usage.queued + count > most) return new QueueFullError(usage.queued, most, labelOf(usage.of));
    }
    return null;
  }

  async #countAll(): Promise<void> {
    const { clock, kv } = this.store;
    const startedAt = clock.monotonic();
    const meanwhile = this.#meanwhile = { all: 0, of: new Map<Usage, number>() };
    this.#admitted = 0;
    let all = 0;
    const of = new Map<Usage, number>();
    for (const prefix of ALL_READY) {
      for await (const { value } of blocksUnder(kv, prefix)) {
        if (this.#isStopped) return;
        all += value.ids.length;
        if (value.callers) this.#countCallers(value, of);
      }
    }
    this.#waiting = all + meanwhile.all;
    for (const usage of new Set([...this.#seen, ...of.keys()])) {
      usage.queued = Math.max(0, (of.get(usage) ?? 0) + (meanwhile.of.get(usage) ?? 0));
      if (usage.queued === 0) this.#seen.delete(usage);
      else this.#seen.add(usage);
    }
    const tookMs = clock.monotonic() - startedAt;
    this.#nextCountAt = clock.monotonic() + Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * tookMs);
  }

  #countCallers({ ids, callers }: ReadyBlock, of: Map<Usage, number>): void {
    callers!.forEach((name, i) => {
      if (name === "") return;
      for (const usage of this.usages.of({ name, tenant: tenantOf(ids[i]) })) {
        of.set(usage, (of.get(usage) ?? 0) + 1);
      }
    });
  }
}
