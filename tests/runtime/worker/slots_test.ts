import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Attempt } from "../../../runtime/worker/attempt.ts";
import { Slots } from "../../../runtime/worker/slots.ts";

const attempt = {} as Attempt;
const starting = { lease: { worker: "w", token: "t" }, block: "b" };

Deno.test("tasks that start, run, or wait for a heartbeat take up a slot each", () => {
  const slots = new Slots(5);
  assert.deepEqual([slots.free, slots.isIdle], [5, true]);
  slots.starting.set("a", starting);
  slots.running.set("b", attempt);
  slots.unconfirmed++;
  assert.deepEqual([slots.free, slots.isIdle], [2, false]);
});

Deno.test("a function that waits for other tasks frees its slot, and never are there fewer than none", () => {
  const slots = new Slots(1);
  slots.running.set("a", attempt);
  assert.equal(slots.free, 0);
  slots.away = 1;
  slots.running.set("b", attempt);
  assert.equal(slots.free, 0);
  // The first function goes on: for a while two run.
  slots.away = 0;
  assert.equal(slots.free, 0);
});

Deno.test("an outcome on its way takes up no slot, but too many of them stop all claims", () => {
  const slots = new Slots(10);
  slots.settling.set("a", attempt);
  assert.deepEqual([slots.free, slots.isIdle], [10, false]);
  for (let i = 0; i < 2_000; i++) slots.settling.set(`${i}`, attempt);
  assert.equal(slots.free, 0);
});
