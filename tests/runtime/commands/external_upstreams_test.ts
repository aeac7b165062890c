import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { faultsOfMissing } from "../../../runtime/commands/external_upstreams.ts";
import { wants } from "../../support/checked.ts";

Deno.test("what is missing is told at each place that names it", () => {
  const checked = [wants(["x", "y"], ["x", "z"]), wants([], ["y"])];
  const missing = new Map([["x", "no x"], ["y", "no y"]]);
  assert.deepEqual(faultsOfMissing(checked, missing), [
    { index: 0, part: "/options/waitFor/0", message: "no x" },
    { index: 0, part: "/options/waitFor/1", message: "no y" },
    { index: 0, part: "/input/from/0/$task", message: "no x" },
    { index: 1, part: "/input/from/0/$task", message: "no y" },
  ]);
  assert.deepEqual(faultsOfMissing(checked, new Map()), []);
});
