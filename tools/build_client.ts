// deno-lint-ignore-file no-console
// Makes the npm package of the client: errand.js, one module for Node, browsers and bundlers, and
// errand.d.ts, its types. Also makes the files that a service serves below /client/. All of them are in git,
// ready for use; `--check` says whether they are up to date.

import { fileURLToPath } from "node:url";
import ts from "typescript";
import { commandLine } from "./command_line.ts";

const CLIENT = fileURLToPath(new URL("../client/", import.meta.url));
const SOURCE = `${CLIENT}mod.ts`;
const ROOT = new URL("../", import.meta.url);
const HEADER = "// Made by `deno task client` from client/*.ts.\n";

/** The made files, by their paths in the repository. */
export async function build(): Promise<Map<string, string>> {
  const code = `${HEADER}// @ts-self-types="./errand.d.ts"\n${await bundle()}`;
  return new Map([
    ["client/npm/errand.js", code],
    ["client/npm/errand.d.ts", HEADER + declarations()],
    ["routes/site/client_files.json", `${JSON.stringify(await served(code), null, 2)}\n`],
  ]);
}

/** What a page loads, by its path below /client/: the client and the one package that it needs. */
async function served(code: string): Promise<Record<string, string>> {
  const parser = new URL("../", import.meta.resolve("eventsource-parser"));
  const files = ["dist/index.js", "dist/parse.js", "dist/errors.js", "LICENSE"];
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(new URL(file, parser))));
  return {
    // A browser knows no bare names.
    "errand.js": code.replaceAll('from "eventsource-parser"', 'from "./eventsource-parser/index.js"'),
    ...Object.fromEntries(
      files.map((file, i) => [`eventsource-parser/${file.replace("dist/", "")}`, texts[i]]),
    ),
  };
}

async function bundle(): Promise<string> {
  const output = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--platform", "browser", "--external", "eventsource-parser", "-o", output, SOURCE],
      env: { NO_COLOR: "1" },
    }).output();
    if (!success) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readTextFile(output);
  } finally {
    await Deno.remove(output);
  }
}

/** The declarations of all files as one, which exports what mod.ts exports. */
function declarations(): string {
  const files = new Map<string, string>();
  ts.createProgram([SOURCE], {
    declaration: true,
    emitDeclarationOnly: true,
    // `deno check` has checked the types; here they only change their form.
    noCheck: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  }).emit(undefined, (path, text) => {
    files.set(path.slice(CLIENT.length).replace(/\.d\.ts$/, ".ts"), text);
  });
  const exported = exportsOf(files.get("mod.ts")!, files);
  files.delete("mod.ts");
  const texts = [...files.values()].map((text) =>
    text.replaceAll(/^import .*;\n/gm, "").replaceAll(/^export (?=declare|interface|type)/gm, "")
      .replaceAll(/^export \{\};\n/gm, "").replaceAll(/^(\/\/.*\n)+\n?/gm, "")
  );
  return `${texts.join("\n")}\nexport { ${exported.join(", ")} };\n`;
}

/** The exports of a module of re-exports, as an export list spells them. */
function exportsOf(text: string, files: Map<string, string>): string[] {
  return [...text.matchAll(/^export (\*|\{([^}]*)\}|type \{([^}]*)\}) from "\.\/([^"]+)"/gm)].flatMap(
    ([, what, names, types, file]) => {
      if (what !== "*") return (names ?? types).split(",").map((name) => name.trim());
      return [...files.get(file)!.matchAll(/^export (?:declare (?:class|function)|interface|type) (\w+)/gm)]
        .map(([, name]) => name);
    },
  ).flatMap((name) => name === "" ? [] : name.replace(/^type /, "")).sort();
}

/** Names of files that are not as they would be made now. */
export async function stale(): Promise<string[]> {
  return [...await build()].filter(([name, text]) => textOf(name) !== text).map(([name]) => name);
}

function textOf(name: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(name, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const HELP = `Make the npm package of the client anew.

  deno task client
  deno task client --check   say whether it is up to date, with exit code 1 if it is not`;

if (import.meta.main) {
  const { values } = commandLine({ options: { check: { type: "boolean" } }, help: HELP });
  if (values.check) {
    const names = await stale();
    if (names.length > 0) console.error(`not up to date: ${names.join(", ")}; run deno task client`);
    Deno.exit(names.length > 0 ? 1 : 0);
  }
  for (const [name, text] of await build()) await Deno.writeTextFile(new URL(name, ROOT), text);
}
