// POST /v1/flows: graphs of tasks in one submit.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { assertProblem, type Body, type Service, UNKNOWN_ID } from "../../support/service.ts";
import { onSocket } from "../../support/on_socket.ts";
import { Folder } from "../../support/folder.ts";

const echo = (value: unknown) => ({ task: "echo", input: { value } });
const add = (a: unknown, b: unknown) => ({ task: "add", input: { a, b } });
const fail = { task: "fail", input: { message: "on purpose" } };

/** A flow that was taken. */
async function flow(service: Service, body: unknown): Promise<Body> {
  const answer = await service.post("/v1/flows", body);
  assert.equal(answer.status, 202, answer.text);
  return answer.body;
}

/** The results of all its tasks, by their names. */
async function resultsOf(service: Service, { groupId, tasks }: Body): Promise<Record<string, unknown>> {
  const { status, body, text } = await service.get(`/v1/groups/${groupId}/results?wait=60`);
  assert.equal(status, 200, text);
  const { body: { nodes } } = await service.get(`/v1/groups/${groupId}`);
  const values = body.results.map((value: unknown, i: number) => [nodes[i].name, value]);
  assert.deepEqual(nodes.map(({ name }: Body) => name).sort(), Object.keys(tasks).sort());
  return Object.fromEntries(values);
}

/** The edges of a group by names. */
async function edgesOf(service: Service, groupId: string): Promise<string[]> {
  const { body: { nodes, edges } } = await service.get(`/v1/groups/${groupId}`);
  const names = new Map(nodes.map(({ id, name }: Body) => [id, name]));
  return edges.map(({ from, to }: Body) => `${names.get(from)} → ${names.get(to)}`).sort();
}

Deno.test("a graph by names runs in the order of what its tasks wait for", async () => {
  await using service = await onSocket();
  const answer = await service.post("/v1/flows", {
    tasks: {
      sum: add({ $task: "left" }, { $task: "right" }),
      left: add(1, 2),
      right: add(3, { $task: "left" }),
      last: { ...echo("end"), waitFor: ["sum"], options: { priority: 5 } },
    },
    options: { tags: ["flow"], priority: 1 },
  });
  assert.equal(answer.status, 202, answer.text);
  const { body } = answer;
  assert.equal(answer.headers.get("location"), `/v1/groups/${body.groupId}`);
  const { sum, left, right, last } = body.tasks;
  assert.deepEqual(Object.keys(body.tasks).sort(), ["last", "left", "right", "sum"]);
  for (const [name, task] of Object.entries<Body>(body.tasks)) {
    assert.deepEqual([task.node, task.groupId, task.tags], [name, body.groupId, ["flow"]]);
    assert.deepEqual(body.result[name], { $task: task.id });
  }
  assert.deepEqual([sum.priority, last.priority], [1, 5]);
  // References are shown as they stand for tasks now: by ids.
  assert.deepEqual(sum.input, { a: { $task: left.id }, b: { $task: right.id } });
  assert.deepEqual([sum.waitFor, last.waitFor], [[], [sum.id]]);
  assert.deepEqual([sum.state.type, sum.state.name], ["PENDING", "AwaitingDependencies"]);
  assert.deepEqual(await resultsOf(service, body), { sum: 9, left: 3, right: 6, last: "end" });
  assert.deepEqual(await edgesOf(service, body.groupId), [
    "left → right",
    "left → sum",
    "right → sum",
    "sum → last",
  ]);
  assert.deepEqual((await service.task(last.id)).waitFor, [sum.id]);
  const { body: list } = await service.get(`/v1/tasks?groupId=${body.groupId}`);
  const listed = list.tasks.find(({ id }: Body) => id === last.id);
  assert.deepEqual([listed.waitFor, listed.node], [[sum.id], "last"]);
});

Deno.test("a chain hands on what comes before", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    chain: [
      add(1, 2),
      { task: "add", input: { b: 10 }, into: "a" },
      { task: "echo", into: "value", name: "told" },
      { ...echo("kept"), immutable: true },
    ],
  });
  assert.deepEqual(Object.keys(body.tasks), ["0", "1", "3", "told"]);
  assert.deepEqual(body.result, { $task: body.tasks[3].id });
  assert.deepEqual(body.tasks[3].waitFor, [body.tasks.told.id]);
  assert.deepEqual(await resultsOf(service, body), { "0": 3, "1": 13, told: 13, "3": "kept" });
  assert.deepEqual(await edgesOf(service, body.groupId), ["0 → 1", "1 → told", "told → 3"]);
});

Deno.test("a chain element without an input gets what comes before as its whole input", async () => {
  await using service = await onSocket();
  const body = await flow(service, { chain: [echo({ a: 2, b: 3 }), { task: "add" }] });
  assert.deepEqual(await resultsOf(service, body), { "0": { a: 2, b: 3 }, "1": 5 });
});

Deno.test("a chord's body gets the list of its header's results, in order", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    chord: {
      header: [{ task: "sleep", input: { ms: 60, value: "slow" } }, add(1, 1), echo(null)],
      body: { task: "echo", into: "value" },
    },
  });
  assert.deepEqual(Object.keys(body.tasks).sort(), ["body", "header.0", "header.1", "header.2"]);
  assert.deepEqual(body.result, { $task: body.tasks.body.id });
  const results = await resultsOf(service, body);
  assert.deepEqual(results.body, ["slow", 2, null]);
  assert.deepEqual(await edgesOf(service, body.groupId), [
    "header.0 → body",
    "header.1 → body",
    "header.2 → body",
  ]);
});

Deno.test("groups, chains and chords nest, and results are told as they nest", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    group: [
      add(1, 1),
      { chain: [add(2, 2), { group: [{ task: "echo", into: "value" }, { task: "echo", into: "value" }] }] },
      { chord: { header: [echo("h")], body: { task: "echo", into: "value" } } },
      { group: [] },
    ],
  });
  const id = (name: string) => ({ $task: body.tasks[name].id });
  assert.deepEqual(body.result, [id("0"), [id("1.1.0"), id("1.1.1")], id("2.body"), []]);
  assert.deepEqual(await resultsOf(service, body), {
    "0": 2,
    "1.0": 4,
    "1.1.0": 4,
    "1.1.1": 4,
    "2.header.0": "h",
    "2.body": ["h"],
  });
});

Deno.test("chunks run their function once for each input, and a chord can merge what they give", async () => {
  await using service = await onSocket();
  const inputs = [1, 2, 3, 4, 5].map((n) => ({ a: n, b: 10 }));
  const body = await flow(service, { chunks: { task: "add", inputs, size: 2 } });
  assert.deepEqual(body.tasks[0].input, inputs.slice(0, 2));
  assert.deepEqual(await resultsOf(service, body), { "0": [11, 12], "1": [13, 14], "2": [15] });
  const merged = await flow(service, {
    chord: { header: { chunks: { task: "add", inputs, size: 3 } }, body: { task: "echo", into: "value" } },
  });
  assert.deepEqual((await resultsOf(service, merged)).body, [[11, 12, 13], [14, 15]]);
});

Deno.test("a flow may refer to tasks that are there, and to their ids in waitFor", async () => {
  await using service = await onSocket();
  const { id } = await service.submit("sleep", { ms: 50, value: 7 });
  const ended = await service.run("add", { a: 1, b: 1 });
  const body = await flow(service, {
    tasks: {
      one: add({ $task: id.toUpperCase() }, { $task: ended.id }),
      two: { ...echo("x"), waitFor: [id.toUpperCase(), "one"] },
    },
  });
  assert.deepEqual(body.tasks.two.waitFor, [id, body.tasks.one.id]);
  assert.deepEqual(await resultsOf(service, body), { one: 9, two: "x" });
  // Edges are between members alone.
  assert.deepEqual(await edgesOf(service, body.groupId), ["one → two"]);
});

Deno.test("an empty flow is a group that is complete", async () => {
  await using service = await onSocket();
  for (const empty of [{ tasks: {} }, { group: [] }, { chunks: { task: "add", inputs: [], size: 1 } }]) {
    const body = await flow(service, empty);
    assert.deepEqual(body.tasks, {});
    assert.deepEqual(body.result, "tasks" in empty ? {} : []);
    const { status, body: { results } } = await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
    assert.deepEqual([status, results], [200, []]);
  }
  const body = await flow(service, { chord: { header: [], body: { task: "echo", into: "value" } } });
  assert.deepEqual(await resultsOf(service, body), { body: [] });
});

Deno.test("a failed task cancels all that wait for it, and they name it", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    chain: [fail, { task: "echo", into: "value" }, { task: "echo", into: "value" }],
  });
  const { taskId, error } = assertProblem(
    await service.get(`/v1/groups/${body.groupId}/results?wait=60`),
    424,
    "task-failed",
  );
  assert.deepEqual([taskId, error.message], [body.tasks[0].id, "on purpose"]);
  for (const name of ["1", "2"]) {
    const { id } = body.tasks[name];
    const task = await service.task(id);
    assert.deepEqual([task.state.type, task.state.name], ["CANCELLED", "UpstreamFailed"]);
    assert.deepEqual([task.error.name, task.error.retryable], ["UpstreamFailed", false]);
    const gone = assertProblem(await service.get(`/v1/tasks/${id}/result`), 410, "task-cancelled");
    assert.deepEqual(gone.error, task.error);
    const { body: value } = await service.get(`/v1/tasks/${id}/result?raiseOnFailure=false`);
    assert.deepEqual(value.error, task.error);
  }
  assert.equal((await service.task(body.tasks[1].id)).error.cause.message, "on purpose");
});

Deno.test("a task that allows failure gets the error in place of the result", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    tasks: { bad: fail, told: { ...echo({ $task: "bad" }), allowFailure: true } },
  });
  const { result } = await service.ended(body.tasks.told.id);
  assert.equal(result.error.message, "on purpose");
});

Deno.test("a retry of the failed task resumes the rest of its graph", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    tasks: {
      flaky: { task: "fail", input: { message: "once", untilAttempt: 2 } },
      next: echo({ $task: "flaky" }),
      last: add({ $task: "next" }, 1),
    },
  });
  assertProblem(await service.get(`/v1/groups/${body.groupId}/results?wait=60`), 424, "task-failed");
  await service.post(`/v1/tasks/${body.tasks.flaky.id}/retry`);
  assert.deepEqual(await resultsOf(service, body), { flaky: 2, next: 2, last: 3 });
});

Deno.test("a flow can be cancelled as a group", async () => {
  await using service = await onSocket();
  const body = await flow(service, {
    chain: [{ task: "sleep", input: { ms: 60_000 } }, { task: "echo", into: "value" }, {
      task: "echo",
      into: "value",
    }],
  });
  await service.until(body.tasks[0].id, "RUNNING");
  const { body: cancelled } = await service.post(`/v1/groups/${body.groupId}/cancel`, {
    reason: "enough",
    graceMs: 0,
  });
  assert.deepEqual(cancelled, { id: body.groupId, cancelled: 2, requested: 1, tooLate: 0 });
  assertProblem(await service.get(`/v1/groups/${body.groupId}/results?wait=60`), 410, "task-cancelled");
  // They were cancelled themselves, and not pulled down by what they wait for.
  for (const name of [1, 2]) {
    const { state } = await service.task(body.tasks[name].id);
    assert.deepEqual([state.name, state.message], ["Cancelled", "enough"]);
  }
});

Deno.test("the same flow under the same Idempotency-Key gets the first answer again", async () => {
  await using service = await onSocket();
  const headers = { "idempotency-key": "flow" };
  const flows = {
    chord: {
      header: [add(1, 2), { ...echo("x"), waitFor: ["last"] }],
      body: { task: "echo", into: "value", name: "last-but-one" },
    },
  };
  const named = {
    tasks: { z: add({ $task: "a" }, 1), a: add(1, 1), m: { ...echo("m"), waitFor: ["z"] } },
  };
  const wrong = await service.post("/v1/flows", flows, { headers });
  assertProblem(wrong, 422, "validation-failed", "/chord/header/1/waitFor/0");
  // A refused call does not use up its key.
  const first = await service.post("/v1/flows", named, { headers });
  assert.equal(first.status, 202, first.text);
  assert.equal(first.headers.get("idempotency-replayed"), null);
  await resultsOf(service, first.body);
  const second = await service.post("/v1/flows", named, { headers });
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.equal(second.headers.get("location"), first.headers.get("location"));
  assert.deepEqual(second.body, first.body);
  assert.equal(second.text, first.text);
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 3);
  const other = await service.post("/v1/flows", { tasks: {} }, { headers });
  assertProblem(other, 422, "idempotency-mismatch");
});

Deno.test("two processes that get the same flow at the same time make one of it, and tell the same of it", async () => {
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  await using one = await onSocket({ path });
  await using other = await onSocket({ path });
  const body = { chord: { header: [echo(1), echo(2)], body: { task: "echo", into: "value" } } };
  for (let round = 0; round < 5; round++) {
    const headers = { "idempotency-key": `round ${round}` };
    const answers = await Promise.all(
      [one, other, one, other].map((service) => service.post("/v1/flows", body, { headers })),
    );
    const taken = answers.filter(({ status }) => status === 202);
    assert.ok(taken.length >= 2, `${answers.map(({ status }) => status)}`);
    assert.deepEqual(taken.filter(({ headers }) => !headers.has("idempotency-replayed")).length, 1);
    for (const { text } of taken) assert.equal(text, taken[0].text);
    for (const answer of answers) if (answer.status !== 202) assertProblem(answer, 409, "conflict");
    assert.deepEqual((await resultsOf(one, taken[0].body)).body, [1, 2]);
  }
  assert.equal((await one.get("/v1/tasks")).body.tasks.length, 15);
});

Deno.test("a repeated flow gives the first answer whatever order its tasks stand in", async () => {
  await using service = await onSocket({ running: false });
  const flows = [
    // The first one waits for a later one, so they are stored the other way round.
    { group: [{ ...echo("first"), waitFor: ["later"] }, { ...echo("second"), name: "later" }] },
    {
      chain: [{ group: [echo(1), echo(2)] }, {
        group: [{ task: "echo", into: "value" }, echo(3)].slice(0, 1),
      }],
    },
    { chunks: { task: "add", inputs: [{ a: 1, b: 2 }, { a: 3, b: 4 }, { a: 5, b: 6 }], size: 2 } },
  ];
  for (const [i, body] of flows.entries()) {
    const headers = { "idempotency-key": `flow ${i}` };
    const [first, second] = [
      await service.post("/v1/flows", body, { headers }),
      await service.post("/v1/flows", body, { headers }),
    ];
    assert.equal(first.status, 202, first.text);
    assert.equal(second.headers.get("idempotency-replayed"), "true");
    assert.equal(second.text, first.text);
  }
});

Deno.test("what is wrong with a flow is told with its place in the request as it was sent", async () => {
  await using service = await onSocket({ running: false });
  const deep = (depth: number): unknown => depth === 0 ? echo(1) : { group: [deep(depth - 1)] };
  const wrong: [unknown, string][] = [
    [{}, ""],
    [{ chain: [echo(1)], group: [] }, ""],
    [{ chain: [] }, "/chain"],
    [{ chain: [echo(1), echo(2)] }, "/chain/1/input"],
    [{ chain: [echo(1), { task: "echo", into: "a/b" }] }, "/chain/1/into"],
    [{ chain: [{ task: "add" }] }, "/chain/0/input/a"],
    [{ chain: [{ task: "echo", into: "value" }] }, "/chain/0/into"],
    [{ chain: [echo(1), { chunks: { task: "add", inputs: [], size: 1 } }] }, "/chain/1/chunks"],
    [{ chain: [add(1, "x")] }, "/chain/0/input/b"],
    [{ chain: [echo(1), { task: "add", input: { a: "x", b: 1 }, immutable: true }] }, "/chain/1/input/a"],
    [
      { group: [echo(1), { chain: [echo(1), { task: "add", input: { b: "x" }, into: "a" }] }] },
      "/group/1/chain/1/input/b",
    ],
    [
      { chunks: { task: "add", inputs: [{ a: 1, b: 2 }, { a: 1, b: 2 }, { a: 1, b: "x" }], size: 2 } },
      "/chunks/inputs/2/b",
    ],
    [{ chunks: { task: "add", inputs: [], size: 0 } }, "/chunks/size"],
    [{ chord: { header: [add(1, null)], body: { task: "echo", into: "value" } } }, "/chord/header/0/input/b"],
    [{ chord: { header: [] } }, "/chord/body"],
    [{ tasks: { "a/b": add(1, "x") } }, "/tasks/a~1b/input/b"],
    [{ tasks: { a: echo({ $task: "b" }) } }, "/tasks/a/input/value/$task"],
    [{ tasks: { a: echo({ $task: UNKNOWN_ID }) } }, "/tasks/a/input/value/$task"],
    [{ tasks: { a: { ...echo(1), waitFor: ["nobody"] } } }, "/tasks/a/waitFor/0"],
    [
      { tasks: { b: echo(1), a: { ...echo(1), waitFor: ["b", UNKNOWN_ID.toUpperCase()] } } },
      "/tasks/a/waitFor/1",
    ],
    [{ tasks: { a: { ...echo(1), options: { waitFor: [UNKNOWN_ID] } } } }, "/tasks/a/options/waitFor/0"],
    [{ group: [echo(1)], options: { waitFor: [UNKNOWN_ID] } }, "/options/waitFor/0"],
    [{ group: [{ ...echo(1), name: "x" }, { ...echo(1), name: "x" }] }, "/group/1"],
    [{ group: [{ ...echo(1), name: UNKNOWN_ID }] }, "/group/0/name"],
    [{ group: [{ ...echo(1), name: "" }] }, "/group/0/name"],
    [{ group: [{ ...echo(1), options: { delayMs: -1 } }] }, "/group/0/options/delayMs"],
    [{ group: [echo({ $task: "0", x: 1 })] }, "/group/0/input/value"],
    [{ group: [{ ...echo(1), id: UNKNOWN_ID }] }, "/group/0/id"],
  ];
  for (const [body, pointer] of wrong) {
    const answer = await service.post("/v1/flows", body);
    assert.equal(answer.status, 422, `${JSON.stringify(body)}: ${answer.text}`);
    assertProblem(answer, 422, "validation-failed", pointer);
  }
  assert.equal((await service.post("/v1/flows", deep(25))).status, 422);
  const unknown = await service.post("/v1/flows", { group: [echo(1), { chain: [{ task: "ecko" }] }] });
  assert.deepEqual(assertProblem(unknown, 422, "unknown-definition", "/group/1/chain/0/task").nearest, [
    "echo",
  ]);
  assertProblem(await service.get("/v1/flows"), 405, "method-not-allowed");
  assertProblem(await service.post("/v1/flows", "[1,"), 400, "malformed-json");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 0);
});

Deno.test("a cycle is refused with its path", async () => {
  await using service = await onSocket({ running: false });
  const answer = await service.post("/v1/flows", {
    tasks: {
      a: echo({ $task: "b" }),
      b: { ...echo(1), waitFor: ["c"] },
      c: echo([{ $task: "a" }]),
      d: echo(1),
    },
  });
  const { detail, errors } = assertProblem(answer, 422, "validation-failed");
  assert.match(detail, /[abc] → [abc] → [abc] → [abc]/);
  assert.match(errors[0].pointer, /^\/tasks\/[abc]$/);
  const self = await service.post("/v1/flows", { tasks: { a: echo({ $task: "a" }) } });
  assert.match(assertProblem(self, 422, "validation-failed", "/tasks/a").detail, /a → a/);
});

Deno.test("an unknown name is refused with the nearest ones", async () => {
  await using service = await onSocket({ running: false });
  const answer = await service.post("/v1/flows", {
    tasks: { download: echo(1), parse: echo({ $task: "downlaod" }) },
  });
  const { detail } = assertProblem(answer, 422, "validation-failed", "/tasks/parse/input/value/$task");
  assert.match(detail, /"download"/);
});

Deno.test("of a flow that is refused nothing is stored; one beyond the queue's bounds is 429", async () => {
  await using service = await onSocket({ running: false, maxQueued: 3 });
  const refused = await service.post("/v1/flows", { group: [echo(1), echo(2), add(1, "x")] });
  assert.equal(refused.status, 422);
  assertProblem(await service.post("/v1/flows", { group: [1, 2, 3, 4].map(echo) }), 429, "queue-full");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 0);
  await flow(service, { group: [1, 2, 3].map(echo) });
});

Deno.test("a flow of more than 1000 tasks is told by ids, and runs to its end", async () => {
  await using service = await onSocket();
  const header = Array.from({ length: 1_200 }, (_, i) => ({ task: "echo", input: { value: i } }));
  const headers = { "idempotency-key": "large" };
  const large = { chord: { header, body: { task: "echo", into: "value" } } };
  const first = await service.post("/v1/flows", large, { headers });
  assert.equal(first.status, 202, first.text.slice(0, 1_000));
  const { body } = first;
  assert.deepEqual(body.tasks["header.7"], { id: body.tasks["header.7"].id });
  const ended = await service.get(`/v1/tasks/${body.tasks.body.id}?wait=60`);
  assert.deepEqual(ended.body.result, header.map(({ input }) => input.value));
  const { body: group } = await service.get(`/v1/groups/${body.groupId}`);
  assert.deepEqual([group.total, group.done, group.nodes, group.edges], [1_201, 1_201, null, null]);
  const second = await service.post("/v1/flows", large, { headers });
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.equal(second.text, first.text);
});

Deno.test("very many edges are left out, and the nodes are there", async () => {
  await using service = await onSocket({ running: false });
  const stage = (size: number, one: unknown) => ({ group: Array(size).fill(one) });
  const graph = async (size: number) => {
    const { groupId } = await flow(service, {
      chain: [stage(size, echo(1)), stage(size, { task: "echo", into: "value" })],
    });
    return (await service.get(`/v1/groups/${groupId}`)).body;
  };
  const some = await graph(20);
  assert.deepEqual([some.nodes.length, some.edges.length], [40, 400]);
  const many = await graph(150);
  assert.deepEqual([many.nodes.length, many.edges], [300, null]);
});
