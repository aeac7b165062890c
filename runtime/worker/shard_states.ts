// What a worker knows of the shards of the ready queue, and which of them it claims from next.

import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import type { Place } from "./claim.ts";

/** One claim in so many goes to another worker's shard: that worker may be busy. */
const HELP_ONE_IN = 64;
/** Blocks that one survey of the whole queue reads. */
const BLOCKS_READ = 24;

export interface ShardState {
  readonly shard: number;
  /** The shard is to be claimed from. */
  isWanted: boolean;
  /** As far as is known, the last claim left tasks behind. */
  more: boolean;
  /** Where the next claim goes on: everything before it is for other workers. */
  from: Place | undefined;
  isBusy: boolean;
  claims: number;
}

/** What a claim found out about its shard. */
export interface ClaimResult {
  /** The shard may hold more. */
  more: boolean;
  /** Another worker was faster. */
  beaten?: boolean;
  /** Where to go on, if everything that was read is for other workers. */
  next?: Place;
}

export class ShardStates {
  /** There was a ring while no slot was free: tasks wait in some shard. */
  isHeldUp = false;
  readonly #states: ShardState[];

  constructor(private readonly store: Store) {
    this.#states = Array.from({ length: store.kv.shards }, (_, shard) => {
      // At the start nothing is known, so each may hold tasks.
      return { shard, isWanted: false, more: true, from: undefined, isBusy: false, claims: 0 };
    });
  }

  /** True if tasks may wait that came before any new one. */
  get more(): boolean {
    return this.isHeldUp || this.#states.some(({ more }) => more);
  }

  isAnyWaiting(own: ReadonlySet<number>): boolean {
    return this.#waiting().some(({ shard }) => own.has(shard));
  }

  /** The own shard with the fewest claims, now and then another one; null if no own shard waits. */
  next(own: ReadonlySet<number>): ShardState | null {
    const waiting = this.#waiting();
    const mine = waiting.filter(({ shard }) => own.has(shard));
    if (mine.length === 0) return null;
    const helps = mine.length < waiting.length && this.store.ids.random() * HELP_ONE_IN < 1;
    return helps ? this.other(own) : mine.reduce((a, b) => b.claims < a.claims ? b : a);
  }

  /** Another worker's shard, by chance; null if none waits. */
  other(own: ReadonlySet<number>): ShardState | null {
    const others = this.#waiting().filter(({ shard }) => !own.has(shard));
    return others[Math.floor(this.store.ids.random() * others.length)] ?? null;
  }

  /** True if a claim of an own shard is under way. */
  isClaiming(own: ReadonlySet<number>): boolean {
    return this.#states.some(({ shard, isBusy }) => isBusy && own.has(shard));
  }

  begin(state: ShardState): void {
    state.isBusy = true;
    state.isWanted = false;
    state.claims++;
  }

  /** @param result null if the claim failed: the next ring tries the shard again */
  end(state: ShardState, result: ClaimResult | null): void {
    state.isBusy = false;
    if (!result) return;
    state.from = result.next;
    state.more = result.more;
    state.isWanted ||= result.more;
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
    const blocks = await this.store.kv.list({ prefix: prefixes.allReady }, { limit: BLOCKS_READ });
    const filled = new Set(blocks.map(({ key }) => parse.ready(key).shard));
    const last = blocks.length < BLOCKS_READ
      ? this.#states.length
      : parse.ready(blocks[blocks.length - 1].key).shard;
    const isEmpty = ({ shard }: ShardState) => shard <= last && !filled.has(shard);
    this.#want(this.#states.filter((state) => !isEmpty(state)));
    for (const state of this.#states.filter((state) => isEmpty(state) && !state.isBusy)) {
      state.more = state.isWanted = false;
      this.store.ready.forgetBefore(round, state.shard);
    }
  }

  #want(states: ShardState[]): void {
    for (const state of states) {
      state.isWanted = true;
      state.more ||= this.isHeldUp;
    }
    this.isHeldUp = false;
  }

  /** Shards that a claim can begin on. */
  #waiting(): ShardState[] {
    return this.#states.filter(({ isWanted, isBusy }) => isWanted && !isBusy);
  }
}
