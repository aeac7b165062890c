// The TypeScript of the pages compiles, as it stands there. The blocks of a page that are no files are one program: it
// runs against a service, and each `console.log(…); // this` prints what its comment says.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { Server } from "../support/server_process.ts";
import { type Block, outputOf, type Page, readPages } from "./blocks.ts";
import { byBlock, firstMissing, markOf, matches } from "./output.ts";
import { copyRepository } from "./shell.ts";

const PRINTS = /console\.log\(.*\); \/\/ (.*)$/gm;

const pages = readPages();

Deno.test("the TypeScript of the pages compiles and prints what they say", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "errand-docs-" });
  try {
    copyRepository(directory);
    const files = pages.flatMap((page) => writeSources(page, directory));
    assert.ok(files.length > 0);
    await t.step("it compiles", async () => {
      const { code, stderr } = await deno(directory, ["check", ...files]);
      assert.equal(code, 0, stderr);
    });
    await using server = await Server.start({ KV_PATH: ":memory:", DEMO_TASKS: "true" });
    for (const page of pages.filter((page) => programBlocks(page).length > 0)) {
      await t.step(page.path, () => checkProgram(page, directory, server.url));
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** The program stands where the reader saves it, beside `tasks/`; the files of a page have a folder of their own. */
function programName(page: Page): string {
  return `page_${page.path.replaceAll(/\W/g, "_")}`;
}

function writeSources(page: Page, directory: string): string[] {
  const files = page.blocks.filter(({ language, attributes }) =>
    language === "ts" && attributes.file !== undefined
  )
    .map(({ attributes, code }) => ({ name: `${programName(page)}/${attributes.file}`, code }));
  const program = programBlocks(page);
  if (program.length > 0) files.push({ name: `${programName(page)}.ts`, code: programOf(program) });
  return files.map(({ name, code }) => {
    const path = join(directory, name);
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

async function checkProgram(page: Page, directory: string, url: string): Promise<void> {
  const { code, stdout, stderr } = await deno(directory, ["run", "-A", `${programName(page)}.ts`], {
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

async function deno(directory: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: directory,
    env: { NO_COLOR: "1", NO_PROXY: "127.0.0.1", ...env },
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
