import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { OpenAPIHono } from "@hono/zod-openapi";
import {
  MappingLengthMismatchError,
  MappingMissingIterableError,
  ValidationError,
} from "../../../../runtime/core/errors.ts";
import { faultsOf } from "../../../../runtime/core/zod_faults.ts";
import { expandMap as expand, mapSchema, type MapSpec } from "../../../../runtime/commands/flows/map.ts";
import { systemTurns } from "../../../support/turns.ts";
import { faultsUnder } from "../../../support/json_schema.ts";

const expandMap = (spec: MapSpec) => expand(spec, systemTurns.begin());
const inputsOf = async (spec: MapSpec) => (await expandMap(spec)).submissions.map(({ input }) => input);

function faults(value: unknown) {
  const parsed = mapSchema().safeParse(value);
  return parsed.success ? [] : faultsOf(parsed.error, value);
}

async function thrown(spec: MapSpec): Promise<unknown> {
  try {
    await expandMap(spec);
  } catch (error) {
    return error;
  }
}

Deno.test("each element has one value of every list, and the same of all else", async () => {
  const spec = { task: "add", map: { a: [1, 2], b: 10, c: [[], {}] }, unmapped: { list: [7, 8] } };
  assert.deepEqual(await inputsOf(spec), [
    { a: 1, b: 10, c: [], list: [7, 8] },
    { a: 2, b: 10, c: {}, list: [7, 8] },
  ]);
});

Deno.test("inputs are whole inputs, in their order", async () => {
  assert.deepEqual(
    (await expandMap({ task: "t", inputs: [1, null, { a: 1 }], options: { priority: 3 } })).submissions,
    [
      { task: "t", input: 1, options: { priority: 3 } },
      { task: "t", input: null, options: { priority: 3 } },
      { task: "t", input: { a: 1 }, options: { priority: 3 } },
    ],
  );
  assert.deepEqual((await expandMap({ task: "t", inputs: [1] })).submissions, [{ task: "t", input: 1 }]);
});

Deno.test("a reference and a quote are the same for all, and no lists", async () => {
  const map = { a: { $task: "x" }, b: { $quote: [1, 2] }, c: [3] };
  assert.deepEqual(await inputsOf({ task: "t", map }), [{ a: { $task: "x" }, b: { $quote: [1, 2] }, c: 3 }]);
  assert.ok(
    (await thrown({ task: "t", map: { b: { $quote: [1, 2] } } })) instanceof MappingMissingIterableError,
  );
});

Deno.test("an empty list makes no tasks", async () => {
  assert.deepEqual(await inputsOf({ task: "t", map: { a: [], b: [] } }), []);
  assert.deepEqual(await inputsOf({ task: "t", inputs: [] }), []);
});

Deno.test("a field named __proto__ is one", async () => {
  const map = JSON.parse('{"__proto__": [{"evil": 1}], "a": [2]}');
  const parsed = mapSchema().parse({ task: "t", map });
  assert.equal(JSON.stringify(await inputsOf(parsed)), '[{"__proto__":{"evil":1},"a":2}]');
});

Deno.test("a map without a list is told", async () => {
  for (const map of [{}, { a: 1, b: "text", c: { d: [1] } }] as Record<string, unknown>[]) {
    const error = await thrown({ task: "t", map, unmapped: { e: [1] } });
    assert.ok(error instanceof MappingMissingIterableError);
    assert.equal(error.pointer, "/map");
  }
});

Deno.test("lists of several lengths are told by field", async () => {
  const error = await thrown({ task: "t", map: { a: [1, 2], "b/c": [1], d: 1, e: [3, 4] } });
  assert.ok(error instanceof MappingLengthMismatchError);
  assert.deepEqual(error.lengths, { a: 2, "b/c": 1, e: 2 });
  assert.match(error.message, /"a" has 2, "b\/c" has 1, "e" has 2/);
  assert.deepEqual(error.faults.map(({ pointer }) => pointer), ["/map/a", "/map/b~1c", "/map/e"]);
  assert.match(error.faults[1].message, /^has the length 1;/);
  // An empty list is one too.
  assert.ok((await thrown({ task: "t", map: { a: [], b: [1] } })) instanceof MappingLengthMismatchError);
});

Deno.test("a field in both map and unmapped is told, each of them", async () => {
  const error = await thrown({ task: "t", map: { a: [1], b: [1], c: [1] }, unmapped: { c: 1, a: 1, d: 1 } });
  assert.ok(error instanceof ValidationError);
  assert.deepEqual(error.faults.map(({ pointer }) => pointer), ["/unmapped/c", "/unmapped/a"]);
});

Deno.test("100,000 elements are allowed, and no more", async () => {
  const list = (length: number) => Array.from({ length }, (_, i) => i);
  const { submissions } = await expandMap({
    task: "t",
    map: { a: list(100_000), b: list(100_000) },
    unmapped: { c: 1 },
  });
  assert.deepEqual(submissions[99_999].input, { a: 99_999, b: 99_999, c: 1 });
  const error = await thrown({ task: "t", map: { b: 1, a: list(100_001) } });
  assert.ok(error instanceof ValidationError);
  assert.equal(error.message, "/map/a: a map must have at most 100000 elements (got 100001)");
  assert.match(faults({ task: "t", inputs: list(100_001) })[0].message, /100000 items/);
  assert.deepEqual(faults({ task: "t", inputs: list(100_000) }), []);
});

for (
  const [what, value, pointer, message] of [
    ["no object", 7, "", /^must be \{task, map: .*\} or \{task, inputs: .*\} \(got 7\)$/],
    ["neither form", { task: "t" }, "", /^must be \{task, map/],
    ["both forms", { task: "t", map: {}, inputs: [] }, "", /^has "map" and "inputs", but must be only one/],
    ["no task", { map: { a: [1] } }, "/task", /^required: string$/],
    [
      "a list for the fields",
      { task: "t", map: [] },
      "/map",
      /^must be an object of fields \(got an array\)$/,
    ],
    [
      "null for the fields",
      { task: "t", map: { a: [] }, unmapped: null },
      "/unmapped",
      /^must be an object of fields/,
    ],
    [
      "unmapped with inputs",
      { task: "t", inputs: [], unmapped: {} },
      "/unmapped",
      /^unknown field; known: task, options, maxConcurrent, inputs$/,
    ],
    ["inputs that are no list", { task: "t", inputs: {} }, "/inputs", /expected array/],
    ["none at once", { task: "t", inputs: [], maxConcurrent: 0 }, "/maxConcurrent", />=1/],
    ["too many at once", { task: "t", inputs: [], maxConcurrent: 10_001 }, "/maxConcurrent", /<=10000/],
    ["an option", { task: "t", inputs: [], options: { priority: 11 } }, "/options/priority", /<=10/],
  ] as const
) {
  Deno.test(`the body of a map is refused for ${what}`, () => {
    const found = faults(value);
    assert.deepEqual(found.map((fault) => fault.pointer), [pointer]);
    assert.match(found[0].message, message);
  });
}

Deno.test("pointers lead from a submission back into the body", async () => {
  const mapped = await expandMap({ task: "t", map: { "a/b": [1, 2], c: 1 }, unmapped: { d: [1] } });
  for (
    const [part, pointer] of [
      ["/task", "/task"],
      ["/options/tags", "/options/tags"],
      ["/input", "/map"],
      ["/input/a~1b", "/map/a~1b/1"],
      ["/input/a~1b/x/0", "/map/a~1b/1/x/0"],
      ["/input/c/x", "/map/c/x"],
      ["/input/d/0", "/unmapped/d/0"],
      ["/input/missing", "/map/missing"],
    ]
  ) assert.equal(mapped.pointerOf(1, part), pointer);
  const listed = await expandMap({ task: "t", inputs: [1, 2] });
  assert.equal(listed.pointerOf(1, "/input/x"), "/inputs/1/x");
  assert.equal(listed.pointerOf(1, "/input"), "/inputs/1");
  assert.equal(listed.pointerOf(1, "/task"), "/task");
});

Deno.test("the schema of a map tells both forms", () => {
  const app = new OpenAPIHono();
  app.openAPIRegistry.register("Map", mapSchema());
  const document = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
  const under = (value: unknown) => faultsUnder(document, document.components!.schemas!.Map, value);
  assert.deepEqual(under({ task: "t", map: { a: [1] }, unmapped: { b: 1 }, maxConcurrent: 2 }), []);
  assert.deepEqual(under({ task: "t", inputs: [1, {}] }), []);
  assert.notDeepEqual(under({ task: "t", inputs: [1], unmapped: {} }), []);
  assert.notDeepEqual(under({ task: "t" }), []);
});
