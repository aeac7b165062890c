// When a worker claims, and from which shard. Where several machines share the queue it has several shards;
// each worker starts from shards of its own and helps with others, so that claims rarely conflict. Several
// claims are under way at once while there are slots for a full claim each.

import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";
import type { Place } from "./claim.ts";
import { type ClaimResult, type ShardState, ShardStates } from "./shard_states.ts";

/** An idle worker leaves shards of others to them for this long after a ring. */
const HOLD_BACK_MS = 40;
const REFILL_MS = 3;

export interface ClaimSchedulerOptions {
  /** Slots that no function runs in or is about to. */
  free: () => number;
  /** Shards that this worker starts from. */
  own: () => ReadonlySet<number>;
  /** Another worker was faster: there may be a new one. */
  onBeaten: () => void;
  /** Claims up to `limit` tasks of a shard, and begins them. */
  claim: (shard: number, limit: number, from: Place | undefined) => Promise<ClaimResult>;
  /** The next ring tries again. */
  onError: (error: unknown) => void;
}

export class ClaimScheduler {
  /** Claims so far, and how many of them another worker was faster with. */
  readonly counts = { made: 0, beaten: 0 };
  readonly #shards: ShardStates;
  readonly #clock: Clock;
  /** There was a ring, and no survey since. */
  #isRung = false;
  #isSurveying = false;
  /** Slots that claims under way may fill. */
  #reserved = 0;
  #underWay = 0;
  /** From this instant on the worker helps with other shards (monotonic). */
  #helpsFrom = -Infinity;
  #cancelHelp: () => void = () => {};
  #cancelRefill: (() => void) | null = null;
  #isScheduled = false;
  #isStopped = false;
  #onIdle: (() => void)[] = [];

  constructor(private readonly store: Store, private readonly options: ClaimSchedulerOptions) {
    this.#clock = store.clock;
    this.#shards = new ShardStates(store);
  }

  /** True if tasks may wait that came before any new one. */
  get more(): boolean {
    return this.#shards.more;
  }

  /** A claim is under way, or tasks may wait. */
  get isBusy(): boolean {
    return this.#isRung || this.#isActive || this.more;
  }

  /** Slots that claims under way may fill. */
  get reserved(): number {
    return this.#reserved;
  }

  /** There may be work. */
  ring(): void {
    this.#isRung = true;
    const now = this.#clock.monotonic();
    if (now >= this.#helpsFrom) this.#helpsFrom = now + HOLD_BACK_MS * (0.5 + this.store.ids.random());
    this.go();
  }

  /** A slot has come free. Over a network it waits a moment for others, so that one claim fills them all. */
  refill(): void {
    const { limits } = this.store.kv;
    if (limits.flights === 1 || this.options.free() >= limits.checks) return this.go();
    this.#cancelRefill ??= this.#clock.timer(() => {
      this.#cancelRefill = null;
      this.go();
    }, REFILL_MS);
  }

  /** Claims what is wanted, for as many free slots as there are. Calls of the same moment are one. */
  go(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    Promise.resolve().then(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#go();
      this.#notifyIdle();
    });
  }

  /** Begins no more claims; resolves once none is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelHelp();
    this.#cancelRefill?.();
    await this.idle();
  }

  /** Resolves once no look for tasks and no claim is under way. */
  async idle(): Promise<void> {
    while (this.#isActive) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #go(): void {
    const { free, own } = this.options;
    const { checks: batch, flights } = this.store.kv.limits;
    for (;;) {
      const room = free();
      if (room <= 0) {
        this.#shards.isHeldUp ||= this.#isRung;
        return;
      }
      // A further claim must be worth a commit of its own.
      if (this.#underWay > 0 && (room < batch || this.#underWay >= flights)) return;
      const mine = own();
      if (this.#isRung && !this.#shards.isAnyWaiting(mine)) this.#survey();
      const state = this.#next(mine);
      if (!state) return;
      this.#claim(state, Math.min(room, batch));
    }
  }

  #next(own: ReadonlySet<number>): ShardState | null {
    const next = this.#shards.next(own);
    if (next) return next;
    // The claim that is under way may leave more in its shard, and calls `go` when it is over.
    if (this.#shards.isClaiming(own)) return null;
    const waitMs = this.#helpsFrom - this.#clock.monotonic();
    const other = this.#shards.other(own);
    if (!other || waitMs <= 0) return other;
    this.#cancelHelp();
    this.#cancelHelp = this.#clock.timer(() => this.go(), waitMs);
    return null;
  }

  #survey(): void {
    if (this.#isSurveying) return;
    this.#isRung = false;
    if (this.#shards.isSingle) return this.#shards.wantAll();
    this.#isSurveying = true;
    this.#shards.survey().catch(this.options.onError).then(() => {
      this.#isSurveying = false;
      this.go();
    });
  }

  async #claim(state: ShardState, limit: number): Promise<void> {
    this.#shards.begin(state);
    this.#underWay++;
    this.#reserved += limit;
    let result: ClaimResult | null = null;
    try {
      result = await this.options.claim(state.shard, limit, state.from);
      this.counts.made++;
      if (result.beaten) {
        this.counts.beaten++;
        this.options.onBeaten();
      }
    } catch (error) {
      this.options.onError(error);
    }
    this.#shards.end(state, result);
    this.#underWay--;
    this.#reserved -= limit;
    this.go();
  }

  get #isActive(): boolean {
    return this.#isScheduled || this.#underWay > 0 || this.#isSurveying;
  }

  #notifyIdle(): void {
    if (this.#isActive) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
