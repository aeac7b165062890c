// Time that a test moves by hand. Timers fire only when `advance` or `run` gets to them, in the order of
// their instants; the wall clock can jump, the monotonic one only rises.

import type { Clock } from "../../runtime/platform/clock.ts";
import { turn } from "./waiting.ts";

interface Timer {
  at: number;
  fn: () => void;
}

export const START = Date.UTC(2030, 0, 1);

export class ManualClock implements Clock {
  #monotonic = 0;
  #timers = new Set<Timer>();

  constructor(private wall = START) {}

  now(): number {
    return Math.floor(this.wall);
  }

  monotonic(): number {
    return this.#monotonic;
  }

  timer(fn: () => void, ms: number): () => void {
    const timer = { at: this.#monotonic + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** The wall clock is set to another time; nothing else notices. */
  jump(ms: number): void {
    this.wall += ms;
  }

  /** Time passes; what is due fires on the way. */
  advance(ms: number): void {
    const until = this.#monotonic + ms;
    for (let next = this.#next(); next && next.at <= until; next = this.#next()) this.#fire(next);
    this.#pass(until);
  }

  /** Lets time pass, timer by timer, for as long as it takes: for code that sleeps before it goes on. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => settled = true);
    done.catch(() => {});
    for (;;) {
      await turn();
      if (settled) return await done;
      const next = this.#next();
      if (next) this.#fire(next);
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (!first || timer.at < first.at) first = timer;
    return first;
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#pass(timer.at);
    timer.fn();
  }

  #pass(until: number): void {
    this.wall += Math.max(0, until - this.#monotonic);
    this.#monotonic = Math.max(until, this.#monotonic);
  }
}
