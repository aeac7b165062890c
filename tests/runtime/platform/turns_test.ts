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
