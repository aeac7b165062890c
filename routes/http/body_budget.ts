// How many bytes of bodies may be in memory at once, from their first byte until their call is answered. What
// callers hold back they hold in the service's memory. Small bodies are not counted: there are never more of
// them than connections.

import type { BodyCounter, BodyShare } from "./arrival.ts";
import { type Problem, ProblemError, unavailable } from "./problem.ts";

const LONGEST_MS = 30_000;

export interface BodyBudgetOptions {
  mostBytes: number;
  /** In which a body must have come to its end. */
  longestMs?: number;
}

export class BodyBudget implements BodyCounter {
  readonly longestMs: number;
  readonly #mostBytes: number;
  readonly #byCaller = new Map<string, number>();
  #bytes = 0;

  constructor({ mostBytes, longestMs = LONGEST_MS }: BodyBudgetOptions) {
    this.#mostBytes = mostBytes;
    this.longestMs = longestMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  share(caller?: string): BodyShare {
    let taken = 0;
    const add = (bytes: number) => {
      taken += bytes;
      this.#bytes += bytes;
      if (caller === undefined) return;
      const all = (this.#byCaller.get(caller) ?? 0) + bytes;
      if (all > 0) this.#byCaller.set(caller, all);
      else this.#byCaller.delete(caller);
    };
    return {
      grow: (bytes) => {
        add(bytes);
        const most = this.#mostBytes;
        if (this.#bytes > most) throw new ProblemError(tooMuch("all bodies together", most));
        if (caller === undefined || (this.#byCaller.get(caller) ?? 0) <= most / 2) return;
        throw new ProblemError(tooMuch("the bodies of one caller together", most / 2));
      },
      giveBack: () => add(-taken),
    };
  }
}

function tooMuch(whose: string, mostBytes: number): Problem {
  const detail =
    `${whose} may have ${mostBytes} bytes here at a time (MAX_BODY_BYTES); there is room again in a moment`;
  const problem = unavailable(detail);
  return { ...problem, headers: { ...problem.headers, connection: "close" } };
}
