import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { browserTest } from "../../support/browser.ts";
import { aService } from "../../support/service.ts";

browserTest("a browser without any network but ours shows how to submit an add", async (page) => {
  await using service = await aService({ running: false });
  const base = service.listen();
  const strangers: string[] = [];
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url.startsWith(base) || url.startsWith("data:")) return route.continue();
    strangers.push(url);
    return route.abort();
  });
  await page.goto(`${base}/docs`);
  const submit = page.locator("#operations-submit-submitTask");
  await submit.waitFor();
  await submit.locator(".opblock-summary-control").click();
  const example = submit.locator("textarea.body-param__text");
  await example.waitFor();
  const body = JSON.parse(await example.inputValue());
  assert.deepEqual([body.task, Object.keys(body.input)], ["add", ["a", "b"]]);
  assert.deepEqual(strangers, []);
  assert.deepEqual(faults, []);
});
