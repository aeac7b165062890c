import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Slot, SlotPool } from "../../../runtime/worker/slot_pool.ts";
import { turn } from "../../support/waiting.ts";

/** A function in a slot, which waits for others when the test says so. */
function aFunction(pool: SlotPool, stop = new AbortController()) {
  const slot = new Slot(pool);
  const went: string[] = [];
  return {
    slot,
    stop,
    went,
    /** Returns what ends the wait. */
    waitFor(what: string): () => Promise<void> {
      const gate = Promise.withResolvers<void>();
      slot.whileAway(() => gate.promise, () => stop.signal).then(() => went.push(what));
      return async () => {
        gate.resolve();
        await turn();
      };
    },
  };
}

function aPool(size: number) {
  let freed = 0;
  return { pool: new SlotPool(size, () => freed++), freed: () => freed };
}

Deno.test("a function that waits for many tasks gives one slot away", async () => {
  const { pool } = aPool(2);
  const parent = aFunction(pool);
  const ends = ["a", "b", "c"].map((what) => parent.waitFor(what));
  assert.equal(pool.free, 2);
  await ends[1]();
  assert.deepEqual([pool.free, parent.went], [2, ["b"]], "it still waits for the others");
  await ends[0]();
  await ends[2]();
  assert.deepEqual([pool.free, parent.went], [1, ["b", "a", "c"]]);
  parent.slot.end();
  assert.equal(pool.free, 2);
});

Deno.test("a function that has what it waited for goes on once it has a slot, before any new one begins", async () => {
  const { pool, freed } = aPool(1);
  const [first, second] = [aFunction(pool), aFunction(pool)];
  const ends = [first, second].map((parent) => parent.waitFor("child"));
  const child = new Slot(pool);
  for (const end of ends) await end();
  assert.deepEqual([first.went, second.went], [[], []], "the slot is taken");
  const before = freed();
  child.end();
  await turn();
  assert.deepEqual([first.went, second.went, pool.free], [["child"], [], 0], "in turn");
  first.slot.end();
  await turn();
  assert.deepEqual([second.went, pool.free, freed()], [["child"], 0, before]);
  second.slot.end();
  assert.deepEqual([pool.free, freed()], [1, before + 1]);
});

Deno.test("a function that has ended takes no slot for what it has left waiting", async () => {
  const { pool } = aPool(1);
  const parent = aFunction(pool);
  const ends = ["a", "b"].map((what) => parent.waitFor(what));
  parent.slot.end();
  assert.equal(pool.free, 1);
  const late = parent.waitFor("late");
  assert.equal(pool.free, 1);
  for (const end of [...ends, late]) await end();
  assert.deepEqual([pool.free, parent.went.length], [1, 3]);
});

Deno.test("a function that ends while it waits for a slot leaves it to the next one", async () => {
  const { pool } = aPool(1);
  const [gone, waiting] = [aFunction(pool), aFunction(pool)];
  const ends = [gone, waiting].map((parent) => parent.waitFor("child"));
  const child = new Slot(pool);
  for (const end of ends) await end();
  gone.slot.end();
  child.end();
  await turn();
  assert.deepEqual([waiting.went, pool.free], [["child"], 0]);
});

Deno.test("a function that waits again before it has a slot gives the slot away again", async () => {
  const { pool } = aPool(1);
  const parent = aFunction(pool);
  const end = parent.waitFor("first");
  const child = new Slot(pool);
  await end();
  const endOfSecond = parent.waitFor("second");
  child.end();
  await turn();
  assert.deepEqual([parent.went, pool.free], [["first"], 1]);
  await endOfSecond();
  assert.deepEqual([parent.went, pool.free], [["first", "second"], 0]);
});

Deno.test("a function that is stopped does not wait for a slot: nothing new begins until it has ended", async () => {
  const { pool } = aPool(1);
  const parent = aFunction(pool);
  const end = parent.waitFor("child");
  const child = new Slot(pool);
  await end();
  parent.stop.abort();
  await turn();
  assert.deepEqual([parent.went, pool.free], [["child"], 0]);
  child.end();
  assert.equal(pool.free, 0);
  parent.slot.end();
  assert.equal(pool.free, 1);
});
