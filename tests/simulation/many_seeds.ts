// Runs of seeds as tests: what a failing one says is how to see its whole story.

import assert from "node:assert/strict";
import { tell, type Told } from "./world.ts";

/** Violations shown of one seed, and lines of its story ahead of the first one. */
const SHOWN = 3;
const LINES = 15;

/** Each of these worlds must keep all invariants. */
export async function requireSeeds(from: number, to: number): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    const told = await tell(seed);
    assert.equal(told.violations.length, 0, failure(told));
  }
}

function failure({ seed, violations, history }: Told): string {
  const at = history.findIndex((line) => line.includes("!!!"));
  return [
    `seed ${seed} breaks ${violations.length}: ${violations.slice(0, SHOWN).join("; ")}`,
    `the whole story: deno task sim -- --seed ${seed}`,
    ...history.slice(Math.max(0, at - LINES), at + 1),
  ].join("\n");
}
