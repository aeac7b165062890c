import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { claimed, settled, submitted } from "../../../runtime/core/transitions.ts";
import { encode } from "../../../runtime/store/record_codec.ts";
import { recordBytes } from "../../../runtime/store/record_size.ts";
import { aBench, aDraft } from "../../support/builders.ts";

/** Characters of one byte, of three, and such as JSON escapes with two and with six. */
const key = fc.string({
  unit: fc.constantFrom("k", "€", '"', "\ud800"),
  minLength: 1,
  maxLength: 200,
  size: "max",
});
const limit = fc.record({
  key,
  limit: fc.constant(10_000),
  onFull: fc.constant("cancel-running" as const),
  untilStart: fc.constant(true as const),
});
const most = 1_000_000;
const rate = fc.record({
  key,
  limit: fc.constant(most),
  periodMs: fc.constant(2_678_400_000),
  burst: fc.constant(most),
  units: fc.constant(most),
});

Deno.test("the size of a record is estimated from above, whatever the keys of its limits", () => {
  const list = <T>(one: fc.Arbitrary<T>) => fc.option(fc.array(one, { maxLength: 5 }), { nil: undefined });
  fc.assert(fc.property(list(limit), list(rate), fc.option(key, { nil: undefined }), (limits, rates, at) => {
    const parked = at === undefined ? undefined : { key: at, order: 1_795_980_600_634 + 1 / 1024 };
    const record = submitted(aDraft({ limits, rates, parked }), 1_795_980_600_634);
    const bytes = encode({ ...record, parked }).byteLength;
    assert.ok(recordBytes({ ...record, parked }) >= bytes, `${recordBytes(record)} for ${bytes}`);
  }));
});

Deno.test("ends that let in others share a commit, though the keys of their limits are as long as can be", async () => {
  await using bench = await aBench();
  const { store, clock } = bench;
  // More wait than a commit of ends lets in itself: the outbox is asked, by one key more for each limit.
  const limits = Array.from({ length: 20 }, (_, n) => {
    return Array.from({ length: 4 }, (_, m) => ({ key: `${n}/${m}`.padEnd(200, "€"), limit: 1 }));
  });
  const running = await Promise.all(limits.map(async (limits) => {
    const [{ record }] = await bench.submit({ limits });
    const next = (entry: { record: unknown }) =>
      claimed(entry.record as TaskRecord, clock.now(), { worker: "w", token: "t" });
    return (await store.update("claim", record.id, (entry) => ({ next: next(entry) })))!;
  }));
  for (const one of limits.flat()) await bench.submit({ limits: [one] });
  const ended = await Promise.all(running.map((entry) => {
    const outcome = { kind: "completed", result: { json: "1" } } as const;
    const next = settled(entry.record as TaskRecord, clock.now(), outcome, () => 0);
    return store.commit("settle", [{ before: entry, next }]);
  }));
  assert.equal(ended.filter((applied) => applied !== null).length, limits.length);
});
