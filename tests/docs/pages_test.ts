// The pages hold together: links lead somewhere, every page is in the index, README.md stays short.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { blocksOf, type Page, readPages, ROOT } from "./blocks.ts";
import { firstMissing, matches } from "./output.ts";

const README_LINES = 250;

const NAMED_PATH =
  /`((?:runtime|routes|client|auth|deploy|tests|tools|demo|bench|docs|examples)\/[\w./-]*)`/g;

const pages = readPages();

Deno.test("every relative link leads to a file, and its anchor to a heading", () => {
  const broken = pages.flatMap((page) =>
    linksOf(page).filter((link) => !leadsSomewhere(page, link)).map((link) => `${page.path}: ${link}`)
  );
  assert.deepEqual(broken, []);
});

Deno.test("every page of docs/ is linked from the index of its folder or from docs/README.md", () => {
  const linked = new Set(
    pages.filter(({ path }) => path.endsWith("README.md")).flatMap((page) =>
      linksOf(page).map((link) => join(dirname(page.path), link.split("#")[0]))
    ),
  );
  const lost = pages.map(({ path }) => path).filter((path) => path.startsWith("docs/") && !linked.has(path));
  assert.deepEqual(lost.filter((path) => path !== "docs/README.md"), []);
});

Deno.test("no table has the same row twice", () => {
  const rowsOf = (part: string) => part.split("\n").filter((line) => /^\|.*\w/.test(line));
  const twice = pages.flatMap(({ path, text }) =>
    text.split(/^#+ /m).flatMap((part) => {
      const rows = rowsOf(part).map((row) => row.replace(/\s+/g, " "));
      return rows.filter((row, i) => rows.indexOf(row) < i).map((row) => `${path}: ${row}`);
    })
  );
  assert.deepEqual(twice, []);
});

Deno.test("what begins like a table is one: a line with too few bars makes text of it", () => {
  const broken = pages.flatMap(({ path, text }) => {
    const lines = text.replace(/^```[^]*?^```/gm, "").split("\n");
    const heads = lines.flatMap((line, i) =>
      line.startsWith("|") && !lines[i - 1]?.startsWith("|") ? [i] : []
    );
    return heads.filter((i) => !/^\|( :?-+:? \|)+$/.test(lines[i + 1])).map((i) => `${path}: ${lines[i]}`);
  });
  assert.deepEqual(broken, []);
});

Deno.test("every path of the repository that a page names is there", () => {
  const lost = pages.flatMap(({ path, text }) =>
    path === "CHANGELOG.md"
      ? []
      : [...text.matchAll(NAMED_PATH)].filter(([, named]) => !exists(named)).map(([, named]) =>
        `${path}: ${named}`
      )
  );
  assert.deepEqual(lost, []);
});

Deno.test(`README.md has at most ${README_LINES} lines`, () => {
  const lines = pages.find(({ path }) => path === "README.md")!.text.split("\n").length;
  assert.ok(lines <= README_LINES, `${lines} lines`);
});

Deno.test("a block knows its language, its attributes and the line where it begins", () => {
  const text = '# Page\n\n```sh status=404,409 no-run="not now"\ncurl x\n```\n';
  assert.deepEqual(blocksOf("page.md", text), [{
    place: "page.md:4",
    language: "sh",
    attributes: { status: "404,409", "no-run": "not now" },
    code: "curl x",
  }]);
  assert.throws(
    () => blocksOf("page.md", "```bash\n```\n"),
    /page\.md:2: the language must be one of sh, .*"bash"/,
  );
  assert.throws(() => blocksOf("page.md", "```sh norun=1\n```\n"), /attribute must be one of .*"norun"/);
  assert.throws(() => blocksOf("page.md", "```sh\ncurl x\n"), /does not end/);
});

Deno.test("an output matches what the page shows, with … for what changes", () => {
  assert.ok(matches('{"id":"…"}', '{"id":"0199"}\n'));
  assert.ok(matches("a\n…\nd", "a\r\nb\r\nc\r\nd\r\n"));
  assert.ok(matches("a\n…\nd", "a\nd"));
  assert.ok(!matches("a\nd", "a\nb\nd"));
  assert.ok(!matches('{"id":"…"}', '{"id":7}'));
  assert.equal(firstMissing(["3", "true"], "3\nother\ntrue"), null);
  assert.equal(firstMissing(["true", "3"], "3\nother\ntrue"), "3");
});

/** Those that lead to a file of the repository. */
function linksOf({ text }: Page): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link).filter((link) =>
    !/^[a-z]+:/.test(link)
  );
}

function leadsSomewhere(page: Page, link: string): boolean {
  const [file, anchor] = link.split("#");
  const path = file === "" ? page.path : join(dirname(page.path), file);
  if (!exists(path)) return false;
  if (anchor === undefined) return true;
  return headingsOf(pages.find((each) => relative(path, each.path) === "")!).includes(anchor);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(ROOT + path);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

/** As GitHub names them in addresses. */
function headingsOf({ text }: Page): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}
