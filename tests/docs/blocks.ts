// Reads the fenced code blocks of the pages. What a test does with a block stands in its info string:
//   sh                    run by bash, in the order of the page
//   sh service            starts a service and leaves it running; one on the same port is stopped first
//   sh status=404,409     these responses of status 400 and above must come, and no others
//   sh no-run="reason"    not run, reported with its reason
//   ts                    part of the page's program
//   ts file=main.ts       a file, written where the page's shell stands at that point
//   … output              what the block before it prints; "…" stands for any text, alone in a line for any
// lines

import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** No test would read a block in another language. */
const LANGUAGES = ["sh", "ts", "json", "text", "mermaid", "html", "python"];
const ATTRIBUTES = ["service", "status", "no-run", "file", "output"];

const FOLDERS = ["docs", "examples"];

export interface Block {
  /** `docs/reference/http.md:40`: where the code begins. */
  place: string;
  language: string;
  attributes: Record<string, string>;
  code: string;
}

export interface Page {
  /** Relative to the root of the repository. */
  path: string;
  text: string;
  blocks: Block[];
}

/** All pages that the tests read: README.md and its neighbours, and everything under docs/ and examples/. */
export function readPages(): Page[] {
  return markdownFiles("").sort().map(readPage);
}

export function readPage(path: string): Page {
  const text = Deno.readTextFileSync(ROOT + path);
  return { path, text, blocks: blocksOf(path, text) };
}

function markdownFiles(directory: string): string[] {
  return [...Deno.readDirSync(ROOT + directory)].flatMap(({ name, isDirectory }) => {
    const path = directory + name;
    if (isDirectory) return directory !== "" || FOLDERS.includes(name) ? markdownFiles(`${path}/`) : [];
    return name.endsWith(".md") ? [path] : [];
  });
}

export function blocksOf(path: string, text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  for (let n = 0; n < lines.length; n++) {
    const open = /^\s*```(.*)$/.exec(lines[n]);
    if (!open) continue;
    const place = `${path}:${n + 2}`;
    const end = lines.findIndex((line, at) => at > n && /^\s*```\s*$/.test(line));
    if (end < 0) throw new Error(`${place}: the block does not end`);
    const { language, attributes } = infoOf(place, open[1]);
    blocks.push({ place, language, attributes, code: lines.slice(n + 1, end).join("\n") });
    n = end;
  }
  return blocks;
}

function infoOf(place: string, info: string): Pick<Block, "language" | "attributes"> {
  const [language, rest] = [/^\S*/.exec(info)![0], info.replace(/^\S*/, "")];
  if (!LANGUAGES.includes(language)) {
    throw new Error(`${place}: the language must be one of ${LANGUAGES.join(", ")}; it is "${language}"`);
  }
  const attributes: Record<string, string> = {};
  for (const [, name, quoted, plain] of rest.matchAll(/([\w-]+)(?:="([^"]*)"|=(\S+))?/g)) {
    if (!ATTRIBUTES.includes(name)) {
      throw new Error(`${place}: an attribute must be one of ${ATTRIBUTES.join(", ")}; it is "${name}"`);
    }
    attributes[name] = quoted ?? plain ?? "";
  }
  return { language, attributes };
}

/** The output that the page shows for a block: the block after it, if that is marked as such. */
export function outputOf(page: Page, block: Block): string | null {
  const next = page.blocks[page.blocks.indexOf(block) + 1];
  return next?.attributes.output === undefined ? null : next.code;
}
