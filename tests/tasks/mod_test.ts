import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { definitions } from "../../tasks/mod.ts";

Deno.test("every definition is collected under its own name, with a description", () => {
  for (const [name, definition] of Object.entries(definitions)) {
    assert.equal(definition.name, name);
    assert.ok(definition.description, name);
  }
  const names = ["add", "echo", "sleep", "fail", "countdown", "primes", "digest", "tally"];
  assert.deepEqual(Object.keys(definitions), names);
});

Deno.test("every definition's schemas can be told as JSON Schema", () => {
  for (const { input, output } of Object.values(definitions)) {
    assert.ok(z.toJSONSchema(input, { io: "input" }));
    assert.ok(z.toJSONSchema(output));
  }
});
