// Tests in a page of chromium, for what only a browser can show.

import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { skippedIf } from "./skip.ts";

const PROGRAM = "/usr/bin/chromium";

export function browserTest(name: string, test: (page: Page) => Promise<void>): void {
  Deno.test({
    ...skippedIf(existsSync(PROGRAM) ? null : `no ${PROGRAM}`, name),
    // The browser's driver keeps its own timers and pipes.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const browser = await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
      try {
        await test(await browser.newPage());
      } finally {
        await browser.close();
      }
    },
  });
}
