// A field that a call does not know is refused, and its place, the field that was meant or all fields are
// told.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, UNKNOWN_ID } from "../support/service.ts";

const add = { task: "add", input: { a: 1, b: 2 } };
const sig = (more: object) => ({ ...add, ...more });

/** Path, body, where the fault is, and what is said of it. */
const CASES: [path: string, body: unknown, pointer: string, remedy: string][] = [
  ["/v1/tasks", { ...add, delayMs: 5 }, "/delayMs", "delayMs belongs in options"],
  ["/v1/tasks", { ...add, delayMS: 5 }, "/delayMS", 'did you mean "delayMs"? It belongs in options'],
  ["/v1/tasks", { ...add, maxAttempts: 5 }, "/maxAttempts", "maxAttempts belongs in options.retry"],
  ["/v1/tasks", { ...add, option: {} }, "/option", 'did you mean "options"?'],
  ["/v1/tasks", { task: "add", args: [1, 2] }, "/args", 'here it is called "input"'],
  ["/v1/tasks", { ...add, countdown: 5 }, "/countdown", 'here it is called "delayMs" and belongs in options'],
  ["/v1/tasks", { ...add, options: { eta: 5 } }, "/options/eta", 'here it is called "runAt"'],
  ["/v1/tasks", { ...add, options: { name: "x" } }, "/options/name", 'here it is called "displayName"'],
  ["/v1/tasks", { ...add, options: { retries: 3 } }, "/options/retries", 'here it is called "retry"'],
  [
    "/v1/tasks",
    { ...add, options: { retry: { max_retries: 3 } } },
    "/options/retry/max_retries",
    'here it is called "maxAttempts"',
  ],
  [
    "/v1/tasks",
    { ...add, options: { retry: { retry_delay_seconds: 3 } } },
    "/options/retry/retry_delay_seconds",
    'here it is called "delayMs"',
  ],
  [
    "/v1/tasks",
    { ...add, time_limit: 3 },
    "/time_limit",
    'here it is called "timeoutMs" and belongs in options',
  ],
  ["/v1/tasks", { ...add, colour: 1 }, "/colour", "known: task, input, id, options"],
  ["/v1/tasks", { ...add, options: { prioritty: 1 } }, "/options/prioritty", 'did you mean "priority"?'],
  ["/v1/tasks", { ...add, options: { timeout: 1 } }, "/options/timeout", 'did you mean "timeoutMs"?'],
  ["/v1/tasks", { ...add, options: { factor: 2 } }, "/options/factor", "factor belongs in retry"],
  ["/v1/tasks", { ...add, options: { input: {} } }, "/options/input", "input belongs beside options"],
  [
    "/v1/tasks",
    { ...add, options: { retry: { attempts: 2 } } },
    "/options/retry/attempts",
    'did you mean "maxAttempts"?',
  ],
  ["/v1/tasks", { task: "add", input: { a: 1, b: 2, c: 3 } }, "/input/c", "known: a, b"],
  ["/v1/tasks", { task: "sleep", input: { ms: 1, vaule: 1 } }, "/input/vaule", 'did you mean "value"?'],
  [
    "/v1/tasks/batch",
    { tasks: [add], group: true, tags: [] },
    "/tags",
    "tags belongs in the options of each task",
  ],
  [
    "/v1/tasks/batch",
    { tasks: [add], options: { retry: {} } },
    "/options/retry",
    "retry belongs in the options of each task",
  ],
  [
    "/v1/tasks/batch",
    { tasks: [add], maxFailures: 1 },
    "/maxFailures",
    "maxFailures belongs in options.group",
  ],
  ["/v1/tasks/batch", { tasks: [sig({ ttlMs: 5 })] }, "/tasks/0/ttlMs", "ttlMs belongs in options"],
  [
    "/v1/map",
    { task: "add", map: { a: [1], b: [1] }, priority: 1 },
    "/priority",
    "priority belongs in options",
  ],
  [
    "/v1/map",
    { task: "add", map: { a: [1], b: [1] }, options: { maxConcurrent: 1 } },
    "/options/maxConcurrent",
    "maxConcurrent belongs beside options",
  ],
  ["/v1/flows", { chain: [sig({ priority: 1 })] }, "/chain/0/priority", "priority belongs in options"],
  ["/v1/flows", { chain: [sig({})], tags: [] }, "/tags", "tags belongs in options"],
  ["/v1/flows", { chain: [sig({ imutable: true })] }, "/chain/0/imutable", 'did you mean "immutable"?'],
  ["/v1/flows", { tasks: { a: sig({ delayMs: 1 }) } }, "/tasks/a/delayMs", "delayMs belongs in options"],
  [
    "/v1/flows",
    { chain: [{ group: [sig({})], options: {} }] },
    "/chain/0/options",
    "options belongs at the top of the flow, or in each task",
  ],
  ["/v1/wait", { ids: [UNKNOWN_ID], timeout: 1 }, "/timeout", 'did you mean "timeoutSeconds"?'],
  ["/v1/as-completed", { ids: [UNKNOWN_ID], tags: "x" }, "/tags", 'did you mean "tag"?'],
  ["/v1/groups", { id: UNKNOWN_ID }, "/id", 'did you mean "ids"?'],
  [
    `/v1/groups/${UNKNOWN_ID}/cancel`,
    { force: true },
    "/force",
    "known: reason, graceMs, children, onlyWaiting, keepResult",
  ],
  [`/v1/tasks/${UNKNOWN_ID}/cancel`, { resaon: "x" }, "/resaon", 'did you mean "reason"?'],
  [`/v1/tasks/${UNKNOWN_ID}/retry`, { inputs: 1 }, "/inputs", 'did you mean "input"?'],
  ["/v1/tickets", { path: "/v1/as-completed", ttl: 5 }, "/ttl", 'did you mean "ttlSeconds"?'],
];

Deno.test("an unknown field is refused with its right place, what was meant, or all that there are", async () => {
  await using service = await aService({ running: false });
  for (const [path, body, pointer, remedy] of CASES) {
    const { status, body: problem, text } = await service.post(path, body);
    assert.equal(status, 422, text);
    assert.equal(problem.type, "/problems/validation-failed", text);
    const fault = problem.errors.find((each: { pointer: string }) => each.pointer === pointer);
    assert.equal(fault?.message, `unknown field; ${remedy}`, text);
  }
});

Deno.test("so is an unknown parameter of a query", async () => {
  await using service = await aService({ running: false });
  const cases: [string, string, string][] = [
    ["/v1/tasks?sate=FAILED", "/query/sate", 'did you mean "state"?'],
    [`/v1/tasks/${UNKNOWN_ID}?waits=5`, "/query/waits", 'did you mean "wait"?'],
    [`/v1/groups/${UNKNOWN_ID}?nodes=1`, "/query/nodes", "known: graph, wait"],
    [`/v1/as-completed?ids=${UNKNOWN_ID}`, "/query/ids", 'did you mean "id"?'],
  ];
  for (const [path, pointer, remedy] of cases) {
    const { status, body: problem, text } = await service.get(path);
    assert.equal(status, 422, text);
    const fault = problem.errors.find((each: { pointer: string }) => each.pointer === pointer);
    assert.equal(fault?.message, `unknown field; ${remedy}`, text);
  }
});

Deno.test("no operation takes a parameter that it does not declare, and each says so in the document", async () => {
  await using service = await aService({ running: false });
  const { paths } = await service.document();
  const values: Record<string, string> = { id: UNKNOWN_ID, kind: "key", name: "ci" };
  let count = 0;
  for (const [path, operations] of Object.entries<Record<string, object>>(paths)) {
    if (!path.startsWith("/v1/")) continue;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name]);
    for (const method of Object.keys(operations)) {
      const body = method === "get" || method === "delete" ? undefined : "{}";
      const headers = body === undefined ? undefined : { "content-type": "application/json" };
      const init = { body, headers };
      const answer = await service.request(method.toUpperCase(), `${filled}?colour=1`, init);
      assert.equal(answer.status, 422, `${method} ${path}: ${answer.text}`);
      assert.deepEqual(answer.headers.get("content-type"), "application/problem+json");
      const pointers = answer.body.errors.map((fault: { pointer: string }) => fault.pointer);
      assert.ok(pointers.includes("/query/colour"), `${method} ${path}: ${answer.text}`);
      count++;
    }
  }
  assert.ok(count > 20, `${count} operations`);
});

Deno.test("a submit is told that its wait belongs in a header, and nothing is stored", async () => {
  await using service = await aService({ running: false });
  const { status, body, text } = await service.post("/v1/tasks?wait=5", add);
  assert.equal(status, 422, text);
  const message = "unknown field; wait belongs in the header Prefer, as in Prefer: wait=5";
  assert.deepEqual(body.errors, [{ pointer: "/query/wait", message }]);
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
  for (const path of ["/v1/tasks/batch?wait=5", "/v1/flows?group=true", "/v1/wait?timeout=5"]) {
    assert.equal((await service.post(path, {})).status, 422);
  }
});

Deno.test("a parameter of another path of the same family is told where it belongs", async () => {
  await using service = await aService({ running: false });
  const [task, group] = [`/v1/tasks/${UNKNOWN_ID}`, `/v1/groups/${UNKNOWN_ID}`];
  const either = "GET /v1/tasks/{id} or GET /v1/tasks/{id}/result";
  const cases: [string, string, string][] = [
    [`${group}?raiseOnFailure=false`, "raiseOnFailure", "GET /v1/groups/{id}/results"],
    [`${group}/results?wait=5&graph=false`, "graph", "GET /v1/groups/{id}"],
    ["/v1/tasks?wait=5", "wait", either],
    [`${task}/events?wait=5`, "wait", either],
    [`${task}?raiseOnFailure=false`, "raiseOnFailure", "GET /v1/tasks/{id}/result"],
    [`${task}?limit=5`, "limit", "GET /v1/tasks or GET /v1/tasks/{id}/logs"],
    [`${task}?after=5`, "after", "GET /v1/tasks/{id}/logs or GET /v1/tasks/{id}/events"],
  ];
  for (const [path, name, owner] of cases) {
    const { status, body: { errors }, text } = await service.get(path);
    assert.equal(status, 422, text);
    const message = `unknown field; ${name} belongs to ${owner}`;
    assert.deepEqual(errors, [{ pointer: `/query/${name}`, message }]);
  }
});

Deno.test("several unknown fields each have their remedy", async () => {
  await using service = await aService({ running: false });
  const { body } = await service.post("/v1/tasks", { ...add, delayMs: 1, ipnut: 1, zzz: 1 });
  assert.deepEqual(body.errors, [
    { pointer: "/delayMs", message: "unknown field; delayMs belongs in options" },
    { pointer: "/ipnut", message: 'unknown field; did you mean "input"?' },
    { pointer: "/zzz", message: "unknown field; known: task, input, id, options" },
  ]);
});

Deno.test("a name of no definition is told what was meant only if one is near", async () => {
  await using service = await aService({ running: false });
  const near = await service.post("/v1/tasks", { task: "ecko", input: {} });
  assert.equal(near.body.detail, 'no definition is named "ecko"; did you mean "echo"?');
  const far = await service.post("/v1/tasks", { task: "transmogrify", input: {} });
  assert.equal(far.body.detail, 'no definition is named "transmogrify"; GET /v1/definitions lists all');
});

Deno.test("a list in place of an object is told where it belongs", async () => {
  await using service = await aService({ running: false });
  const cases: [string, unknown[], string][] = [
    ["/v1/tasks/batch", [add], 'must be an object; a list belongs in {"tasks": […]} (got an array)'],
    [
      "/v1/tasks",
      [add],
      'must be an object; a list belongs in POST /v1/tasks/batch, as {"tasks": […]} (got an array)',
    ],
    ...["/v1/wait", "/v1/groups", "/v1/as-completed"].map((path): [string, unknown[], string] => {
      return [path, [UNKNOWN_ID], 'must be an object; a list belongs in {"ids": […]} (got an array)'];
    }),
    ["/v1/map", [{ a: 1 }], "must be {task, map: {field: […]}} or {task, inputs: […]} (got an array)"],
  ];
  for (const [path, body, message] of cases) {
    const { status, body: problem, text } = await service.post(path, body);
    assert.equal(status, 422, text);
    assert.deepEqual(problem.errors, [{ pointer: "", message }]);
  }
  const inner = await service.post("/v1/tasks", { tasks: [add] });
  const fault = inner.body.errors.find((each: { pointer: string }) => each.pointer === "/tasks");
  assert.equal(fault?.message, "unknown field; tasks belongs in POST /v1/tasks/batch");
});
