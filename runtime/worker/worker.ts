// The worker: claim → execute → settle, as often as there is work and a free slot. Where it claims and when stands in
// claim_scheduler.ts, its heartbeat in heartbeat.ts.

import { Attempt } from "./attempt.ts";
import { claim, type Place } from "./claim.ts";
import { ClaimScheduler, type Told } from "./claim_scheduler.ts";
import { sleep } from "../platform/clock.ts";
import type { Starter, Taken } from "../store/committer.ts";
import { discardUnlessNamed } from "../store/discard.ts";
import { execute, type ExecuteOptions } from "./execute.ts";
import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import { LeaseBook } from "./lease_book.ts";
import type { Log } from "../platform/log.ts";
import { ShardAssignment } from "./shard_assignment.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten, type Lease, type Stored, type TaskRecord } from "../core/task.ts";
import { claimed, type Outcome } from "../core/transitions.ts";

export interface WorkerOptions extends ExecuteOptions {
  /** Handlers that run at once. */
  concurrency: number;
  leaseMs: number;
  log: Log;
}

/** Outcomes that wait for their commit: with more than this, nothing new is claimed. */
const MOST_UNSETTLED = 2_000;
/** Lease blocks deleted with one commit. */
const MOST_USED_UP = 30;
const SETTLE_AGAIN_MS = 100;
const SETTLE_AGAIN_AT_MOST_MS = 5_000;

export class Worker implements Starter {
  readonly id: string;
  /** New tasks whose commit is under way, and which begin with it. */
  readonly #starting = new Map<string, { lease: Lease; block: string }>();
  /** Attempts whose function runs. */
  readonly #running = new Map<string, Attempt>();
  /** Attempts whose outcome is on its way to KV. */
  readonly #settling = new Map<string, Attempt>();
  readonly #leases = new LeaseBook();
  readonly #pulse: Heartbeat;
  readonly #peers: ShardAssignment;
  /** Functions that wait for tasks of their own: these must find a slot. */
  #away = 0;
  /** Tasks that wait for a beat before they begin. */
  #unsure = 0;
  readonly #claims: ClaimScheduler;
  #started = false;
  #stopping = false;

  constructor(private readonly store: Store, private readonly options: WorkerOptions) {
    this.id = store.ids.id();
    this.#peers = new ShardAssignment(store, options.leaseMs / 3);
    this.#claims = new ClaimScheduler(store, {
      free: () => this.#free,
      own: () => this.#peers.ownShards(this.id),
      onBeaten: () => this.#peers.lookSoon(),
      claim: (shard, limit, from) => this.#claim(shard, limit, from),
      onError: (error) => options.log.error("claiming failed", error),
    });
    this.#pulse = new Heartbeat(store, { worker: this.id, ...options }, {
      running: this.#running,
      settling: this.#settling,
      leases: this.#leases,
    });
  }

  /** One heartbeat now: see {@linkcode Heartbeat.beat}. */
  beat(): Promise<void> {
    return this.#pulse.beat();
  }

  get running(): number {
    return this.#running.size;
  }

  /** It has tasks in hand, or some may wait for it. */
  get isBusy(): boolean {
    const inHand = this.#running.size + this.#settling.size + this.#starting.size + this.#unsure;
    return inHand > 0 || this.#claims.isBusy;
  }

  /** More tasks wait than it has slots for. */
  get isFull(): boolean {
    return this.#free === 0 && this.#claims.more;
  }

  /** Claims so far, and how many of them another worker was faster with. */
  get claims(): { made: number; beaten: number } {
    return this.#claims.counts;
  }

  async start(): Promise<void> {
    await this.#pulse.start();
    await this.#peers.start();
    this.#started = true;
    this.ring();
  }

  /** There may be work. */
  ring(): void {
    if (this.#started && !this.#stopping) this.#claims.ring();
  }

  /**
   * New tasks begin at once while there are slots for them and for all that came before them: so nobody is held up by
   * them, and their claim costs no commit of its own.
   */
  take(ready: TaskRecord[]): Taken {
    const taken: Taken = { running: new Map(), writes: [] };
    const free = this.#free - this.store.waiting;
    if (!this.#started || this.#stopping || this.#claims.more || free <= 0) return taken;
    const { clock, ids } = this.store;
    const now = clock.now();
    // Of one that has begun before, an attempt may still be on its way out.
    const fit = ready.filter(({ attempt, expiresAt, task }) => {
      return attempt === 0 && expiresAt === null && this.options.registry.has(task);
    });
    const block = ids.token();
    // Sorting is stable: equals stay in their order.
    for (const record of fit.sort((a, b) => b.priority - a.priority).slice(0, free)) {
      const lease = { worker: this.id, token: ids.token() };
      taken.running.set(record.id, claimed(record, now, lease));
      this.#starting.set(record.id, { lease, block });
    }
    if (taken.running.size === 0) return taken;
    const started = [...taken.running.keys()];
    this.#leases.open(block, started);
    taken.writes.push({ key: keys.lease(this.id, block), value: started }, ...this.#usedUpLeases());
    return taken;
  }

  release({ running }: Taken): void {
    let released = false;
    for (const id of running.keys()) {
      const starting = this.#starting.get(id);
      if (!starting) continue;
      this.#starting.delete(id);
      this.#leases.lose(starting.block);
      released = true;
    }
    if (released) this.#refill();
  }

  /** The task may be one that begins or runs here: a cancel reaches its function this way. */
  changed(entry: Entry<Stored>): void {
    const { record } = entry;
    const starting = this.#starting.get(record.id);
    if (starting && !isForgotten(record) && record.lease?.token === starting.lease.token) {
      this.#starting.delete(record.id);
      this.#begin(entry as Entry, starting.block);
    } else {
      this.#running.get(record.id)?.adopt(entry);
    }
  }

  /** Slots that no function runs in or is about to. */
  get #free(): number {
    if (this.#settling.size >= MOST_UNSETTLED) return 0;
    const { reserved } = this.#claims;
    const taken = this.#running.size - this.#away + this.#starting.size + this.#unsure + reserved;
    return Math.max(0, this.options.concurrency - taken);
  }

  /** Claims once, and starts what it got. */
  async #claim(shard: number, limit: number, from: Place | undefined): Promise<Told> {
    const look = this.store.nextLook();
    const { entries, block, more, beaten, next } = await claim(this.store, {
      worker: this.id,
      shard,
      limit,
      knows: (task) => this.options.registry.has(task),
      writes: () => this.#usedUpLeases(),
      from,
    });
    if (!more) this.store.forgetReadyBefore(look, shard);
    if (block !== null) {
      this.#leases.open(block, entries.map(({ record }) => record.id));
      for (const entry of entries) this.#begin(entry, block);
    }
    return { more, beaten, next };
  }

  /** A slot is free: whatever waits for one takes it. */
  #refill(): void {
    if (this.#started && !this.#stopping && this.#claims.more) this.#claims.refill();
  }

  /** Takes no more work, gives running functions `graceMs` to finish, hands the rest back, and signs off. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#claims.stop();
    await this.#peers.stop();
    const { clock, kv } = this.store;
    while (this.#starting.size + this.#unsure > 0) await sleep(clock, 5);
    const until = clock.monotonic() + graceMs;
    while (this.#running.size > 0 && clock.monotonic() < until) await sleep(clock, 10);
    for (const attempt of this.#running.values()) attempt.release();
    while (this.#running.size + this.#settling.size > 0) await sleep(clock, 5);
    // It lives for as long as it holds leases, also while it stops.
    await this.#pulse.stop();
    try {
      for (let used = this.#usedUpLeases(); used.length > 0; used = this.#usedUpLeases()) {
        await kv.writeBlind(used, 0);
      }
      await kv.writeBlind([{ key: keys.worker(this.id) }], 0);
    } catch (error) {
      this.options.log.error("signing off failed: the others will take this worker for dead", error);
    }
  }

  /** Deletes the lease blocks whose tasks are all settled. They wait for a commit that goes anyway. */
  #usedUpLeases(): Write[] {
    return this.#leases.takeUsedUp(MOST_USED_UP).map((block) => ({ key: keys.lease(this.id, block) }));
  }

  #begin(entry: Entry, block: string): void {
    // It was stopped, or KV was away: the others may have taken it for dead since, and the task may run elsewhere.
    if (this.#pulse.isOverdue) this.#beginIfAlive(entry, block);
    else this.#beginNow(entry, block);
  }

  async #beginIfAlive({ record: { id, lease } }: Entry, block: string): Promise<void> {
    this.#unsure++;
    try {
      let now: Entry<Stored> | null;
      do {
        await this.#pulse.shared();
        [now] = await this.store.readMany([id]);
      } while (this.#pulse.isOverdue);
      const isMine = now && !isForgotten(now.record) && now.record.lease?.token === lease!.token;
      if (isMine && this.#leases.holds(block)) this.#beginNow(now as Entry, block);
      else this.#leases.close(block, id);
    } catch (error) {
      // It has not begun, and is handed back by a later beat, or by the others.
      this.#leases.lose(block);
      this.options.log.error(`task ${id} was claimed but could not begin`, error);
    } finally {
      this.#unsure--;
    }
  }

  #beginNow(entry: Entry, block: string): void {
    const { id } = entry.record;
    const other = this.#running.get(id);
    // The answer to a claim may come so late that the task was handed back and claimed again: one of the two is over.
    if (other && other.versionstamp > entry.versionstamp) return this.#leases.close(block, id);
    other?.lose();
    const attempt = new Attempt(this.store, entry);
    attempt.onError = (error) =>
      this.options.log.error(`a report of task ${attempt.id} was not written`, error);
    attempt.onAway = (change) => {
      this.#away += change;
      if (change > 0) this.#refill();
    };
    this.#running.set(attempt.id, attempt);
    this.#finish(attempt, block).catch((error) => {
      this.options.log.error(`task ${attempt.id} was left behind`, error);
    });
  }

  async #finish(attempt: Attempt, block: string): Promise<void> {
    const outcome = await execute(attempt, this.options);
    // The slot is free as soon as the function is done; writing the outcome goes on beside the next claim.
    if (this.#running.get(attempt.id) === attempt) this.#running.delete(attempt.id);
    this.#settling.set(attempt.id, attempt);
    this.#refill();
    const over = outcome === null || await this.#settle(attempt, outcome);
    if (this.#settling.get(attempt.id) === attempt) this.#settling.delete(attempt.id);
    if (over) this.#leases.close(block, attempt.id);
    else this.#leases.lose(block);
    this.#refill();
  }

  /**
   * Writes the outcome, again and again while KV is away: it is kept in memory until then.
   *
   * @returns false if the worker stopped before it could be written.
   */
  async #settle(attempt: Attempt, outcome: Outcome): Promise<boolean> {
    let tooLarge = false;
    for (let pauseMs = SETTLE_AGAIN_MS;; pauseMs = Math.min(2 * pauseMs, SETTLE_AGAIN_AT_MOST_MS)) {
      try {
        const settled = await attempt.settle(outcome);
        const kept = settled && outcome.kind === "completed" && attempt.record.result === outcome.result;
        if (outcome.kind === "completed" && !kept) {
          await discardUnlessNamed(this.store, this.options.values, attempt.id, outcome.result);
        }
        return true;
      } catch (error) {
        this.options.log.error(`the outcome of task ${attempt.id} could not be written`, error);
        if (this.#stopping) return false;
        if (error instanceof RangeError && !tooLarge) {
          tooLarge = true;
          outcome = tooLargeToKeep(error);
        } else await sleep(this.store.clock, pauseMs);
      }
    }
  }
}

/** A record that KV refuses would be refused again. */
function tooLargeToKeep({ message }: RangeError): Outcome {
  return { kind: "failed", error: { name: "RecordTooLarge", message, retryable: false } };
}
