import assert from "node:assert/strict";
import { createErrand } from "@errand/errand";
import * as tasks from "./tasks.ts";

Deno.test("greet greets by name", async () => {
  await using errand = await createErrand({ kv: ":memory:", definitions: tasks });
  await errand.start();
  const future = await errand.client.submit("greet", { name: "Ada" });
  assert.equal(await future.result(), "Hello, Ada!");
});
