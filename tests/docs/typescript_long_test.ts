// The TypeScript of the pages compiles, as it stands there. The blocks of a page that are no files are one
// program: it runs against a service, and each `console.log(…); // this` prints what its comment says.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";
import { Server } from "../support/server_process.ts";
import { type Block, outputOf, type Page, readPages } from "./blocks.ts";
import { byBlock, firstMissing, markOf, matches } from "./output.ts";
import { copyRepository } from "./shell.ts";

const PRINTS = /console\.log\(.*\); \/\/ (.*)$/gm;

const pages = readPages();

Deno.test("the TypeScript of the pages compiles and prints what they say", async (t) => {
  await using folder = await Folder.with();
  copyRepository(folder.path);
  const files = pages.flatMap((page) => writeSources(page, folder));
  assert.ok(files.length > 0);
  await t.step("it compiles", async () => {
    const { code, stderr } = await deno(folder.path, ["check", ...files]);
    assert.equal(code, 0, stderr);
  });
  await using server = await Server.start({ KV_PATH: ":memory:", DEMO_TASKS: "true" });
  for (const page of pages.filter((page) => programBlocks(page).length > 0)) {
    await t.step(page.path, () => checkProgram(page, folder, server.url));
  }
});

/**
 * The program stands where the reader saves it, beside `tasks/`; the files of a page have a folder of their
 * own.
 */
function programName(page: Page): string {
  return `page_${page.path.replaceAll(/\W/g, "_")}`;
}

function writeSources(page: Page, folder: Folder): string[] {
  const files = page.blocks.filter(({ language, attributes }) =>
    language === "ts" && attributes.file !== undefined
  )
    .map(({ attributes, code }) => ({ name: `${programName(page)}/${attributes.file}`, code }));
  const program = programBlocks(page);
  if (program.length > 0) files.push({ name: `${programName(page)}.ts`, code: programOf(program) });
  return files.map(({ name, code }) => {
    const path = folder.at(name);
    Deno.mkdirSync(join(path, ".."), { recursive: true });
    Deno.writeTextFileSync(path, code);
    return path;
  });
}

function programBlocks({ blocks }: Page): Block[] {
  return blocks.filter(({ language, attributes }) => language === "ts" && attributes.file === undefined);
}

function programOf(blocks: Block[]): string {
  return blocks.map(({ code }, n) => `console.log("${markOf(n)}");\n${code}\n`).join("");
}

async function checkProgram(page: Page, folder: Folder, url: string): Promise<void> {
  const { code, stdout, stderr } = await deno(folder.path, ["run", "-A", `${programName(page)}.ts`], {
    ERRAND: url,
  });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  const printed = byBlock(stdout);
  for (const [n, block] of programBlocks(page).entries()) {
    const text = printed.get(n) ?? "";
    const expected = [...block.code.matchAll(PRINTS)].map(([, line]) => line);
    const missing = firstMissing(expected, text);
    assert.ok(missing === null, `${block.place}: it does not print "${missing}", but\n${text}`);
    const shown = outputOf(page, block);
    assert.ok(shown === null || matches(shown, text), `${block.place}: it prints\n${text}`);
  }
}

function deno(directory: string, args: string[], env: Record<string, string> = {}) {
  return run({ args, cwd: directory, env: { NO_PROXY: "127.0.0.1", ...env }, hangsMs: 10 * 60_000 });
}
