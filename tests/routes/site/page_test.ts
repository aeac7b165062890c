// What the page at / is made of, as browsers get it.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { createErrand } from "../../../mod.ts";
import { aKey } from "../../support/api_keys.ts";
import { aService, assertProblem } from "../../support/service.ts";

const BROWSER = { accept: "text/html" };

Deno.test("the page has nothing inline and nothing of elsewhere, needs no key, and loads below any prefix", async () => {
  const { key } = aKey(["admin"]);
  for (const basePath of ["", "/jobs"]) {
    await using errand = await createErrand({ kv: ":memory:", definitions: {}, basePath, apiKeys: [key] });
    const get = async (path: string, headers = {}) =>
      await errand.fetch(new Request(`http://localhost${path}`, { headers }));
    const answer = await get(`${basePath}/`, BROWSER);
    const html = await answer.text();
    const policy = answer.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(html, /<style|<script(?![^>]*src=)| style=| on\w+=/);
    const paths = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path);
    assert.equal(paths.length, 3);
    for (const path of paths) {
      assert.ok(path.startsWith(`${basePath}/page/`), path);
      const file = await get(path, { "accept-encoding": "gzip" });
      assert.deepEqual([file.status, file.headers.get("content-encoding")], [200, "gzip"]);
      await file.body?.cancel();
      const plain = await get(path);
      assert.equal(plain.headers.get("x-content-type-options"), "nosniff");
      assert.ok((await plain.text()).length > 100, path);
    }
  }
});

Deno.test("a file that the page does not have is 404, and the licences of what is in it are there", async () => {
  await using service = await aService({ running: false });
  assertProblem(await service.get("/page/other.js"), 404, "not-found");
  const { text } = await service.get("/page/licences.txt");
  for (const name of ["preact", "uplot", "@dagrejs/dagre"]) assert.ok(text.includes(name), name);
});
