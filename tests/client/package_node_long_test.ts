// The package as npm installs it and Node runs it.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { aServer } from "../support/client_service.ts";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";
import { skippedIf } from "../support/skip.ts";
import { assertSeen, PROGRAM } from "./package_program.ts";

const PACKAGE = fileURLToPath(new URL("../../client/npm", import.meta.url));
const LEAST_NODE = 22;

/** How to run Node here: the one on the path, or one that npx fetches. Null if there is none. */
async function nodeCommand(): Promise<string[] | null> {
  if (await versionOf("node") >= LEAST_NODE) return ["node"];
  const fetch = ["-y", `node@${LEAST_NODE}`];
  return await versionOf("npx", ...fetch) >= LEAST_NODE ? ["npx", ...fetch] : null;
}

/** NaN where it does not run. */
async function versionOf(program: string, ...args: string[]): Promise<number> {
  try {
    const { stdout } = await run({ program, args: [...args, "--version"] });
    return Number(/^v(\d+)/.exec(stdout)?.[1]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NaN;
    throw error;
  }
}

const node = await nodeCommand();

Deno.test({
  ...skippedIf(
    node === null ? `no Node ${LEAST_NODE} or newer` : null,
    "the package does in Node what it does in Deno, and lets the process end",
  ),
  async fn() {
    await using server = await aServer();
    await using project = await Folder.with({
      "package.json": '{"type":"module"}',
      "program.js": `import { asCompleted, chain, Client, sig, TaskError } from "@errand/client";
const url = process.argv[2];
${PROGRAM}
console.log(JSON.stringify(all));`,
    });
    const cwd = project.path;
    const install = ["install", "--no-audit", "--no-fund", "--install-links", PACKAGE];
    const installed = await run({ program: "npm", args: install, cwd });
    assert.equal(installed.code, 0, installed.stderr);
    const [program, ...args] = node!;
    const { code, stdout, stderr } = await run({ program, args: [...args, "program.js", server.url], cwd });
    assert.equal(code, 0, stderr);
    assertSeen(JSON.parse(stdout));
  },
});
