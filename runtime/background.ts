// What a process does without being asked: the worker, timers, the outbox, and repairs after dead processes.

import { DEFAULTS, type RuntimeOptions } from "./options.ts";
import { every } from "./platform/periodic.ts";
import { adoptFormat } from "./store/format.ts";
import type { Parts } from "./wiring.ts";

export class Background {
  readonly #parts: Parts;
  readonly #leaseMs: number;
  readonly #sweepMs: number;
  readonly #repairMs: number;
  /** Ends each periodic loop. */
  readonly #stops: (() => Promise<void>)[] = [];
  #isStopped = false;

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
      log,
    } = this.#parts;
    await adoptFormat(store.kv, clock, log, () => this.#isStopped);
    await worker?.start();
    for (const bell of bells) bell.start(() => this.#ring(), () => this.#readAgain());
    timers.start();
    outbox.start();
    this.#every(this.#leaseMs / 3, "reaping", async () => {
      const reclaimed = await reaper.tick();
      if (reclaimed > 0) log.info(`tasks of dead workers that were handed on: ${reclaimed}`);
    });
    this.#every(this.#sweepMs, "looking through the outbox", () => outbox.sweep());
    this.#every(this.#sweepMs, "looking at watched tasks", () => notifier.sweep());
    this.#every(this.#repairMs, "repairing", async () => {
      await reconciler.tick();
      await garbageCollector.tick();
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    const { worker, bells, timers, outbox, store, runners } = this.#parts;
    for (const bell of bells) await bell.stop();
    await Promise.all(this.#stops.map((stop) => stop()));
    await timers.stop();
    await outbox.stop();
    await worker?.stop(graceMs);
    await store.idle();
    runners.close();
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
    outbox.sweep().catch((error) => log.error("looking through the outbox failed", error));
  }

  /** Repeats some work, never twice at once. A failure is logged, and the work is repeated all the same. */
  #every(ms: number, what: string, work: () => Promise<unknown>): void {
    const { clock, log } = this.#parts;
    this.#stops.push(every(clock, ms, () => work().catch((error) => log.error(`${what} failed`, error))));
  }
}
