// When a worker claims, from which shard, and how many tasks of each kind. Where several machines share the
// queue it has several shards; each worker starts from shards of its own and helps with others, so that
// claims rarely conflict. Several claims are under way at once while there are slots for a full claim each.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";
import type { Budgets, Hints } from "./queue_scan.ts";
import type { Slots } from "./slots.ts";
import { type ClaimResult, type ShardState, ShardStates } from "./shard_states.ts";

/** An idle worker leaves shards of others to them for this long after a ring. */
const HOLD_BACK_MS = 40;
const REFILL_MS = 3;

export interface ClaimSchedulerOptions {
  /** Default: the default queue. */
  queue?: string;
  /** False while nothing of the queue may start: nothing is read, then. The next ring after it goes on. */
  isOpen?: () => boolean;
  slots: Pick<Slots, "free" | "take" | "give">;
  /** Shards that this worker starts from. */
  own: () => ReadonlySet<number>;
  /** Another worker was faster: there may be a new one. */
  onBeaten: () => void;
  /** Claims tasks of a shard, and begins them. */
  claim: (shard: number, budgets: Budgets, hints: Hints) => Promise<ClaimResult>;
  /** The next ring tries again. */
  onError: (error: unknown) => void;
}

export class ClaimScheduler {
  /** Claims so far, and how many of them another worker was faster with. */
  readonly counts = { made: 0, beaten: 0 };
  readonly #shards: ShardStates;
  readonly #slots: ClaimSchedulerOptions["slots"];
  readonly #clock: Clock;
  /** There was a ring, and no survey since. */
  #isRung = false;
  #isSurveying = false;
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
    this.#shards = new ShardStates(store, options.queue);
    this.#slots = options.slots;
  }

  /** True if tasks of the kind may wait that came before any new one. */
  more(kind: RunnerKind): boolean {
    return this.#shards.more(kind);
  }

  /** A claim is under way, or tasks may wait. */
  get isBusy(): boolean {
    return this.#isRung || this.#isActive || RUNNER_KINDS.some((kind) => this.more(kind));
  }

  /** See {@linkcode ShardStates.added}. */
  added(kind: RunnerKind, block: Deno.KvKey): void {
    this.#shards.added(kind, block);
  }

  /**
   * There may be work.
   *
   * @param kind a task of this kind has come, and nothing else
   */
  ring(kind: RunnerKind | null = null): void {
    this.#isRung = true;
    if (!this.#isOpen) return;
    const now = this.#clock.monotonic();
    if (now >= this.#helpsFrom) this.#helpsFrom = now + HOLD_BACK_MS * (0.5 + this.store.ids.random());
    // While all slots of the kind are taken there is nothing to look for.
    if (kind !== null && this.#slots.free(kind) === 0) this.#shards.holdUp(kind);
    else this.go();
  }

  /** See {@linkcode ShardStates.reveal}. */
  reveal(isUrgent: boolean): void {
    this.#shards.reveal(isUrgent);
  }

  /** A slot has come free. Over a network it waits a moment for others, so that one claim fills them all. */
  refill(): void {
    const { limits } = this.store.kv;
    if (limits.flights === 1 || this.#free() >= limits.checks) return this.go();
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
    if (!this.#isOpen) return;
    const { own } = this.options;
    const { checks: batch, flights } = this.store.kv.limits;
    for (;;) {
      const kinds = RUNNER_KINDS.filter((kind) => this.#slots.free(kind) > 0);
      if (this.#isRung) {
        for (const kind of RUNNER_KINDS) if (!kinds.includes(kind)) this.#shards.holdUp(kind);
      }
      if (kinds.length === 0) return;
      // A further claim must be worth a commit of its own.
      if (this.#underWay > 0 && (this.#free() < batch || this.#underWay >= flights)) return;
      const mine = own();
      if (this.#isRung && !this.#shards.isAnyWaiting(mine, kinds)) this.#survey();
      const state = this.#next(mine, kinds);
      if (!state) return;
      this.#claim(state, kinds.filter((kind) => state.isWanted[kind]));
    }
  }

  #free(): number {
    return RUNNER_KINDS.reduce((sum, kind) => sum + this.#slots.free(kind), 0);
  }

  #next(own: ReadonlySet<number>, kinds: RunnerKind[]): ShardState | null {
    const next = this.#shards.next(own, kinds);
    if (next) return next;
    // The claim that is under way may leave more in its shard, and calls `go` when it is over.
    if (this.#shards.isClaiming(own)) return null;
    const waitMs = this.#helpsFrom - this.#clock.monotonic();
    const other = this.#shards.other(own, kinds);
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

  async #claim(state: ShardState, kinds: RunnerKind[]): Promise<void> {
    const budgets: Budgets = { inline: 0, thread: 0 };
    for (const kind of kinds) budgets[kind] = Math.min(this.#slots.free(kind), this.store.kv.limits.checks);
    this.#shards.begin(state, kinds);
    this.#underWay++;
    this.#slots.take(budgets);
    let result: ClaimResult | null = null;
    try {
      result = await this.options.claim(state.shard, budgets, state.hints);
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
    this.#slots.give(budgets);
    this.go();
  }

  get #isOpen(): boolean {
    return this.options.isOpen?.() ?? true;
  }

  get #isActive(): boolean {
    return this.#isScheduled || this.#underWay > 0 || this.#isSurveying;
  }

  #notifyIdle(): void {
    if (this.#isActive) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
