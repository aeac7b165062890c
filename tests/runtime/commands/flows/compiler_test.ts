import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { OpenAPIHono } from "@hono/zod-openapi";
import { type Fault, ValidationError } from "../../../../runtime/core/errors.ts";
import { faultsOf } from "../../../../runtime/core/zod_faults.ts";
import { type CompiledFlow, compileFlow } from "../../../../runtime/commands/flows/compiler.ts";
import { flowSchema, type FlowSpec } from "../../../../runtime/commands/flows/schema.ts";
import { findReferences, resolveReferences } from "../../../../runtime/core/references.ts";
import { namedIn } from "../../../../runtime/core/wait_for.ts";
import { systemTurns } from "../../../support/turns.ts";
import { faultsUnder } from "../../../support/json_schema.ts";

const OUTSIDE = "0199aaaa-0000-7000-8000-00000000abcd";

function numbered(): () => string {
  let count = 0;
  return () => `00000000-0000-7000-8000-${String(count++).padStart(12, "0")}`;
}

function id(n: number): string {
  return `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

const of = (n: number) => ({ $task: id(n) });

/** As a request goes: by the schema, and then compiled. */
function compiled(body: unknown): Promise<CompiledFlow> {
  return compileFlow(flowSchema().parse(body), numbered(), systemTurns.begin());
}

/** The faults of a body, found by the schema or by the compiler. */
async function faults(body: unknown): Promise<Fault[]> {
  const parsed = flowSchema().safeParse(body);
  if (!parsed.success) return faultsOf(parsed.error, body);
  try {
    await compileFlow(parsed.data, numbered(), systemTurns.begin());
  } catch (error) {
    if (error instanceof ValidationError) return error.faults;
    throw error;
  }
  return [];
}

/** Where each submission stands. */
const pointersOf = (flow: CompiledFlow) => flow.submissions.map((_, i) => flow.pointerOf(i, ""));
const inputs = async (body: unknown) => (await compiled(body)).submissions.map(({ input }) => input);
const waits = async (body: unknown) =>
  (await compiled(body)).submissions.map(({ options }) => options?.waitFor ?? []);
const t = (more: Record<string, unknown> = {}) => ({ task: "t", ...more });

Deno.test("a graph by names: names become ids, in the order of the names", async () => {
  const flow = await compiled({
    tasks: {
      last: { task: "add", input: { a: { $task: "x" }, b: [{ $task: "y/z" }] }, waitFor: ["x", OUTSIDE] },
      x: { task: "one" },
      "y/z": { task: "two", input: { $task: OUTSIDE.toUpperCase() }, allowFailure: true },
    },
  });
  assert.deepEqual(flow, {
    submissions: [
      {
        id: id(0),
        task: "add",
        node: "last",
        input: { a: of(1), b: [of(2)] },
        options: { waitFor: [id(1), OUTSIDE] },
      },
      { id: id(1), task: "one", node: "x" },
      {
        id: id(2),
        task: "two",
        node: "y/z",
        input: { $task: OUTSIDE.toUpperCase() },
        options: { allowFailure: true },
      },
    ],
    names: ["last", "x", "y/z"],
    result: { last: of(0), x: of(1), "y/z": of(2) },
    pointerOf: flow.pointerOf,
  });
  assert.deepEqual(pointersOf(flow), ["/tasks/last", "/tasks/x", "/tasks/y~1z"]);
  const { submissions, result } = await compiled({ tasks: {} });
  assert.deepEqual([submissions, result], [[], {}]);
});

Deno.test("in a chain each gets what the former hands on: whole, as a field, or not at all", async () => {
  const flow = await compiled({
    chain: [
      t({ input: { n: 1 }, immutable: true }),
      t(),
      t({ into: "x", input: { y: 2 } }),
      t({ into: "only" }),
      t({ input: { own: 1 }, immutable: true }),
      t({ immutable: true }),
    ],
  });
  assert.deepEqual(flow.submissions, [
    { id: id(0), task: "t", node: "0", input: { n: 1 } },
    { id: id(1), task: "t", node: "1", input: of(0) },
    { id: id(2), task: "t", node: "2", input: { y: 2, x: of(1) } },
    { id: id(3), task: "t", node: "3", input: { only: of(2) } },
    { id: id(4), task: "t", node: "4", input: { own: 1 }, options: { waitFor: [id(3)] } },
    { id: id(5), task: "t", node: "5", options: { waitFor: [id(4)] } },
  ]);
  assert.deepEqual(flow.result, of(5));
  assert.deepEqual(pointersOf(flow), [0, 1, 2, 3, 4, 5].map((i) => `/chain/${i}`));
});

Deno.test("an empty group in a chain hands on what it gets, and without that an empty list", async () => {
  const both = { group: [t(), t()] };
  const none = { group: [] };
  for (
    const [canvas, result, given] of [
      [{ chain: [both, none] }, [of(0), of(1)], []],
      [{ chain: [both, none, none, t()] }, of(2), [of(0), of(1)]],
      [{ chain: [t(), { chain: [none] }, t()] }, of(1), of(0)],
      [{ chain: [t(), { chain: [none, none] }] }, of(0), []],
      [{ chain: [none, t()] }, of(0), []],
      [{ chain: [none, none] }, [], []],
      [{ chain: [t(), { chord: { header: none, body: t() } }] }, of(1), []],
      [{ chain: [t(), { group: [none, t()] }] }, [[], of(1)], of(0)],
    ] as const
  ) {
    const flow = await compiled(canvas);
    assert.deepEqual(flow.result, result, JSON.stringify(canvas));
    const last = flow.submissions.at(-1)?.input ?? [];
    assert.deepEqual(last, given, JSON.stringify(canvas));
  }
  // It waits as if the empty group were not there.
  const waiting = await compiled({ chain: [t(), none, t({ immutable: true })] });
  assert.deepEqual(waiting.submissions[1].options, { waitFor: [id(0)] });
});

Deno.test("a group hands the same to each, and hands on their list", async () => {
  const body = {
    chain: [t(), { group: [t(), { chain: [t(), t()] }, { group: [t()] }] }, t({ into: "all" })],
  };
  const flow = await compiled(body);
  assert.deepEqual(flow.names, ["0", "1.0", "1.1.0", "1.1.1", "1.2.0", "2"]);
  assert.deepEqual(await inputs(body), [
    undefined,
    of(0),
    of(0),
    of(2),
    of(0),
    { all: [of(1), of(3), [of(4)]] },
  ]);
  assert.deepEqual(pointersOf(flow)[3], "/chain/1/group/1/chain/1");
  assert.deepEqual((await compiled({ group: [t(), { group: [] }] })).result, [of(0), []]);
  assert.deepEqual((await waits({ chain: [{ group: [t(), t()] }, t({ immutable: true })] }))[2], [
    id(0),
    id(1),
  ]);
});

Deno.test("a chord's body gets the list of its header", async () => {
  const flow = await compiled({ chord: { header: [t(), { chain: [t(), t()] }], body: t() } });
  assert.deepEqual(flow.names, ["header.0", "header.1.0", "header.1.1", "body"]);
  assert.deepEqual(flow.submissions[3].input, [of(0), of(2)]);
  assert.deepEqual(pointersOf(flow).slice(2), ["/chord/header/1/chain/1", "/chord/body"]);
  assert.deepEqual(flow.result, of(3));
  const nested = {
    chain: [t(), t(), { chord: { header: [t()], body: { group: [t(), t({ into: "x" })] } } }],
  };
  assert.deepEqual((await compiled(nested)).names.slice(2), ["2.header.0", "2.body.0", "2.body.1"]);
  assert.deepEqual((await inputs(nested)).slice(2), [of(1), [of(2)], { x: [of(2)] }]);
  assert.deepEqual((await compiled(nested)).result, [of(3), of(4)]);
  assert.deepEqual(
    (await waits({ chord: { header: [t(), t()], body: t({ immutable: true, input: {} }) } }))[2],
    [
      id(0),
      id(1),
    ],
  );
});

Deno.test("one element as a header is the list that it hands on, or a list of one", async () => {
  const single = await compiled({ chord: { header: t(), body: t() } });
  assert.deepEqual(single.names, ["header", "body"]);
  assert.deepEqual(pointersOf(single), ["/chord/header", "/chord/body"]);
  assert.deepEqual(single.submissions[1].input, [of(0)]);
  const group = await compiled({ chord: { header: { group: [t(), t()] }, body: t() } });
  assert.deepEqual(group.names, ["header.0", "header.1", "body"]);
  assert.deepEqual(group.submissions[2].input, [of(0), of(1)]);
  const chunks = { chunks: { task: "t", inputs: [1, 2, 3], size: 2 } };
  assert.deepEqual((await inputs({ chord: { header: chunks, body: t() } }))[2], [of(0), of(1)]);
});

Deno.test("what hands on nothing still lies between what is before and after it", async () => {
  assert.deepEqual(await inputs({ chord: { header: [], body: t() } }), [[]]);
  const body = {
    chain: [t(), { group: [{ group: [] }] }, t(), { chord: { header: [], body: t({ into: "x" }) } }],
  };
  assert.deepEqual(await inputs(body), [undefined, [[]], { x: [] }]);
  assert.deepEqual(await waits(body), [[], [id(0)], [id(1)]]);
  assert.deepEqual(await waits({ chain: [t(), { group: [] }, t({ immutable: true })] }), [[], [id(0)]]);
});

Deno.test("chunks are tasks with a list of inputs each", async () => {
  const flow = await compiled({
    chunks: { task: "t", inputs: [1, { a: 1 }, 3, 4, 5], size: 2, options: { priority: 1 } },
  });
  assert.deepEqual(
    flow.submissions,
    [[1, { a: 1 }], [3, 4], [5]].map((input, i) => {
      return { id: id(i), task: "t", node: `${i}`, input, chunk: true, options: { priority: 1 } };
    }),
  );
  assert.deepEqual(flow.result, [of(0), of(1), of(2)]);
  assert.deepEqual(pointersOf(flow), ["/chunks", "/chunks", "/chunks"]);
  assert.equal(flow.pointerOf(1, "/input/1/a"), "/chunks/inputs/3/a");
  assert.equal(flow.pointerOf(1, "/input"), "/chunks/inputs");
  assert.equal(flow.pointerOf(1, "/task"), "/chunks/task");
  assert.deepEqual((await compiled({ chunks: { task: "t", inputs: [], size: 1 } })).result, []);
  const chained = await compiled({ chain: [{ chunks: { task: "t", inputs: [1, 2], size: 1 } }, t()] });
  assert.deepEqual(chained.names, ["0.0", "0.1", "1"]);
  assert.deepEqual(chained.submissions[2].input, [of(0), of(1)]);
  assert.equal(chained.pointerOf(2, "/input/x"), "/chain/1/input/x");
});

Deno.test("names reach over the whole canvas, into chunks too, and order follows them", async () => {
  const flow = await compiled({
    group: [
      t({ name: "late", input: { x: { $task: "early" } } }),
      { chunks: { task: "t", inputs: [0, [{ $task: "early" }], 2], size: 2 } },
      { chain: [t({ name: "early" }), t({ waitFor: ["1.1"] })] },
    ],
  });
  assert.deepEqual(flow.names, ["early", "late", "1.0", "1.1", "2.1"]);
  // Ids are given by place.
  assert.deepEqual(flow.submissions.map((submission) => submission.id), [3, 0, 1, 2, 4].map(id));
  assert.deepEqual(flow.submissions[1].input, { x: of(3) });
  assert.deepEqual(flow.submissions[2].input, [0, [of(3)]]);
  assert.deepEqual(flow.submissions[4].options?.waitFor, [id(2)]);
  assert.deepEqual(pointersOf(flow)[0], "/group/2/chain/0");
  assert.deepEqual(flow.result, [of(0), [of(1), of(2)], of(4)]);
});

Deno.test("a quote stays as it is, and nothing in it is a name", async () => {
  const input = JSON.parse(
    '{"a": {"$quote": {"$task": "x", "y": 1}}, "b": {"$task": "x"}, "__proto__": {"c": 1}}',
  );
  const [, submission] = (await compiled({ tasks: { x: t(), y: t({ input }) } })).submissions;
  assert.equal(
    JSON.stringify(submission.input),
    `{"a":{"$quote":{"$task":"x","y":1}},"b":{"$task":"${id(0)}"},"__proto__":{"c":1}}`,
  );
});

Deno.test("a field named __proto__ can be handed something", async () => {
  assert.equal(
    JSON.stringify((await inputs({ chain: [t(), t({ into: "__proto__", input: { a: 1 } })] }))[1]),
    JSON.stringify(
      JSON.parse(`{"a": 1, "__proto__": {"$task": "${id(0)}"}}`),
    ),
  );
});

Deno.test("options of the flow are defaults, field by field", async () => {
  const options = {
    priority: 1,
    delayMs: 5,
    ttlMs: 10,
    retry: { maxAttempts: 3, delayMs: 7 },
    waitFor: [OUTSIDE],
    allowFailure: true,
  };
  const own = {
    tags: ["a"],
    runAt: "2026-01-01T00:00:00Z",
    expiresAt: "2027-01-01T00:00:00Z",
    retry: { delayMs: 9 },
  };
  const [plain, mixed, waiting, both] = (await compiled({
    options,
    group: [
      t(),
      t({ options: own, allowFailure: false }),
      t({ waitFor: ["0"] }),
      t({ waitFor: ["0", "0"], options: { waitFor: [OUTSIDE], allowFailure: false }, allowFailure: true }),
    ],
  })).submissions;
  assert.deepEqual(plain.options, options);
  assert.deepEqual(mixed.options, {
    priority: 1,
    ...own,
    retry: { maxAttempts: 3, delayMs: 9 },
    waitFor: [OUTSIDE],
    allowFailure: false,
  });
  assert.deepEqual(waiting.options?.waitFor, [id(0)]);
  assert.deepEqual(both.options?.waitFor, [id(0), OUTSIDE]);
  assert.equal(both.options?.allowFailure, true);
  const [, body] = (await compiled({
    options: { runAt: "2026-01-01T00:00:00Z", waitFor: [OUTSIDE] },
    chain: [t(), t({ immutable: true, options: { delayMs: 1 } })],
  })).submissions;
  assert.deepEqual(body.options, { delayMs: 1, waitFor: [OUTSIDE, id(0)] });
  const chunks = { task: "t", inputs: [1], size: 1, options: { priority: 2 } };
  assert.deepEqual((await compiled({ options, chunks })).submissions[0].options, { ...options, priority: 2 });
});

Deno.test("a task has its own tags and those of the flow, each once, and no more than it may", async () => {
  const many = (count: number, of: string) => Array.from({ length: count }, (_, i) => `${of}${i}`);
  const tagsOf = async (...canvas: unknown[]) =>
    (await compiled({ options: { tags: ["all", "a"] }, group: canvas })).submissions
      .map(({ options }) => options?.tags);
  const chunks = { chunks: { task: "t", inputs: [1], size: 1, options: { tags: ["b"] } } };
  assert.deepEqual(await tagsOf(t(), t({ options: { tags: ["a", "b"] } }), t({ options: {} }), chunks), [
    ["all", "a"],
    ["a", "b", "all"],
    ["all", "a"],
    ["b", "all", "a"],
  ]);
  assert.deepEqual((await tagsOf(t({ options: { tags: many(18, "own") } })))[0]!.length, 20);
  const found = await faults({
    options: { tags: many(12, "all") },
    tasks: { "x/y": t({ options: { tags: many(9, "own") } }), z: t({ options: { tags: ["all1"] } }) },
  });
  assert.deepEqual(found, [{
    pointer: "/tasks/x~1y/options/tags",
    message: "a task has at most 20 tags; its 9 and those of the flow are 21",
  }]);
});

const FORMS = /^must be \{task: "…"\}, \{chain: \[…\]\}, \{group: \[…\]\}, \{chord: .*\} or \{chunks: .*\}/;
/** Half a million circles, most of them long. */
const tangle = {
  tasks: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => {
    const next = [`n${Math.min(i + 1, 9_999)}`];
    return [
      `n${i}`,
      t({ waitFor: i < 5_000 ? next : [...next, ...Array.from({ length: 100 }, (_, n) => `n${n}`)] }),
    ];
  })),
};
const many = (count: number, each: unknown = t()) => Array.from({ length: count }, () => each);
const deep = (levels: number): unknown => levels === 0 ? t() : { chain: [deep(levels - 1)] };

for (
  const [what, body, ...expected] of [
    ["no object", 5, ["", /^must be \{tasks: \{…\}\}, \{chain: \[…\]\}, .* or \{chunks: .*\} \(got 5\)$/]],
    ["a list", [t()], ["", /^must be .* \(got an array\)$/]],
    ["a task alone", t(), ["", /^must be \{tasks/]],
    ["two forms", { chain: [t()], group: [] }, ["", /^has "chain" and "group", but must be only one of/]],
    ["another field", { group: [], colour: "x" }, ["/colour", /^unknown field; known: /]],
    [
      "elements of no form",
      { group: [{}, 7, { chian: [] }, null] },
      ["/group/0", FORMS],
      ["/group/1", FORMS],
      [
        "/group/2",
        FORMS,
      ],
      ["/group/3", FORMS],
    ],
    ["an element of two", { group: [{ task: "t", chain: [] }] }, [
      "/group/0",
      /^has "task" and "chain", but/,
    ]],
    [
      "deep elements",
      { chain: [{ chord: { header: [{ group: [t({ x: 1 }), { task: 5 }] }], body: t({ task: "" }) } }] },
      [
        "/chain/0/chord/header/0/group/0/x",
        /^unknown field; known: /,
      ],
      ["/chain/0/chord/header/0/group/1/task", /expected string.*\(got 5\)/],
      [
        "/chain/0/chord/body/task",
        />=1 characters/,
      ],
    ],
    ["no header and no body", { chord: {} }, ["/chord/header", FORMS], ["/chord/body", FORMS]],
    ["a header of no form", { chord: { header: { x: 1 }, body: t() } }, ["/chord/header", FORMS]],
    ["options of a nested chain", { group: [{ chain: [t()], options: {} }] }, [
      "/group/0/options",
      /^unknown field; options belongs at the top of the flow, or in each task$/,
    ]],
    ["a wrong option", { group: [t({ options: { retry: { maxAttempts: 0 } } })] }, [
      "/group/0/options/retry/maxAttempts",
      />=1/,
    ]],
    ["a name among options", { group: [t({ options: { waitFor: ["0"] } })] }, [
      "/group/0/options/waitFor/0",
      /UUID/,
    ]],
    ["an empty chain", { chain: [] }, ["/chain", /^a chain needs at least one element/]],
    ["an empty chain within", { group: [{ chain: [] }] }, ["/group/0/chain", /^a chain needs at least one/]],
    ["chunks of none", { chunks: { task: "t", inputs: [1], size: 0 } }, ["/chunks/size", />=1/]],
    ["chunks too large", { chunks: { task: "t", inputs: [1], size: 1_001 } }, ["/chunks/size", /<=1000/]],
    ["canvas fields in a graph", { tasks: { a: t({ into: "x" }) } }, [
      "/tasks/a/into",
      /^unknown field; known: /,
    ]],
    ["a node without a task", { tasks: { a: {}, "b/c": 1 } }, ["/tasks/a/task", /^required: string$/], [
      "/tasks/b~1c",
      /expected object.*\(got 1\)/,
    ]],
    [
      "bad names",
      { group: ["", "x".repeat(101), "a\nb", OUTSIDE, "__proto__"].map((name) => t({ name })) },
      [
        "/group/0/name",
        /at least one/,
      ],
      ["/group/1/name", /at most 100/],
      ["/group/2/name", /control/],
      ["/group/3/name", /UUID/],
      [
        "/group/4/name",
        /__proto__/,
      ],
    ],
    [
      "bad keys",
      { tasks: { "": t(), [OUTSIDE.toUpperCase()]: t(), ["y".repeat(101)]: t(), "a\u0000": t() } },
      [
        "/tasks/",
        /at least one/,
      ],
      [`/tasks/${OUTSIDE.toUpperCase()}`, /UUID/],
      [`/tasks/${"y".repeat(101)}`, /at most 100/],
      [
        "/tasks/a\u0000",
        /control/,
      ],
    ],
    ["a key that is lost", JSON.parse('{"tasks": {"__proto__": {"task": "t"}}}'), [
      "/tasks/__proto__",
      /__proto__/,
    ]],
    ["a name twice", { group: [t({ name: "a" }), t({ name: "a" })] }, [
      "/group/1",
      /^the name "a" is given twice: \/group\/0 has it too$/,
    ]],
    ["a name that is a place", { group: [t({ name: "1" }), t()] }, [
      "/group/1",
      /^the name "1" is given twice/,
    ]],
    [
      "unknown names",
      {
        tasks: {
          parse: t({ input: [{ a: { $task: "fetsch" } }] }),
          fetch: t({ waitFor: ["fetch2", "qqqqqqqqqqqqqqqq"] }),
        },
      },
      [
        "/tasks/parse/input/0/a/$task",
        /^no task of the flow is named "fetsch", and it is no id of a task \(a UUID\); did you mean "fetch"/,
      ],
      ["/tasks/fetch/waitFor/0", /"fetch2".*did you mean "fetch"/],
      ["/tasks/fetch/waitFor/1", /a UUID\)$/],
    ],
    [
      "references that are none",
      { group: [t({ input: { a: { $task: 1 }, b: { $task: "x", c: 1 }, d: { $quote: 1, e: 1 } } })] },
      [
        "/group/0/input/a",
        /must be the id of a task/,
      ],
      ["/group/0/input/b", /no other key \(got "c"\)/],
      ["/group/0/input/d", /no other key/],
    ],
    ["an unknown name in a chunk", { chunks: { task: "t", inputs: [1, 2, { $task: "?" }], size: 2 } }, [
      "/chunks/inputs/2/$task",
      /no task of the flow is named "\?"/,
    ]],
    ["an input that what comes before cannot enter", {
      chain: [t(), t({ input: {} }), { group: [t({ input: null })] }],
    }, [
      "/chain/1/input",
      /"into".*"immutable": true/,
    ], ["/chain/2/group/0/input", /"into"/]],
    ["a body with an input", { chord: { header: [], body: t({ input: 1 }) } }, [
      "/chord/body/input",
      /"into"/,
    ]],
    ["into where nothing comes before", { group: [t({ into: "x" }), { chain: [t({ into: "x" }), t()] }] }, [
      "/group/0/into",
      /nothing comes before/,
    ], ["/group/1/chain/0/into", /nothing comes before/]],
    ["into and immutable", { chain: [t(), t({ into: "x", immutable: true })] }, [
      "/chain/1/into",
      /immutable/,
    ]],
    ["into what has no fields", {
      chain: [t(), ...[1, [], null, { $task: "0" }, { $quote: {} }].map((input) => t({ into: "x", input }))],
    }, ...[1, 2, 3, 4, 5].map((i) => [`/chain/${i}/input`, /object of fields.*"x"/] as const)],
    ["into the key of a reference", { chain: [t(), t({ into: "$task" })] }, ["/chain/1/into", /reference/]],
    [
      "chunks after something",
      {
        chain: [t(), { group: [{ chunks: { task: "t", inputs: [], size: 1 } }] }, {
          chunks: { task: "t", inputs: [], size: 1 },
        }],
      },
      ["/chain/1/group/0/chunks", /cannot come after/],
      ["/chain/2/chunks", /cannot come after/],
    ],
    ["chunks as a body", { chord: { header: [], body: { chunks: { task: "t", inputs: [1], size: 1 } } } }, [
      "/chord/body/chunks",
      /cannot come after/,
    ]],
    ["a task that waits for itself", { tasks: { a: t({ waitFor: ["a"] }) } }, [
      "/tasks/a",
      /^a cycle: a → a;/,
    ]],
    ["a cycle of two", { tasks: { a: t({ waitFor: ["b"] }), b: t({ input: { $task: "a" } }) } }, [
      "/tasks/a",
      /^a cycle: a → b → a;/,
    ]],
    ["a cycle of three behind others", {
      tasks: {
        z: t({ waitFor: ["a"] }),
        a: t({ waitFor: ["b"] }),
        b: t({ waitFor: ["c"] }),
        c: t({ waitFor: ["a"] }),
      },
    }, ["/tasks/a", /^a cycle: a → c → b → a;/]],
    ["a cycle against a chain", { chain: [t({ waitFor: ["last"] }), t(), t({ name: "last" })] }, [
      "/chain/0",
      /^a cycle: 0 → 1 → last → 0;/,
    ]],
    [
      "cycles apart from each other, and more",
      {
        tasks: {
          a: t({ waitFor: ["b"] }),
          b: t({ waitFor: ["a"] }),
          c: t({ waitFor: ["c", "?"] }),
          d: t({ waitFor: ["a"] }),
        },
      },
      ["/tasks/c/waitFor/1", /"\?"/],
      ["/tasks/a", /a → b → a/],
      ["/tasks/c", /c → c/],
    ],
    ["too many tasks", { group: many(20_001) }, ["", /at most 20000 tasks; this one has 20001 /]],
    ["too many tasks in chunks", { chunks: { task: "t", inputs: many(20_001), size: 1 } }, [
      "",
      /this one has 20001 /,
    ]],
    ["too many names", { tasks: Object.fromEntries(many(20_001).map((each, i) => [`n${i}`, each])) }, [
      "",
      /this one has 20001 /,
    ]],
    ["what is nested too deep", { group: [t(), deep(20)] }, [
      `/group/1${"/chain/0".repeat(19)}`,
      /^chains, groups and chords must be nested at most 20 deep/,
    ]],
    ["what is nested very deep", deep(450), ["/chain/0".repeat(20), /nested at most 20 deep/]],
    ["two groups that multiply", { chain: [{ group: many(1_000) }, { group: many(1_000) }] }, [
      "",
      /1000000 results in all, at most 250000/,
    ]],
  ] as [string, unknown, ...(readonly [string, RegExp])[]][]
) {
  Deno.test(`a flow is refused for ${what}`, async () => {
    const found = await faults(body);
    assert.deepEqual(
      found.map(({ pointer }) => pointer),
      expected.map(([pointer]) => pointer),
      JSON.stringify(found),
    );
    expected.forEach(([, message], i) => assert.match(found[i].message, message));
  });
}

Deno.test("the limits themselves are allowed", async () => {
  assert.deepEqual(await faults({ group: many(20_000) }), []);
  assert.deepEqual(await faults({ chunks: { task: "t", inputs: many(20_000), size: 1 } }), []);
  assert.deepEqual(await faults(deep(20)), []);
  assert.deepEqual(await faults({ chain: [{ group: many(500) }, { group: many(500) }] }), []);
});

Deno.test("the compiler itself keeps the bounds", async () => {
  for (const flow of [{ group: many(20_001) }, deep(21), deep(5_000)]) {
    await assert.rejects(compileFlow(flow as FlowSpec, numbered(), systemTurns.begin()), ValidationError);
  }
});

Deno.test("a long cycle is told in short, and many faults are bounded", async () => {
  const names = many(10_000).map((_, i) => `n${i}`);
  const circle = names.map((name, i) => [name, t({ waitFor: [names[(i + 1) % names.length]] })]);
  const [{ message }] = await faults({ tasks: Object.fromEntries(circle) });
  assert.match(message, /^a cycle: n0 → n9999 → n9998 → .* → \(9980 more\) → n0;/);
  assert.ok(message.length < 500);
  // To go through connected cycles one by one, or to compare all names with each other, would take hours.
  assert.ok((await faults(tangle)).length <= 2);
  const long = "x".repeat(100);
  const unknown = names.map((
    name,
    i,
  ) => [`${long}${name}`.slice(-100), t({ waitFor: [`${long}${i}`.slice(-99)] })]);
  const found = await faults({ tasks: Object.fromEntries(unknown) });
  assert.equal(found.length, 50);
});

Deno.test("the body that comes after 9,999 waits for them all", async () => {
  const chord = await compiled({ chord: { header: many(9_999), body: t() } });
  assert.equal((chord.submissions[9_999].input as unknown[]).length, 9_999);
  assert.equal(chord.submissions[9_999].options, undefined);
  const chain = await compiled({ chain: [{ group: many(9_999) }, t({ immutable: true })] });
  assert.equal(namedIn(chain.submissions[9_999].options?.waitFor).length, 9_999);
});

Deno.test("the schema tells every form, to any depth", () => {
  const app = new OpenAPIHono();
  app.openAPIRegistry.register("Flow", flowSchema());
  const document = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
  const under = (value: unknown) => faultsUnder(document, document.components!.schemas!.Flow, value);
  const element = { chain: [t({ into: "x" }), { group: [{ chord: { header: t(), body: deep(3) } }] }] };
  for (
    const body of [
      { tasks: { a: t({ waitFor: ["b"] }) }, options: { priority: 1 } },
      { chain: [t(), element] },
      { group: [element] },
      { chord: { header: [element], body: t() } },
      { chord: { header: element, body: t() } },
      { chunks: { task: "t", inputs: [1], size: 1 } },
    ]
  ) {
    assert.deepEqual(under(body), []);
    assert.equal(flowSchema().safeParse(body).success, true);
  }
  for (
    const body of [{}, { chain: [] }, { group: [{}] }, {
      chord: { header: [{ group: [{ task: 1 }] }], body: t() },
    }]
  ) {
    assert.notDeepEqual(under(body), []);
    assert.equal(flowSchema().safeParse(body).success, false);
  }
});

// Any canvas, against an evaluator that knows nothing of tasks, ids and references.

/** A canvas without the parts that must fit their place; `choice` decides on those. */
type Sketch = { choice: number } | { chain: Sketch[] } | { group: Sketch[] } | {
  header: Sketch[] | Sketch;
  body: Sketch;
} | { sizes: [number, number] };

const { sketch } = fc.letrec<{ sketch: Sketch }>((tie) => ({
  sketch: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.record({ choice: fc.nat(1_000) }),
    fc.record({ chain: fc.array(tie("sketch"), { minLength: 1, maxLength: 4 }) }),
    fc.record({ group: fc.array(tie("sketch"), { maxLength: 4 }) }),
    fc.record({
      header: fc.oneof(fc.array(tie("sketch"), { maxLength: 3 }), tie("sketch")),
      body: tie("sketch"),
    }),
    fc.record({ sizes: fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 3 })) }),
  ),
}));

// deno-lint-ignore no-explicit-any
type Any = any;

function canvasOf(sketch: Sketch, follows: boolean): Any {
  if ("chain" in sketch) return { chain: sketch.chain.map((each, i) => canvasOf(each, follows || i > 0)) };
  if ("group" in sketch) return { group: sketch.group.map((each) => canvasOf(each, follows)) };
  if ("body" in sketch) {
    const header = Array.isArray(sketch.header)
      ? sketch.header.map((each) => canvasOf(each, follows))
      : canvasOf(sketch.header, follows);
    return { chord: { header, body: canvasOf(sketch.body, true) } };
  }
  if ("sizes" in sketch) {
    const [length, size] = sketch.sizes;
    if (!follows) return { chunks: { task: "chunked", inputs: Array.from({ length }, (_, i) => i), size } };
    return t();
  }
  const task = `task${sketch.choice % 7}`;
  const input = { own: sketch.choice };
  if (!follows) return [{ task }, { task, input }, { task, input, immutable: true }][sketch.choice % 3];
  return [{ task }, { task, into: "x" }, { task, into: "x", input }, { task, input, immutable: true }][
    sketch.choice % 4
  ];
}

/** What a task gives: short, and different for whatever is different. */
function toy(task: string, input: unknown = {}): string {
  let hash = 7;
  for (const char of JSON.stringify(input)) hash = (hash * 31 + char.charCodeAt(0)) % 1_000_000_007;
  return `${task}:${hash}`;
}

interface Naive {
  value: Any;
  /** Names of all tasks in it. */
  names: string[];
}

const NOTHING = Symbol();

/** `behind` gets, for each task, the names of all that must be over before it. */
function naive(
  canvas: Any,
  name: string,
  handed: Any,
  former: string[],
  behind: Map<string, string[]>,
): Naive {
  const below = (part: string | number) => name === "" ? `${part}` : `${name}.${part}`;
  if (canvas.task) {
    behind.set(name, former);
    const { task, input, into, immutable } = canvas;
    const given = handed === NOTHING || immutable ? input : into ? { ...input, [into]: handed } : handed;
    return { value: toy(task, given), names: [name] };
  }
  if (canvas.chunks) {
    const { task, inputs, size } = canvas.chunks;
    const lists = Array.from({ length: Math.ceil(inputs.length / size) }, (_, i) => {
      behind.set(below(i), former);
      return inputs.slice(i * size, (i + 1) * size).map((input: number) => toy(task, input));
    });
    return { value: lists, names: lists.map((_, i) => below(i)) };
  }
  if (canvas.chain) {
    const names: string[] = [];
    let value = handed;
    canvas.chain.forEach((each: Any, i: number) => {
      if (each.group?.length === 0 && value !== NOTHING) return;
      const next = naive(each, below(i), value, [...former, ...names], behind);
      value = next.value;
      names.push(...next.names);
    });
    return { value, names };
  }
  const list = (elements: Any[], nameOf: (i: number) => string): Naive => {
    const all = elements.map((each, i) => naive(each, nameOf(i), handed, former, behind));
    return { value: all.map(({ value }) => value), names: all.flatMap(({ names }) => names) };
  };
  if (canvas.group) return list(canvas.group, below);
  const { header, body } = canvas.chord;
  const head = Array.isArray(header)
    ? list(header, (i) => `${below("header")}.${i}`)
    : naive(header, below("header"), handed, former, behind);
  const value = Array.isArray(head.value) ? head.value : [head.value];
  const end = naive(body, below("body"), value, [...former, ...head.names], behind);
  return { value: end.value, names: [...head.names, ...end.names] };
}

/** Runs submissions in their order. A task that waits must find the others there. */
function evaluated(
  { submissions, result }: CompiledFlow,
): { value: unknown; upstreams: Map<string, Set<string>> } {
  const results = new Map<string, unknown>();
  const nameOf = new Map(submissions.map(({ id, node }) => [id!, node!]));
  const upstreams = new Map<string, Set<string>>();
  const resultOf = (id: string) => {
    assert.ok(results.has(id), `${nameOf.get(id)} is not over yet`);
    return results.get(id);
  };
  for (const { id, node, task, input, options, chunk } of submissions) {
    const named = findReferences(input, "").references.map(({ task }) => task);
    const all = new Set<string>();
    for (const upstream of [...named, ...namedIn(options?.waitFor).map(({ id }) => id)]) {
      resultOf(upstream);
      const name = nameOf.get(upstream)!;
      all.add(name);
      for (const further of upstreams.get(name)!) all.add(further);
    }
    upstreams.set(node!, all);
    const given = resolveReferences(input, resultOf);
    results.set(id!, chunk ? (given as unknown[]).map((each) => toy(task, each)) : toy(task, given));
  }
  return { value: resolveReferences(result, resultOf), upstreams };
}

Deno.test("any canvas gives what it says, and nothing runs before what comes before it", async () => {
  let tasks = 0;
  await fc.assert(
    fc.asyncProperty(sketch.filter((sketch) => !("choice" in sketch)), async (sketch) => {
      const canvas = canvasOf(sketch, false);
      const behind = new Map<string, string[]>();
      const expected = naive(canvas, "", NOTHING, [], behind);
      const flow = await compiled(canvas);
      assert.deepEqual(flow.names, expected.names);
      assert.deepEqual(flow.submissions.map(({ node }) => node), expected.names);
      const { value, upstreams } = evaluated(flow);
      assert.deepEqual(value, expected.value);
      for (const [name, former] of behind) {
        assert.deepEqual([...upstreams.get(name)!].sort(), [...former].sort());
      }
      // Each stands where its pointer says.
      pointersOf(flow).forEach((pointer, i) => {
        const found = pointer.slice(1).split("/").reduce((at: Any, key) => at[key], canvas);
        assert.equal(found.task, flow.submissions[i].task);
      });
      tasks += flow.names.length;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(tasks > 2_000, `only ${tasks} tasks in all`);
});

Deno.test("any graph by names is either compiled, or has a cycle that is one", async () => {
  const graph = fc.integer({ min: 1, max: 8 }).chain((size) =>
    fc.array(fc.array(fc.nat(size - 1), { maxLength: 2 }), { minLength: size, maxLength: size })
  );
  let cycles = 0;
  await fc.assert(
    fc.asyncProperty(graph, async (waitsFor) => {
      const tasks = Object.fromEntries(waitsFor.map((others, i) => [
        `n${i}`,
        t(
          i % 2 ? { waitFor: others.map((other) => `n${other}`) } : {
            input: others.map((other) => ({ $task: `n${other}` })),
          },
        ),
      ]));
      // Removes tasks that wait for none of the rest, until none is left to remove.
      let left = waitsFor.map((_, i) => i);
      for (let before = Infinity; left.length < before;) {
        before = left.length;
        left = left.filter((i) => waitsFor[i].some((other) => left.includes(other)));
      }
      const found = await faults({ tasks });
      assert.equal(found.length > 0, left.length > 0);
      for (const { message, pointer } of found) {
        cycles++;
        const path = message.match(/^a cycle: (.*);/)![1].split(" → ");
        assert.equal(pointer, `/tasks/${path[0]}`);
        assert.equal(path[0], path[path.length - 1]);
        const places = path.map((name) => Number(name.slice(1)));
        places.slice(1).forEach((place, i) => assert.ok(waitsFor[place].includes(places[i])));
      }
      if (found.length > 0) return;
      const flow = await compiled({ tasks });
      assert.deepEqual(flow.names, Object.keys(tasks));
      flow.submissions.forEach(({ input, options }, i) => {
        const named = findReferences(input, "").references.map(({ task }) => task);
        const ids = new Set([...named, ...namedIn(options?.waitFor).map(({ id }) => id)]);
        assert.deepEqual([...ids].sort(), [...new Set(waitsFor[i])].map(id).sort());
      });
    }),
    { numRuns: 500 },
  );
  assert.ok(cycles > 20, `only ${cycles} cycles in all`);
});
