// What a worker knows of the shards of the ready queue, by kind of function, and which of them it claims from
// next.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { parse, prefixes } from "../platform/keys.ts";
import { isBehind } from "./block_order.ts";
import type { Store } from "../store/store.ts";
import type { Hints, More } from "./queue_scan.ts";

/** One claim in so many goes to another worker's shard: that worker may be busy. */
const HELP_ONE_IN = 64;
/** Blocks that one survey of the whole queue reads. */
const BLOCKS_READ = 24;
/** By other clocks a block may come to stand where a claim would skip it. So now and then none is skipped. */
const SKIPS_FOR_MS = 10_000;

/** Not at once: a queue of very many is read in pieces, from where the last claim has stopped. */
const REVEALED_WITHIN_MS = 1_000;

export interface ShardState {
  readonly shard: number;
  /** By kind: the shard is to be claimed from. */
  readonly isWanted: Record<RunnerKind, boolean>;
  /** By kind: as far as is known, the last claim left tasks behind. */
  readonly more: Record<RunnerKind, boolean>;
  hints: Hints;
  /** Since when claims skip a part of the shard (monotonic). */
  skipsSince: number;
  /** By kind, the foremost block that has come since the claim under way began. */
  added: Partial<Record<RunnerKind, Deno.KvKey>>;
  isBusy: boolean;
  claims: number;
}

/** What a claim found out about its shard. */
export interface ClaimResult {
  more: More;
  /** Another worker was faster. */
  beaten?: boolean;
  hints: Hints;
}

export class ShardStates {
  /** By kind: there was a ring while no slot was free, so tasks may wait in some shard. */
  readonly #isHeldUp: Record<RunnerKind, boolean> = { inline: false, thread: false };
  readonly #states: ShardState[];

  /** @param queue default: the default queue */
  constructor(private readonly store: Store, private readonly queue: string = DEFAULT_QUEUE) {
    this.#states = Array.from({ length: store.kv.shards }, (_, shard) => ({
      shard,
      isWanted: { inline: false, thread: false },
      // At the start nothing is known, so each may hold tasks.
      more: { inline: true, thread: true },
      hints: { skips: {}, isStale: false },
      skipsSince: 0,
      added: {},
      isBusy: false,
      claims: 0,
    }));
  }

  /** True if tasks of the kind may wait that came before any new one. */
  more(kind: RunnerKind): boolean {
    return this.#isHeldUp[kind] || this.#states.some(({ more }) => more[kind]);
  }

  holdUp(kind: RunnerKind): void {
    this.#isHeldUp[kind] = true;
  }

  isAnyWaiting(own: ReadonlySet<number>, kinds: RunnerKind[]): boolean {
    return this.#waiting(kinds).some(({ shard }) => own.has(shard));
  }

  /** The own shard with the fewest claims, now and then another one; null if no own shard waits. */
  next(own: ReadonlySet<number>, kinds: RunnerKind[]): ShardState | null {
    const waiting = this.#waiting(kinds);
    const mine = waiting.filter(({ shard }) => own.has(shard));
    if (mine.length === 0) return null;
    const helps = mine.length < waiting.length && this.store.ids.random() * HELP_ONE_IN < 1;
    return helps ? this.other(own, kinds) : mine.reduce((a, b) => b.claims < a.claims ? b : a);
  }

  /** Another worker's shard, by chance; null if none waits. */
  other(own: ReadonlySet<number>, kinds: RunnerKind[]): ShardState | null {
    const others = this.#waiting(kinds).filter(({ shard }) => !own.has(shard));
    return others[Math.floor(this.store.ids.random() * others.length)] ?? null;
  }

  /** True if a claim of an own shard is under way. */
  isClaiming(own: ReadonlySet<number>): boolean {
    return this.#states.some(({ shard, isBusy }) => isBusy && own.has(shard));
  }

  begin(state: ShardState, kinds: RunnerKind[]): void {
    const now = this.store.clock.monotonic();
    if (now - state.skipsSince >= SKIPS_FOR_MS) {
      state.hints = { ...state.hints, skips: {} };
      state.skipsSince = now;
    }
    state.isBusy = true;
    state.added = {};
    for (const kind of kinds) state.isWanted[kind] = false;
    state.claims++;
  }

  /** @param result null if the claim failed: the next ring tries the shard again */
  end(state: ShardState, result: ClaimResult | null): void {
    state.isBusy = false;
    state.hints = result?.hints ?? { skips: {}, isStale: false };
    if (!result) return;
    for (const kind of RUNNER_KINDS) {
      const more = result.more[kind];
      if (more !== undefined) state.more[kind] = more;
      if (more) state.isWanted[kind] = true;
      const added = state.added[kind];
      if (added) this.#reveal(state, kind, added);
    }
  }

  /**
   * What claims have passed over may be taken again: soon none skips it.
   *
   * @param isUrgent not even the next one
   */
  reveal(isUrgent = false): void {
    const now = isUrgent ? -Infinity : this.store.clock.monotonic();
    for (const state of this.#states) {
      state.skipsSince = Math.min(state.skipsSince, now - SKIPS_FOR_MS + REVEALED_WITHIN_MS);
    }
  }

  /** This process has put a task there: no claim may skip it. */
  added(kind: RunnerKind, block: Deno.KvKey): void {
    const state = this.#states[parse.ready(block).shard];
    this.#reveal(state, kind, block);
    if (!state.isBusy) return;
    const first = state.added[kind];
    if (!first || isBehind(first, block)) state.added[kind] = block;
  }

  #reveal({ hints: { skips } }: ShardState, kind: RunnerKind, block: Deno.KvKey): void {
    const skip = skips[kind];
    if (skip && !isBehind(block, skip)) delete skips[kind];
  }

  get isSingle(): boolean {
    return this.#states.length === 1;
  }

  wantAll(): void {
    this.#want(this.#states);
  }

  /** Finds out which shards hold tasks: one read in place of one for each shard. */
  async survey(): Promise<void> {
    const round = this.store.ready.nextLook();
    const blocks = await this.store.kv.list({ prefix: prefixes.queue(this.queue) }, { limit: BLOCKS_READ });
    const filled = new Set(blocks.map(({ key }) => parse.ready(key).shard));
    const last = blocks.length < BLOCKS_READ
      ? this.#states.length
      : parse.ready(blocks[blocks.length - 1].key).shard;
    const isEmpty = ({ shard }: ShardState) => shard <= last && !filled.has(shard);
    this.#want(this.#states.filter((state) => !isEmpty(state)));
    for (const state of this.#states.filter((state) => isEmpty(state) && !state.isBusy)) {
      for (const kind of RUNNER_KINDS) {
        state.more[kind] = state.isWanted[kind] = false;
        this.store.ready.forgetBefore(round, state.shard, kind, this.queue);
      }
    }
  }

  #want(states: ShardState[]): void {
    for (const kind of RUNNER_KINDS) {
      for (const state of states) {
        state.isWanted[kind] = true;
        state.more[kind] ||= this.#isHeldUp[kind];
      }
      this.#isHeldUp[kind] = false;
    }
  }

  /** Shards that a claim of these kinds can begin on. */
  #waiting(kinds: RunnerKind[]): ShardState[] {
    return this.#states.filter(({ isWanted, isBusy }) => !isBusy && kinds.some((kind) => isWanted[kind]));
  }
}
