// The doorbell that travels in the submit's own commit: a KV queue message. It is acknowledged as soon as it arrives
// and never carries a task, because KV hands a message out again every 55 s while its handler runs
// (PLATFORM.md A3). Only a backend with queues has it.

import type { Clock } from "../clock.ts";
import { keys } from "../keys.ts";
import type { Kv, KvPort } from "../kv.ts";
import type { Doorbell } from "./doorbell.ts";

/** Marks our messages among others of the same database. */
const MESSAGE = "errand:ring";
/** Queue messages are dear: at most one in this time, and one undelivered. */
const AT_MOST_EVERY_MS = 50;
/**
 * A message that has not come back by then is sent again, later each time. KV may miss its own wake-up and leave a
 * message until its next poll, a minute later; the next enqueue wakes it.
 */
const LOST_AFTER_MS = 250;
const LOST_AFTER_AT_MOST_MS = 10_000;

export class QueueBell implements Doorbell {
  #sentAt = -Infinity;
  #undelivered = false;
  /** A commit went without its message: one more has to follow. */
  #owed = false;
  #lostAfterMs = LOST_AFTER_MS;
  #cancelTimer: () => void = () => {};
  #ring: () => void = () => {};
  #started = false;

  constructor(private readonly kv: Kv, private readonly clock: Clock) {}

  /**
   * True if the backend has queues. Asks with an enqueue that can never be committed, so nothing is left behind.
   */
  static async works(kv: KvPort): Promise<boolean> {
    const never = { key: keys.never(), versionstamp: "ff".repeat(10) };
    // Also false where nobody answers in time: without this bell all tasks still run.
    return await kv.commit(kv.atomic().check(never).enqueue(MESSAGE)).then(() => true, () => false);
  }

  onCommit(atomic: Deno.AtomicOperation): void {
    if (!this.#undelivered && this.#sinceMs() >= AT_MOST_EVERY_MS) {
      this.#sent();
      atomic.enqueue(MESSAGE);
    } else {
      // The message under way may arrive before this commit does, so it cannot stand for it.
      this.#owed = true;
      this.#schedule();
    }
  }

  start(ring: () => void): void {
    this.#started = true;
    this.#ring = ring;
    // Settles when the handle is closed. A listener cannot be taken back before that.
    this.kv.listenQueue((message) => {
      if (message !== MESSAGE) return;
      this.#undelivered = false;
      this.#lostAfterMs = LOST_AFTER_MS;
      this.#schedule();
      this.#ring();
    }).catch(() => {});
    this.#schedule();
  }

  stop(): void {
    this.#started = false;
    this.#ring = () => {};
    this.#cancelTimer();
  }

  #sinceMs(): number {
    return this.clock.monotonic() - this.#sentAt;
  }

  #sent(): void {
    this.#sentAt = this.clock.monotonic();
    this.#undelivered = true;
    this.#owed = false;
    this.#schedule();
  }

  /** Looks again when a message may be sent that is owed, or has to be sent again. */
  #schedule(): void {
    this.#cancelTimer();
    if (!this.#started || !(this.#undelivered || this.#owed)) return;
    const waitMs = this.#undelivered ? this.#lostAfterMs : AT_MOST_EVERY_MS;
    this.#cancelTimer = this.clock.timer(() => this.#send(), Math.max(0, waitMs - this.#sinceMs()));
  }

  #send(): void {
    if (this.#undelivered) this.#lostAfterMs = Math.min(2 * this.#lostAfterMs, LOST_AFTER_AT_MOST_MS);
    this.#sent();
    // A hint that fails to go out is a delay: it is sent again, and the sweep rings too.
    this.kv.enqueue(MESSAGE).catch(() => {});
  }
}
