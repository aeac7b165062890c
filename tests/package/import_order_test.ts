// The package's parts, imported in every order, each in a process of its own.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";

const root = new URL("../../", import.meta.url);
const PARTS = ["mod.ts", "runtime/mod.ts", "client/mod.ts"];
/** Files that a program may import first, whatever the package exports. */
const FIRST = ["runtime/core/define.ts", "routes/app.ts", "config.ts", "service.ts"];

function orders(parts: string[]): string[][] {
  if (parts.length === 0) return [[]];
  return parts.flatMap((part) =>
    orders(parts.filter((other) => other !== part)).map((rest) => [part, ...rest])
  );
}

const PROGRAM = `
const { createErrand, define } = await import("${new URL("mod.ts", root)}");
const { z } = await import("zod");
const add = define({ name: "add", input: z.object({ a: z.number() }) }, ({ input }) => input.a + 1);
const errand = await createErrand({ kv: ":memory:", definitions: { add } });
await errand.start();
const sum = await (await errand.client.submit("add", { a: 1 })).result();
const { openapi, components } = await (await errand.fetch(new Request("http://localhost/openapi.json"))).json();
await errand.stop();
console.log(JSON.stringify([sum, openapi, Object.keys(components.schemas).length]));
`;

Deno.test("the parts of the package can be imported in any order", async () => {
  await using folder = await Folder.with();
  const seen = new Set<string>();
  const all = [...orders(PARTS), ...FIRST.map((file) => [file, ...PARTS])];
  for (const [n, order] of all.entries()) {
    const file = folder.at(`${n}.ts`);
    const imports = order.map((part) => `import "${new URL(part, root)}";\n`).join("");
    await Deno.writeTextFile(file, imports + PROGRAM);
    const config = fileURLToPath(new URL("deno.json", root));
    const { code, stdout, stderr } = await run({
      args: ["run", "-A", "--no-check", "--no-lock", "--config", config, file],
    });
    assert.equal(code, 0, `${order.join(", ")}: ${stderr}`);
    assert.match(stdout, /^\[2,"3\.1\.0",\d+\]\n$/, order.join(", "));
    seen.add(stdout);
  }
  assert.equal(seen.size, 1, "the document depends on the order");
});
