// Makes the pictures of docs/operating/the_page.md anew: `deno task page:pictures`. What they show is made up
// by tests/support/page_service.ts. They are small, so that a clone stays quick.

import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";
import { aKey } from "../support/api_keys.ts";
import { fill, PageService } from "../support/page_service.ts";
import { open } from "./opened.ts";

const PROGRAM = "/usr/bin/chromium";
const TARGET = fileURLToPath(new URL("../../docs/operating/the_page/", import.meta.url));
const SIZE = { width: 1200, height: 760 };

const ann = aKey(["admin"], "ann");
await using service = await PageService.with({ keys: [ann] });
const made = await fill(service);
const VIEWS: [name: string, view: string, scheme: "light" | "dark"][] = [
  ["overview", "overview", "light"],
  ["overview-dark", "overview", "dark"],
  ["tasks", "tasks", "light"],
  ["task", `tasks/${made.retried}`, "light"],
  ["task-dark", `tasks/${made.held}`, "dark"],
  ["flow", `groups/${made.flow}`, "light"],
  ["groups", "groups", "light"],
  ["queues", "queues", "light"],
  ["limits", "limits", "light"],
  ["schedules", "schedules", "light"],
  ["schedule", "schedules/nightly-feeds", "light"],
  ["schedule-form", "schedules?new=resize", "light"],
  ["usage", "usage", "light"],
  ["workers", "workers", "light"],
  ["definitions", "definitions", "light"],
  ["definition", "definitions/resize", "light"],
  ["keys", "keys", "light"],
  ["audit", "audit", "light"],
];

await Deno.mkdir(TARGET, { recursive: true });
const browser = await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
const context = await browser.newContext({
  viewport: SIZE,
  reducedMotion: "reduce",
  timezoneId: "Europe/Vienna",
});
const [page, encoder] = [await context.newPage(), await context.newPage()];
await page.bringToFront();
await page.goto(service.url);
await page.getByLabel("API key").waitFor();
await picture(page, "sign-in");
const { goto } = await open(page, service, ann);
for (const [name, view, scheme] of VIEWS) {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await goto(view);
  await page.waitForLoadState("networkidle").catch(() => {});
  await page.waitForTimeout(700);
  await picture(page, name);
}
await page.setViewportSize({ width: 390, height: 760 });
await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
await goto("tasks");
await page.waitForTimeout(700);
await picture(page, "phone");
await browser.close();

/** A browser itself makes WebP of it: a third of the size. */
async function picture(page: Page, name: string): Promise<void> {
  const png = await page.screenshot();
  const made = await encoder.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob("${png.toString("base64")}"), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    const webp = await canvas.convertToBlob({ type: "image/webp", quality: 0.82 });
    return btoa(Array.from(new Uint8Array(await webp.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(""));
  })()`) as string;
  await Deno.writeFile(`${TARGET}${name}.webp`, Uint8Array.from(atob(made), (char) => char.charCodeAt(0)));
}
