import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { ValidationError } from "../../../runtime/core/errors.ts";
import type { Batch } from "../../../runtime/commands/batch.ts";
import {
  acyclicOrder,
  dependencyGraphOf,
  withoutDependencies,
} from "../../../runtime/commands/dependency_graph.ts";
import type { Checked } from "../../../runtime/commands/prepare.ts";
import { wants } from "../../support/checked.ts";
import { graphs, hasCycle } from "../../support/graphs.ts";

const pointerAt = (index: number) => `/tasks/${index}`;
const batch: Batch = { submissions: [], pointerOf: (index, part) => pointerAt(index) + part };

Deno.test("tasks that wait for nobody have no dependency graph", () => {
  assert.equal(dependencyGraphOf([], []), null);
  assert.equal(dependencyGraphOf([wants([]), wants([])], ["a", "b"]), null);
  assert.equal(
    dependencyGraphOf([{ submission: { task: "w" }, references: [] } as unknown as Checked], ["a"]),
    null,
  );
  const one = withoutDependencies(["a", "b"]);
  assert.deepEqual(one, { upstreams: [[], []], waitFor: [0, 0], dependents: new Map(), external: new Map() });
});

Deno.test("upstreams: those of waitFor first, each once, however often it is named", () => {
  const graph = dependencyGraphOf([wants([]), wants(["x", "a", "x"], ["a", "y", "y"])], ["a", "b"])!;
  assert.deepEqual(graph.upstreams, [[], ["x", "a", "y"]]);
  assert.deepEqual(graph.waitFor, [0, 2]);
  assert.deepEqual(graph.dependents, new Map([["a", ["b"]]]));
  assert.deepEqual(graph.external, new Map([["x", ["b"]], ["y", ["b"]]]));
});

Deno.test("a reference alone makes a graph, and so does waitFor alone", () => {
  assert.deepEqual(dependencyGraphOf([wants([], ["x"])], ["a"])!.waitFor, [0]);
  assert.deepEqual(dependencyGraphOf([wants(["x"])], ["a"])!.waitFor, [1]);
  const two = dependencyGraphOf([wants(["x"]), wants([], ["x"])], ["a", "b"])!;
  assert.deepEqual(two.external, new Map([["x", ["a", "b"]]]));
});

Deno.test("acyclicOrder() has each task behind those that it waits for", () => {
  const ids = ["d", "c", "b", "a"];
  const graph = dependencyGraphOf([wants(["b", "c"]), wants(["a"]), wants(["a", "x"]), wants([])], ids)!;
  assert.deepEqual(acyclicOrder(graph, ids, batch).map((i) => ids[i]), ["a", "b", "c", "d"]);
});

Deno.test("a cycle is refused wherever it is, with the way round, and nothing else is", () => {
  fc.assert(fc.property(graphs, (rows) => {
    const ids = rows.map((_, i) => `t${i}`);
    const graph = dependencyGraphOf(rows.map((row) => wants(row.map((i) => ids[i]), ["outside"])), ids)!;
    let error: unknown = null;
    try {
      acyclicOrder(graph, ids, batch);
    } catch (thrown) {
      error = thrown;
    }
    assert.equal(error !== null, hasCycle(rows));
    if (!(error instanceof ValidationError)) return;
    const [{ message, pointer }] = error.faults;
    const way = message.replace("these wait for each other: ", "").split(" → ");
    assert.equal(way[0], way.at(-1));
    assert.equal(new Set(way).size, way.length - 1, message);
    // Each one is waited for by the next one.
    way.slice(1).forEach((id, i) => {
      assert.ok(rows[ids.indexOf(id)].includes(ids.indexOf(way[i])), message);
    });
    assert.equal(pointer, pointerAt(ids.indexOf(way[0])));
  }));
});
