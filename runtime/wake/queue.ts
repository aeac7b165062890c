// The doorbell that travels in the submit's own commit: a KV queue message. It is acknowledged as soon as it arrives
// and never carries a task, because KV hands a message out again every 55 s while its handler runs
// (PLATFORM.md A3). Only a backend with queues has it.

import type { Clock } from "../clock.ts";
import type { Kv } from "../kv.ts";
import type { Doorbell } from "./bell.ts";

/** Marks our messages among others of the same database. */
const MESSAGE = "errand:ring";
/** At most one undelivered message, and at most one in this time: queue messages are dear. */
const AT_MOST_EVERY_MS = 50;
/** A message that has not come back by now is given up: the sweep will have rung. */
const LOST_AFTER_MS = 10_000;

export class QueueBell implements Doorbell {
  #sentAt = -Infinity;
  #undelivered = false;
  /** A commit went without its message: one more has to follow. */
  #owed = false;
  #cancelOwed: () => void = () => {};
  #ring: () => void = () => {};
  #stopped = false;

  constructor(private readonly kv: Kv, private readonly clock: Clock) {}

  /**
   * True if the backend has queues. Asks with an enqueue that can never be committed, so nothing is left behind.
   */
  static async works(kv: Kv): Promise<boolean> {
    const never = { key: ["errand", "never"], versionstamp: "ff".repeat(10) };
    return await kv.atomic().check(never).enqueue(MESSAGE).commit().then(() => true, () => false);
  }

  onCommit(atomic: Deno.AtomicOperation): void {
    if (this.#waitMs() > 0) {
      // The message under way may arrive before this commit does, so it cannot stand for it.
      this.#owed = true;
      this.#scheduleOwed();
      return;
    }
    this.#sent();
    atomic.enqueue(MESSAGE);
  }

  start(ring: () => void): void {
    this.#ring = ring;
    // Settles when the handle is closed. A listener cannot be taken back before that.
    this.kv.listenQueue((message) => {
      if (message !== MESSAGE) return;
      this.#undelivered = false;
      if (this.#owed) this.#scheduleOwed();
      this.#ring();
    }).catch(() => {});
  }

  stop(): void {
    this.#stopped = true;
    this.#ring = () => {};
    this.#cancelOwed();
  }

  /** Until the next message may be sent. */
  #waitMs(): number {
    const sinceMs = this.clock.monotonic() - this.#sentAt;
    return (this.#undelivered ? LOST_AFTER_MS : AT_MOST_EVERY_MS) - sinceMs;
  }

  #sent(): void {
    this.#sentAt = this.clock.monotonic();
    this.#undelivered = true;
    this.#owed = false;
  }

  #scheduleOwed(): void {
    this.#cancelOwed();
    if (this.#stopped) return;
    this.#cancelOwed = this.clock.timer(() => {
      if (!this.#owed || this.#waitMs() > 0) return;
      this.#sent();
      // A hint that fails to go out is a delay: the sweep rings too.
      this.kv.enqueue(MESSAGE).catch(() => this.#undelivered = false);
    }, Math.max(0, this.#waitMs()));
  }
}
