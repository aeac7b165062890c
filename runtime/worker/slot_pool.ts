// How many functions of a kind may run at once. A function that only waits for tasks of its own gives its
// slot away, and goes on once it has one again: before any new task begins.

import type { CallerSlot } from "./caller_slots.ts";

export class SlotPool {
  #used = 0;
  /** Functions that have what they waited for, the longest waiting first. */
  readonly #returning = new Set<() => void>();

  /** @param onFree called when a slot comes free that no function waits for */
  constructor(readonly size: number, private readonly onFree: () => void) {}

  get free(): number {
    return Math.max(0, this.size - this.#used);
  }

  /** Slots may run short: what has begun goes on, and nothing new begins. */
  take(count = 1): void {
    this.#used += count;
  }

  give(count = 1): void {
    this.#used -= count;
    for (const goOn of this.#returning) {
      if (this.#used >= this.size) return;
      goOn();
    }
    if (this.#used < this.size) this.onFree();
  }

  /** Takes the next slot that comes free. A function that is stopped gets one at once, to clean up. */
  takeNext(signal: AbortSignal): Promise<void> {
    if (this.free > 0 || signal.aborted) {
      this.take();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const goOn = () => {
        signal.removeEventListener("abort", goOn);
        this.#returning.delete(goOn);
        this.take();
        resolve();
      };
      signal.addEventListener("abort", goOn, { once: true });
      this.#returning.add(goOn);
    });
  }
}

/** The slot of one function, from its start to its end. */
export class Slot {
  /** How many tasks the function waits for. */
  #awaited = 0;
  #isHeld = true;
  #isOver = false;
  #return: Promise<void> | null = null;

  /** @param ofCaller the same slot, as one of its caller's */
  constructor(private readonly pool: SlotPool, private readonly ofCaller: CallerSlot | null = null) {
    pool.take();
    ofCaller?.take();
  }

  /** Waits without the slot. With several waits at once, the function goes on when the last one is over. */
  async whileAway<T>(work: () => Promise<T>, signal: () => AbortSignal): Promise<T> {
    if (++this.#awaited === 1) this.#give();
    try {
      return await work();
    } finally {
      if (--this.#awaited === 0) await this.#takeAgain(signal);
    }
  }

  /** The function has ended. What it has left behind counts no more. */
  end(): void {
    this.#isOver = true;
    this.#give();
  }

  #give(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    // First: whoever takes the slot finds room for its caller.
    this.ofCaller?.give();
    this.pool.give();
  }

  async #takeAgain(signal: () => AbortSignal): Promise<void> {
    if (this.#isOver || this.#isHeld) return;
    await (this.#return ??= this.pool.takeNext(signal()).then(() => {
      this.#return = null;
      this.#isHeld = true;
      this.ofCaller?.take();
      // It waits for more by now, or has ended.
      if (this.#awaited > 0 || this.#isOver) this.#give();
    }));
  }
}
