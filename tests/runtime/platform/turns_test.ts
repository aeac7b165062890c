// Many who come at one moment: none of them holds up what is not one of them.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Turns } from "../../../runtime/platform/turns.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { turn } from "../../support/waiting.ts";

Deno.test("of works that come at one moment each has a round of the event loop, in their order", async () => {
  const clock = new ManualClock();
  const turns = new Turns(clock);
  const done: number[] = [];
  for (let n = 0; n < 5; n++) turns.next().then(() => done.push(n));
  for (let round = 1; round <= 5; round++) {
    await turn();
    assert.equal(clock.timers, 1, "the next one waits for a timer, behind all that is due");
    clock.advance(0);
    await turn();
    assert.deepEqual(done, Array.from({ length: round }, (_, n) => n));
  }
  assert.equal(clock.timers, 0);
});

Deno.test("of short works that come at one moment as many as a slice has room for are done in a round, in their order", async () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    timer: (fn: () => void) => (timers.push(fn), () => {}),
  };
  const turns = new Turns(clock);
  const done: number[] = [];
  const works = Array.from({ length: 8 }, async (_, n) => {
    const wait = turns.short();
    if (wait) await wait;
    done.push(n);
    now += 4;
  });
  const rounds: number[] = [];
  while (done.length < 8) {
    await turn();
    rounds.push(done.length);
    assert.equal(timers.length, 1, "there is one timer for a round");
    timers.pop()!();
  }
  await Promise.all(works);
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(rounds, [3, 6, 8]);
  assert.equal(turns.short(), null, "nobody waits where nothing is done");
});
