// The parts of composition that need no service: what goes over the wire, and what becomes of the answer.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  chain,
  chord,
  chunks,
  Client,
  group,
  quote,
  sig,
  TaskFutures,
  unmapped,
} from "../../../client/mod.ts";
import { flowOf } from "../../../client/canvas/canvas.ts";
import { FlowFuture } from "../../../client/canvas/flow_future.ts";
import { idsIn, resolved } from "../../../client/canvas/flow_result.ts";
import { lengthOf, mappingOf } from "../../../client/canvas/mapping.ts";
import { taskOptionsOf } from "../../../client/canvas/options.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => `01999999-9999-7999-8999-99999999999${digit}`);
const errand = new Client({ url: "http://127.0.0.1:1" });
const [a, b] = [errand.future(A), errand.future(B)];

/** As the service gets it. */
function sent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** A flow as a run gives it, from what the service says. */
async function aFlow(tasks: Record<string, { id: string }>, result: unknown): Promise<FlowFuture> {
  const body = JSON.stringify({ groupId: C, tasks, result });
  const headers = { "content-type": "application/json" };
  const fetch = () => Promise.resolve(new Response(body, { status: 202, headers }));
  return await new Client({ url: "http://127.0.0.1:1", fetch }).run(sig("any"));
}

Deno.test("a future in an input is a reference, wherever it stands", () => {
  assert.deepEqual(sent({ x: a, list: [a, { b }], futures: new TaskFutures([a, b], null) }), {
    x: { $task: A },
    list: [{ $task: A }, { b: { $task: B } }],
    futures: [{ $task: A }, { $task: B }],
  });
});

Deno.test("the future of a flow is a reference to what the whole hands on", async () => {
  const flow = await aFlow({ "0": { id: A }, "1": { id: B } }, [{ $task: A }, { $task: B }]);
  assert.deepEqual(sent({ x: flow }), { x: [{ $task: A }, { $task: B }] });
});

Deno.test("a quoted value is one, whatever is in it; data that looks so is left as it is", () => {
  assert.deepEqual(sent(quote({ $task: "laundry" })), { $quote: { $task: "laundry" } });
  assert.deepEqual(sent([quote([a])]), [{ $quote: [{ $task: A }] }]);
  const data = { $task: 1, more: { $quote: 2, x: [{ $task: A }] } };
  assert.deepEqual(sent(sig("echo", data)), { task: "echo", input: data });
});

Deno.test("what is waited for is sent by id", () => {
  assert.deepEqual(taskOptionsOf({ waitFor: [a, B], tags: ["t"] }), { waitFor: [A, B], tags: ["t"] });
  assert.deepEqual(taskOptionsOf({ waitFor: [] }), { waitFor: [] });
  assert.deepEqual(taskOptionsOf({ delayMs: 1 }), { delayMs: 1 });
});

Deno.test("a map goes through what is iterable, and gives the rest to all", () => {
  const fields = { list: [1, a], set: new Set([1, 2]), text: "text", none: null, number: 1 };
  assert.deepEqual(mappingOf(fields), {
    map: { list: [1, a], set: [1, 2], text: "text", none: null, number: 1 },
    unmapped: {},
  });
});

Deno.test("a map goes through nothing that is marked, or that is one value", async () => {
  const flow = await aFlow({ "0": { id: A } }, [{ $task: A }]);
  const { map, unmapped: all } = mappingOf({
    x: [1],
    y: unmapped([1, 2]),
    future: a,
    flow,
    object: { z: [1] },
  });
  assert.deepEqual(sent(map), { x: [1] });
  assert.deepEqual(sent(all), { y: [1, 2], future: { $task: A }, flow: [{ $task: A }], object: { z: [1] } });
});

Deno.test("a map goes through what is quoted, and each task gets its part quoted", async () => {
  const list = [1, { $task: "laundry" }];
  const { map, unmapped: all } = mappingOf({
    list: quote(list),
    set: quote(new Set(["a", "b"])),
    text: quote("text"),
    whole: unmapped(quote(list)),
  });
  assert.deepEqual(sent(map), {
    list: [{ $quote: 1 }, { $quote: { $task: "laundry" } }],
    set: [{ $quote: "a" }, { $quote: "b" }],
  });
  assert.deepEqual(sent(all), { text: { $quote: "text" }, whole: { $quote: list } });
  assert.equal(lengthOf(mappingOf({ list: quote(list) })), 2);
  const bodies: unknown[] = [];
  const client = new Client({
    url: "http://127.0.0.1:1",
    fetch: (_, init) => {
      bodies.push(JSON.parse(String(init!.body)));
      return Promise.resolve(Response.json({ groupId: C, tasks: [{ id: A }, { id: B }] }));
    },
  });
  await client.map("echo", quote(list));
  assert.deepEqual(bodies, [{
    task: "echo",
    inputs: [{ $quote: 1 }, { $quote: { $task: "laundry" } }],
    options: {},
  }]);
});

Deno.test("a map is as long as its longest list", () => {
  const lengths = [{ x: [1, 2], y: [1, 2, 3], z: "text" }, { x: 1 }, { x: unmapped([1]) }, {}];
  assert.deepEqual(lengths.map((fields) => lengthOf(mappingOf(fields))), [3, 0, 0, 0]);
});

Deno.test("a field named __proto__ is a field", () => {
  const { map, unmapped: all } = mappingOf(JSON.parse('{"__proto__":[1],"x":{"y":1}}'));
  assert.deepEqual([JSON.stringify(map), JSON.stringify(all)], ['{"__proto__":[1]}', '{"x":{"y":1}}']);
});

Deno.test("a signature says no more than it was told", () => {
  assert.deepEqual({ ...sig("add") }, { task: "add" });
  assert.deepEqual(
    {
      ...sig("add", { a }, {
        into: "b",
        name: "sum",
        waitFor: [b, "other"],
        allowFailure: true,
        priority: 3,
      }),
    },
    {
      task: "add",
      input: { a: { $task: A } },
      into: "b",
      name: "sum",
      waitFor: [B, "other"],
      allowFailure: true,
      options: { priority: 3 },
    },
  );
  assert.deepEqual({ ...sig("add", null, { immutable: true }) }, {
    task: "add",
    input: null,
    immutable: true,
  });
});

Deno.test("canvases have the form of the wire, from elements or from any iterable", () => {
  const [one, two] = [sig("one"), sig("two")];
  assert.deepEqual(chain(one, two), { chain: [{ task: "one" }, { task: "two" }] });
  assert.deepEqual(chain(new Set([one, two])), chain(one, two));
  assert.deepEqual(group(one, two), { group: [{ task: "one" }, { task: "two" }] });
  assert.deepEqual(group([one, two].values()), group(one, two));
  assert.deepEqual([group(), group([]), chain([])], [{ group: [] }, { group: [] }, { chain: [] }]);
  assert.deepEqual(chord([one], two), { chord: { header: [one], body: two } });
  assert.deepEqual(chord(new Set([one]), two), chord([one], two));
  assert.deepEqual(chord(group(one), two), { chord: { header: { group: [one] }, body: two } });
  assert.deepEqual(chunks("one", new Set([1, a]), 2), {
    chunks: { task: "one", inputs: [1, { $task: A }], size: 2 },
  });
  assert.deepEqual(chunks("one", [], 2, { waitFor: [b], ttlMs: 5 }), {
    chunks: { task: "one", inputs: [], size: 2, options: { waitFor: [B], ttlMs: 5 } },
  });
  assert.deepEqual([flowOf(one), flowOf(group(one))], [chain(one), group(one)]);
});

Deno.test("a canvas is a value: nothing that happens to what it was made of changes it", () => {
  const input = { list: [1], deep: { x: 1 } };
  const tags = ["t"];
  const elements = [sig("one", input, { tags, waitFor: [a] })];
  const all = [
    ...elements,
    chain(elements),
    group(elements),
    chord(elements, elements[0]),
    chunks("one", [input], 1),
  ];
  const before = JSON.stringify(all);
  input.list.push(2);
  input.deep.x = 2;
  tags.push("u");
  elements.pop();
  assert.equal(JSON.stringify(all), before);
  const deeplyFrozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null ||
    Object.isFrozen(value) && Object.values(value).every(deeplyFrozen);
  for (const canvas of all) assert.ok(deeplyFrozen(canvas), JSON.stringify(canvas));
});

Deno.test("what JSON cannot say is refused where the signature is made", () => {
  assert.throws(() => sig("add", { a: 1n }), TypeError);
  assert.throws(() => chunks("add", [{ a: 1n }], 1), TypeError);
});

Deno.test("what a flow hands on is resolved, whatever its form", () => {
  const expression = [{ $task: A }, [{ $task: B }, { $task: A }], { x: { $task: B } }, []];
  assert.deepEqual(idsIn(expression), [A, B]);
  const results: Record<string, unknown> = { [A]: 1, [B]: { $task: "data, not looked at" } };
  assert.deepEqual(resolved(expression, (id) => results[id]), [
    1,
    [results[B], 1],
    { x: results[B] },
    [],
  ]);
  assert.deepEqual([idsIn({ $task: A }), idsIn([]), idsIn(null)], [[A], [], []]);
});

Deno.test("a flow's futures are in the order of the canvas, and by name", async () => {
  // As JSON.parse gives it: what looks like a number comes first.
  const flow = await aFlow({ "0": { id: A }, "2": { id: C }, "1.0": { id: B } }, { $task: C });
  assert.deepEqual(flow.names, ["0", "1.0", "2"]);
  assert.deepEqual(flow.futures.map(({ id }) => id), [A, B, C]);
  assert.equal(flow.future("1.0"), flow.futures[1]);
  assert.throws(() => flow.future("1"), {
    name: "RangeError",
    message: 'no task of the flow is named "1"; it has 0, 1.0, 2',
  });
  assert.throws(() => flow.future("toString"), RangeError);
  assert.equal(await flow.members(), flow.futures);
});

Deno.test("an error of a name shows some of very many", async () => {
  const tasks = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`n${i}`, { id: A.replace(/..$/, `${10 + i}`) }]),
  );
  const flow = await aFlow(tasks, null);
  assert.throws(() => flow.future("x"), /it has n0, n1, .*, n19, …$/);
});

Deno.test("ids of groups are UUIDs, in either case", () => {
  assert.throws(() => errand.group("nope"), {
    name: "TypeError",
    message: 'the id of a group must be a UUID; it is "nope"',
  });
  assert.equal(errand.group(A.toUpperCase()).groupId, A);
});
