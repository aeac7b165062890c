// Each view of the page, filled: what axe finds, in light and dark, and how wide it is on a phone.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { aKey } from "../support/api_keys.ts";
import { browserTest } from "../support/browser.ts";
import { fill, type Filled, PageService } from "../support/page_service.ts";
import { assertAccessible, open } from "./opened.ts";

const viewsOf = (made: Filled): [view: string, shows: string][] => [
  ["overview", "charge-card"],
  ["tasks", "render-video"],
  [`tasks/${made.retried}`, "attempt 2"],
  [`tasks/${made.failed}`, "RangeError"],
  [`tasks/${made.held}`, "waits for a slot"],
  [`tasks/${made.waiting}`, "the provider is down"],
  [`tasks/${made.running}`, "340 of 1,200"],
  ["groups", "3 of 6"],
  [`groups/${made.flow}`, "3 of 6 have ended"],
  ["queues", "mail"],
  ["limits", "as sold"],
  ["schedules", "nightly-feeds"],
  ["schedules/nightly-feeds", "before the shop opens"],
  ["workers", "slots"],
  ["definitions", "Makes smaller copies"],
  ["definitions/resize", "Where the image is."],
  ["keys", "ann"],
  ["usage", "Streams and waits"],
  ["audit", "POST /v1/tasks"],
];

/** Shows each view, and looks at it. */
async function eachView(page: Page, look: (view: string) => Promise<void>): Promise<void> {
  const ann = aKey(["admin"], "ann");
  await using service = await PageService.with({ keys: [ann] });
  const made = await fill(service);
  await page.goto(service.url);
  await page.getByLabel("API key").waitFor();
  await look("sign-in");
  const { faults, goto } = await open(page, service, ann);
  for (const [view, shows] of viewsOf(made)) {
    await goto(view);
    await page.getByRole("main").getByText(shows).first().waitFor({ state: "attached" });
    await look(view);
  }
  assert.deepEqual(faults, []);
}

browserTest("each view shows what is there, and axe finds nothing serious", async (page) => {
  await eachView(page, (view) => assertAccessible(page, view));
});

browserTest("in dark each view can be read", async (page) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await eachView(page, (view) => assertAccessible(page, `${view} in dark`, ["color-contrast"]));
});

browserTest("on a phone no view is wider than the screen", async (page) => {
  await page.setViewportSize({ width: 390, height: 800 });
  await eachView(page, async (view) => {
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(width as number <= 390, `${view} is ${width} px wide`);
  });
});
