import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { echo } from "../../tasks/echo.ts";
import { refusals, runTask } from "../support/task_context.ts";

Deno.test("echo returns any JSON value as it came", async () => {
  for (const value of [null, false, 0, "", "ä€😀", [], {}, [1, [null, { a: { b: "c" } }]]]) {
    assert.deepEqual((await runTask(echo, { value })).result, value);
  }
});

Deno.test("echo refuses a missing value with one message, and unknown fields", () => {
  assert.deepEqual(refusals(echo, {}), ["Required: any JSON value, also null"]);
  assert.notDeepEqual(refusals(echo, { value: 1, other: 2 }), []);
});
