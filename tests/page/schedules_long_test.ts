// Schedules on the page: made, changed, looked ahead with, and refused.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest } from "../support/browser.ts";
import { PageService } from "../support/page_service.ts";
import { assertAccessible, open, titled } from "./opened.ts";

const times = (page: Page) => page.locator(".preview li");

browserTest(
  "a schedule is made in the form of its definition, with its next times before it is",
  async (page) => {
    await using service = await PageService.with();
    const { faults, goto } = await open(page, service);
    await goto("schedules");
    await page.getByText("No schedules").waitFor();
    await page.getByRole("link", { name: "New schedule…" }).click();
    await titled(page, "New schedule");
    await times(page).nth(4).waitFor();
    await assertAccessible(page, "the form of a schedule");

    await page.getByRole("textbox", { name: "Name" }).fill("thumbnails");
    await page.getByLabel("Definition").selectOption("resize");
    await page.getByRole("textbox", { name: "Note" }).fill("for the shop");
    await page.getByRole("textbox", { name: "Cron" }).fill("30 4 * * 1");
    await page.getByRole("combobox", { name: "Time zone" }).fill("UTC");
    await times(page).nth(4).locator('time[datetime$="T04:30:00.000Z"]').first().waitFor();
    const first = await times(page).first().locator("time").first().getAttribute("datetime");
    assert.equal(new Date(first!).getUTCDay(), 1);

    // What is no cron is said where the times would be, and where it is.
    await page.getByRole("textbox", { name: "Cron" }).fill("30 4 * *");
    await page.locator(".preview [role=alert]").waitFor();
    await page.getByRole("textbox", { name: "Cron" }).fill("30 4 * * 1");
    await times(page).first().waitFor();

    await page.getByText("But not").click();
    await page.getByRole("button", { name: "Add one" }).click();
    await page.getByLabel("Fires").nth(1).selectOption("at");
    await page.getByLabel(/^At/).fill(
      await page.evaluate(
        `new Date(Date.parse("${first}") - new Date("${first}").getTimezoneOffset() * 60_000).toISOString().slice(0, 19)`,
      ) as string,
    );
    await page.locator(`.preview time[datetime="${first}"]`).first().waitFor({ state: "detached" });
    await times(page).nth(4).waitFor();

    await page.getByLabel("url required").fill("nonsense");
    await page.getByLabel("If the last task has not ended").selectOption("buffer-one");
    await page.getByLabel("Makes up for times of the last", { exact: true }).fill("2");
    await page.getByRole("spinbutton", { name: "Priority" }).fill("4");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.locator(".field.wrong").waitFor();
    await page.getByLabel("url required").fill("https://img.example/shop.png");
    await page.getByRole("button", { name: "Make it" }).click();
    await titled(page, "thumbnails");
    await page.getByText("30 4 * * 1 (UTC)").waitFor();
    const made = await service.call("GET", "/v1/schedules/thumbnails");
    assert.deepEqual(
      { ...made, createdAt: 0, updatedAt: 0, next: 0, nextFiresAt: 0, links: 0 },
      {
        ...made,
        task: "resize",
        input: {
          url: "https://img.example/shop.png",
          sizes: [64, 256],
          format: "webp",
          isProgressive: false,
        },
        options: { priority: 4 },
        spec: [{ cron: "30 4 * * 1", timezone: "UTC" }],
        exclude: [{ at: first }],
        overlap: "buffer-one",
        catchupMs: 2 * 3_600_000,
        note: "for the shop",
        ...{ createdAt: 0, updatedAt: 0, next: 0, nextFiresAt: 0, links: 0 },
      },
    );
    assert.ok(!made.next.includes(first));

    // A second one of this name is not made over the first.
    await goto("schedules?new=parse");
    await page.getByRole("textbox", { name: "Name" }).fill("thumbnails");
    await page.getByLabel("source required").fill("x");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.locator(".notice").getByText("there is a schedule thumbnails").waitFor();
    assert.equal((await service.call("GET", "/v1/schedules/thumbnails")).task, "resize");
    assert.deepEqual(faults, []);
  },
);

browserTest(
  "a change of a schedule says what was changed, and leaves what others change meanwhile",
  async (page) => {
    await using service = await PageService.with();
    await service.call("PUT", "/v1/schedules/nightly", {
      task: "parse",
      input: { source: "all", value: { deep: [1] } },
      options: { timeoutMs: 5_000, tags: ["a"] },
      spec: [{ everyMs: 90 * 60_000 }],
      note: "old",
      remaining: 7,
    });
    const { faults, goto } = await open(page, service);
    await goto("schedules/nightly");
    await page.getByRole("link", { name: "Edit…" }).click();
    await times(page).nth(4).waitFor();
    assert.equal(await page.getByLabel("Every", { exact: true }).inputValue(), "90");
    await assertAccessible(page, "the form of a schedule that is changed");
    await service.call("PATCH", "/v1/schedules/nightly", { note: "by somebody else" });
    await page.getByLabel("Every", { exact: true }).fill("30");
    await page.getByLabel("Tags").fill("a, b");
    await page.getByLabel("So many times more").fill("");
    const sent = page.waitForRequest((request) => request.method() === "PATCH");
    await page.getByRole("button", { name: "Save" }).click();
    assert.deepEqual(JSON.parse((await sent).postData()!), {
      spec: [{ everyMs: 30 * 60_000 }],
      options: { timeoutMs: 5_000, tags: ["a", "b"] },
      remaining: null,
    });
    await page.getByText("every 30 min").waitFor();
    const { note, input, remaining } = await service.call("GET", "/v1/schedules/nightly");
    assert.deepEqual({ note, input, remaining }, {
      note: "by somebody else",
      input: { source: "all", value: { deep: [1] } },
      remaining: null,
    });

    await page.getByRole("button", { name: "Backfill…" }).click();
    await page.getByLabel("From").fill("2026-01-01T00:00:00");
    await page.getByLabel("To").fill("2026-01-01T02:00:00");
    await page.getByRole("dialog").getByRole("button", { name: "Submit" }).click();
    await page.locator(".notice").getByText(/Submitted [45] tasks/).waitFor();
    assert.deepEqual(faults, []);
  },
);

browserTest("an input that the fields cannot show is shown as JSON, and stays as it is", async (page) => {
  await using service = await PageService.with();
  const { faults, goto } = await open(page, service);
  await goto("definitions/resize");
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  const odd = { url: 5, sizes: "all of them", format: "gif", isProgressive: "maybe" };
  await page.getByLabel("Input", { exact: true }).fill(JSON.stringify(odd));
  await page.getByRole("button", { name: "Form", exact: true }).click();
  for (const [name, value] of Object.entries(odd)) {
    assert.equal(await page.getByLabel(name).inputValue(), JSON.stringify(value));
  }
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  assert.deepEqual(JSON.parse(await page.getByLabel("Input", { exact: true }).inputValue()), odd);
  assert.deepEqual(faults, []);
});

browserTest("what is shown in place of a secret is not sent back as one", async (page) => {
  await using service = await PageService.with();
  const id = await service.submit("charge-card", { order: 1, note: "4111" });
  await service.ended(id);
  await service.call("PUT", "/v1/schedules/nightly", {
    task: "charge-card",
    input: { order: 1, note: "4111" },
    spec: [{ everyMs: 90 * 60_000 }],
  });
  const { faults, goto } = await open(page, service);
  const [dialog, refused] = [page.getByRole("dialog"), page.locator(".notice").getByText("are redacted")];
  await goto(`tasks/${id}`);
  await page.getByRole("button", { name: "Rerun…" }).click();
  await dialog.getByLabel("Input").fill('{"order": 2, "note": "[redacted]"}');
  await dialog.getByRole("button", { name: "Submit" }).click();
  await refused.waitFor();
  await dialog.getByLabel("Input").fill('{"order": 2, "note": "4222"}');
  await dialog.getByRole("button", { name: "Submit" }).click();
  await page.getByText("order 2: the gateway").first().waitFor();
  // Without what was said.
  await page.reload();
  await titled(page, "charge-card");

  await goto("schedules/nightly?edit");
  await page.getByLabel("order required").fill("3");
  await page.getByRole("button", { name: "Save" }).click();
  await refused.waitFor();
  await page.getByLabel("order required").fill("1");
  await page.getByRole("textbox", { name: "Note" }).last().fill("kept");
  await page.getByRole("button", { name: "Save" }).click();
  await titled(page, "nightly");
  await service.call("POST", "/v1/schedules/nightly/trigger");
  const { input } = await service.call("GET", "/v1/schedules/nightly");
  assert.deepEqual(input, { order: 1, note: "[redacted]" });
  assert.deepEqual(faults, []);
});
