// One process of the simulated world: the real runtime on a handle, clock and source of ids of its own. It
// can die at any moment, be stopped and go on, and be shut down in good order.

import { makeIds } from "../../runtime/platform/ids.ts";
import { EMBEDDED_LIMITS, type KvLimits, KvPort } from "../../runtime/platform/kv.ts";
import type { ServedQueues } from "../../runtime/core/queue.ts";
import { Usage, type Usages } from "../../runtime/core/usage.ts";
import { createRuntime, type Runtime } from "../../runtime/mod.ts";
import { runInline } from "../../runtime/worker/runners/inline.ts";
import type { CheckedWorld } from "./checker.ts";
import { FakeKv } from "./fake_kv.ts";
import { definitionsOf, THREADS } from "./definitions.ts";
import { CALLER_SHARE } from "./functions.ts";
import { SimClock } from "./sim_clock.ts";
import { StandIn } from "./stand_in.ts";
import type { Actor } from "./surroundings.ts";
import { Wire, type Wired } from "./wire.ts";

/** The caller's process died: the connection is cut. */
export class Died extends Error {
  override name = "Died";
}

/** The caller waited long enough. */
export class TooLong extends Error {
  override name = "TooLong";
}

const MOST_ERRORS = 100;
/** See service.ts. */
const GONE_AFTER_GRACE_MS = 700;
const A_LITTLE_MS = 200;

export class SimProcess implements Wired, Actor {
  dead = false;
  pausedUntil = 0;
  readonly clock: SimClock;
  readonly kv: FakeKv;
  /** Null until it has started. */
  runtime: Runtime | null = null;
  /** In good order: it takes no more calls. */
  stopping = false;
  /** Resolves once it is dead. */
  readonly gone: Promise<void>;
  #leaving: () => void = () => {};
  readonly standIn: StandIn;
  #errorsAfterDeath = 0;
  readonly #wire: Wire;
  readonly #callers = new Set<(error: Error) => void>();

  constructor(
    private readonly world: CheckedWorld,
    readonly name: string,
    skewMs: number,
    readonly served: ServedQueues,
  ) {
    this.gone = new Promise((resolve) => this.#leaving = resolve);
    this.clock = new SimClock(world.scheduler, this, skewMs, world.latest);
    this.#wire = Wire.of(this, world);
    this.kv = new FakeKv(world.database, world.weaken?.(this.#wire, this, world) ?? this.#wire);
    this.standIn = new StandIn(world, this);
  }

  note(what: string): void {
    this.world.note(this.name, what);
  }

  /** True if it takes calls. */
  get serves(): boolean {
    return this.runtime !== null && !this.dead && !this.stopping;
  }

  async boot(): Promise<void> {
    const { leaseMs, sweepMs, concurrency, limits, shards, doorbells, keepStacks } = this.world.shape;
    this.note("starts");
    const runtime = await createRuntime({
      kv: new KvPort(this.kv, this.kv, limits, shards, this.clock),
      definitions: definitionsOf(this, this.world),
      clock: this.clock,
      ids: makeIds(this.clock, this.world.random.fill),
      leaseMs,
      sweepMs,
      concurrency,
      queues: this.served,
      doorbells,
      keepStacks,
      usages: halfForEach(),
      threads: THREADS,
      runOnThread: runInline,
      log: {
        info: (message) => this.note(message),
        error: (message, error, attempt) => {
          const said = error instanceof Error ? error.stack : error;
          this.world.checker.secrets.shown(`${message} ${said}`, `the log of ${this.name}`);
          // A function has failed, as it was to.
          if (attempt) return;
          // Something is repeated for ever without success, and so fast that time stands still.
          if (this.dead && ++this.#errorsAfterDeath > MOST_ERRORS) {
            throw new Died(`${this.name} should be dead`);
          }
          this.note(`${message}: ${error}`);
          this.world.checker.logged(this, message, error);
        },
      },
    });
    await runtime.start();
    this.runtime = runtime;
  }

  /** Nothing of it happens any more. */
  crash(why: string): void {
    if (this.dead) return;
    this.note(`dies ${why}`);
    this.dead = true;
    this.#wire.cut();
    this.standIn.cut();
    this.#leave();
  }

  pause(ms: number): void {
    this.note(`is stopped for ${Math.round(ms)} ms`);
    this.pausedUntil = Math.max(this.pausedUntil, this.world.scheduler.now + ms);
  }

  /** Its event loop stands still, and its stand-in beats meanwhile. */
  stall(ms: number): void {
    this.pause(ms);
    this.standIn.beatUntil(this.pausedUntil);
  }

  /**
   * As a service does at a signal: soon after the grace it has handed all tasks back, and whatever is still
   * under way, it may be ended.
   *
   * @param underWayMs how long that takes at the most
   */
  stopAsService(graceMs: number, underWayMs: number): void {
    const { scheduler, random, checker } = this.world;
    this.stop(graceMs);
    scheduler.after(graceMs + GONE_AFTER_GRACE_MS, () => {
      checker.requireHandedBack(this);
      // A call may take longer than any grace.
      if (this.#callers.size > 0 || random.chance(0.3)) this.crash("because its grace is over");
    });
    scheduler.after(graceMs + underWayMs + A_LITTLE_MS, () => {
      if (this.dead) return;
      checker.violated("11", `${this.name} does not stop within ${graceMs} ms and what was under way`);
      this.crash("because it does not stop");
    });
  }

  /** Shuts down in good order; afterwards it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.note("shuts down");
    this.stopping = true;
    try {
      await this.runtime!.stop(graceMs);
    } catch (error) {
      // KV is away: it leaves as it is, and its leases run out.
      return this.crash(`while it shuts down: ${error}`);
    }
    if (this.dead) return;
    this.note("has shut down");
    this.dead = true;
    this.#leave();
  }

  /** A call from outside. @throws {Died | TooLong} if there is no answer. */
  call<T>(work: (runtime: Runtime) => Promise<T>, withinMs = 30_000): Promise<T> {
    if (!this.serves) return Promise.reject(new Died(`${this.name} does not answer`));
    return new Promise((resolve, reject) => {
      const cut = (error: Error) => {
        this.#callers.delete(cut);
        stop();
        reject(error);
      };
      this.#callers.add(cut);
      const stop = this.world.scheduler.after(withinMs, () => cut(new TooLong(`${this.name} is slow`)));
      work(this.runtime!).then(resolve, reject).finally(() => {
        this.#callers.delete(cut);
        stop();
      });
    });
  }

  #leave(): void {
    for (const cut of [...this.#callers]) cut(new Died(`${this.name} died`));
    this.#leaving();
  }
}

/** As a remote KV: few checks, and several commits under way at once. */
export const REMOTE_LIMITS: KvLimits = { ...EMBEDDED_LIMITS, checks: 10, flights: 3 };

/** Also a call that belongs together then takes several commits. */
export const TIGHT_LIMITS: KvLimits = { ...REMOTE_LIMITS, mutations: 60 };

/** Counts what each caller uses, as the keys of a service do. */
function halfForEach(): Usages {
  const known = new Map<string, Usage>();
  return {
    of: ({ name, tenant }) => {
      if (name === null) return [];
      let usage = known.get(name);
      if (!usage) {
        known.set(name, usage = new Usage({ kind: "key", name, tenant }));
        usage.allow({}, CALLER_SHARE);
      }
      return [usage];
    },
  };
}
