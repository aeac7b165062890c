// How many bytes of bodies may be in memory at once, from their first byte until their call is answered. What
// callers hold back they hold in the service's memory. Small bodies are not counted: there are never more of
// them than connections.

import { labelOf, type Usage } from "../../runtime/core/usage.ts";
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
  readonly mostBytes: number;
  #bytes = 0;

  constructor({ mostBytes, longestMs = LONGEST_MS }: BodyBudgetOptions) {
    this.mostBytes = mostBytes;
    this.longestMs = longestMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  share(usages: readonly Usage[]): BodyShare {
    let taken = 0;
    const add = (bytes: number) => {
      taken += bytes;
      this.#bytes += bytes;
      for (const usage of usages) usage.bodyBytes += bytes;
    };
    return {
      grow: (bytes) => {
        add(bytes);
        const all = this.mostBytes;
        if (this.#bytes > all) throw new ProblemError(tooMuch("all bodies together", all, "MAX_BODY_BYTES"));
        for (const usage of usages) {
          const most = usage.most("bodyBytes", all);
          if (usage.bodyBytes <= most) continue;
          throw new ProblemError(tooMuch(`the bodies of ${labelOf(usage.of)}`, most, "GET /v1/usage"));
        }
      },
      add,
      giveBack: () => add(-taken),
    };
  }
}

function tooMuch(whose: string, mostBytes: number, where: string): Problem {
  const detail =
    `${whose} may have ${mostBytes} bytes here at a time (${where}); there is room again in a moment`;
  const problem = unavailable(detail);
  return { ...problem, headers: { ...problem.headers, connection: "close" } };
}
