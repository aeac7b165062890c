// Tasks under a rate limit of their own: so many starts, and no more.

import type { Random } from "../../support/random.ts";
import { MAX_CLOCK_SKEW_MS } from "../spans.ts";
import { acceptedOf, aMember, type Drawn, type Kind, membersOf } from "./composition.ts";

const PERIOD_MS = 1_000;

export interface RatePlan {
  limit: number;
  burst: number;
}

function draw(random: Random, call: string): Drawn<RatePlan> {
  // Slow ones: on a busy machine starts come late anyway.
  const plan = { limit: random.int(2, 4), burst: random.int(1, 2) };
  const inputs = Array.from({ length: random.int(5, 8) }, () => ({ ms: random.int(0, 50) }));
  const { task, options } = aMember(call, { ms: 0 });
  const rateLimit = { key: call, ...plan, periodMs: PERIOD_MS };
  return {
    path: "/v1/map",
    body: { task, inputs, options: { ...options, rateLimit } },
    plan,
    size: inputs.length,
    isRepeated: true,
  };
}

export const rates: Kind<RatePlan> = {
  draw,
  checks: {
    "rates of which more were started": (facts) => {
      return acceptedOf<RatePlan>(facts, "rate").flatMap((line) => {
        const { plan: { limit, burst }, call } = line;
        const all = [...membersOf(facts, line).values()];
        const since = Math.min(...all.map(({ history }) => history[0].at));
        // Whatever was run again had to wait for its turn again.
        const starts = all.flatMap(({ history }) => history.filter(({ type }) => type === "RUNNING"))
          .map(({ at }) => at).sort((a, b) => a - b);
        const early = starts.findIndex((at, i) => {
          return 1 + i > burst + limit * (at - since + MAX_CLOCK_SKEW_MS) / PERIOD_MS;
        });
        return early < 0 ? [] : [
          `${call}: start ${1 + early} came after ${starts[early] - since} ms; ${JSON.stringify(line.plan)}`,
        ];
      });
    },
  },
};
