import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aKey } from "../../support/api_keys.ts";
import { browserTest } from "../../support/browser.ts";
import { aService } from "../../support/service.ts";

browserTest("a browser's EventSource reads a stream by a ticket, and stops at its end", async (page) => {
  const caller = aKey(["read", "submit"]);
  await using service = await aService({ apiKeys: [caller.key] });
  const base = service.listen();
  const task = { task: "countdown", input: { from: 2, stepMs: 50 } };
  const { body: { id } } = await service.post("/v1/tasks", task, caller);
  const { body: { url } } = await service.post("/v1/tickets", { path: `/v1/tasks/${id}/events` }, caller);
  await page.goto(`${base}/healthz`);
  const code = (url: string) =>
    `new Promise((resolve) => {
      const names = [];
      const source = new EventSource(${JSON.stringify(url)});
      for (const name of ["state", "progress", "chunk", "result", "end"]) {
        source.addEventListener(name, () => names.push(name));
      }
      source.onerror = () => { if (source.readyState === EventSource.CLOSED) resolve(names); };
    })`;
  // After the end it connects again, with its last id, and is told that there is nothing more.
  const names = await page.evaluate(code(url)) as string[];
  assert.deepEqual(names.slice(-2), ["result", "end"]);
  for (const name of ["state", "progress", "chunk"]) assert.ok(names.includes(name), name);
  assert.deepEqual(await page.evaluate(code(`/v1/tasks/${id}/events`)), []);
});
