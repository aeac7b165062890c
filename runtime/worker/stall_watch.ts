// When somebody has to beat for an event loop that stands still.

/** A loop that stands still for longer will not go on: its process counts as dead. */
export const LONGEST_STALL_MS = 60_000;
/** Of a lease: the loop beats every third of one. */
const LATE = 0.45;

export class StallWatch {
  #signs = 0;
  #beatAt = -Infinity;

  /** @param now monotonic, as all instants here */
  constructor(private readonly leaseMs: number, private signAt: number) {}

  /**
   * To be asked often. If it is true somebody beats.
   *
   * @param signs of life of the event loop so far
   */
  isBeatDue(signs: number, now: number): boolean {
    if (signs !== this.#signs) {
      this.#signs = signs;
      this.signAt = now;
    }
    const stillMs = now - this.signAt;
    if (stillMs < this.leaseMs * LATE || stillMs >= LONGEST_STALL_MS) return false;
    // Also behind one that is not answered.
    if (now - this.#beatAt < this.leaseMs / 3) return false;
    this.#beatAt = now;
    return true;
  }
}
