// Without one of the engine's safeguards the checker must find a broken invariant, and soon. The first seeds
// that did when this was written: fencing 1, 2, 3; read-back 3, 4, 5; blob-order 1, 2, 3; ready-check 1, 2,
// 3; join-step 1, 2, 3; upstream-check 7, 8, 15; note-check 14, 22, 298; saga-check 22, 39; group-end 1,
// 14, 22; group-check 1, 23, 39. They move with every change of what the engine asks of KV, so they are
// looked for anew.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { WEAKENED } from "./weakened.ts";
import type { Weaken } from "./surroundings.ts";
import { tell } from "./world.ts";

/** What the checker says, and in how many of how many seeds at the least. */
interface Catch {
  breaks: RegExp;
  seeds: number;
  within: number;
}

const soon = (breaks: RegExp): Catch => ({ breaks, seeds: 3, within: 200 });

const CATCHES: Record<keyof typeof WEAKENED, Catch> = {
  "fencing": soon(/^invariant (3|4|5|6):/),
  "read-back": soon(/^invariant (1|12):/),
  "blob-order": soon(/^invariant 1:/),
  "ready-check": soon(/^invariant (4|5):/),
  "join-step": soon(/^invariant (9|11):/),
  "upstream-check": soon(/^invariant (1|4|9|10|11):/),
  // A cancel, or the loss of a lease, must fall between a read of the parent and the child's commit.
  "parent-check": { breaks: /^invariant (6|13):/, seeds: 2, within: 400 },
  // Two ends of a task, or two changes of a group, must fall into one round of the outbox processor.
  "note-check": { breaks: /^invariant (8|11|group):/, seeds: 1, within: 700 },
  "group-end": soon(/^invariant (8|11):/),
  "group-check": soon(/^invariant (3|9|10|11|group):/),
  // Two processes must take back tasks of one group at once.
  "saga-check": { breaks: /^invariant (2|saga):/, seeds: 2, within: 200 },
};

for (const [name, weaken] of Object.entries(WEAKENED) as [keyof typeof WEAKENED, Weaken][]) {
  Deno.test(`without ${name} the checker finds broken invariants`, async () => {
    const { breaks, seeds, within } = CATCHES[name];
    const caught: number[] = [];
    for (let seed = 1; seed <= within && caught.length < seeds; seed++) {
      const { violations } = await tell(seed, weaken);
      if (violations.some((one) => breaks.test(one))) caught.push(seed);
    }
    assert.equal(caught.length, seeds, `caught in ${within} seeds: ${caught}`);
  });
}
