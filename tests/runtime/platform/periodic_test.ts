import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { every } from "../../../runtime/platform/periodic.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { turn } from "../../support/waiting.ts";

Deno.test("every() does its work first after the interval, and then again and again", async () => {
  const clock = new ManualClock();
  let times = 0;
  const stop = every(clock, 100, () => times++);
  clock.advance(99);
  await turn();
  assert.equal(times, 0);
  for (const expected of [1, 2, 3]) {
    clock.advance(100);
    await turn();
    assert.equal(times, expected);
  }
  await stop();
  clock.advance(1_000);
  await turn();
  assert.equal(times, 3);
});

Deno.test("every() waits for work that takes longer than the interval", async () => {
  const clock = new ManualClock();
  const works: PromiseWithResolvers<void>[] = [];
  const stop = every(clock, 100, () => {
    works.push(Promise.withResolvers());
    return works.at(-1)!.promise;
  });
  clock.advance(500);
  await turn();
  assert.equal(works.length, 1);
  works[0].resolve();
  await turn();
  clock.advance(100);
  await turn();
  assert.equal(works.length, 2);
  let stopped = false;
  const stopping = stop().then(() => stopped = true);
  await turn();
  assert.equal(stopped, false, "work is still under way");
  works[1].resolve();
  await stopping;
  clock.advance(1_000);
  await turn();
  assert.equal(works.length, 2);
});
