import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../support/program.ts";

Deno.test("the files of the page are those that page/ makes", async () => {
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  const args = ["run", "-A", "--config=page/deno.json", "tools/build_page.ts", "--check"];
  const { code, stderr } = await run({ args, cwd });
  assert.equal(code, 0, stderr);
});
