// The package as it stands in the repository.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { stale } from "../../tools/build_client.ts";

Deno.test("errand.js and errand.d.ts are what the sources give", async () => {
  assert.deepEqual(await stale(), [], "run deno task client");
});
