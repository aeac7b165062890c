// The client for pages is a part of the program: nothing is read or fetched to serve it. A program that
// imports Errand from a registry may have no files to read, and no permission to fetch.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem } from "../../support/service.ts";

Deno.test("the client for pages is served without a file or a request, and all that it imports with it", async () => {
  await using service = await aService({ running: false });
  const { readTextFile } = Deno;
  const { fetch } = globalThis;
  const asked: string[] = [];
  Deno.readTextFile = (path) => Promise.reject(new Error(`reads ${asked[asked.push(String(path)) - 1]}`));
  globalThis.fetch = (url) => Promise.reject(new Error(`fetches ${asked[asked.push(String(url)) - 1]}`));
  try {
    const seen = new Set<string>();
    const load = async (path: string): Promise<void> => {
      if (seen.has(path)) return;
      seen.add(path);
      const { status, text, headers } = await service.get(path);
      assert.equal(status, 200, path);
      assert.equal(headers.get("content-type"), "text/javascript; charset=utf-8");
      for (const [, imported] of text.matchAll(/^(?:import|export) [^;]* from ["']([^"']+)["']/gm)) {
        assert.match(imported, /^\.\.?\//, `${path} imports a bare name`);
        await load(new URL(imported, `http://x${path}`).pathname);
      }
    };
    await load("/client/errand.js");
    assert.deepEqual([...seen].sort(), [
      "/client/errand.js",
      "/client/eventsource-parser/errors.js",
      "/client/eventsource-parser/index.js",
      "/client/eventsource-parser/parse.js",
    ]);
    assert.match((await service.get("/client/eventsource-parser/LICENSE")).text, /MIT License/);
    assertProblem(await service.get("/client/constructor"), 404, "not-found");
  } finally {
    Object.assign(Deno, { readTextFile });
    globalThis.fetch = fetch;
  }
  assert.deepEqual(asked, []);
});
