// A doorbell in the submit's own commit: a KV queue message. It is acknowledged as soon as it arrives and
// never carries a task, because KV delivers a message again every 55 s while its handler runs. Only some
// backends have queues.

import type { Clock } from "../clock.ts";
import type { Kv } from "../kv.ts";
import type { Doorbell } from "./doorbell.ts";

/** Tells our messages from others of the same database. */
const MESSAGE = "errand:ring";
/** Queue messages are expensive: at most one in this time, and one undelivered. */
const AT_MOST_EVERY_MS = 50;
/**
 * A message that has not arrived by then is sent again, after ever longer pauses: KV can miss its own wake-up
 * and leave a message until its next poll, a minute later (docs/decisions/0019-queue-message-again.md).
 */
const LOST_AFTER_MS = 250;
const LOST_AFTER_AT_MOST_MS = 10_000;

export class QueueBell implements Doorbell {
  #sentAt = -Infinity;
  #undelivered = false;
  /** A commit went without a message: one more message must follow. */
  #owed = false;
  #lostAfterMs = LOST_AFTER_MS;
  #cancelTimer: () => void = () => {};
  #ring: () => void = () => {};
  #started = false;

  constructor(private readonly kv: Pick<Kv, "enqueue" | "listenQueue">, private readonly clock: Clock) {}

  onCommit(atomic: Deno.AtomicOperation): void {
    if (!this.#undelivered && this.#sinceMs() >= AT_MOST_EVERY_MS) {
      this.#sent();
      atomic.enqueue(MESSAGE);
    } else {
      // The message under way may arrive before this commit does.
      this.#owed = true;
      this.#schedule();
    }
  }

  start(ring: () => void): void {
    this.#started = true;
    this.#ring = ring;
    // Ends when the handle is closed: there is no other way to stop listening.
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

  /** Sets the timer for the next message that is owed, or must be sent again. */
  #schedule(): void {
    this.#cancelTimer();
    if (!this.#started || !(this.#undelivered || this.#owed)) return;
    const waitMs = this.#undelivered ? this.#lostAfterMs : AT_MOST_EVERY_MS;
    this.#cancelTimer = this.clock.timer(() => this.#send(), Math.max(0, waitMs - this.#sinceMs()));
  }

  #send(): void {
    if (this.#undelivered) this.#lostAfterMs = Math.min(2 * this.#lostAfterMs, LOST_AFTER_AT_MOST_MS);
    this.#sent();
    // A lost hint is only a delay: it is sent again, and the sweep rings too.
    this.kv.enqueue(MESSAGE).catch(() => {});
  }
}
