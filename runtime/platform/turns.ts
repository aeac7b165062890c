// Long work in slices: between them the event loop goes round, so that nobody else waits for all of it. Of
// many such works one has its slice at a time.

import { type Clock, sleep } from "./clock.ts";

/** Heartbeats, other requests and timers wait for so long at the most, and for the step that is over it. */
const SLICE_MS = 10;

export class Turns {
  #last: Promise<void> = Promise.resolve();
  /** Since the event loop went round: what `short` has let begin. */
  #round: { beganAt: number; over: Promise<void> } | null = null;
  #line: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(private readonly clock: Clock) {}

  /** For one piece of long work. */
  begin(): Turn {
    return new Turn(this.clock, () => this.next());
  }

  /** Resolves when the event loop has gone round, and it is its turn. */
  next(): Promise<void> {
    return this.#last = this.#last.then(() => sleep(this.clock, 0));
  }

  /**
   * For work that is short by itself, and may come in great numbers at one moment: null, or what it must
   * await before. So much of it is done in one round as a slice has room for.
   */
  short(): Promise<void> | null {
    if (this.#waiting === 0 && this.#hasRoom()) return null;
    this.#waiting++;
    return this.#line = this.#line.then(async () => {
      while (!this.#hasRoom()) await this.#round!.over;
      this.#waiting--;
    });
  }

  #hasRoom(): boolean {
    const now = this.clock.monotonic();
    this.#round ??= { beganAt: now, over: sleep(this.clock, 0).then(() => void (this.#round = null)) };
    return now - this.#round.beganAt < SLICE_MS;
  }
}

export class Turn {
  #began: number;
  #pause: Promise<void> | null = null;

  constructor(private readonly clock: Clock, private readonly next: () => Promise<void>) {
    this.#began = clock.monotonic();
  }

  /** To be asked between steps: null, or what the work must await before its next step. */
  over(): Promise<void> | null {
    if (this.clock.monotonic() - this.#began < SLICE_MS) return null;
    return this.#pause ??= this.next().then(() => {
      this.#pause = null;
      this.#began = this.clock.monotonic();
    });
  }
}
