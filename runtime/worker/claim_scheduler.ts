// Where a worker claims, and when. The queue has several parts where several machines share it; each worker starts from
// parts of its own and helps out elsewhere, so that claims rarely meet. Several claims are under way at once as long as
// there are slots for a full one each.

import type { Clock } from "../platform/clock.ts";
import type { Place } from "./claim.ts";
import { parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";

/** A worker that has nothing to do leaves others' parts to them for this long after a ring. */
const HOLD_BACK_MS = 40;
/** One claim in so many goes to another worker's part even so: that one may be full. */
const HELP_ONE_IN = 64;
const REFILL_MS = 3;
/** Blocks that one look at the whole queue sees. */
const BLOCKS_SEEN = 24;

/** What one claim told. */
export interface Told {
  /** The shard may hold more. */
  more: boolean;
  /** Somebody else was faster. */
  beaten?: boolean;
  /** Where to go on, if all that was seen is for others. */
  next?: Place;
}

export interface ClaimSchedulerOptions {
  /** Slots that no function runs in or is about to. */
  free: () => number;
  /** Shards that this worker starts from. */
  own: () => ReadonlySet<number>;
  /** Another worker was faster: there may be one that is not known yet. */
  onBeaten: () => void;
  /** Claims up to `limit` tasks of a shard, and begins them. */
  claim: (shard: number, limit: number, from: Place | undefined) => Promise<Told>;
  /** The next ring tries again. */
  onError: (error: unknown) => void;
}

/** One part of the queue. */
interface Line {
  shard: number;
  /** It is to be claimed from. */
  isWanted: boolean;
  /** The last claim left tasks behind that could not be taken, so far as is known. */
  more: boolean;
  from: Place | undefined;
  isBusy: boolean;
  claims: number;
}

export class ClaimScheduler {
  /** Claims so far, and how many of them somebody else was faster with. */
  readonly counts = { made: 0, beaten: 0 };
  readonly #lines: Line[];
  readonly #clock: Clock;
  /** A ring that was not followed yet. */
  #rung = false;
  /** It came when no slot was free. */
  #isHeldUp = false;
  #isLooking = false;
  /** Slots that claims under way may fill. */
  #reserved = 0;
  #underWay = 0;
  #othersFrom = -Infinity;
  #cancelHelp: () => void = () => {};
  #cancelRefill: (() => void) | null = null;
  #isGoing = false;
  #stopped = false;
  #onIdle: (() => void)[] = [];

  constructor(private readonly store: Store, private readonly options: ClaimSchedulerOptions) {
    this.#clock = store.clock;
    this.#lines = Array.from({ length: store.kv.shards }, (_, shard) => {
      // At the start nobody knows what waits.
      return { shard, isWanted: false, more: true, from: undefined, isBusy: false, claims: 0 };
    });
  }

  /** True if tasks may wait that came before any new one. */
  get more(): boolean {
    return this.#isHeldUp || this.#lines.some(({ more }) => more);
  }

  /** A claim is under way, or tasks may wait. */
  get isBusy(): boolean {
    return this.#rung || this.#isActive || this.more;
  }

  /** Slots that are spoken for. */
  get reserved(): number {
    return this.#reserved;
  }

  /** There may be work. */
  ring(): void {
    this.#rung = true;
    const now = this.#clock.monotonic();
    if (now >= this.#othersFrom) this.#othersFrom = now + HOLD_BACK_MS * (0.5 + this.store.ids.random());
    this.go();
  }

  /** A slot has come free. Others may follow in a moment: together they are worth one claim that goes over a network. */
  refill(): void {
    const { limits } = this.store.kv;
    if (limits.flights === 1 || this.options.free() >= limits.checks) return this.go();
    this.#cancelRefill ??= this.#clock.timer(() => {
      this.#cancelRefill = null;
      this.go();
    }, REFILL_MS);
  }

  /** Claims what is wanted, for as many free slots as there are. All that ask in the same moment ask once. */
  go(): void {
    if (this.#isGoing) return;
    this.#isGoing = true;
    Promise.resolve().then(() => {
      this.#isGoing = false;
      if (!this.#stopped) this.#go();
      this.#tellIdle();
    });
  }

  #go(): void {
    const { free, own } = this.options;
    const batch = this.store.kv.limits.checks;
    for (;;) {
      const room = free();
      if (room <= 0) {
        this.#isHeldUp ||= this.#rung;
        return;
      }
      // Beside the first one only claims that are worth a commit of their own.
      if (this.#underWay > 0 && (room < batch || this.#underWay >= this.store.kv.limits.flights)) return;
      const mine = own();
      if (this.#rung && !this.#waiting().some(({ shard }) => mine.has(shard))) this.#look();
      const line = this.#next(mine);
      if (!line) return;
      this.#claim(line, Math.min(room, batch));
    }
  }

  /** No more claims; resolves once none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelHelp();
    this.#cancelRefill?.();
    while (this.#isActive) {
      await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    }
  }

  get #isActive(): boolean {
    return this.#isGoing || this.#underWay > 0 || this.#isLooking;
  }

  /** Lines that a claim can begin on. */
  #waiting(): Line[] {
    return this.#lines.filter(({ isWanted, isBusy }) => isWanted && !isBusy);
  }

  /** The line to claim from now, the one that waited longest; null if there is none for now. */
  #next(mine: ReadonlySet<number>): Line | null {
    const lines = this.#waiting();
    const own = lines.filter(({ shard }) => mine.has(shard));
    const others = lines.filter(({ shard }) => !mine.has(shard));
    const anyOther = () => others[Math.floor(this.store.ids.random() * others.length)];
    if (own.length > 0) {
      const helps = others.length > 0 && this.store.ids.random() * HELP_ONE_IN < 1;
      return helps ? anyOther() : own.reduce((a, b) => b.claims < a.claims ? b : a);
    }
    // Its own parts may hold more: the claim that is under way there asks again when it is over.
    const isClaiming = this.#lines.some(({ shard, isBusy }) => isBusy && mine.has(shard));
    if (others.length === 0 || isClaiming) return null;
    const waitMs = this.#othersFrom - this.#clock.monotonic();
    if (waitMs <= 0) return anyOther();
    this.#cancelHelp();
    this.#cancelHelp = this.#clock.timer(() => this.go(), waitMs);
    return null;
  }

  /** Finds out which shards hold anything: one read in place of one for each. */
  #look(): void {
    if (this.#isLooking) return;
    this.#rung = false;
    if (this.#lines.length === 1) return this.#want(this.#lines);
    this.#isLooking = true;
    this.#lookAround().catch(this.options.onError).then(() => {
      this.#isLooking = false;
      this.go();
    });
  }

  async #lookAround(): Promise<void> {
    const look = this.store.nextLook();
    const blocks = await this.store.kv.list({ prefix: prefixes.allReady }, { limit: BLOCKS_SEEN });
    const seen = new Set(blocks.map(({ key }) => parse.ready(key).shard));
    const last = blocks.length < BLOCKS_SEEN
      ? this.#lines.length
      : parse.ready(blocks[blocks.length - 1].key).shard;
    const isEmpty = ({ shard }: Line) => shard <= last && !seen.has(shard);
    this.#want(this.#lines.filter((line) => !isEmpty(line)));
    for (const line of this.#lines.filter((line) => isEmpty(line) && !line.isBusy)) {
      line.more = line.isWanted = false;
      this.store.forgetReadyBefore(look, line.shard);
    }
  }

  #want(lines: Line[]): void {
    for (const line of lines) {
      line.isWanted = true;
      line.more ||= this.#isHeldUp;
    }
    this.#isHeldUp = false;
  }

  async #claim(line: Line, limit: number): Promise<void> {
    line.isBusy = true;
    line.claims++;
    this.#underWay++;
    this.#reserved += limit;
    line.isWanted = false;
    try {
      const { more, beaten, next } = await this.options.claim(line.shard, limit, line.from);
      this.counts.made++;
      if (beaten) {
        this.counts.beaten++;
        this.options.onBeaten();
      }
      line.from = next;
      line.more = more;
      line.isWanted ||= more;
    } catch (error) {
      // What waits there is looked for again with the next ring.
      this.options.onError(error);
    }
    line.isBusy = false;
    this.#underWay--;
    this.#reserved -= limit;
    this.go();
  }

  #tellIdle(): void {
    if (this.#isActive) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
