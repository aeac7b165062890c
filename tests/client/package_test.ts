// The package as it stands in the repository.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { stale } from "../../tools/build_client.ts";
import { run } from "../support/program.ts";

Deno.test("errand.d.ts has no errors of its own, and knows what a canvas hands on", async () => {
  const root = new URL("../../", import.meta.url);
  const program = `
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
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const config = fileURLToPath(new URL("deno.json", root));
    for (const each of [file, fileURLToPath(new URL("client/npm/errand.d.ts", root))]) {
      const { code, stderr } = await run({ args: ["check", "--no-lock", "-c", config, each] });
      assert.equal(code, 0, stderr);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("errand.js and errand.d.ts are what the sources give", async () => {
  assert.deepEqual(await stale(), [], "run deno task client");
});
