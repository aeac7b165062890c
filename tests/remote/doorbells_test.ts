// Two services that hear of each other by the watch alone, or by what stands in for it: nobody sweeps here.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { openKv } from "../../runtime/platform/open_kv.ts";
import { aService, type Service } from "../support/service.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { KvProxy } from "../support/kv_proxy.ts";
import { eventually } from "../support/waiting.ts";

const NEVER_MS = 600_000;

/** From the submit at one to the start at the other, and to its end as a stream of the first tells it. */
async function toldAfterMs(web: Service): Promise<number> {
  const since = performance.now();
  const { id } = await web.submit("add", { a: 1, b: 2 });
  const events = await web.events(`/v1/as-completed?id=${id}&timeout=10`);
  assert.deepEqual(events.map(({ event }) => event), ["task", "end"]);
  return performance.now() - since;
}

Deno.test({
  ...needed("denokv: a watch that tells nothing is made up for, and is made anew as soon as it is missed"),
  async fn() {
    await using server = await Denokv.start();
    Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
    await using proxy = new KvProxy(server.url);
    proxy.isMute = true;
    const open = async (runsTasks: boolean) => {
      return await aService({ kv: await openKv(proxy.url), sweepMs: NEVER_MS, runsTasks });
    };
    await using web = await open(false);
    await using _worker = await open(true);
    await eventually(() => proxy.muted >= 2);
    for (let i = 0; i < 2; i++) {
      const ms = await toldAfterMs(web);
      // A second for either way.
      assert.ok(ms < 4_000, `${ms} ms`);
    }
    proxy.isMute = false;
    const heard = async () => (await toldAfterMs(web)) < 500;
    await eventually(heard, "the watches are not made anew");
  },
});
