import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Watch } from "../../../runtime/queries/watch.ts";
import { ManualClock } from "../../support/manual_clock.ts";

function aWatch() {
  const clock = new ManualClock();
  let ring = () => {};
  let ended = 0;
  const watch = new Watch(clock, (news) => {
    ring = news;
    return () => ended++;
  });
  return { clock, watch, ring: () => ring(), ended: () => ended };
}

Deno.test("news before the wait ends it at once, and several count as one", async () => {
  const { clock, watch, ring } = aWatch();
  ring();
  ring();
  assert.equal(await watch.next(1_000), true);
  const waiting = watch.next(1_000);
  clock.advance(1_000);
  assert.equal(await waiting, true, "the time is up: the caller reads a last time");
  assert.equal(clock.timers, 0);
});

Deno.test("without time, or with an aborted signal, nothing is waited for", async () => {
  const { clock, watch } = aWatch();
  assert.equal(await watch.next(0), false);
  assert.equal(await watch.next(Infinity, AbortSignal.abort()), false);
  assert.equal(clock.timers, 0);
});

Deno.test("a signal ends the wait", async () => {
  const { watch } = aWatch();
  const abort = new AbortController();
  const waiting = watch.next(Infinity, abort.signal);
  abort.abort();
  assert.equal(await waiting, true);
  assert.equal(await watch.next(Infinity, abort.signal), false);
});

Deno.test("without news the caller reads again after a minute, however long it would wait", async () => {
  const { clock, watch } = aWatch();
  const waiting = watch.next(Infinity);
  clock.advance(60_000);
  assert.equal(await waiting, true);
});

Deno.test("a watch that is disposed of is ended", () => {
  const { watch, ended } = aWatch();
  {
    using _watch = watch;
    assert.equal(ended(), 0);
  }
  assert.equal(ended(), 1);
});
