// The package as a page imports it from the service.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { browserTest } from "../support/browser.ts";
import { aServer } from "../support/client_service.ts";
import { assertSeen, PROGRAM, type Seen } from "./package_program.ts";

browserTest("a page imports the client from the service and does the same", async (page) => {
  await using server = await aServer();
  await page.goto(`${server.url}/healthz`);
  const code = `(async () => {
    const { asCompleted, chain, Client, sig, TaskError } = await import("/client/errand.js");
    const url = location.origin;
    ${PROGRAM}
    return all;
  })()`;
  assertSeen(await page.evaluate(code) as Seen);
});

browserTest(
  "a browser's six connections are enough for a thousand futures and a call beside them",
  async (page) => {
    await using server = await aServer();
    await page.goto(`${server.url}/healthz`);
    const code = `(async () => {
    const { Client } = await import("/client/errand.js");
    const errand = new Client({ url: location.origin });
    const delayed = await errand.map("sleep", Array.from({ length: 1000 }, () => ({ ms: 1 })), { delayMs: 500 });
    const results = delayed.map((future) => future.result());
    const beside = await (await errand.submit("add", { a: 1, b: 2 })).result();
    return [beside, (await Promise.all(results)).length];
  })()`;
    assert.deepEqual(await page.evaluate(code), [3, 1_000]);
  },
);
