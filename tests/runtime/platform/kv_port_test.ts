import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { openPatientKv } from "../../support/patient_kv.ts";
import { SlowKv } from "../../support/slow_kv.ts";

Deno.test("a port is idle once all parts of a read are over, also those that wait for their turn", async () => {
  const slow = new SlowKv(1, 100);
  const kv = await openPatientKv(":memory:", { wrap: slow.wrap });
  let isRead = false;
  const read = kv.getMany(Array.from({ length: 2_000 }, (_, i) => [i])).then(() => isRead = true);
  await kv.idle();
  assert.deepEqual([slow.underWay.size, isRead], [0, true]);
  await read;
  await kv.close();
});
