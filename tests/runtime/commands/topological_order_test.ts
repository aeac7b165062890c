import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { roundTrip, topologicalOrder } from "../../../runtime/commands/topological_order.ts";
import { graphs, hasCycle } from "../../support/graphs.ts";
import { systemTurns } from "../../support/turns.ts";

const ordered = (rows: number[][]) => {
  return topologicalOrder(rows.keys(), (place) => rows[place], systemTurns.begin());
};

Deno.test("each node stands behind its upstreams, and nodes without a reason to move stay in order", async () => {
  assert.deepEqual((await ordered([[], [], []])).order, [0, 1, 2]);
  assert.deepEqual((await ordered([[2, 1], [3], [3], []])).order, [3, 2, 1, 0]);
  await fc.assert(fc.asyncProperty(graphs, async (rows) => {
    const { order } = await ordered(rows);
    assert.deepEqual(order.toSorted(), [...rows.keys()]);
    if (hasCycle(rows)) return;
    order.forEach((place, at) => {
      for (const upstream of rows[place]) assert.ok(order.indexOf(upstream) < at);
    });
  }));
});

Deno.test("a graph has cycles if and only if some are found, and each of them is one", async () => {
  await fc.assert(fc.asyncProperty(graphs, async (rows) => {
    const { cycles } = await ordered(rows);
    assert.equal(cycles.length > 0, hasCycle(rows));
    for (const cycle of cycles) {
      assert.equal(new Set(cycle).size, cycle.length);
      cycle.forEach((place, i) => assert.ok(rows[place].includes(cycle[(i + 1) % cycle.length])));
    }
    assert.equal(new Set(cycles.flat()).size, cycles.flat().length, "no two of them share a node");
  }));
});

Deno.test("roundTrip() goes the way in which the nodes would run", () => {
  // 0 waits for 1, 1 for 2, 2 for 0.
  assert.deepEqual(roundTrip([0, 1, 2]), [0, 2, 1, 0]);
  assert.deepEqual(roundTrip(["a"]), ["a", "a"]);
});

Deno.test("a chain of 100,000 nodes needs no deep stack", async () => {
  const { order, cycles } = await topologicalOrder(
    Array(100_000).keys(),
    (n) => n === 99_999 ? [] : [n + 1],
    systemTurns.begin(),
  );
  assert.deepEqual([order[0], order.length, cycles], [99_999, 100_000, []]);
});
