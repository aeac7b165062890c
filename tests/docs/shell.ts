// Runs the sh blocks of a page in one bash, in a copy of the repository, against the services that the page
// starts.

import { join } from "node:path";
import { type Block, outputOf, type Page, ROOT } from "./blocks.ts";
import { byBlock, matches } from "./output.ts";
import { Folder } from "../support/folder.ts";
import { freePort } from "../support/ports.ts";

export interface BlockResult {
  block: Block;
  stdout: string;
  stderr: string;
  /** Of the responses to its curl calls, those of 400 and above, sorted. */
  failures: number[];
}

export interface PageResult {
  code: number;
  /** Of the blocks that were begun. */
  results: BlockResult[];
}

const PRELUDE = new URL("prelude.sh", import.meta.url);
/** A page that takes longer waits for something that never comes. */
const LONGEST_MS = 10 * 60_000;
/** The pages name these ports; each run gets free ones in their place. */
const PORTS = ["8000", "8001", "8002"];
const NAMED_PORT = /(?<=127\.0\.0\.1:|localhost:|PORT=|port: )800[0-2]\b/g;
const NOT_COPIED = [".git", "data", "dist", "node_modules"];

/** What the machine lacks to run the pages' blocks; null if nothing. */
export function missingTool(): string | null {
  for (const name of ["bash", "jq", "curl"]) {
    try {
      const { stdout } = new Deno.Command(name, { args: ["--version"] }).outputSync();
      const version = /^curl (\d+)\.(\d+)/.exec(new TextDecoder().decode(stdout));
      if (version && Number(version[1]) * 100 + Number(version[2]) < 783) return "no curl 7.83 or newer";
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return `no ${name}`;
    }
  }
  return null;
}

/** Copies the sources, so that a page can change them. */
export function copyRepository(to: string): void {
  copyDirectory(ROOT, to);
}

function copyDirectory(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (NOT_COPIED.includes(name)) continue;
    if (isDirectory) copyDirectory(join(from, name), join(to, name));
    else Deno.copyFileSync(join(from, name), join(to, name));
  }
}

/** Those that the page's shell runs or finds as files, in their order. */
export function shellBlocks({ blocks }: Page): Block[] {
  return blocks.filter(({ language, attributes }) =>
    attributes["no-run"] === undefined && attributes.output === undefined &&
    (language === "sh" || attributes.file !== undefined)
  );
}

export async function runPage(page: Page, longestMs = LONGEST_MS): Promise<PageResult> {
  await using folder = await Folder.with();
  const checkout = folder.at("errand");
  copyRepository(checkout);
  const ports = new Map(PORTS.map((port) => [port, String(freePort())]));
  const mapped = (text: string) => text.replace(NAMED_PORT, (port) => ports.get(port)!);
  const unmapped = (text: string) => {
    for (const [port, actual] of ports) text = text.replaceAll(`:${actual}`, `:${port}`);
    return text;
  };
  const blocks = shellBlocks(page);
  const parts = await Promise.all(blocks.map(async (block, n) => {
    await Deno.mkdir(folder.at(String(n)));
    return `begin ${n}\n${await partOf(block, folder.at(String(n)), mapped)}`;
  }));
  const tooLong = new AbortController();
  const timer = setTimeout(() => tooLong.abort(), longestMs);
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", [await Deno.readTextFile(PRELUDE), ...parts].join("\n")],
    cwd: checkout,
    env: environment(folder.path, ports.get(PORTS[0])!),
    stdin: "null",
    signal: tooLong.signal,
  }).output();
  clearTimeout(timer);
  const [out, err] = [stdout, stderr].map((bytes) => byBlock(unmapped(new TextDecoder().decode(bytes))));
  const results = blocks.slice(0, out.size).map((block, n) => ({
    block,
    stdout: out.get(n) ?? "",
    stderr: err.get(n) ?? "",
    failures: failuresIn(folder.at(String(n))),
  }));
  return { code, results };
}

/** The faults of the page; none if it does what it says. */
export async function faultsOf(page: Page, longestMs?: number): Promise<string[]> {
  const { code, results } = await runPage(page, longestMs);
  const faults = results.flatMap(({ block, stdout, failures }) => {
    const expected = block.attributes.status?.split(",").map(Number).sort() ?? [];
    const shown = outputOf(page, block);
    return [
      ...(String(failures) === String(expected)
        ? []
        : [`${block.place}: responses of 400 and above: [${failures}], not [${expected}]\n${stdout}`]),
      ...(shown === null || matches(shown, stdout)
        ? []
        : [`${block.place}: it prints\n${stdout}\nand the page shows\n${shown}`]),
    ];
  });
  const last = results.at(-1);
  if (code !== 0) faults.unshift(`${last?.block.place}: exit code ${code}\n${last?.stdout}\n${last?.stderr}`);
  else if (results.length !== shellBlocks(page).length) {
    faults.push(`${page.path}: it ends before its last block`);
  }
  return faults;
}

/** What bash is given for a block; `own` is the block's directory. */
async function partOf(
  { attributes, code }: Block,
  own: string,
  mapped: (text: string) => string,
): Promise<string> {
  if (attributes.file !== undefined) {
    await Deno.writeTextFile(join(own, "file"), `${mapped(code)}\n`);
    return `mkdir -p "$(dirname '${attributes.file}')" && cp "$BLOCK/file" '${attributes.file}'`;
  }
  if (attributes.service === undefined) return mapped(code);
  await Deno.writeTextFile(join(own, "command"), mapped(code));
  return `service ${/\bPORT=(\d+)/.exec(code)?.[1] ?? PORTS[0]}`;
}

function environment(directory: string, port: string): Record<string, string> {
  const deno = join(Deno.execPath(), "..");
  return {
    BLOCKS: directory,
    // What a page keeps in the reader's own folder is gone with the test; what Deno has fetched is not.
    HOME: directory,
    DENO_DIR: denoDir(),
    PORT: port,
    PATH: `${deno}:${Deno.env.get("PATH")}`,
    NO_COLOR: "1",
    NO_PROXY: "127.0.0.1,localhost",
    API_KEYS: "",
  };
}

function denoDir(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" })
    .outputSync();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

function failuresIn(directory: string): number[] {
  return [...Deno.readDirSync(directory)].filter(({ name }) => name.startsWith("head.")).map(({ name }) => {
    const statuses = [...Deno.readTextFileSync(join(directory, name)).matchAll(/^HTTP\/\S+ (\d+)/gm)];
    return Number(statuses.at(-1)?.[1] ?? 0);
  }).filter((status) => status >= 400).sort();
}
