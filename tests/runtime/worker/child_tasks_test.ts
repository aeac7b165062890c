import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Entry } from "../../../runtime/core/task.ts";
import { claimed } from "../../../runtime/core/transitions.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { Notifier } from "../../../runtime/queries/notifier.ts";
import { Attempt } from "../../../runtime/worker/attempt.ts";
import { Children } from "../../../runtime/worker/child_tasks.ts";
import { type Composing, composing } from "../../support/composing.ts";

const PARENT = "01900000-0000-7000-8000-000000000001";

/** A function that runs, and what it does with its children. */
async function aParent(bench: Composing): Promise<{ attempt: Attempt; children: Children }> {
  const { store, values, clock, submitter, commands } = bench;
  const [before] = await bench.submit({ id: PARENT });
  const next = claimed(before.record, clock.now(), { worker: "w", token: "t" });
  const [entry] = (await store.commit("claim", [{ before, next }]))!;
  const children = new Children(store, values, new Notifier(store), submitter, commands);
  return { attempt: new Attempt(store, entry as Entry), children };
}

Deno.test("the ids of children are the same in all releases: these are those of 0.1", async () => {
  const nested = { a: 1, b: [true, null, "ü\n"] };
  const calls: [place: number, input: unknown, id: string][] = [
    [0, undefined, "01b8dac5-b400-750b-9794-2b0b7544eec3"],
    [0, nested, "01b8dac5-b400-77d8-8763-8714684c6beb"],
    [1, nested, "01b8dac5-b400-7db6-8029-87dbfe1c41bb"],
    [0, { b: undefined, c: 1.5e300, d: 1e21 }, "01b8dac5-b400-79c1-b767-1aa519938269"],
    [0, "text", "01b8dac5-b400-792a-a907-a6e8dc9b722e"],
    // What is stored of these numbers is another text since 0.2.
    [
      0,
      { zero: -0, large: 123456789012345680000, list: [2 ** 53 + 2] },
      "01b8dac5-b400-772c-9938-b89aaa6ef7ec",
    ],
  ];
  for (const [place, input, id] of calls) {
    await using bench = await composing();
    const { attempt, children } = await aParent(bench);
    assert.equal(await children.submit(attempt, place, "work", input), id);
    assert.equal(await children.submit(attempt, place, "work", input), id, "found again");
  }
});

Deno.test("a child is kept until its parent has ended, however short its retention is", async () => {
  await using bench = await composing();
  const { attempt, children } = await aParent(bench);
  const timers = new Timers(bench.store, bench.values);
  const options = { retentionMs: 0, failureRetentionMs: 0 };
  const id = await children.submit(attempt, 0, "work", null, options);
  await bench.run(id);
  bench.clock.advance(3_600_000);
  await timers.tick();
  assert.equal(await children.submit(attempt, 0, "work", null, options), id, "it is not made twice");
  assert.equal(await children.result(attempt, id), id);
  await attempt.settle({ kind: "completed", result: { json: "1" } });
  bench.clock.advance(3_600_000 * 2);
  await timers.tick();
  assert.equal(await bench.store.read(id), null);
  assert.deepEqual((await bench.left("due", "index")).filter((key) => key.includes(id)), []);
});
