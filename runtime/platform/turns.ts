// Long work in slices: between them the event loop goes round, so that nobody else waits for all of it. Of
// many such works one has its slice at a time.

import { type Clock, sleep } from "./clock.ts";

/** Heartbeats, other requests and timers wait for so long at the most, and for the step that is over it. */
const SLICE_MS = 10;

export class Turns {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly clock: Clock) {}

  /** For one piece of long work. */
  begin(): Turn {
    return new Turn(this.clock, () => this.next());
  }

  /** For work that is short by itself, and may come in great numbers at one moment: resolves at its turn. */
  next(): Promise<void> {
    return this.#last = this.#last.then(() => sleep(this.clock, 0));
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
