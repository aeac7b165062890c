import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { silentLog } from "../../../runtime/platform/log.ts";
import { LeaseBook } from "../../../runtime/worker/lease_book.ts";
import type { Slot } from "../../../runtime/worker/slot_pool.ts";
import { Slots } from "../../../runtime/worker/slots.ts";
import { SuspectLine } from "../../../runtime/worker/suspect_line.ts";
import { aBench } from "../../support/builders.ts";
import { eventually, turn } from "../../support/waiting.ts";

Deno.test("a suspect that waits for its children lets the next one run, and goes on after it", async () => {
  await using bench = await aBench();
  const { store } = bench;
  await bench.submit({ crashes: 2 }, { crashes: 2 }, { crashes: 2 });
  const began: { place: Slot; over: PromiseWithResolvers<void> }[] = [];
  const line = new SuspectLine(store, {
    worker: "w",
    slots: new Slots({ inline: 9, thread: 0 }, () => {}),
    leases: new LeaseBook("w"),
    log: silentLog,
    everyMs: 1_000,
    takesWork: () => true,
    runnerOf: () => "inline",
    run: (_entry, _block, place) => {
      const over = Promise.withResolvers<void>();
      began.push({ place, over });
      return over.promise;
    },
  });
  line.start();
  await eventually(() => began.length === 1);
  const child = Promise.withResolvers<void>();
  let goesOn = false;
  const { signal } = new AbortController();
  const waited = began[0].place.whileAway(() => child.promise, () => signal).then(() => goesOn = true);
  await eventually(() => began.length === 2, "the parent waits, and holds all others up");
  child.resolve();
  await turn();
  assert.deepEqual([goesOn, began.length], [false, 2]);
  began[1].over.resolve();
  await waited;
  await turn();
  assert.equal(began.length, 2);
  began[0].over.resolve();
  await eventually(() => began.length === 3);
  began[2].over.resolve();
  await line.stop();
});
