import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fuzz } from "./fuzz.ts";

Deno.test("a thousand made-up requests meet no 500, and answers that the document describes", async () => {
  const { statuses, faults } = await fuzz(1_000, 7);
  assert.deepEqual(faults, []);
  // Not all of them are noise: many are accepted.
  const taken = [...statuses].filter(([status]) => status < 300).reduce((sum, [, times]) => sum + times, 0);
  assert.ok(taken > 200, `only ${taken} were taken`);
});
