// What a commit checks: one check guards all fresh ids of it
// (docs/decisions/0022-one-check-for-fresh-ids.md).

import { keys } from "../platform/keys.ts";
import type { Unit } from "./commit_unit.ts";
import type { Fences } from "./fences.ts";

export function* checksOf(units: Unit[], fences: Fences): Generator<Deno.AtomicCheck> {
  let hasFresh = false;
  for (const { checks, changes, fresh } of units) {
    yield* checks;
    for (const { before, next } of changes) {
      // One check keeps a whole commit of fresh ids from being applied twice.
      const isFresh = fresh && before === null;
      if (!isFresh || !hasFresh) {
        yield { key: keys.task(next.id), versionstamp: before?.versionstamp ?? fences.versionOf(next.id) };
      }
      hasFresh ||= isFresh;
    }
  }
}

/** The one fresh id that a commit checks. */
export function guardOf(units: Unit[]): string | null {
  for (const { changes, fresh } of units) {
    const first = fresh ? changes.find(({ before }) => before === null) : undefined;
    if (first) return first.next.id;
  }
  return null;
}
