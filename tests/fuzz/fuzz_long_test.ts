import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fuzz } from "./fuzz.ts";

Deno.test("ten thousand more made-up requests meet no 500, and answers that the document describes", async () => {
  const { statuses, faults } = await fuzz(10_000, 8);
  assert.deepEqual(faults, []);
  const taken = [...statuses].filter(([status]) => status < 300).reduce((sum, [, times]) => sum + times, 0);
  assert.ok(taken > 2_000, `only ${taken} were taken`);
});
