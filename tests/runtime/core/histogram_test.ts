import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { boundOf, BUCKETS, Histogram } from "../../../runtime/core/histogram.ts";
import { Random } from "../../support/random.ts";

Deno.test("a percentile is right within a fifth, from a millisecond to a day", () => {
  const random = new Random(1);
  for (const scale of [2, 50, 3_000, 86_400_000]) {
    const histogram = new Histogram();
    const values = Array.from({ length: 2_000 }, () => 1 + random.float() * scale);
    for (const ms of values) histogram.add(ms);
    values.sort((a, b) => a - b);
    for (const part of [0.5, 0.9, 0.99]) {
      const exact = values[Math.ceil(part * values.length) - 1];
      const found = histogram.percentile(part)!;
      assert.ok(Math.abs(found - exact) <= exact / 5, `${part} of ${scale}: ${found}, not ${exact}`);
    }
    assert.ok(Math.abs(histogram.sumMs - values.reduce((sum, ms) => sum + ms, 0)) < 1);
  }
});

Deno.test("durations that are none, or longer than all, are counted, and an empty histogram has no percentile", () => {
  const histogram = new Histogram();
  assert.equal(histogram.percentile(0.5), null);
  for (const ms of [-5, 0, 1e15]) histogram.add(ms);
  assert.deepEqual([histogram.count, histogram.counts[0], histogram.counts[BUCKETS - 1]], [3, 2, 1]);
  assert.equal(histogram.sumMs, 1e15);
  assert.ok(histogram.percentile(1)! <= boundOf(BUCKETS - 1));
});

Deno.test("a packed histogram is the same when it is read, and merging adds", () => {
  const one = new Histogram();
  for (const ms of [1, 3, 3, 900, 70_000]) one.add(ms);
  const read = Histogram.of(JSON.parse(JSON.stringify(one.packed())));
  assert.deepEqual(read, one);
  one.merge(read);
  assert.deepEqual([one.count, one.sumMs], [10, 2 * 70_907]);
});
