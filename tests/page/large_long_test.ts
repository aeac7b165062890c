// The page with much of everything: it keeps few elements, which is what makes it quick.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest } from "../support/browser.ts";
import { PageService } from "../support/page_service.ts";
import { open, titled } from "./opened.ts";

const elements = async (page: Page) => await page.evaluate("document.querySelectorAll('*').length") as number;

browserTest("a log of 10,000 lines and a result of 16 MB stay small in the page", async (page) => {
  await using service = await PageService.with();
  const log = await service.submit("import", { rows: 10_000 });
  const large = await service.submit("export", { bytes: 15_000_000 });
  await Promise.all([service.ended(log), service.ended(large)]);
  const { faults, goto } = await open(page, service);
  await goto(`tasks/${log}`);
  await page.getByText("10,000 lines").waitFor();
  await page.getByRole("log").evaluate((box) => box.scrollTop = box.scrollHeight);
  await page.getByText("only the first 9999").waitFor();
  assert.ok(await elements(page) < 1_500);
  await goto(`tasks/${large}`);
  await page.getByRole("tree", { name: "Result" }).getByText("150,000 items").click();
  await page.getByText("149,900 more").waitFor();
  assert.ok(await elements(page) < 3_000);
  assert.deepEqual(faults, []);
});

browserTest("a log of more lines than the page keeps goes on while it is read", async (page) => {
  await using service = await PageService.with();
  const id = await service.submit("parse", { source: "a" });
  await service.ended(id);
  await page.clock.install();
  const cut = Promise.withResolvers<void>();
  const line = (seq: number) => {
    const data = { at: new Date().toISOString(), attempt: 1, message: `line ${seq}`, data: null };
    return `id: ${seq}\nevent: log\ndata: ${JSON.stringify(data)}\n\n`;
  };
  const answers = [
    () => Array.from({ length: 50_000 }, (_, i) => line(i + 1)).join(""),
    () => line(50_001),
  ];
  const more = Promise.withResolvers<void>();
  await page.route(`**/v1/tasks/${id}/events**`, async (route) => {
    const answer = answers.shift();
    if (answers.length === 0 && answer) await more.promise;
    // Whoever asks on has dispatched what came before.
    if (!answer) return cut.resolve();
    await route.fulfill({ contentType: "text/event-stream", body: `retry: 1\n\n${answer()}` });
  });
  const { faults, goto } = await open(page, service);
  await goto(`tasks/${id}`);
  const lines = page.getByText("50,000 lines");
  while (!await lines.isVisible()) await page.clock.runFor(200);
  const box = page.getByRole("log");
  await box.evaluate((box) => box.scrollTop = box.scrollHeight);
  await box.getByText("line 50000").waitFor();
  more.resolve();
  await cut.promise;
  // Drawn again before the page has shown what came.
  await box.evaluate((box) => box.scrollTop -= 200);
  while (!await page.getByText("25,001 lines").isVisible()) await page.clock.runFor(200);
  await box.evaluate((box) => box.scrollTop = box.scrollHeight);
  await box.getByText("line 50001").waitFor();
  assert.deepEqual(faults, []);
});

browserTest("a group of 20,000 is not drawn, and a list of 100,000 stays small in the page", async (page) => {
  await using service = await PageService.with();
  await service.ended(await service.submit("parse", { source: "a" }));
  const { faults, goto } = await open(page, service);
  const group = "019aa8f0-0000-7000-8000-000000000000";
  await page.route(`**/v1/groups/${group}**`, (route) =>
    route.fulfill({
      json: {
        id: group,
        total: 20_000,
        done: 5_000,
        counts: { COMPLETED: 5_000, PENDING: 15_000 },
        state: "RUNNING",
        errors: [],
        policy: null,
        endedAt: null,
        nodes: null,
        edges: null,
        createdAt: new Date().toISOString(),
      },
    }));
  await goto(`groups/${group}`);
  await page.getByText("too large to be drawn").waitFor();

  const idOf = (n: number) => `019aa8f0-0000-7000-8000-${String(n).padStart(12, "0")}`;
  const template = (await service.call("GET", "/v1/tasks?limit=1")).tasks[0];
  await page.route("**/v1/tasks?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    const cursor = query.get("cursor");
    const first = cursor === null ? 100_000 : Number(cursor.slice(-12)) - 1;
    const limit = Math.min(Number(query.get("limit")), first);
    const tasks = Array.from(
      { length: limit },
      (_, i) => ({ ...template, id: idOf(first - i), tags: [`n${first - i}`] }),
    );
    return route.fulfill({
      json: {
        tasks,
        nextCursor: first - limit > 0 ? tasks.at(-1)!.id : null,
        count: { value: 100_000, exact: true },
      },
    });
  });
  await goto("tasks");
  await titled(page, "Tasks");
  for (let read = 200; read <= 5_000; read += 200) {
    await page.getByText(`100,000 tasks, ${read.toLocaleString("en")} read`, { exact: true }).waitFor();
    await page.locator(".virtual").evaluate((box) => box.scrollTop = box.scrollHeight);
  }
  assert.ok(await elements(page) < 3_000);
  assert.deepEqual(faults, []);
});
