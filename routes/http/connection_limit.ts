// How many requests may be held open at once, by streams and waits. Each of them costs memory as long as it
// lasts.

import { AbortLink } from "../../runtime/core/abort_link.ts";
import { ProblemError, tooManyWait } from "./problem.ts";

const MOST = 10_000;

export class Slots {
  /** What ends each request that is held open. */
  readonly #taken = new Set<() => void>();

  constructor(private readonly most: number = MOST) {}

  get taken(): number {
    return this.#taken.size;
  }

  /**
   * Gives what gives the slot back; to be called once or more.
   *
   * @param end ends the request early, when the service stops
   * @throws {ProblemError} if all are taken
   */
  take(end: () => void): () => void {
    if (this.#taken.size >= this.most) throw new ProblemError(tooManyWait(this.most));
    // One of its own, whatever else `end` stands for.
    const own = () => end();
    this.#taken.add(own);
    return () => void this.#taken.delete(own);
  }

  /**
   * A slot for as long as `work` takes; none is needed for what does not wait.
   *
   * @param signal aborted when the caller is gone; `work` gets one that is also aborted when the service
   * stops.
   */
  async during<T>(
    waitMs: number,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (waitMs === 0) return await work(signal);
    const stop = new AbortController();
    const giveBack = this.take(() => stop.abort());
    using both = new AbortLink(signal, stop.signal);
    try {
      return await work(both.signal);
    } finally {
      giveBack();
    }
  }

  /** Ends all requests that are held open: waits are answered with what is known, streams are cut. */
  endAll(): void {
    for (const end of [...this.#taken]) end();
  }
}
