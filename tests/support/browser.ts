// Tests in a page of chromium, for what only a browser can show.

import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { skippedIf } from "./skip.ts";
import { Hangs, unlessItHangs } from "./waiting.ts";

const PROGRAM = "/usr/bin/chromium";
/** A test has many steps, of which each has its own bound. Twice that is less than a test may take. */
const TEST_HANGS_MS = 240_000;

export function browserTest(name: string, test: (page: Page) => Promise<void>): void {
  testInBrowser(name, () => withABrowser(test));
}

/** @param test opens the browser itself */
export function testInBrowser(name: string, test: () => Promise<void>): void {
  Deno.test({
    ...skippedIf(existsSync(PROGRAM) ? null : `no ${PROGRAM}`, name),
    // The browser's driver keeps its own timers and pipes.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      test().catch((error) => {
        if (!(error instanceof Hangs)) throw error;
        // deno-lint-ignore no-console -- a test that passes at the second try says so
        console.warn(`${name}: ${error.message}. It is tried once more.`);
        return test();
      }),
  });
}

/**
 * Rarely, the browser's driver waits for an answer that does not come. Not all of its calls have a deadline.
 */
export async function withABrowser(test: (page: Page) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
  try {
    const page = await unlessItHangs(browser.newPage(), "the browser's new page");
    await unlessItHangs(test(page), "the page's test", TEST_HANGS_MS);
  } finally {
    await unlessItHangs(browser.close(), "the browser's end");
  }
}
