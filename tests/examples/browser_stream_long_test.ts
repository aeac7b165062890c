import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { browserTest } from "../support/browser.ts";
import { Example } from "./example.ts";

browserTest("the page of examples/browser_stream shows each result of a map", async (page) => {
  await using example = await Example.of("browser_stream");
  await page.goto(await example.serve());
  await page.getByRole("button").click();
  await page.getByText("10 of 10").waitFor();
  const items = await page.locator("li").allTextContents();
  const numbers = Array.from({ length: 10 }, (_, i) => i + 1);
  assert.deepEqual(items.sort(), numbers.map((n) => `${n}² = ${n ** 2}`).sort());
});
