import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { silentLog } from "../../../runtime/platform/log.ts";
import { Heartbeat } from "../../../runtime/worker/heartbeat.ts";
import { LeaseBook } from "../../../runtime/worker/lease_book.ts";
import { Slots } from "../../../runtime/worker/slots.ts";
import { aBench } from "../../support/builders.ts";

Deno.test("what a worker no longer leases is gone with its next heartbeat, also if it claims nothing more", async () => {
  await using bench = await aBench();
  const leases = new LeaseBook("w");
  const heartbeat = new Heartbeat(bench.store, {
    worker: "w",
    concurrency: 1,
    leaseMs: 9_000,
    slots: new Slots({ inline: 1, thread: 1 }, () => {}),
    leases,
    log: silentLog,
  });
  for (const block of ["over", "held"]) {
    leases.open(block, [block]);
    await bench.kv.writeBlind([{ key: keys.lease("w", block), value: [block] }], 0);
  }
  leases.close("over", "over");
  await heartbeat.beat();
  const left = await bench.kv.list({ prefix: prefixes.leases }, { limit: 9 });
  assert.deepEqual(left.map(({ key }) => key), [keys.lease("w", "held")]);
});
