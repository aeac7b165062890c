// createErrand on a `Deno.Kv` of one's own that leads to a server, shared by two programs.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { createErrand, define } from "../../mod.ts";
import { needed } from "../support/denokv.ts";
import { Denokv } from "../../tools/denokv_server.ts";

const add = define(
  { name: "add", input: z.object({ a: z.number(), b: z.number() }), output: z.number() },
  ({ input }) => input.a + input.b,
);

Deno.test({
  ...needed("a task that one program submits runs in the other, and both are told of its end"),
  async fn() {
    await using server = await Denokv.start();
    Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
    const handles = [await Deno.openKv(server.url), await Deno.openKv(server.url)];
    try {
      await handles[0].set(["task", "mine"], 1);
      const definitions = { add };
      await using web = await createErrand({ kv: handles[0], definitions, role: "web" });
      await using worker = await createErrand({ kv: handles[1], definitions, role: "worker" });
      await web.start();
      await worker.start();
      const futures = await web.client.map("add", { a: [1, 2, 3], b: 10 });
      assert.deepEqual(await futures.results(), [11, 12, 13]);
      assert.equal(await worker.client.future(futures[0].id).result(), 11);
      const first = (await Array.fromAsync(handles[0].list({ prefix: [] }))).map(({ key }) => key[0]);
      assert.deepEqual([...new Set(first)], ["errand", "task"]);
    } finally {
      for (const handle of handles) handle.close();
    }
  },
});
