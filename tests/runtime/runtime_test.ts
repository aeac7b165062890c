import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { stateOf } from "../../runtime/core/task.ts";
import { createRuntime } from "../../runtime/mod.ts";
import { keys, prefixes } from "../../runtime/platform/keys.ts";
import { batchOf } from "../support/composing.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openPatientKv } from "../support/patient_kv.ts";
import { eventually, turn } from "../support/waiting.ts";

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
  await kv.close();
});

Deno.test("a stop, and the close of a database, wait for the calls under way", async () => {
  const gate = Promise.withResolvers<void>();
  const never = keys.never().join("/");
  const wrap = (handle: Deno.Kv) => {
    const get = handle.get.bind(handle);
    handle.get = async (key, ...options) => {
      if (key.join("/") === never) await gate.promise;
      // deno-lint-ignore no-explicit-any
      return await get(key, ...options) as any;
    };
    return handle;
  };
  const kv = await openPatientKv(":memory:", { wrap });
  const clock = new ManualClock();
  const doorbells = { queue: false, watch: false };
  const runtime = await createRuntime({ kv, definitions: [], clock, leaseMs: LEASE_MS, doorbells });
  await clock.run(runtime.start());
  const order: string[] = [];
  const ping = runtime.ping().then(() => order.push("answered"));
  const stopped = clock.run(runtime.stop(0)).then(() => order.push("stopped"));
  await eventually(async () => (await kv.list({ prefix: prefixes.workers }, { limit: 1 })).length === 0);
  const closed = kv.close().then(() => order.push("closed"));
  for (let turns = 0; turns < 50; turns++) await turn();
  gate.resolve();
  await Promise.all([ping, stopped, closed]);
  assert.deepEqual([order[0], order.slice(1).sort()], ["answered", ["closed", "stopped"]]);
});

/** A runtime whose one function, "work", ends when its signal aborts. */
async function atWork(maxCrashes = 0) {
  const kv = await openPatientKv(":memory:");
  const clock = new ManualClock();
  let stopped: unknown = null;
  const work = define({ name: "work", input: z.unknown(), maxCrashes }, async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    stopped = signal.reason;
  });
  const options = { kv, definitions: [work], clock, leaseMs: LEASE_MS, sweepMs: SWEEP_MS };
  const runtime = await createRuntime({ ...options, doorbells: { queue: false, watch: false } });
  await clock.run(runtime.start());
  const { entries: [{ record: { id } }] } = await runtime.submit({ batch: batchOf([{}]) });
  await eventually(() => runtime.running === 1);
  return { kv, clock, runtime, id, stopped: () => stopped };
}

Deno.test("a stop hands running tasks back once the grace is over, whatever else hangs", async () => {
  const { kv, clock, runtime, id, stopped } = await atWork();
  const gate = Promise.withResolvers<void>();
  const { list } = kv;
  let hanging = 0;
  kv.list = async (...selected) => {
    const read = JSON.stringify(selected[0]);
    if ([prefixes.outbox, prefixes.workers].some((prefix) => read === JSON.stringify({ prefix }))) {
      hanging++;
      await gate.promise;
    }
    // deno-lint-ignore no-explicit-any
    return await list.apply(kv, selected) as any;
  };
  // The outbox is looked through, and a reaper looks for dead workers: neither gets on.
  await eventually(() => {
    clock.advance(LEASE_MS / 3);
    return hanging === 2;
  });
  const over = runtime.stop(1_000);
  clock.advance(990);
  await turn();
  assert.equal(stopped(), null);
  await eventually(() => {
    clock.advance(5);
    return stopped() !== null;
  });
  await eventually(async () => {
    const { record } = await runtime.task(id);
    const { type, message } = stateOf(record);
    assert.notEqual(type, "CRASHED");
    return type === "PENDING" && message === "handed back by a stopping worker" && record.crashes === 0;
  }, "it is not handed back");
  gate.resolve();
  await clock.run(over);
  await kv.close();
});

Deno.test("a second stop ends the grace of the first one, and none prolongs it", async () => {
  const { kv, clock, runtime, stopped } = await atWork();
  const first = runtime.stop(3_600_000);
  clock.advance(1_000);
  await turn();
  assert.equal(stopped(), null);
  const second = runtime.stop(0);
  const third = runtime.stop(3_600_000);
  for (let ticks = 0; stopped() === null; ticks++) {
    assert.ok(ticks < 10, "it waits for more than a tick");
    clock.advance(10);
    await turn();
  }
  await clock.run(Promise.all([first, second, third]));
  await kv.close();
});
