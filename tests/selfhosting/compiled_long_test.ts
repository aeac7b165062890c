// `deno task compile`. Its output starts with denort, a part of Deno that `deno compile` downloads once.
// Where that is not there, a binary can be made on top of `deno` itself, which shows what is in it, but does
// not run it.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root, textOf } from "./repository_files.ts";
import { commandsWork } from "../support/commands_work.ts";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";
import { skippedIf } from "../support/skip.ts";
import { start, worksAndStops } from "./trial.ts";

const OUTPUT = "dist/errand";

const hasDenort = Deno.env.has("DENORT_BIN") || existsSync(join(await denoDirectory(), denortZip()));

async function denoDirectory(): Promise<string> {
  return JSON.parse((await run({ args: ["info", "--json"] })).stdout).denoDir;
}

function denortZip(): string {
  return `dl/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
}

/** What the task does, with another output. */
async function compileTo(output: string): Promise<void> {
  const { tasks } = JSON.parse(textOf("deno.json"));
  const [deno, ...args]: string[] = tasks.compile.command.split(" ");
  assert.ok(deno === "deno" && args.includes(OUTPUT));
  const { code, stderr } = await run({
    args: args.map((arg) => arg === OUTPUT ? output : arg),
    cwd: fileURLToPath(root),
    env: hasDenort ? {} : { DENORT_BIN: Deno.execPath() },
  });
  assert.equal(code, 0, stderr);
}

Deno.test("the binary has in it what the service reads at run time, and no more packages than it needs", async () => {
  await using folder = await Folder.with();
  const output = folder.at("errand");
  await compileTo(output);
  const binary = Buffer.from(await Deno.readFile(output));
  const has = async (file: string) => binary.includes(Buffer.from(await Deno.readFile(file)));
  const served = [
    fileURLToPath(new URL("routes/site/client_files.json", root)),
    fileURLToPath(new URL("routes/site/swagger_ui/files.json", root)),
  ];
  for (const file of served) assert.ok(await has(file), `${file} is not in it`);
  // Sources are in it as JavaScript; their names are in the list of its files.
  for (const name of ["main.ts", "backup.ts", "thread_main.ts", "stand_in_main.ts", "primes.ts"]) {
    assert.ok(binary.includes(`"${name}"`), `no ${name}`);
  }
  const others = ["fast-check", "playwright-core"].map((name) => fileURLToPath(import.meta.resolve(name)));
  for (const file of others) assert.ok(!await has(file), `${file} is in it`);
  assert.ok(binary.includes('"features":["kv","cron",'), "KV and cron are not on");
});

Deno.test({
  ...skippedIf(
    hasDenort ? null : "no denort in Deno's cache",
    "the binary serves from an empty folder, and its commands work there",
  ),
  async fn() {
    await using folder = await Folder.with();
    const program = folder.at("errand");
    await compileTo(program);
    const cwd = folder.at("empty");
    await Deno.mkdir(cwd);
    const env = { PORT: "0", KV_PATH: folder.at("errand.kv") };
    {
      await using service = await start({ program, args: [], cwd, env });
      await worksAndStops(service);
    }
    const unkeyed = { ...env, KV_PATH: folder.at("unkeyed.kv"), API_KEYS: "" };
    await using service = await start({ program, args: ["serve"], cwd, env: unkeyed });
    await commandsWork({ program, args: [], cwd }, service.url, unkeyed.KV_PATH, folder);
  },
});
