// Every shell block of the pages runs, ends with exit code 0, gets the responses that its page announces and
// prints what its page shows.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { skippedIf } from "../support/skip.ts";
import { Server } from "../support/server_process.ts";
import { blocksOf, type Page, readPages } from "./blocks.ts";
import { faultsOf, missingTool, shellBlocks } from "./shell.ts";

/** Blocks that no test runs. Each one is a block that may rot, so a new one needs a reason. */
const MOST_NOT_RUN = 8;

const pages = readPages();
const missing = missingTool();

for (const page of pages) {
  if (!shellBlocks(page).some(({ language }) => language === "sh")) continue;
  Deno.test({
    name: missing
      ? `${page.path}: its shell blocks (${missing} is not here)`
      : `${page.path}: its shell blocks run`,
    ignore: missing !== null,
    fn: async () => {
      const faults = await faultsOf(page);
      assert.deepEqual(faults, [], faults.join("\n\n"));
    },
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

Deno.test({
  ...skippedIf(missing, "the runner finds what is wrong with a page"),
  fn: async () => {
    const failed = await faultsOf(
      pageOf('```sh\necho begun\nfalse\necho "not reached"\n```\n```sh\necho next\n```'),
    );
    assert.match(failed[0], /^page\.md:2: exit code 1\nbegun/);
    assert.doesNotMatch(failed[0], /reached|next/);
    const [inPipe] = await faultsOf(pageOf("```sh\nX=$(false | cat)\n```"));
    assert.match(inPipe, /exit code 1/);
    const [other] = await faultsOf(pageOf("```sh\necho 4\n```\n```text output\n5\n```"));
    assert.match(other, /page\.md:2: it prints\n4\n+and the page shows\n5/);
    const [noService] = await faultsOf(pageOf("```sh service\necho why not; exit 3\n```"));
    assert.match(noService, /why not\nthe service does not listen/);
    const endless = pageOf("```sh\necho begun\nuntil false; do sleep 0.1; done\n```");
    assert.match((await faultsOf(endless, 2_000))[0], /^page\.md:2: exit code 143\nbegun/);
  },
});

Deno.test({
  ...skippedIf(
    missing,
    "the runner finds an answer of 400 or above that the page does not announce, and one that does not come",
  ),
  fn: async () => {
    await using server = await Server.start({ KV_PATH: ":memory:" });
    const call = (path: string) => `curl -s -o /dev/null ${server.url}${path}`;
    const [surprise] = await faultsOf(pageOf(`\`\`\`sh\n${call("/nowhere")}\n\`\`\``));
    assert.match(surprise, /responses of 400 and above: \[404\], not \[\]/);
    const [missing] = await faultsOf(pageOf(`\`\`\`sh status=404\n${call("/healthz")}\n\`\`\``));
    assert.match(missing, /\[\], not \[404\]/);
    assert.deepEqual(await faultsOf(pageOf(`\`\`\`sh status=404\n${call("/nowhere")}\n\`\`\``)), []);
  },
});

function pageOf(text: string): Page {
  return { path: "page.md", text, blocks: blocksOf("page.md", text) };
}
