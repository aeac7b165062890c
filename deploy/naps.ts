// Pauses that can be cut short: whoever waits has no timer left behind when it is stopped.

import type { Clock } from "../runtime/mod.ts";

export class Naps {
  readonly #wakes = new Set<() => void>();
  #over = false;

  constructor(private readonly clock: Clock) {}

  /** Resolves after `ms`, or when all are woken up for good. */
  sleep(ms: number): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#wakes.delete(wake);
        resolve();
      };
      const cancel = this.clock.timer(wake, ms);
      this.#wakes.add(wake);
    });
  }

  /** Nobody sleeps from now on. */
  end(): void {
    this.#over = true;
    for (const wake of [...this.#wakes]) wake();
  }
}
