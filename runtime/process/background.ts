// What a process does without being asked: the worker, timers, the outbox, and repairs after dead processes.

import { DEFAULTS, type RuntimeOptions } from "./options.ts";
import { sleep } from "../platform/clock.ts";
import { countRunning } from "../queues/concurrency.ts";
import { declareConcurrency } from "../queues/declared_concurrency.ts";
import { LOOK_EVERY_MS } from "../queues/controls.ts";
import { resumeWhatIsOver } from "../queues/pauses.ts";
import { every } from "../platform/periodic.ts";
import { SHARED_EVERY_MS } from "../metrics/shared_counts.ts";
import { declare } from "../schedules/declared.ts";
import { adoptFormat } from "../store/format.ts";
import type { Parts } from "./wiring.ts";

const DECLARE_AGAIN_MS = 500;
const LOOK_FOR_READERS_MS = 1_000;

export class Background {
  readonly #parts: Parts;
  readonly #leaseMs: number;
  readonly #sweepMs: number;
  readonly #repairMs: number;
  /** Ends each periodic loop that changes tasks. */
  readonly #stops: (() => Promise<void>)[] = [];
  #stopLooking: () => Promise<void> = async () => {};
  #isStopped = false;
  #declaring: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  constructor(parts: Parts, { leaseMs, sweepMs, repairMs }: RuntimeOptions) {
    this.#parts = parts;
    this.#leaseMs = leaseMs ?? DEFAULTS.leaseMs;
    this.#sweepMs = sweepMs ?? DEFAULTS.sweepMs;
    this.#repairMs = repairMs ?? DEFAULTS.repairMs;
  }

  /** @throws {NewerFormatError} */
  async start(): Promise<void> {
    const {
      store,
      clock,
      worker,
      bells,
      timers,
      outbox,
      reaper,
      notifier,
      reconciler,
      garbageCollector,
      sharedCounts,
      log,
    } = this.#parts;
    this.#parts.exported?.start(this.#parts);
    await adoptFormat(store.kv, clock, log, () => this.#isStopped);
    if (worker) await this.#lookAtControls();
    else this.#lookForReaders();
    await worker?.start();
    if (this.#isStopped) return;
    for (const bell of bells) bell.start(() => this.#ring(), () => this.#readAgain());
    timers.start();
    this.#declaring = this.#declare();
    outbox.start();
    const isStopped = () => this.#isStopped;
    this.#stopLooking = this.#every(this.#sweepMs, "looking at watched tasks", () => notifier.sweep());
    const repeat = (ms: number, what: string, work: () => Promise<unknown>) => {
      this.#stops.push(this.#every(ms, what, work));
    };
    repeat(this.#leaseMs / 3, "reaping", async () => {
      const reclaimed = await reaper.tick(isStopped);
      if (reclaimed > 0) log.info(`tasks of dead workers that were handed on: ${reclaimed}`);
    });
    repeat(this.#sweepMs, "looking through the outbox", () => outbox.sweep());
    repeat(SHARED_EVERY_MS, "telling other processes what happened here", () => sharedCounts.share());
    repeat(this.#repairMs, "repairing", async () => {
      await reconciler.tick();
      if (!isStopped()) await garbageCollector.tick();
    });
  }

  /** Called again it can only shorten the grace. */
  stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    this.#parts.store.hurry();
    // Before anything is waited for: the grace counts from this moment, whatever hangs.
    const handedBack = this.#parts.worker?.stop(graceMs) ?? Promise.resolve();
    return this.#stopping ??= this.#stop(handedBack);
  }

  async #stop(handedBack: Promise<void>): Promise<void> {
    const {
      bells,
      timers,
      outbox,
      notifier,
      queueLimit,
      storedLimit,
      store,
      runners,
      sharedCounts,
      transitionLog,
    } = this.#parts;
    const counts = [queueLimit.stop(), storedLimit.stop()];
    const stopped = [timers.stop(), outbox.stop(), ...this.#stops.map((stop) => stop())];
    await Promise.all([handedBack, this.#declaring, ...counts, ...stopped]);
    // Until here functions and callers could wait for tasks that end in other processes.
    notifier.stop();
    await Promise.all([this.#stopLooking(), ...bells.map((bell) => bell.stop())]);
    await store.idle();
    // What is lost of it is lost: the first write that fails is the last one.
    const told = Promise.allSettled([sharedCounts.share(), transitionLog.stop()]);
    this.#parts.exported?.stop();
    await told;
    // What nobody waits for: a look that a bell asked for, a ring for others.
    await store.kv.idle();
    runners.close();
  }

  /** Writes the schedules and the limits that the code declares, as soon as the database takes them. */
  async #declare(): Promise<void> {
    const { declarations, schedules, store, controls, registry, clock, log } = this.#parts;
    while (declarations !== null && !this.#isStopped) {
      try {
        await declare(schedules, declarations, log);
        return await declareConcurrency(store, controls, registry.all());
      } catch (error) {
        log.error("the schedules and limits of the code could not be written; trying again", error);
        await sleep(clock, DECLARE_AGAIN_MS);
      }
    }
  }

  async #lookAtControls(): Promise<void> {
    const { store, controls, outbox, worker, log } = this.#parts;
    let isFailing = false;
    const look = async () => {
      try {
        await controls.look();
        await resumeWhatIsOver(store, controls, (subject) => outbox.ring([subject]));
        if (worker) await countRunning(store, controls, worker.attempts);
        isFailing = false;
      } catch (error) {
        // Nothing starts by an old look. A database that is away is told of once.
        if (!isFailing) log.error("looking at what is paused or limited failed", error);
        isFailing = true;
      }
    };
    await look();
    if (!this.#isStopped) this.#stops.push(every(store.clock, LOOK_EVERY_MS, look));
  }

  /** A process without a worker looks at no controls. */
  #lookForReaders(): void {
    const { transitionLog, clock } = this.#parts;
    // A database that is away is told of by others.
    this.#stops.push(every(clock, LOOK_FOR_READERS_MS, () => transitionLog.look().catch(() => {})));
  }

  /** There may be work. */
  #ring(): void {
    this.#parts.worker?.ring();
    this.#parts.timers.ring();
  }

  /** Tasks may have ended in other processes. */
  #readAgain(): void {
    const { notifier, outbox, log } = this.#parts;
    notifier.sweep().catch((error) => log.error("looking at watched tasks failed", error));
    if (this.#isStopped) return;
    outbox.sweep().catch((error) => log.error("looking through the outbox failed", error));
  }

  /** Repeats some work, never twice at once. A failure is logged, and the work is repeated all the same. */
  #every(ms: number, what: string, work: () => Promise<unknown>): () => Promise<void> {
    const { clock, log } = this.#parts;
    return every(clock, ms, () => work().catch((error) => log.error(`${what} failed`, error)));
  }
}
