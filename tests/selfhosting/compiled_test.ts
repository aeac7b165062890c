// `deno task compile`. Its output starts with denort, a part of Deno that `deno compile` downloads once. Where that is
// not there, a binary can be made on top of `deno` itself, which shows what is in it, but does not run it.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import swaggerAssets from "swagger-ui-dist/absolute-path.js";
import { root, textOf } from "./folder.ts";
import { aFolder, Program, worksAndStops } from "./program.ts";

const OUTPUT = "dist/errand";

const hasDenort = Deno.env.has("DENORT_BIN") || existsSync(join(await denoDirectory(), denortZip()));

async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

function denortZip(): string {
  return `dl/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
}

/** What the task does, with another output. */
async function compileTo(output: string): Promise<void> {
  const { tasks } = JSON.parse(textOf("deno.json"));
  const [deno, ...args]: string[] = tasks.compile.command.split(" ");
  assert.ok(deno === "deno" && args.includes(OUTPUT));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: args.map((arg) => arg === OUTPUT ? output : arg),
    cwd: fileURLToPath(root),
    env: hasDenort ? {} : { DENORT_BIN: Deno.execPath() },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

Deno.test("the binary has in it what the service reads at run time, and no more packages than it needs", async () => {
  await using folder = await aFolder();
  const output = join(folder.path, "errand");
  await compileTo(output);
  const binary = Buffer.from(await Deno.readFile(output));
  const has = async (file: string) => binary.includes(Buffer.from(await Deno.readFile(file)));
  const served = [
    fileURLToPath(new URL("client/npm/errand.js", root)),
    fileURLToPath(import.meta.resolve("eventsource-parser")),
    ...["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"].map((name) =>
      join(swaggerAssets(), name)
    ),
  ];
  for (const file of served) assert.ok(await has(file), `${file} is not in it`);
  // Sources are in it as JavaScript; their names are in the list of its files.
  for (const name of ["thread_main.ts", "primes.ts"]) assert.ok(binary.includes(`"${name}"`), `no ${name}`);
  const others = ["fast-check", "playwright-core"].map((name) => fileURLToPath(import.meta.resolve(name)));
  for (const file of others) assert.ok(!await has(file), `${file} is in it`);
  assert.ok(binary.includes('"features":["kv","cron",'), "KV and cron are not on");
});

Deno.test({
  name: "the binary serves from an empty folder" + (hasDenort ? "" : " (skipped: no denort in Deno's cache)"),
  ignore: !hasDenort,
  async fn() {
    await using folder = await aFolder();
    const program = join(folder.path, "errand");
    await compileTo(program);
    const cwd = join(folder.path, "empty");
    await Deno.mkdir(cwd);
    const env = { PORT: "0", KV_PATH: join(folder.path, "errand.kv") };
    await using service = await Program.start({ program, args: [], cwd, env });
    await worksAndStops(service);
  },
});
