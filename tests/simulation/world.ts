// A world from a seed: processes on one database, callers, faults. It goes wrong for a while, then all
// faults end, and then everything has to come to rest and be as it should.

import { loadBulkWork } from "../../runtime/commands/bulk/bulk.ts";
import { late } from "../../runtime/process/outbox_steps.ts";
import { loadCron } from "../../runtime/schedules/cron.ts";
import { EMBEDDED_LIMITS, type KvLimits } from "../../runtime/platform/kv.ts";
import { prefixes } from "../../runtime/platform/keys.ts";
import { isAwaiting, type TaskRecord } from "../../runtime/core/task.ts";
import { Checker } from "./checker.ts";
import { FakeDatabase, type FakeKv, type Row } from "./fake_kv.ts";
import { Concurrency } from "./concurrency.ts";
import { Pauses } from "./pauses.ts";
import { drawFaults, type Faults, FAULTY_MS } from "./faults.ts";
import { gateResponses } from "./foreign.ts";
import { Operators } from "./operators.ts";
import { REMOTE_LIMITS, SimProcess, TIGHT_LIMITS } from "./process.ts";
import { Random } from "../support/random.ts";
import { checkRest, type Gaps } from "./rest.ts";
import { Scheduler } from "./scheduler.ts";
import { EPOCH } from "./sim_clock.ts";
import { isOfOpenCall } from "./open_calls.ts";
import type { Shape, Weaken } from "./surroundings.ts";
import { type WorkingWorld, Workload } from "./workload.ts";

export interface Told {
  seed: number;
  /** Everything that happened, in order. */
  history: string[];
  violations: string[];
  tasks: number;
  runs: number;
  events: number;
  crashes: number;
  virtualMs: number;
  gaps: Gaps;
}

/** When faults have ended, everything ends within this. */
const REST_WITHIN_MS = 180_000;
const BOOT_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 60_000;
/**
 * Caches, lease blocks and timers of what is over go away in this time, once every call has been
 * answered.
 */
const TIDY_LEASES = 3;
/** A call that hangs when faults end is given up after this (runtime/platform/kv.ts). */
const CALL_HANGS_MS = 5_000;
/** A commit that is not taken is given up after this (runtime/store/commit_backoff.ts). */
const GIVEN_UP_WITHIN_MS = 10_000 + CALL_HANGS_MS;
/**
 * So many commits a stop may wait for, one after the other: those that tell dependents at a time, in as many
 * flights as there are (runtime/dependencies/edges.ts), and what it writes itself.
 */
const COMMITS_UNDER_WAY = 10;
/** A call of several commits that was cut off is given up after this (runtime/dependencies/barrier.ts). */
const GIVEN_UP_MS = 12 * 60 * 1000;

// Modules that the engine loads late take turns of the event loop, as many as the machine needs; so no world
// loads one.
await Promise.all([loadCron(), loadBulkWork(), late.compensations(), late.replacements()]);

export async function tell(seed: number, weaken?: Weaken): Promise<Told> {
  const ungate = gateResponses();
  try {
    return await new World(seed, weaken).run();
  } finally {
    ungate();
  }
}

export class World implements WorkingWorld {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly database = new FakeDatabase();
  readonly checker: Checker;
  readonly latest = { wall: 0, aheadMs: 0 };
  readonly shape: Shape;
  /** Null once they have ended. */
  activeFaults: Faults | null;
  readonly tenant: string;
  readonly limits: Random | null;
  readonly schedules: Random | null;
  readonly conditions: Random | null;
  readonly groups: Random | null;
  readonly followers: Random | null;
  readonly hidden: Random | null;
  readonly compensations: Random | null;
  readonly callers: readonly string[];
  readonly pauses: Pauses;
  readonly #concurrency: Concurrency;
  readonly #history: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #processes: SimProcess[] = [];
  readonly #workload: Workload;
  readonly #operators: Operators;
  /** What everybody's clock is ahead of true time once all is well. */
  #aheadMs = 0;
  #over = false;
  #crashes = 0;
  #bootHangs = 0;
  #heldUp = 0;

  constructor(private readonly seed: number, readonly weaken?: Weaken) {
    const random = this.random = new Random(seed);
    // Nothing is different for a tenant; and nothing is drawn for it, so that seeds stay what they are.
    this.tenant = seed % 3 === 0 ? "acme" : "";
    this.limits = seed % 5 === 2 ? new Random(seed) : null;
    this.schedules = seed % 3 === 1 ? new Random(seed) : null;
    this.conditions = seed % 4 > 1 ? new Random(seed) : null;
    this.groups = seed % 4 >= 2 ? new Random(seed) : null;
    this.followers = seed % 8 > 5 || seed % 16 === 1 ? new Random(seed) : null;
    this.hidden = [3, 4].includes(seed % 8) ? new Random(seed + 2 ** 43) : null;
    this.compensations = seed % 8 >= 6 ? new Random(seed) : null;
    this.callers = seed % 4 === 1 ? ["one", "other"] : [];
    this.checker = new Checker(this);
    this.activeFaults = drawFaults(random);
    this.shape = {
      leaseMs: random.pick([1_500, 2_500]),
      sweepMs: random.pick([700, 1_500]),
      concurrency: random.pick([1, 2, 5, 20]),
      limits: this.#drawLimits(this.activeFaults),
      shards: random.chance(0.3) ? 3 : 1,
      doorbells: { call: random.chance(0.8), queue: random.chance(0.7), sweep: true },
      isCalm: this.activeFaults.longFollow,
      keepStacks: seed % 5 === 2,
    };
    this.pauses = new Pauses(this, seed);
    this.#concurrency = new Concurrency(this, seed);
    this.#workload = new Workload(this);
    this.#operators = new Operators(this, seed, this.#workload);
    const processOf = (kv: FakeKv) =>
      this.#processes.find((each) => each.kv === kv || each.standIn.kv === kv)!;
    this.database.onApplied = (changes, sentAt, kv) => {
      const process = processOf(kv);
      this.pauses.applied(changes, sentAt, process);
      this.#concurrency.applied(changes, sentAt, process);
      try {
        this.checker.applied(changes, process);
      } catch (error) {
        // To the engine it would be one more fault of KV.
        this.checker.violated("checker", `it has failed: ${(error as Error).stack}`);
      }
      for (const { key, after } of changes) {
        if (key[0] === prefixes.workers[0] && after !== null) process.standIn.key = key;
      }
      const open = changes.filter(({ key, after }) => after !== null && isOfOpenCall(key));
      if (changes.some(({ key }) => this.#workload.isFollowedEnd(key))) this.#stopInFollow(process);
      if (open.length > 0) this.#holdUp(process, open.some(({ key }) => key[1] === "unseal"));
    };
    this.database.onMessage = ({ value, delayMs }) => this.#send(value, delayMs);
  }

  note(who: string, what: string): void {
    this.#history.push(`${this.scheduler.now.toFixed(2).padStart(10)} ${who}: ${what}`);
  }

  /** A short name for a task. */
  nameOf(id: string): string {
    let name = this.#names.get(id);
    if (name === undefined) this.#names.set(id, name = `t${this.#names.size + 1}`);
    return name;
  }

  /** KV's own clock: keys expire by this one, and by no process's. */
  get kvNow(): number {
    return EPOCH + this.scheduler.now;
  }

  someProcess(): SimProcess | null {
    const serving = this.#processes.filter(({ serves }) => serves);
    return serving.length === 0 ? null : this.random.pick(serving);
  }

  async run(): Promise<Told> {
    const { scheduler, random, checker } = this;
    const faults = this.activeFaults!;
    this.note("world", `${JSON.stringify(this.shape)} ${JSON.stringify(faults)}`);
    const size = faults.heldUpCalls > 0 ? 2 + random.below(2) : 1 + random.below(3);
    for (let slot = 1; slot <= size; slot++) this.#keepRunning(slot);
    this.#workload.start(12 + random.below(20));
    if (this.limits) this.#workload.startOperator(this.limits);
    if (faults.heldUpCalls > 0) this.#workload.startLong(3);
    if (faults.longFollow) this.#workload.startFollowed();
    if (this.schedules) this.#workload.startSchedules(this.schedules);
    if (this.conditions) this.#workload.startReplaced(this.conditions);
    if (this.seed % 3 === 2) this.#workload.startUnique(10);
    this.#plan(faults);
    this.pauses.start();
    this.#concurrency.start();
    this.#operators.start();
    this.#expire();

    await scheduler.run(() => false, FAULTY_MS);
    this.#endFaults();
    this.pauses.resumeAll();
    this.#concurrency.liftAll();
    const onlyAwaiting = () => {
      return this.#workload.working === this.#workload.streaming && this.#allServe() &&
        this.pauses.isOver && this.#concurrency.isOver && this.#operators.isOver &&
        this.#unended().every(isAwaiting);
    };
    const rest = () => {
      return this.#workload.working === 0 && this.#allServe() &&
        this.pauses.isOver && this.#concurrency.isOver && this.#operators.isOver &&
        !this.checker.compensations.areUnderWay &&
        this.#unended().length === 0 && this.#openCalls().length === 0 && this.#openSchedules() === 0;
    };
    await scheduler.run(onlyAwaiting, scheduler.now + REST_WITHIN_MS);
    this.#giveUpCalls();
    // A large group is taken back one task at a time.
    let isAtRest = false;
    for (let begun = -1; !isAtRest && begun !== checker.compensations.begun;) {
      begun = checker.compensations.begun;
      isAtRest = await scheduler.run(rest, scheduler.now + REST_WITHIN_MS);
    }
    if (!isAtRest) {
      checker.violated(
        "11",
        `no rest: ${this.#workload.working} callers, ${this.#openCalls().length} calls, ${this.#openSchedules()} schedules, tasks ${
          this.#unended().map(({ id }) => this.nameOf(id)).join(", ")
        }`,
      );
    }
    await scheduler.run(() => false, scheduler.now + CALL_HANGS_MS + TIDY_LEASES * this.shape.leaseMs);
    await this.#shutDown();
    checker.atTheEnd();
    const gaps = { ...await checkRest(this), bootHangs: this.#bootHangs };
    for (const process of this.#processes) process.dead = true;
    return {
      seed: this.seed,
      history: this.#history,
      violations: checker.violations,
      tasks: checker.tasks.size + checker.gone.size,
      runs: checker.runs,
      events: scheduler.events,
      crashes: this.#crashes,
      virtualMs: scheduler.now,
      gaps,
    };
  }

  /** A process for the slot, and another one whenever it is gone. */
  async #keepRunning(slot: number): Promise<void> {
    const { random, scheduler } = this;
    for (let life = 1; !this.#over; life++) {
      const skewMs = this.activeFaults ? this.#offset(this.activeFaults) : this.#aheadMs;
      const process = new SimProcess(this, `p${slot}.${life}`, skewMs, this.pauses.served(slot));
      this.#processes.push(process);
      process.boot().catch((error) => process.crash(`at its start: ${error}`));
      // The probe for queues has no deadline yet: the supervisor of the processes starts it anew.
      const giveUp = scheduler.after(BOOT_WITHIN_MS, () => {
        if (process.runtime !== null || process.dead) return;
        this.#bootHangs++;
        process.crash("because it does not start");
      });
      await process.gone;
      giveUp();
      this.#crashes++;
      await scheduler.sleep(random.between(20, 2_000));
    }
  }

  #drawLimits({ heldUpCalls, longFollow }: Faults): KvLimits {
    const { random } = this;
    // Many tasks are told of an end a few at a time.
    if (longFollow) return REMOTE_LIMITS;
    if (heldUpCalls > 0 && random.chance(0.8)) return TIGHT_LIMITS;
    return random.chance(0.2) ? REMOTE_LIMITS : random.chance(0.35) ? TIGHT_LIMITS : EMBEDDED_LIMITS;
  }

  #offset({ skewMs, apartMs }: Faults): number {
    const apart = apartMs === 0 ? 0 : this.random.pick([-1, 0, 1]) * apartMs;
    return Math.round((this.random.float() * 2 - 1) * skewMs) + apart;
  }

  /** Stops a process that has stored a part of a call. */
  #holdUp(process: SimProcess, hasBarrier: boolean): void {
    const { random, activeFaults: faults } = this;
    // Calls with a barrier are many, and those that are given up show little.
    if (!faults || faults.heldUpCalls <= this.#heldUp || !random.chance(hasBarrier ? 0.1 : 0.6)) return;
    this.#heldUp++;
    process.pause(random.chance(0.2) ? random.between(500, 20_000) : random.between(80_000, 150_000));
  }

  /** The process that has just ended a task that many wait for: it begins to tell them. */
  #stopInFollow(process: SimProcess): void {
    const { random } = this;
    this.scheduler.after(random.float() * 200, () => {
      const underWayMs = COMMITS_UNDER_WAY * (this.activeFaults?.commitMs ?? 0);
      if (process.serves) process.stopAsService(random.below(200), underWayMs);
    });
  }

  #plan(faults: Faults): void {
    const { scheduler, random } = this;
    const someday = (what: (process: SimProcess) => unknown) => {
      scheduler.after(random.float() * FAULTY_MS, () => {
        const living = this.#processes.filter(({ dead }) => !dead);
        if (living.length > 0) what(random.pick(living));
      });
    };
    for (let i = 0; i < faults.crashes; i++) someday((process) => process.crash("by kill -9"));
    for (let i = 0; i < faults.pauses; i++) {
      someday((process) => {
        const ms = random.between(0.3, 3) * this.shape.leaseMs;
        if (random.chance(0.5)) process.stall(ms);
        else process.pause(ms);
      });
    }
    for (let i = 0; i < faults.jumps; i++) {
      someday((process) => {
        const ms = this.#offset({ ...faults, skewMs: random.pick([100, 10_000, 60 * 60 * 1000]) });
        process.note(`its wall clock jumps by ${ms} ms`);
        process.clock.jump(ms);
      });
    }
    if (random.chance(0.2)) someday((process) => process.serves && process.stop(random.below(500)));
  }

  #endFaults(): void {
    const { scheduler } = this;
    this.note("world", "all faults end");
    this.activeFaults = null;
    // Everybody's wall clock is set to the latest that anybody has seen: no timer lies further ahead than it
    // was meant to.
    const wall = Math.max(this.latest.wall, Math.floor(EPOCH + scheduler.now));
    this.#aheadMs = wall - Math.floor(EPOCH + scheduler.now);
    for (const process of this.#processes) {
      process.clock.set(wall);
    }
  }

  /** Every process has started, none is stopped, and one that was has done what it was about to. */
  #allServe(): boolean {
    const living = this.#processes.filter(({ dead }) => !dead);
    return living.length > 0 &&
      living.every(({ serves, pausedUntil }) => {
        const isBack = pausedUntil === 0 || pausedUntil + GIVEN_UP_WITHIN_MS <= this.scheduler.now;
        return serves && isBack;
      });
  }

  #unended(): TaskRecord[] {
    return [...this.checker.unended.values()];
  }

  /** Schedules that are to fire yet. */
  #openSchedules(): number {
    return this.database.all().filter(({ key }) => key[0] === "due" && key[1] === "schedule").length;
  }

  /** Timers of calls that were cut off. */
  #openCalls(): Row[] {
    return this.database.all().filter(({ key }) => isOfOpenCall(key));
  }

  /** Nobody comes back to calls that were cut off: all clocks are set to when they are given up. */
  #giveUpCalls(): void {
    if (this.#openCalls().length === 0) return;
    this.note("world", "all wall clocks are set to when calls are given up that were cut off");
    this.#aheadMs += GIVEN_UP_MS;
    for (const { clock } of this.#processes) clock.jump(GIVEN_UP_MS);
  }

  async #shutDown(): Promise<void> {
    this.#over = true;
    const living = this.#processes.filter(({ dead }) => !dead);
    for (const process of living) {
      if (process.serves) process.stop(100);
      else if (!process.stopping) process.crash("before it has started");
    }
    const stopped = () => living.every(({ dead }) => dead);
    if (!await this.scheduler.run(stopped, this.scheduler.now + STOP_WITHIN_MS)) {
      const left = living.filter(({ dead }) => !dead).map(({ name }) => name);
      this.checker.violated("11", `${left.join(", ")} did not shut down`);
    }
  }

  /** KV removes what has expired once a second, or as late as it likes. */
  #expire(): void {
    this.scheduler.after(1_000, () => {
      const lateMs = this.activeFaults?.ttlLateMs ?? 0;
      this.checker.expired(this.database.expire(this.kvNow - lateMs));
      this.#expire();
      return false;
    });
  }

  /** A queue message reaches any one listener. */
  #send(value: unknown, delayMs: number): void {
    const { random, scheduler } = this;
    const faults = this.activeFaults;
    if (faults && random.chance(faults.messageLost)) return;
    const times = faults && random.chance(faults.messageTwice) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const late = faults && random.chance(faults.messageLate)
        ? random.float() * 5_000
        : random.float() * 100;
      scheduler.after(delayMs + late, () => {
        const listening = this.#processes.filter((process) => process.serves && process.kv.listens);
        if (listening.length === 0) return false;
        const process = random.pick(listening);
        scheduler.after(0, () => process.kv.deliver(value), process);
        return false;
      });
    }
  }
}
