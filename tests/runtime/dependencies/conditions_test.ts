// Tasks that wait for others under conditions.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { WaitFor } from "../../../runtime/core/wait_for.ts";
import { type Composing, composing, elsewhere, ownIds, resultOf } from "../../support/composing.ts";

type EndOfTask = "completes" | "fails" | "is cancelled" | "is skipped";

/** Ends a task of the bench. */
async function ends(bench: Composing, id: string, how: EndOfTask): Promise<void> {
  if (how === "is cancelled") await bench.cancel(id);
  else if (how !== "is skipped") await bench.run(id, how);
  await bench.follow();
}

/** An upstream; one that is to be skipped waits for the failure of one that completed. */
async function anUpstream(bench: Composing, how: EndOfTask): Promise<string> {
  const [first, upstream] = ownIds(2);
  if (how !== "is skipped") await bench.call([{ id: upstream }]);
  else {
    await bench.call([{ id: first }, {
      id: upstream,
      options: { waitFor: [{ task: first, on: ["FAILED"] }] },
    }]);
    await bench.run(first);
  }
  return upstream;
}

const GOES = "Pending";

/** The table of docs/guides/composition.md. */
const TABLE: [WaitFor | ((id: string) => WaitFor), Record<EndOfTask, string>][] = [
  [(id) => [id], {
    "completes": GOES,
    "fails": "UpstreamFailed",
    "is cancelled": "UpstreamFailed",
    "is skipped": "Skipped",
  }],
  [(id) => [{ task: id, on: ["COMPLETED"] }], {
    "completes": GOES,
    "fails": "Skipped",
    "is cancelled": "Skipped",
    "is skipped": "Skipped",
  }],
  [(id) => [{ task: id, on: ["FAILED", "CANCELLED"] }], {
    "completes": "Skipped",
    "fails": GOES,
    "is cancelled": GOES,
    "is skipped": "Skipped",
  }],
  [(id) => [{ task: id, on: ["FAILED", "SKIPPED"] }], {
    "completes": "Skipped",
    "fails": GOES,
    "is cancelled": "Skipped",
    "is skipped": GOES,
  }],
  [(id) => [{ task: id, optional: true }], {
    "completes": GOES,
    "fails": GOES,
    "is cancelled": GOES,
    "is skipped": GOES,
  }],
  // The only condition, and it did not come true.
  [(id) => [{ task: id, on: ["FAILED"], optional: true }], {
    "completes": "Skipped",
    "fails": GOES,
    "is cancelled": "Skipped",
    "is skipped": "Skipped",
  }],
  [(id) => ({ anyOf: [id] }), {
    "completes": GOES,
    "fails": GOES,
    "is cancelled": GOES,
    "is skipped": "Skipped",
  }],
  [(id) => ({ anyOf: [id], on: ["COMPLETED"] }), {
    "completes": GOES,
    "fails": "Skipped",
    "is cancelled": "Skipped",
    "is skipped": "Skipped",
  }],
];

Deno.test("a task starts if its condition came true, and is Skipped if it no longer can", async () => {
  await using bench = await composing();
  for (const [waitFor, wanted] of TABLE) {
    for (const [how, state] of Object.entries(wanted) as [EndOfTask, string][]) {
      for (const order of ["before", "after"]) {
        const upstream = await anUpstream(bench, how);
        const [id] = ownIds(1);
        if (order === "after") await ends(bench, upstream, how);
        const options = { waitFor: typeof waitFor === "function" ? waitFor(upstream) : waitFor };
        await bench.call([{ id, options }]);
        if (order === "before") await ends(bench, upstream, how);
        await bench.follow();
        const what = `${JSON.stringify(options)} submitted ${order} it ${how}`;
        assert.equal(await bench.state(id), state, what);
        if (state === "Skipped") assert.equal((await bench.record(id)).error?.name, "Skipped", what);
      }
    }
  }
});

Deno.test("a condition on one, a failure allowed for another: both must come true, once", async () => {
  await using bench = await composing();
  const [a, b, c, id] = ownIds(4);
  await bench.call([{ id: a }, { id: b }, { id: c }, {
    id,
    input: { x: { $task: b, $allowFailure: true } },
    options: { waitFor: [{ task: a, on: ["FAILED"] }, c] },
  }]);
  await bench.run(a, "fails");
  await bench.run(b, "fails");
  await bench.follow();
  assert.equal(await bench.state(id), "AwaitingDependencies");
  await bench.run(c);
  await bench.follow();
  assert.equal(await bench.state(id), "Pending");
  assert.equal(await bench.join(id), null);
});

Deno.test("optional conditions: one that comes true is enough, and the others are waited for", async () => {
  await using bench = await composing();
  const [a, b, id] = ownIds(3);
  const optional = true;
  await bench.call([{ id: a }, { id: b }, {
    id,
    options: { waitFor: [{ task: a, on: ["FAILED"], optional }, { task: b, on: ["FAILED"], optional }] },
  }]);
  await bench.run(a);
  await bench.follow();
  assert.equal(await bench.state(id), "AwaitingDependencies");
  await bench.run(b, "fails");
  await bench.follow();
  assert.equal(await bench.state(id), "Pending");
});

Deno.test("what is skipped waits again when the upstream is retried, and so do those behind it", async () => {
  await using bench = await composing();
  const [a, then, behind, later] = ownIds(4);
  await bench.call([
    { id: a },
    { id: then, options: { waitFor: [{ task: a, on: ["COMPLETED"] }] } },
    { id: behind, input: resultOf(then) },
  ]);
  await bench.call([{ id: later, options: { waitFor: [{ task: a, on: ["COMPLETED"] }] } }]);
  await bench.run(a, "fails");
  await bench.follow();
  const all = [then, behind, later];
  for (const id of all) assert.equal(await bench.state(id), "Skipped", id);
  await bench.retry(a);
  await bench.follow();
  for (const id of all) assert.equal(await bench.state(id), "AwaitingDependencies", id);
  await bench.run(a);
  await bench.follow();
  assert.deepEqual(await Promise.all(all.map(bench.state)), ["Pending", "AwaitingDependencies", "Pending"]);
});

Deno.test("what a failure has started is not taken back by a retry of that upstream", async () => {
  await using bench = await composing();
  const [a, handler] = ownIds(2);
  await bench.call([{ id: a }, { id: handler, options: { waitFor: [{ task: a, on: ["FAILED"] }] } }]);
  await bench.run(a, "fails");
  await bench.follow();
  await bench.retry(a);
  await bench.run(a);
  await bench.follow();
  assert.equal(await bench.state(handler), "Pending");
});

Deno.test("a skipped task runs on request only with an input of its own", async () => {
  await using bench = await composing();
  const [a, id] = ownIds(2);
  await bench.call([{ id: a }, { id, options: { waitFor: [{ task: a, on: ["FAILED"] }] } }]);
  await bench.run(a);
  await bench.follow();
  await assert.rejects(bench.retry(id), { name: "ConflictError", message: /it was skipped/ });
  await bench.retry(id, { x: 1 });
  assert.equal(await bench.state(id), "Pending");
});

Deno.test("any of several: it starts once, with the first that end as it needs", async () => {
  await using bench = await composing();
  const [a, b, c, id] = ownIds(4);
  await bench.call([{ id: a }, { id: b }, { id: c }, {
    id,
    options: { waitFor: { anyOf: [a, b, c], count: 2, on: ["COMPLETED"] } },
  }]);
  await bench.run(c);
  await bench.run(a, "fails");
  await bench.follow();
  assert.equal(await bench.state(id), "AwaitingDependencies");
  await bench.run(b);
  await bench.follow();
  const { history, deps } = await bench.record(id);
  assert.deepEqual(history.map(({ name }) => name), ["AwaitingDependencies", "Pending"]);
  assert.deepEqual(deps!.conditions!.any![0].met, [c, b]);
  assert.deepEqual(await bench.left("join", "outbox"), []);
});

Deno.test("any of several is skipped as soon as too few can end as it needs", async () => {
  await using bench = await composing();
  const [a, b, c, id] = ownIds(4);
  await bench.call([{ id: a }, { id: b }, { id: c }, {
    id,
    options: { waitFor: { anyOf: [a, b, c], count: 2, on: ["COMPLETED"] } },
  }]);
  await bench.run(a, "fails");
  await bench.follow();
  assert.equal(await bench.state(id), "AwaitingDependencies");
  await bench.cancel(b);
  await bench.follow();
  assert.equal(await bench.state(id), "Skipped");
  await bench.retry(a);
  await bench.follow();
  assert.equal(await bench.state(id), "AwaitingDependencies");
});

Deno.test("the rest is cancelled after the release, by whatever process finds the note", async () => {
  for (const isAtSubmit of [false, true]) {
    await using bench = await composing();
    const [a, b, c, id] = ownIds(4);
    const winner = { id, options: { waitFor: { anyOf: [a, b, c], cancelRest: true } } };
    await bench.call([{ id: a }, { id: b }, { id: c }, ...(isAtSubmit ? [] : [winner])]);
    await bench.run(b, "fails");
    if (isAtSubmit) await bench.call([winner]);
    await elsewhere(bench).follow();
    const states = await Promise.all([a, b, c, id].map(bench.state));
    assert.deepEqual(states, ["Cancelled", "Failed", "Cancelled", "Pending"]);
    assert.deepEqual(await bench.left("outbox"), []);
    // Run again, one of them is not cancelled a second time.
    await bench.retry(a);
    await bench.follow();
    assert.equal(await bench.state(a), "Pending");
  }
});

Deno.test("conditions hold behind the barrier of a large call too", async () => {
  await using bench = await composing();
  const [a, b, handler, any] = ownIds(4);
  const many = ownIds(400);
  await bench.call([
    { id: a },
    { id: b },
    { id: handler, options: { waitFor: [{ task: a, on: ["FAILED"] }] } },
    { id: any, options: { waitFor: { anyOf: [a, b] } } },
    ...many.map((id) => ({ id })),
  ], { atomic: true });
  await bench.follow();
  assert.deepEqual(await Promise.all([handler, any].map(bench.state)), [
    "AwaitingDependencies",
    "AwaitingDependencies",
  ]);
  await bench.run(a);
  await bench.follow();
  assert.deepEqual(await Promise.all([handler, any].map(bench.state)), ["Skipped", "Pending"]);
});

Deno.test("without conditions nothing is stored of them", async () => {
  await using bench = await composing();
  const [a, id, other] = ownIds(3);
  const waitFor = [{ task: a }];
  await bench.call([{ id: a }, { id, options: { waitFor: [a] } }, { id: other, options: { waitFor } }]);
  for (const one of [id, other]) {
    assert.deepEqual(Object.keys(await bench.join(one) ?? {}), [
      "task",
      "left",
      "failed",
      "first",
      "allowFailure",
    ]);
    assert.deepEqual(Object.keys((await bench.record(one)).deps!), [
      "upstreams",
      "total",
      "waitFor",
      "allowFailure",
      "released",
    ]);
  }
});
