// The types of the package, as a program that uses it sees them.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";

const root = new URL("../../", import.meta.url);
const TYPES = fileURLToPath(new URL("client/npm/errand.d.ts", root));
const PROGRAM = `
  import { chain, Client, sig, type TaskFuture } from "${new URL("client/npm/errand.js", root)}";
  import type { definitions } from "${new URL("tasks/mod.ts", root)}";
  const errand = new Client<typeof definitions>({ url: "http://127.0.0.1:8000" });
  declare const text: TaskFuture<string>;
  const flow = await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 1 }, { into: "b" })));
  const sum: number = await flow.result();
  // @ts-expect-error a future of another type
  await errand.submit("add", { a: text, b: sum });
  // @ts-expect-error a name of no definition
  await errand.run(chain(sig("ad")));`;

Deno.test("errand.d.ts has no errors of its own, and knows what a canvas hands on", async () => {
  await using folder = await Folder.with({ "program.ts": PROGRAM });
  const config = fileURLToPath(new URL("deno.json", root));
  const args = ["check", "--no-lock", "-c", config, folder.at("program.ts"), TYPES];
  const { code, stderr } = await run({ args });
  assert.equal(code, 0, stderr);
});
