import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { reserve } from "../../../runtime/core/rate_limit.ts";

const T0 = 1_000_000;

/** The instants of so many starts that are asked for at once. */
function starts(count: number, rate: Parameters<typeof reserve>[1], units = 1): number[] {
  let arrivalTime = 0;
  return Array.from({ length: count }, () => {
    const reserved = reserve(arrivalTime, rate, units, T0);
    arrivalTime = reserved.arrivalTime;
    return Math.max(0, reserved.startAt - T0);
  });
}

Deno.test("without a burst starts come evenly; a burst comes at once, and then they come evenly", () => {
  assert.deepEqual(starts(4, { limit: 10, periodMs: 1_000, burst: 1 }), [0, 100, 200, 300]);
  assert.deepEqual(starts(5, { limit: 10, periodMs: 1_000, burst: 3 }), [0, 0, 0, 100, 200]);
});

Deno.test("a start of several units takes the time of as many; one larger than the burst is not held for ever", () => {
  assert.deepEqual(starts(3, { limit: 10, periodMs: 1_000, burst: 1 }, 5), [0, 500, 1_000]);
  assert.deepEqual(starts(3, { limit: 10, periodMs: 1_000, burst: 10 }, 5), [0, 0, 500]);
});

Deno.test("in no period do more units start than the limit and the burst allow", () => {
  fc.assert(fc.property(
    fc.record({ limit: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 20 }) }),
    fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 }),
    ({ limit, burst }, pauses) => {
      let [arrivalTime, now] = [0, T0];
      const at: number[] = [];
      for (const pause of pauses) {
        now += pause;
        const reserved = reserve(arrivalTime, { limit, periodMs: 1_000, burst }, 1, now);
        arrivalTime = reserved.arrivalTime;
        at.push(Math.max(now, reserved.startAt));
      }
      for (const [i, from] of at.entries()) {
        const within = at.slice(i).filter((one) => one < from + 1_000).length;
        assert.ok(within <= limit + burst, `${within} of ${limit} and ${burst}`);
      }
      assert.deepEqual(at, at.toSorted((a, b) => a - b), "first in, first out");
    },
  ));
});
