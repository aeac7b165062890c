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

/** Of a task that waits for a hundred others, and says of each how it must end. */
function conditional(draft: TaskRecord): TaskRecord {
  const ids = Array.from({ length: 100 }, () => aDraft().id);
  const on = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SKIPPED"] as const;
  const each = Object.fromEntries(ids.slice(50).map((id) => [id, { on: [...on], optional: true as const }]));
  const of = ids.slice(0, 50);
  const any = [{ of, count: 50, on: [...on], cancelRest: true as const, met: of }];
  const upstreams = { json: JSON.stringify(ids) };
  const deps = { upstreams, total: 100, waitFor: 100, allowFailure: false, released: false };
  return { ...draft, deps: { ...deps, conditions: { each, any } } };
}

/** Of a task whose function has put others in its place. */
function replaced(draft: TaskRecord): TaskRecord {
  const flow = { json: JSON.stringify({ chain: Array.from({ length: 300 }, () => ({ task: 'step "1"' })) }) };
  return { ...draft, replacement: { flow, until: 1_795_980_600_634, group: draft.id, result: flow } };
}

const loaded: [of: string, make: (draft: TaskRecord) => TaskRecord][] = [
  ["the conditions of what it waits for", conditional],
  ["what stands in its place", replaced],
  ["why it was cancelled", (draft) => {
    return { ...draft, cancel: { reason: "\u0001".repeat(500), graceMs: 60_000, keepResult: true } };
  }],
  ["what its function has reported", (draft) => {
    return { ...draft, progress: { current: 1 / 3, total: 1 / 3, message: "\u0001".repeat(200) } };
  }],
  ["the groups that it is in", (draft) => {
    const groups = Array.from({ length: 100 }, () => aDraft().id);
    return { ...draft, groups, logged: groups };
  }],
];

for (const [of, make] of loaded) {
  Deno.test(`the size of a record is estimated from above, with ${of}`, () => {
    const record = make(submitted(aDraft(), 1_795_980_600_634));
    const bytes = encode(record).byteLength;
    assert.ok(recordBytes(record) >= bytes, `${recordBytes(record)} for ${bytes}`);
  });
}

Deno.test("tasks share no commit that KV would refuse, whatever the conditions of their starts", async () => {
  await using bench = await aBench();
  const { store, clock } = bench;
  const applied = await Promise.all(Array.from({ length: 90 }, () => {
    const next = conditional(submitted(aDraft(), clock.now()));
    return store.commit("submit", [{ before: null, next }], { fresh: true });
  }));
  assert.deepEqual([applied.filter((entry) => entry === null).length, bench.kv.commits.failed], [0, 0]);
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
