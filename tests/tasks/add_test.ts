import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { add } from "../../tasks/add.ts";
import { refusals, runTask } from "../support/task_context.ts";

Deno.test("add returns the sum", async () => {
  assert.equal((await runTask(add, { a: 1, b: 2 })).result, 3);
  assert.equal((await runTask(add, { a: -1.5, b: 0.5 })).result, -1);
});

Deno.test("add refuses what is no number, what is missing and what it does not know", () => {
  for (const input of [{}, { a: 1 }, { a: 1, b: "2" }, { a: 1, b: null }, { a: 1, b: 2, c: 3 }, null]) {
    assert.notDeepEqual(refusals(add, input), [], JSON.stringify(input));
  }
});
