// Fires timers when the next one is due, and earlier when a commit of this process or a doorbell asks for it.

import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { Coalescer } from "../platform/coalescer.ts";
import type { Timers } from "./timers.ts";

/** Fires what is due, and says when the next is. */
export type Ticking = Pick<Timers, "tick">;

/** Several that tick as one. A failure of one does not hold up the others. */
export function together(...all: Ticking[]): Ticking {
  return {
    async tick(isStopping) {
      const outcomes = await Promise.allSettled(all.map((one) => one.tick(isStopping)));
      const failed = outcomes.find(({ status }) => status === "rejected");
      if (failed) throw (failed as PromiseRejectedResult).reason;
      const next = outcomes.flatMap((one) => one.status === "fulfilled" ? one.value ?? [] : []);
      return next.length === 0 ? null : Math.min(...next);
    },
  };
}

export class TimerLoop {
  #nextAt = Infinity;
  #cancel: () => void = () => {};
  readonly #rounds = new Coalescer(() => this.#round());
  #stopped = true;

  constructor(
    private readonly timers: Ticking,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#stopped = false;
    this.ring();
  }

  expect(at: number): void {
    if (this.#stopped || at >= this.#nextAt) return;
    this.#nextAt = at;
    this.#cancel();
    this.#cancel = this.clock.timer(() => this.ring(), at - this.clock.now());
  }

  ring(): void {
    if (!this.#stopped) this.#rounds.ring();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#rounds.idle();
  }

  async #round(): Promise<void> {
    if (this.#stopped) return;
    this.#cancel();
    this.#nextAt = Infinity;
    try {
      const next = await this.timers.tick(() => this.#stopped);
      if (next !== null && next <= this.clock.now()) this.ring();
      else if (next !== null) this.expect(next);
    } catch (error) {
      // The sweep looks again.
      this.log.error("timers failed", error);
    }
  }
}
