// deno-lint-ignore-file no-console -- this is a command
// `deno task new -- my-app`: a folder for a program of one's own, with a first task, a service and a test.

import { basename, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import errand from "../deno.json" with { type: "json" };
import { commandLine, endOnUsageError, UsageError } from "./command_line.ts";

const CHECKOUT = fileURLToPath(new URL("../", import.meta.url));
const STARTER = new URL("../starter/", import.meta.url);
const FILES = ["tasks.ts", "main.ts", "tasks_test.ts", "README.md"];

const HELP = `Write a folder for a program of your own: a first task, a service and a test.

  deno task new -- FOLDER

  --from SOURCE  where its package ${errand.name} comes from: the folder of a checkout (this one), or what an import
                 map takes, as jsr:${errand.name}@^${errand.version}

The folder must be empty, or not there. Exit code: 0, or 2 if an argument is wrong.`;

if (import.meta.main) {
  const { values, operands } = commandLine({
    options: { from: { type: "string" } },
    takesOperands: true,
    help: HELP,
  });
  try {
    // `deno task` runs in the checkout; this is where the command was typed.
    const base = Deno.env.get("INIT_CWD") ?? Deno.cwd();
    console.log(await makeFolder(operands, values.from, base));
  } catch (error) {
    endOnUsageError(error);
  }
}

/**
 * Writes the folder.
 *
 * @returns the text to print
 * @throws {UsageError}
 */
async function makeFolder(operands: string[], from: string | undefined, base: string): Promise<string> {
  if (operands.length !== 1) {
    throw new UsageError(`one folder must be named, as my-app; ${operands.length} are`);
  }
  const [name] = operands;
  const folder = resolve(base, name);
  if (!await isFree(folder)) throw new UsageError(`${name} must be an empty folder, or not be there`);
  const source = await sourceOf(from, base);
  await Deno.mkdir(folder, { recursive: true });
  for (const file of FILES) await Deno.copyFile(new URL(file, STARTER), join(folder, file));
  await Deno.writeTextFile(join(folder, ".gitignore"), "data/\n");
  await Deno.writeTextFile(join(folder, "deno.json"), configOf(source, folder));
  return `${basename(folder)} has a first task (tasks.ts), the service that runs it (main.ts) and a test:

  cd ${relative(base, folder) || "."}
  npx -y deno@${Deno.version.deno} task test
  npx -y deno@${Deno.version.deno} task start

Its package ${errand.name} comes from ${
    "path" in source ? source.path : source.specifier
  } (see its deno.json).`;
}

type Source = { path: string } | { specifier: string };

async function sourceOf(from: string | undefined, base: string): Promise<Source> {
  if (from === undefined) return { path: CHECKOUT };
  if (/^(jsr|npm|https?):/.test(from)) return { specifier: from };
  const path = resolve(base, from);
  const config = await Deno.readTextFile(join(path, "deno.json")).catch(() => "{}");
  if (JSON.parse(config).name === errand.name) return { path };
  throw new UsageError(
    `--from must be a checkout of ${errand.name}, or begin with jsr: or npm:; it is "${from}"`,
  );
}

function configOf(source: Source, folder: string): string {
  const isLinked = "path" in source;
  const config = {
    ...(isLinked ? { links: [relative(folder, source.path).replaceAll(sep, "/")] } : {}),
    imports: {
      [errand.name]: isLinked ? `jsr:${errand.name}` : source.specifier,
      "zod": errand.imports.zod,
    },
    unstable: ["kv", "no-legacy-abort"],
    tasks: {
      start: "deno run -A main.ts",
      dev: "deno run -A --watch main.ts",
      test: "deno test -A",
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

async function isFree(folder: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(folder)) return false;
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
