import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { isoAt } from "../../../runtime/platform/clock.ts";

Deno.test("isoAt() writes every instant as a Date does, in any order", () => {
  const instants = fc.array(
    fc.oneof(
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
      // Of the same seconds.
      fc.integer({ min: 1_795_919_040_000, max: 1_795_919_043_000 }),
      fc.integer({ min: -3_000, max: 3_000 }),
    ),
  );
  fc.assert(fc.property(instants, (all) => {
    for (const at of all) assert.equal(isoAt(at), new Date(at).toISOString());
  }));
  assert.throws(() => isoAt(NaN), RangeError);
});
