// One clock for all open streams: each is called at its time, and they are spread over it. A timer for each
// would cost memory for each, and thousands of them that were opened together would go off together.

/** A stream is called once in so many ticks. */
const TICKS = 8;

export class Heartbeat {
  readonly #places = Array.from({ length: TICKS }, () => new Set<() => void>());
  #now = 0;
  #count = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly everyMs: number) {}

  /** Calls `beat` regularly, until the returned function is called. */
  join(beat: () => void): () => void {
    const place = this.#places[this.#now];
    place.add(beat);
    if (this.#count++ === 0) this.#timer = setInterval(() => this.#tick(), this.everyMs / TICKS);
    return () => {
      if (!place.delete(beat) || --this.#count > 0) return;
      clearInterval(this.#timer);
    };
  }

  #tick(): void {
    this.#now = (this.#now + 1) % TICKS;
    for (const beat of [...this.#places[this.#now]]) beat();
  }
}
