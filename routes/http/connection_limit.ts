// How many requests may be held open at once, by streams and waits. Each of them costs memory as long as it lasts.

import { ProblemError, tooManyWait } from "./problem.ts";

const MOST = 10_000;

export class Slots {
  #taken = 0;

  constructor(private readonly most = MOST) {}

  get taken(): number {
    return this.#taken;
  }

  /**
   * Gives what gives the slot back; to be called once or more.
   *
   * @throws {ProblemError} if all are taken
   */
  take(): () => void {
    if (this.#taken >= this.most) throw new ProblemError(tooManyWait(this.most));
    this.#taken++;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken--;
      isTaken = false;
    };
  }

  /** A slot for as long as `work` takes; none is needed for what does not wait. */
  async during<T>(waitMs: number, work: () => Promise<T>): Promise<T> {
    if (waitMs === 0) return await work();
    const giveBack = this.take();
    try {
      return await work();
    } finally {
      giveBack();
    }
  }
}
