import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest } from "../../support/browser.ts";
import { aService } from "../../support/service.ts";

/** Opens the docs below a prefix. The page must ask for nothing but the service, and complain of nothing. */
async function openDocs(page: Page, prefix: string, use: (url: string) => Promise<void>): Promise<void> {
  await using service = await aService({ running: false });
  const url = service.listen(prefix) + prefix;
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.route("**/*", (route) => {
    const asked = route.request().url();
    if (asked.startsWith(`${url}/`) || asked.startsWith("data:")) return route.continue();
    faults.push(`asks for ${asked}`);
    return route.abort();
  });
  await page.goto(`${url}/docs`);
  await use(url);
  assert.deepEqual(faults, []);
}

for (const prefix of ["", "/jobs"]) {
  browserTest(
    `a browser shows how to submit an add, and submits it, at ${prefix}/docs`,
    (page) =>
      openDocs(page, prefix, async (url) => {
        const submit = page.locator("#operations-submit-submitTask");
        await submit.locator(".opblock-summary-control").click();
        const example = submit.locator("textarea.body-param__text");
        const body = JSON.parse(await example.inputValue());
        assert.deepEqual([body.task, Object.keys(body.input)], ["add", ["a", "b"]]);
        await example.fill(JSON.stringify({ task: "add", input: { a: 1, b: 2 } }));
        await submit.locator("button.execute").click();
        const status = submit.locator(".live-responses-table tbody .response-col_status").first();
        assert.match(await status.innerText(), /^202/);
        assert.equal(await submit.locator(".request-url pre").innerText(), `${url}/v1/tasks`);
      }),
  );
}

browserTest("the docs are dark where the browser is", async (page) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await openDocs(page, "", async () => {
    await page.locator("#operations-submit-submitTask").waitFor();
    assert.equal(await page.locator("html.dark-mode").count(), 1);
    const color = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const parts = String(color).match(/\d+/g)!.slice(0, 3).map(Number);
    assert.ok(parts.every((part) => part < 64), String(color));
    await page.emulateMedia({ colorScheme: "light" });
    await page.locator("html:not(.dark-mode)").waitFor();
  });
});
