// Runs of seeds as tests: what a failing one says is how to see its whole story.

import assert from "node:assert/strict";
import { tell, type Told } from "./world.ts";

/** On a machine that is busy with other tests, no more seeds are begun after this. */
const WITHIN_MS = 240_000;
/** Violations shown of one seed, and lines of its story ahead of the first one. */
const SHOWN = 3;
const LINES = 15;

/** Every world from `from` on must keep all invariants. */
export async function requireSeeds(from: number, count: number): Promise<void> {
  const until = performance.now() + WITHIN_MS;
  let told = 0;
  for (let seed = from; seed < from + count && performance.now() < until; seed++, told++) {
    const one = await tell(seed);
    assert.equal(one.violations.length, 0, failure(one));
  }
  assert.ok(told > count / 4, `only ${told} of ${count} seeds in ${WITHIN_MS} ms`);
}

function failure({ seed, violations, history }: Told): string {
  const at = history.findIndex((line) => line.includes("!!!"));
  return [
    `seed ${seed} breaks ${violations.length}: ${violations.slice(0, SHOWN).join("; ")}`,
    `the whole story: deno task sim -- --seed ${seed}`,
    ...history.slice(Math.max(0, at - LINES), at + 1),
  ].join("\n");
}
