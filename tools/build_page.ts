// deno-lint-ignore-file no-console
// Makes the files of the page at / from page/: scripts, style, icon and the licences of what is in them. They
// are in git, ready for use; `--check` says whether they are up to date.

import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { commandLine } from "./command_line.ts";

const PAGE = new URL("../page/", import.meta.url);
const TARGET = new URL("../routes/site/page_files.json", import.meta.url);
/** By the name that the page asks for. */
const SCRIPTS: Record<string, string> = {
  "page.js": "mod.tsx",
  "chart.js": "chart.ts",
  "graph_worker.js": "graph_worker.ts",
};
const PACKAGES = [
  "preact",
  "@preact/signals",
  "@preact/signals-core",
  "uplot",
  "@dagrejs/dagre",
  "@dagrejs/graphlib",
];

interface Made {
  version: string;
  /** By name: gzip in base64. */
  files: Record<string, string>;
}

/** The files as they are served, by name. */
export async function build(): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir();
  try {
    const scripts = await Promise.all(
      Object.entries(SCRIPTS).map(async ([name, source]) =>
        [name, await bundle(source, `${folder}/${name}`)] as const
      ),
    );
    const packages = await packagesIn();
    const style = await Deno.readTextFile(new URL("page.css", PAGE));
    const icon = await Deno.readTextFile(new URL("icon.svg", PAGE));
    const licences = PACKAGES.map((name) => `${name}\n\n${licenceOf(packages, name)}`).join("\n\n");
    return new Map([
      ...scripts,
      ["page.css", `${await uplotStyle(packages)}\n${style}`],
      ["icon.svg", icon],
      ["licences.txt", licences],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function bundle(source: string, target: string): Promise<string> {
  const config = fileURLToPath(new URL("deno.json", PAGE));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--config",
      config,
      "--platform",
      "browser",
      "--minify",
      "-o",
      target,
      source,
    ],
    cwd: PAGE,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) {
    throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
  }
  return await Deno.readTextFile(target);
}

/** Where each package lies, by its name. */
async function packagesIn(): Promise<Map<string, URL>> {
  const found = new Map<string, URL>();
  for (const name of PACKAGES) {
    // An import makes Deno fetch it; only then it lies anywhere.
    await import(name);
    let folder = new URL("./", import.meta.resolve(name));
    while (!await exists(new URL("package.json", folder))) {
      folder = new URL("../", folder);
    }
    found.set(name, folder);
  }
  return found;
}

function uplotStyle(packages: Map<string, URL>): Promise<string> {
  return Deno.readTextFile(
    new URL("dist/uPlot.min.css", packages.get("uplot")!),
  );
}

function licenceOf(packages: Map<string, URL>, name: string): string {
  return Deno.readTextFileSync(new URL("LICENSE", packages.get(name)!)).trim();
}

async function exists(file: URL): Promise<boolean> {
  try {
    await Deno.stat(file);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function madeOf(files: Map<string, string>): Made {
  const hash = createHash("sha256");
  for (const [name, text] of files) hash.update(`${name}\n${text}\n`);
  const packed = [...files].map((
    [name, text],
  ) => [name, Buffer.from(gzipSync(text, { level: 9 })).toString("base64")]);
  return {
    version: hash.digest("hex").slice(0, 12),
    files: Object.fromEntries(packed),
  };
}

/** Names of files that are not as they would be made now. How they are packed may differ. */
export async function stale(): Promise<string[]> {
  const wanted = await build();
  const { version, files }: Made = JSON.parse(await Deno.readTextFile(TARGET));
  const wrong = [...wanted].filter(([name, text]) =>
    !Object.hasOwn(files, name) ||
    gunzipSync(Buffer.from(files[name], "base64")).toString() !== text
  ).map(([name]) => name);
  const gone = Object.keys(files).filter((name) => !wanted.has(name));
  return [
    ...wrong,
    ...gone,
    ...(madeOf(wanted).version === version ? [] : ["version"]),
  ];
}

const HELP = `Make routes/site/page_files.json anew, from page/.

  deno task page
  deno task page --check   say whether it is up to date, with exit code 1 if it is not`;

if (import.meta.main) {
  const { values } = commandLine({
    options: { check: { type: "boolean" } },
    help: HELP,
  });
  if (values.check) {
    const names = await stale();
    if (names.length > 0) {
      console.error(`not up to date: ${names.join(", ")}; run deno task page`);
    }
    Deno.exit(names.length > 0 ? 1 : 0);
  }
  const files = await build();
  await Deno.writeTextFile(
    TARGET,
    `${JSON.stringify(madeOf(files), null, 2)}\n`,
  );
  for (const [name, text] of files) {
    console.log(`${name.padEnd(18)} ${text.length} characters`);
  }
}
