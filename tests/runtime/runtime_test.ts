import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { createRuntime } from "../../runtime/mod.ts";
import { prefixes } from "../../runtime/platform/keys.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openPatientKv } from "../support/patient_kv.ts";
import { eventually } from "../support/waiting.ts";

const SWEEP_MS = 2_000;
const LEASE_MS = 3_000;

Deno.test("a worker that only looks whether tasks wait needs no process to stay awake", async () => {
  const kv = await openPatientKv(":memory:", { shards: 4 });
  const clock = new ManualClock();
  const runtime = await createRuntime({
    kv,
    definitions: [],
    clock,
    leaseMs: LEASE_MS,
    sweepMs: SWEEP_MS,
    repairMs: 1_000_000,
    doorbells: { queue: false, watch: false },
  });
  await clock.run(runtime.start());
  await eventually(async () => {
    clock.advance(LEASE_MS / 3);
    return await runtime.need(0) === null;
  }, "it never comes to rest");

  // Every sweep looks through the queue; this look takes its time.
  const looking = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { list } = kv;
  kv.list = async (...selected) => {
    if (JSON.stringify(selected[0]) === JSON.stringify({ prefix: prefixes.allReady })) {
      looking.resolve();
      await gate.promise;
    }
    // deno-lint-ignore no-explicit-any
    return await list.apply(kv, selected) as any;
  };
  clock.advance(SWEEP_MS);
  await looking.promise;
  const need = runtime.need(0);
  gate.resolve();
  assert.equal(await need, null);
  await clock.run(runtime.stop(0));
  kv.close();
});
