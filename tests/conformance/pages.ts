// What other systems show on a page, on the page here.

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { chain, sig } from "../../client/mod.ts";
import { withABrowser } from "../support/browser.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import type { Row } from "./row.ts";
import { aRunning } from "./steps.ts";

const OPERATIONS = "Prefect docs, Prefect UI and API";

interface Opened {
  errand: Errand;
  goto: (view: string) => Promise<void>;
  page: Page;
}

async function onThePage(test: (opened: Opened) => Promise<void>): Promise<void> {
  await using server = await aServer({}, { stderr: "null" });
  await withABrowser(async (page) => {
    const goto = async (view: string) => void await page.goto(`${server.url}/#/${view}`);
    await test({ errand: aClient(server.url), goto, page });
  });
}

export const flower: Row = {
  promise: "Flower",
  source: "Celery docs, Monitoring: Flower",
  inBrowser: true,
  test: () =>
    onThePage(async ({ errand, goto, page }) => {
      const running = await aRunning(errand);
      const [worker] = await errand.workers.list();
      const main = page.getByRole("main");
      await goto("workers");
      await main.locator(`[title="${worker.id}"]`).waitFor();
      await main.getByText("sleep").first().waitFor();
      await goto("tasks");
      await main.locator(`a[href$="${running.id}"]`).first().waitFor();
      // What it revokes is revoked.
      await goto(`tasks/${running.id}`);
      await page.getByRole("button", { name: "Cancel…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Cancel it" }).click();
      assert.equal(await running.wait({ timeoutMs: 20_000 }), true);
      assert.equal((await running.state()).type, "CANCELLED");
    }),
};

export const pages: Row[] = [
  {
    promise: "the graph of a run",
    source: OPERATIONS,
    inBrowser: true,
    test: () =>
      onThePage(async ({ errand, goto, page }) => {
        const flow = await errand.run(
          chain(
            sig("echo", { value: 1 }, { name: "first" }),
            sig("echo", undefined, { into: "value", name: "second" }),
          ),
        );
        await flow.wait();
        await goto(`groups/${flow.groupId}`);
        await page.locator('[aria-label^="Graph of 2 tasks."]').waitFor();
        for (const name of ["first", "second"]) await page.locator("svg text").getByText(name).waitFor();
      }),
  },
  {
    promise: "logs and states on a page",
    source: OPERATIONS,
    inBrowser: true,
    test: () =>
      onThePage(async ({ errand, goto, page }) => {
        const retry = { maxAttempts: 2, delayMs: 50, jitter: false };
        const failed = await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { retry });
        const counted = await errand.submit("countdown", { from: 2, stepMs: 0 });
        await Promise.all([failed.wait(), counted.wait()]);
        const main = page.getByRole("main");
        await goto(`tasks/${counted.id}`);
        for (const line of ["T minus 2", "T minus 1"]) await main.getByText(line).first().waitFor();
        await goto(`tasks/${failed.id}`);
        for (const state of [/awaiting retry/i, /retrying/i, /completed/i]) {
          await main.getByText(state).first().waitFor();
        }
      }),
  },
];
