// So many calls a second, and no more than those of one second at once (GCRA). Kept in memory: with several
// processes each of them lets as many through.

const SECOND_MS = 1_000;

export class Rate {
  readonly #intervalMs: number;
  /** When all that was let through is made up for (monotonic). */
  #clearAt = -Infinity;

  constructor(readonly perSecond: number) {
    this.#intervalMs = SECOND_MS / perSecond;
  }

  /** For how many milliseconds the next call must wait; 0 if it may come now. */
  waitMs(now: number): number {
    return Math.max(0, this.#clearAt + this.#intervalMs - now - SECOND_MS);
  }

  take(now: number): void {
    this.#clearAt = Math.max(this.#clearAt, now) + this.#intervalMs;
  }

  /** How many more may come now. */
  left(now: number): number {
    const freeMs = SECOND_MS - Math.max(0, this.#clearAt - now);
    // A sum of fractions may be short of the whole by a hair.
    return Math.max(0, Math.floor(freeMs / this.#intervalMs + 1e-6));
  }

  /** When all of them may come, in milliseconds. */
  fullInMs(now: number): number {
    return Math.max(0, this.#clearAt - now);
  }
}
