// Two services that hear of each other by the watch alone, or by what stands in for it: nobody sweeps here.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, type Service } from "../support/service.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { KvProxy } from "../support/kv_proxy.ts";
import { openPatientServer } from "../support/patient_kv.ts";
import { eventually, unlessItHangs } from "../support/waiting.ts";

const NEVER_MS = 600_000;
/** A watch that has missed something is made anew when the next read of the keys finds it out. */
const MOST_ROUNDS = 20;

/** From the submit at one to the start at the other, and to its end as a stream of the first tells it. */
async function told(web: Service): Promise<void> {
  const { id } = await web.submit("add", { a: 1, b: 2 });
  const events = await unlessItHangs(web.events(`/v1/as-completed?id=${id}`), "a stream");
  assert.deepEqual(events.map(({ event }) => event), ["task", "end"]);
}

Deno.test({
  ...needed("denokv: a watch that tells nothing is made up for, and is made anew as soon as it is missed"),
  async fn() {
    await using server = await Denokv.start();
    Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
    await using proxy = new KvProxy(server.url);
    proxy.isMute = true;
    const open = async (runsTasks: boolean) => {
      return await aService({ kv: await openPatientServer(proxy.url), sweepMs: NEVER_MS, runsTasks });
    };
    await using web = await open(false);
    await using _worker = await open(true);
    await eventually(() => proxy.muted >= 2);
    for (let i = 0; i < 2; i++) await told(web);
    assert.equal(proxy.telling, 0);
    proxy.isMute = false;
    for (let rounds = 0; proxy.telling < 2; rounds++) {
      assert.ok(rounds < MOST_ROUNDS, "the watches are not made anew");
      await told(web);
    }
  },
});
