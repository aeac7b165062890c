import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { ValidationError } from "../../../runtime/core/errors.ts";
import type { Batch } from "../../../runtime/commands/batch.ts";
import {
  acyclicOrder as orderOf,
  type DependencyGraph,
  dependencyGraphOf as graphOf,
  withoutDependencies,
} from "../../../runtime/commands/dependency_graph.ts";
import type { Checked } from "../../../runtime/commands/prepare.ts";
import { systemTurns } from "../../support/turns.ts";
import { wants } from "../../support/checked.ts";
import { graphs, hasCycle } from "../../support/graphs.ts";

const pointerAt = (index: number) => `/tasks/${index}`;
const batch: Batch = { submissions: [], pointerOf: (index, part) => pointerAt(index) + part };

const dependencyGraphOf = (checked: Checked[], ids: string[]) => graphOf(checked, ids, systemTurns);
const acyclicOrder = (graph: DependencyGraph, ids: string[]) => orderOf(graph, ids, batch, systemTurns);

Deno.test("tasks that wait for nobody have no dependency graph", async () => {
  assert.equal(await dependencyGraphOf([], []), null);
  assert.equal(await dependencyGraphOf([wants([]), wants([])], ["a", "b"]), null);
  assert.equal(
    await dependencyGraphOf([{ submission: { task: "w" }, references: [] } as unknown as Checked], ["a"]),
    null,
  );
  const one = withoutDependencies(["a", "b"]);
  assert.deepEqual(one, {
    upstreams: [[], []],
    waitFor: [0, 0],
    conditions: [undefined, undefined],
    dependents: new Map(),
    external: new Map(),
    groups: new Map(),
  });
});

Deno.test("upstreams: those of waitFor first, each once, however often it is named", async () => {
  const graph = (await dependencyGraphOf([wants([]), wants(["x", "a", "x"], ["a", "y", "y"])], ["a", "b"]))!;
  assert.deepEqual(graph.upstreams, [[], ["x", "a", "y"]]);
  assert.deepEqual(graph.waitFor, [0, 2]);
  assert.deepEqual(graph.dependents, new Map([["a", ["b"]]]));
  assert.deepEqual(graph.external, new Map([["x", ["b"]], ["y", ["b"]]]));
});

Deno.test("a reference alone makes a graph, and so does waitFor alone", async () => {
  assert.deepEqual((await dependencyGraphOf([wants([], ["x"])], ["a"]))!.waitFor, [0]);
  assert.deepEqual((await dependencyGraphOf([wants(["x"])], ["a"]))!.waitFor, [1]);
  const two = (await dependencyGraphOf([wants(["x"]), wants([], ["x"])], ["a", "b"]))!;
  assert.deepEqual(two.external, new Map([["x", ["a", "b"]]]));
});

Deno.test("acyclicOrder() has each task behind those that it waits for", async () => {
  const ids = ["d", "c", "b", "a"];
  const graph =
    (await dependencyGraphOf([wants(["b", "c"]), wants(["a"]), wants(["a", "x"]), wants([])], ids))!;
  assert.deepEqual((await acyclicOrder(graph, ids)).map((i) => ids[i]), ["a", "b", "c", "d"]);
});

Deno.test("a cycle is refused wherever it is, with the way round, and nothing else is", async () => {
  await fc.assert(fc.asyncProperty(graphs, async (rows) => {
    const ids = rows.map((_, i) => `t${i}`);
    const graph = (await dependencyGraphOf(
      rows.map((row) => wants(row.map((i) => ids[i]), ["outside"])),
      ids,
    ))!;
    let error: unknown = null;
    try {
      await acyclicOrder(graph, ids);
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
