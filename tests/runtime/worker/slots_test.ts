import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { RunnerKind } from "../../../runtime/core/define.ts";
import type { Attempt } from "../../../runtime/worker/attempt.ts";
import { Slots } from "../../../runtime/worker/slots.ts";

const anAttempt = (id: string) => ({ id }) as Attempt;

function someSlots(inline: number, thread: number) {
  const freed: RunnerKind[] = [];
  const slots = new Slots({ inline, thread }, (kind) => freed.push(kind));
  return { slots, freed };
}

Deno.test("functions of the main thread and of worker threads take slots of their own", () => {
  const { slots, freed } = someSlots(2, 1);
  slots.of("thread").take();
  assert.deepEqual([slots.free("inline"), slots.free("thread")], [2, 0]);
  slots.of("inline").take(2);
  assert.deepEqual([slots.free("inline"), slots.free("thread")], [0, 0]);
  slots.of("thread").give();
  assert.deepEqual([slots.free("inline"), slots.free("thread"), freed], [0, 1, ["thread"]]);
});

Deno.test("a worker is idle when nothing begins, runs, ends or waits for a heartbeat", () => {
  const { slots } = someSlots(5, 1);
  assert.equal(slots.isIdle, true);
  slots.unconfirmed++;
  assert.equal(slots.isIdle, false);
  slots.unconfirmed--;
  slots.settling.set("a", anAttempt("a"));
  assert.equal(slots.isIdle, false);
});

Deno.test("an outcome on its way takes up no slot, but too many of them stop all claims", () => {
  const { slots, freed } = someSlots(10, 1);
  const attempts = Array.from({ length: 2_000 }, (_, i) => anAttempt(`${i}`));
  slots.settling.set("0", attempts[0]);
  assert.equal(slots.free("inline"), 10);
  for (const attempt of attempts) slots.settling.set(attempt.id, attempt);
  assert.deepEqual([slots.free("inline"), slots.free("thread")], [0, 0]);
  // A later attempt of the same task is on its way.
  slots.settled(anAttempt("1"));
  assert.deepEqual([slots.free("inline"), freed], [0, []]);
  slots.settled(attempts[1]);
  assert.deepEqual([slots.free("inline"), slots.free("thread"), freed], [10, 1, ["inline", "thread"]]);
});
