// A stop leaves nothing under way: after it the program may close the database, and end.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { chord, sig } from "../../client/mod.ts";
import { createErrand, define } from "../../mod.ts";
import { type Clock, systemClock } from "../../runtime/platform/clock.ts";
import { Random } from "../support/random.ts";
import { SlowKv } from "../support/slow_kv.ts";
import { turn, unlessItHangs } from "../support/waiting.ts";

const WORLDS = 15;
const MOST_TURNS = 150;

const add = define(
  { name: "add", input: z.array(z.number()) },
  ({ input }) => input.reduce((a, b) => a + b, 0),
);
const report = define({ name: "report", input: z.object({}) }, async ({ progress, signal }) => {
  for (let i = 0; !signal.aborted; i++) {
    progress(i);
    await turn();
  }
});
/** It heeds nothing. */
const deaf = define({ name: "deaf", input: z.object({}), timeoutMs: 3_600_000 }, () => new Promise(() => {}));

class CountedClock implements Clock {
  readonly timers = new Set<string>();
  now = systemClock.now;
  #lookedMs = 0;

  /** @param lookMs time that passes with each look at the clock: on a slow machine, more slices */
  constructor(private readonly lookMs: number) {}

  monotonic = (): number => systemClock.monotonic() + (this.#lookedMs += this.lookMs);

  timer(fn: () => void, ms: number): () => void {
    const timer = new Error(`a timer of ${ms} ms`).stack!;
    this.timers.add(timer);
    const cancel = systemClock.timer(() => {
      this.timers.delete(timer);
      fn();
    }, ms);
    return () => {
      this.timers.delete(timer);
      cancel();
    };
  }
}

Deno.test("what was counted in two minutes is written before the end of a stop", async () => {
  for (let seed = 1; seed <= WORLDS; seed++) {
    const handle = await Deno.openKv(":memory:");
    const slow = new SlowKv(seed, 100);
    const clock = new CountedClock(0);
    let now = Date.UTC(2030, 0, 1);
    clock.now = () => now;
    const errand = await createErrand({ kv: slow.wrap(handle), definitions: { add }, clock });
    await errand.start();
    for (let minutes = 0; minutes < 2; minutes++) {
      assert.equal(await (await errand.client.submit("add", [1, 2])).result(), 3);
      now += 60_000;
    }
    await unlessItHangs(errand.stop(), "the stop");
    assert.deepEqual([...slow.underWay].map(({ what }) => what), [], `seed ${seed}`);
    const written = await Array.fromAsync(handle.list({ prefix: ["errand", "counts"] }));
    // An end may be counted when it has been told, in the next one.
    assert.ok(written.length >= 2, `seed ${seed}: ${written.length}`);
    handle.close();
  }
});

for (const [name, mostChecks] of [["a server", 10], ["a file", 100]] as const) {
  Deno.test(`whenever it is stopped, on ${name}: no call and no timer is under way after the stop`, async () => {
    for (let seed = 1; seed <= WORLDS; seed++) {
      const random = new Random(seed);
      const handle = await Deno.openKv(":memory:");
      const slow = new SlowKv(seed, mostChecks);
      const clock = new CountedClock(seed % 2 * 11);
      const definitions = { add, report, deaf };
      const errand = await createErrand({ kv: slow.wrap(handle), definitions, clock, leaseMs: 1_000 });
      await errand.start();
      const { client } = errand;
      const calls = [
        client.submit("report", {}),
        client.submit("deaf", {}),
        ...Array.from({ length: 20 }, (_, i) => client.submit("add", [i])),
        client.run(chord([sig("add", [1]), sig("add", [2])], sig("add"))).then((flow) => flow.result()),
      ];
      const outcomes = Promise.allSettled(calls);
      for (let turns = random.below(MOST_TURNS); turns > 0; turns--) await turn();
      await unlessItHangs(errand.stop(random.below(20)), "the stop");
      const left = [...[...slow.underWay].map(({ what }) => what), ...clock.timers];
      assert.deepEqual(left, [], `seed ${seed}`);
      await unlessItHangs(outcomes, "a call");
      handle.close();
    }
  });
}
