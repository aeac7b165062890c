// The page, opened in a browser: what it complains of, and what axe-core finds.

import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import type { Caller } from "../support/api_keys.ts";
import type { PageService } from "../support/page_service.ts";

/** Tells a test that hangs: nothing here takes so long. */
const LONGEST_MS = 60_000;

export interface Opened {
  /** Errors of the page, and calls of other places than the service. */
  faults: string[];
  /** Ends when the view is in the page, though what it shows may still be read. */
  goto: (view: string) => Promise<void>;
}

/** Opens the page, and signs in if there is a key. */
export async function open(page: Page, service: PageService, caller?: Caller): Promise<Opened> {
  const faults: string[] = [];
  page.setDefaultTimeout(LONGEST_MS);
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // What was refused is told by the answers; the browser says it again.
    const isAnswer = /Failed to load resource/.test(message.text());
    if (message.type() === "error" && !isAnswer) faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${service.url}/`)) faults.push(`asks for ${request.url()}`);
  });
  await page.goto(service.url);
  if (caller) await signIn(page, caller);
  await titled(page, "Overview");
  return { faults, goto: (view) => goto(page, view) };
}

/** Waits for the view with this title, which a dialog or a panel may bear in part. */
export async function titled(page: Page, title: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
}

async function goto(page: Page, view: string): Promise<void> {
  // What is awaited next must not be found in the view before, and the page has listened before this does.
  await page.evaluate(`new Promise((resolve) => {
    const before = location.href;
    addEventListener("hashchange", () => resolve(), { once: true });
    location.hash = ${JSON.stringify(`/${view}`)};
    if (location.href === before) resolve();
  })`);
}

export async function signIn(page: Page, { secret }: Caller): Promise<void> {
  await page.getByLabel("API key").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** @param rules all, if left out */
export async function assertAccessible(page: Page, what: string, rules?: string[]): Promise<void> {
  // The page's own policy lets no other script in: this one comes by the debugger.
  await page.evaluate(`if (!globalThis.axe) { ${axe.source} }`);
  const options = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const { violations } = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)})`,
  ) as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  assert.deepEqual(serious.map(({ id, nodes }) => `${what}: ${id} at ${nodes[0].html.slice(0, 200)}`), []);
}
