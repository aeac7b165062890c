// Every shell block of the pages runs, ends with exit code 0, gets the responses that its page announces and prints
// what its page shows.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { outputOf, type Page, readPages } from "./blocks.ts";
import { matches } from "./output.ts";
import { missingTool, runPage, shellBlocks } from "./shell.ts";

/** Blocks that no test runs. Each one is a block that may rot, so a new one needs a reason. */
const MOST_NOT_RUN = 12;

/** They need createErrand, which comes with the package. */
const NOT_YET = ["README.md", "docs/guides/own_program.md", "docs/guides/definitions.md", "docs/tutorial.md"];

const pages = readPages().filter(({ path }) => !NOT_YET.includes(path));
const missing = missingTool();

for (const page of pages) {
  if (!shellBlocks(page).some(({ language }) => language === "sh")) continue;
  Deno.test({
    name: missing
      ? `${page.path}: its shell blocks (${missing} is not here)`
      : `${page.path}: its shell blocks run`,
    ignore: missing !== null,
    fn: () => check(page),
  });
}

Deno.test("few shell blocks are not run, each for a reason", () => {
  const notRun = pages.flatMap(({ blocks }) => blocks).filter(({ language, attributes }) =>
    language === "sh" && attributes["no-run"] !== undefined
  );
  for (const { place, attributes } of notRun) {
    // deno-lint-ignore no-console -- what is skipped must be seen
    console.log(`not run: ${place}: ${attributes["no-run"]}`);
    assert.ok(attributes["no-run"].length > 5, `${place} needs a reason`);
  }
  assert.ok(notRun.length <= MOST_NOT_RUN, `${notRun.length} blocks are not run, at most ${MOST_NOT_RUN}`);
});

async function check(page: Page): Promise<void> {
  const { code, results } = await runPage(page);
  const last = results.at(-1);
  const faults: string[] = [];
  for (const { block, stdout, failures } of results) {
    const expected = block.attributes.status?.split(",").map(Number).sort() ?? [];
    if (String(failures) !== String(expected)) {
      faults.push(`${block.place}: responses of 400 and above: [${failures}], not [${expected}]\n${stdout}`);
    }
    const shown = outputOf(page, block);
    if (shown !== null && !matches(shown, stdout)) {
      faults.push(`${block.place}: it prints\n${stdout}\nand the page shows\n${shown}`);
    }
  }
  if (code !== 0) faults.push(`${last?.block.place}: exit code ${code}\n${last?.stdout}\n${last?.stderr}`);
  assert.deepEqual(faults, [], faults.join("\n\n"));
  assert.equal(results.length, shellBlocks(page).length);
}
