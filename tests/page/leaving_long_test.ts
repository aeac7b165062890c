// Readers who do not wait for the answer to what they did.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { aKey } from "../support/api_keys.ts";
import { browserTest } from "../support/browser.ts";
import { fill, type Filled, PageService } from "../support/page_service.ts";
import { open, signIn, titled } from "./opened.ts";

interface Action {
  view: string;
  /** The call that it makes. */
  method: string;
  path: string;
  begin: () => Promise<void>;
  said: string;
}

/** All that lead elsewhere once they are answered. */
function actionsOf(page: Page, { failed }: Filled): Action[] {
  const asking = (label: string, verb: string) => async () => {
    await page.getByRole("button", { name: label, exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: verb, exact: true }).click();
  };
  const [task, schedule] = [`tasks/${failed}`, "schedules/nightly-feeds"];
  const [rerun, remove] = [asking("Rerun…", "Submit"), asking("Delete…", "Delete it")];
  return [
    { view: task, method: "POST", path: `/v1/${task}/rerun`, begin: rerun, said: "Submitted" },
    { view: task, method: "DELETE", path: `/v1/${task}`, begin: remove, said: "Deleted" },
    {
      view: "tasks?task=resize",
      method: "POST",
      path: "/v1/bulk",
      begin: asking("Act on all…", "Cancel them"),
      said: "It has begun: this task does it",
    },
    {
      view: "definitions/resize",
      method: "POST",
      path: "/v1/tasks",
      begin: async () => {
        await page.getByLabel("url required").fill("https://img.example/late.png");
        await page.getByRole("button", { name: "Submit", exact: true }).click();
      },
      said: "Submitted",
    },
    {
      view: schedule,
      method: "POST",
      path: `/v1/${schedule}/trigger`,
      begin: asking("Trigger…", "Submit"),
      said: "Submitted parse",
    },
    {
      view: schedule,
      method: "DELETE",
      path: `/v1/${schedule}`,
      begin: remove,
      said: "Deleted nightly-feeds",
    },
  ];
}

browserTest("an answer that comes after the reader has gone elsewhere leaves them there", async (page) => {
  await using service = await PageService.with();
  const made = await fill(service);
  const { faults, goto } = await open(page, service);
  for (const { view, method, path, begin, said } of actionsOf(page, made)) {
    const [asked, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await page.route(`**${path}`, async (route) => {
      const request = route.request();
      if (request.method() !== method || request.postData()?.includes("dryRun")) return route.continue();
      const response = await route.fetch();
      asked.resolve();
      await answers.promise;
      await route.fulfill({ response });
    });
    await goto(view);
    await begin();
    await asked.promise;
    await goto("workers");
    await titled(page, "Workers");
    answers.resolve();
    const notice = page.locator(".notice");
    await notice.getByText(said, { exact: true }).waitFor();
    assert.match(page.url(), /#\/workers$/, `${method} ${path}`);
    await notice.getByRole("button", { name: "Dismiss" }).click();
    await notice.waitFor({ state: "detached" });
    await page.unroute(`**${path}`);
  }
  assert.deepEqual(faults, []);
});

browserTest("a chart whose program comes after its view was left is not drawn", async (page) => {
  await using service = await PageService.with();
  const [asked, answers] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
  await page.route("**/page/chart.js*", async (route) => {
    asked.resolve(route.request().url());
    await answers.promise;
    await route.continue();
  });
  // Frames come when the clock is moved: what is done in the next one is not done yet.
  await page.clock.install();
  const { faults, goto } = await open(page, service);
  while (!await page.locator(".chart").isVisible()) await page.clock.runFor(100);
  await page.clock.runFor(100);
  const url = await asked.promise;
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await goto("workers");
  answers.resolve();
  await page.evaluate(`import(${JSON.stringify(url)})`);
  await titled(page, "Workers");
  assert.deepEqual(faults, []);
});

browserTest("the secret of a key is shown once its maker comes back, and to nobody else", async (page) => {
  const ann = aKey(["admin"], "ann");
  await using service = await PageService.with({ keys: [ann] });
  const { faults, goto } = await open(page, service, ann);
  const [asked, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.route("**/v1/keys", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const response = await route.fetch();
    asked.resolve();
    await answers.promise;
    await route.fulfill({ response });
  });
  await goto("keys");
  await page.getByRole("button", { name: "New key…" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("reader");
  await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
  await asked.promise;
  await goto("workers");
  await titled(page, "Workers");
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  answers.resolve();
  await (await answered).finished();
  await goto("keys");
  const secret = page.getByText(/^errand_[\w-]{43}$/);
  await secret.waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, ann);
  await page.getByRole("row", { name: "reader" }).waitFor();
  assert.equal(await secret.count(), 0);
  assert.deepEqual(faults, []);
});
