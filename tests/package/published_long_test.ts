// The package as others get it, in a folder with nothing of this repository beside it: as JSR would have
// it, and as `deno pack` makes it for npm.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";
import { skippedIf } from "../support/skip.ts";
import { TYPE_CHECK_HANGS_MS } from "../support/waiting.ts";
import { assertSeen, FILES } from "./own_program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const UNSTABLE = ["kv", "no-legacy-abort"];
/** Another Hono than the package's own: theirs need not be the newest. */
const HONO = "4.5.11";

function config(more: Record<string, unknown>): string {
  return JSON.stringify({ unstable: UNSTABLE, ...more });
}

/** Checks the types of their program and runs it to its end. */
async function runIn(cwd: string): Promise<void> {
  const checked = await run({ args: ["check", "main.ts"], cwd, hangsMs: TYPE_CHECK_HANGS_MS });
  assert.equal(checked.code, 0, checked.stderr);
  const { code, stdout, stderr } = await run({ args: ["run", "-A", "main.ts"], cwd });
  assert.equal(code, 0, stderr);
  assertSeen(stdout);
  assert.equal(stderr.replaceAll(/^(Check|Download) .*\n/gm, ""), "", "something was said on the console");
}

/** The files that would be published. */
async function publishedFiles(): Promise<string[]> {
  const args = ["publish", "--dry-run", "--allow-dirty"];
  const { code, stdout, stderr } = await run({ args, cwd: root, hangsMs: TYPE_CHECK_HANGS_MS });
  assert.equal(code, 0, stderr);
  const files = [...(stdout + stderr).matchAll(/^ +(file:\/\/\S+) \(/gm)].map(([, url]) =>
    fileURLToPath(url)
  );
  return files.map((file) => file.slice(root.length));
}

Deno.test("what deno publish would upload has no slow types, and is enough for a program of somebody's own", async () => {
  const files = await publishedFiles();
  for (const file of ["mod.ts", "LICENSE", "README.md", "routes/site/client_files.json"]) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
  const strangers = files.filter((file) =>
    /^(tests|tasks|demo|bench|docs|tools|starter|examples)\//.test(file)
  );
  assert.deepEqual(strangers, []);
  await using folder = await Folder.with({
    ...FILES,
    "deno.json": config({
      links: ["./package"],
      imports: {
        "@errand/errand": "jsr:@errand/errand",
        "@errand/errand/": "jsr:/@errand/errand/",
        "hono": `npm:hono@${HONO}`,
        "zod": "npm:zod@4.6.7",
      },
    }),
    ...Object.fromEntries(
      await Promise.all(files.map(async (file) => {
        return [`package/${file}`, await Deno.readFile(root + file)] as const;
      })),
    ),
  });
  await runIn(folder.path);
});

const hasNpm = await run({ program: "npm", args: ["--version"] }).then(() => true, () => false);

Deno.test({
  ...skippedIf(hasNpm ? null : "no npm", "what deno pack makes can be installed with npm, and is enough too"),
  async fn() {
    await using folder = await Folder.with({
      ...FILES,
      "deno.json": config({ nodeModulesDir: "manual" }),
      "package.json": '{"type":"module"}',
    });
    const tarball = folder.at("errand.tgz");
    const pack = ["pack", "--allow-dirty", "--output", tarball];
    const packed = await run({ args: pack, cwd: root, hangsMs: TYPE_CHECK_HANGS_MS });
    assert.equal(packed.code, 0, packed.stderr);
    const install = ["install", "--no-audit", "--no-fund", tarball, `hono@${HONO}`, "zod@4.6.7"];
    const installed = await run({ program: "npm", args: install, cwd: folder.path });
    assert.equal(installed.code, 0, installed.stderr);
    await runIn(folder.path);
  },
});
