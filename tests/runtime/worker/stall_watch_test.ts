import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { LONGEST_STALL_MS, StallWatch } from "../../../runtime/worker/stall_watch.ts";

const LEASE_MS = 9_000;
const LOOK_MS = LEASE_MS / 10;

/** The instants at which a beat is due, with a look every tenth of a lease. */
function beatsOf(signsAt: (now: number) => number, untilMs: number): number[] {
  const watch = new StallWatch(LEASE_MS, 0);
  const beats: number[] = [];
  for (let now = LOOK_MS; now <= untilMs; now += LOOK_MS) {
    if (watch.isBeatDue(signsAt(now), now)) beats.push(now);
  }
  return beats;
}

Deno.test("for a loop that beats every third of a lease, or a little later, nobody else does", () => {
  assert.deepEqual(beatsOf((now) => Math.floor(now / (LEASE_MS / 3)), 20 * LEASE_MS), []);
  assert.deepEqual(beatsOf((now) => Math.floor(now / (LEASE_MS * 0.4)), 20 * LEASE_MS), []);
});

Deno.test("while a loop stands still no whole lease is without a beat, for a minute and no longer", () => {
  const stillFrom = 3 * LEASE_MS;
  const beats = beatsOf((now) => Math.floor(Math.min(now, stillFrom) / (LEASE_MS / 3)), 3 * LONGEST_STALL_MS);
  const all = [stillFrom, ...beats];
  for (let i = 1; i < all.length; i++) assert.ok(all[i] - all[i - 1] < 0.6 * LEASE_MS, all.join());
  for (let i = 1; i < beats.length; i++) assert.ok(beats[i] - beats[i - 1] >= LEASE_MS / 3, all.join());
  const last = all.at(-1)! - stillFrom;
  assert.ok(last < LONGEST_STALL_MS + LOOK_MS && last > LONGEST_STALL_MS - LEASE_MS, all.join());
});

Deno.test("a loop that goes round again is left to itself at once", () => {
  const isStill = (now: number) => now > 2 * LEASE_MS && now < 4 * LEASE_MS;
  const beats = beatsOf((now) => isStill(now) ? 1_000 : Math.floor(now / (LEASE_MS / 3)), 10 * LEASE_MS);
  assert.ok(beats.length >= 3 && beats.every((at) => isStill(at)), beats.join());
});
