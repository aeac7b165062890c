import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { methodsAt, patternOf, routesOf } from "../../routes/http/methods.ts";
import { aService, assertProblem, type Service, UNKNOWN_ID } from "../support/service.ts";

const ok = { task: "add", input: { a: 1, b: 2 } };

async function assertNothingStored(service: Service): Promise<void> {
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
  const left = await Array.fromAsync(service.kv.writer.list({ prefix: [] }));
  const stored = left.filter(({ key }) =>
    ["task", "blob", "index", "event", "idem", "group"].includes(String(key[0]))
  );
  assert.deepEqual(stored.map(({ key }) => key), []);
}

Deno.test("a body that is no JSON is 400", async () => {
  await using service = await aService({ running: false });
  for (const body of ["{", '{"task":"add",}', "", "nul", "{'a':1}", "[1,2", '"\u0001"']) {
    for (const path of ["/v1/tasks", "/v1/tasks/batch", "/v1/wait", "/v1/as-completed", "/v1/groups"]) {
      assertProblem(await service.post(path, body), 400, "malformed-json", "");
    }
  }
  await assertNothingStored(service);
});

Deno.test("a body that is not UTF-8 is 400", async () => {
  await using service = await aService({ running: false });
  const answer = await service.request("POST", "/v1/tasks", {
    headers: { "content-type": "application/json" },
    body: new Uint8Array([0x22, 0xff, 0xfe, 0x22]),
  });
  assertProblem(answer, 400, "malformed-json", "");
});

Deno.test("a body that is no object is 422", async () => {
  await using service = await aService({ running: false });
  for (const body of ["null", "1", '"text"', "[]", "true"]) {
    assertProblem(await service.post("/v1/tasks", body), 422, "validation-failed", "");
  }
});

Deno.test("a body of another type is 415", async () => {
  await using service = await aService({ running: false });
  for (
    const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "application/jsonp",
    ]
  ) {
    const answer = await service.post("/v1/tasks", ok, { headers: { "content-type": type } });
    assertProblem(answer, 415, "unsupported-media-type");
  }
  const good = await service.post("/v1/tasks", ok, {
    headers: { "content-type": "application/json; charset=utf-8" },
  });
  assert.equal(good.status, 202);
});

Deno.test("each wrong field of a submit is named by its pointer, and nothing is stored", async () => {
  await using service = await aService({ running: false });
  const wrong: [unknown, string][] = [
    [{ input: {} }, "/task"],
    [{ task: 5 }, "/task"],
    [{ task: "" }, "/task"],
    [{ ...ok, id: "x" }, "/id"],
    [{ ...ok, extra: 1 }, "/extra"],
    [{ ...ok, "a/b~c": 1 }, "/a~1b~0c"],
    [{ ...ok, options: [] }, "/options"],
    [{ task: "add", input: { a: 1 } }, "/input/b"],
    [{ task: "add", input: { a: 1, b: "2" } }, "/input/b"],
    [{ task: "add", input: { a: 1, b: 2, c: 3 } }, "/input/c"],
    [{ task: "add", input: null }, "/input"],
    [{ task: "add" }, "/input/a"],
    [{ task: "sleep", input: { ms: -1 } }, "/input/ms"],
    ...([
      ["delayMs", -1],
      ["delayMs", 0.5],
      ["delayMs", 1e20],
      ["delayMs", "5"],
      ["runAt", "tomorrow"],
      ["runAt", "2026-02-30T00:00:00Z"],
      ["runAt", 5],
      ["ttlMs", 0],
      ["expiresAt", "2026-01-01"],
      ["timeoutMs", 0],
      ["timeoutMs", -5],
      ["priority", 11],
      ["priority", 1.5],
      ["maxCrashes", -1],
      ["tags", "one"],
      ["tags", Array.from({ length: 21 }, String)],
      ["metadata", []],
      ["metadata", { long: "x".repeat(5_000) }],
      ["retentionMs", -1],
      ["retry", 3],
      ["waitUntil", 1],
    ] as const).map((
      [name, value],
    ): [unknown, string] => [{ ...ok, options: { [name]: value } }, `/options/${name}`]),
    [{ ...ok, options: { tags: [""] } }, "/options/tags/0"],
    [{ ...ok, options: { retry: { maxAttempts: 0 } } }, "/options/retry/maxAttempts"],
    [{ ...ok, options: { retry: { delayMs: -1 } } }, "/options/retry/delayMs"],
    [{ ...ok, options: { retry: { tries: 1 } } }, "/options/retry/tries"],
    [{ ...ok, options: { delayMs: 1, runAt: "2030-01-01T00:00:00Z" } }, "/options/runAt"],
    [{ ...ok, options: { ttlMs: 1, expiresAt: "2030-01-01T00:00:00Z" } }, "/options/expiresAt"],
  ];
  for (const [body, pointer] of wrong) {
    assertProblem(await service.post("/v1/tasks", body), 422, "validation-failed", pointer);
  }
  await assertNothingStored(service);
});

Deno.test("all wrong fields are named at once", async () => {
  await using service = await aService({ running: false });
  const { body } = await service.post("/v1/tasks", { task: "add", input: { a: "1", b: "2" } });
  assert.deepEqual(body.errors.map(({ pointer }: { pointer: string }) => pointer), ["/input/a", "/input/b"]);
});

Deno.test("an unknown definition is 422 with the nearest names", async () => {
  await using service = await aService({ running: false });
  for (const task of ["ad", "Add", "ADD ", "__proto__", "constructor", "toString", "x".repeat(200)]) {
    const answer = await service.post("/v1/tasks", { task, input: {} });
    const problem = assertProblem(answer, 422, "unknown-definition", "/task");
    assert.ok(problem.nearest.length > 0);
    if (/^add? ?$/i.test(task)) assert.equal(problem.nearest[0], "add");
  }
  await assertNothingStored(service);
});

Deno.test("an id that is no UUID is 422 wherever an id stands", async () => {
  await using service = await aService({ running: false });
  for (const id of ["1", "not-a-uuid", "%00", "%E0%A4%A", `${UNKNOWN_ID}0`, "..%2f..%2fetc"]) {
    for (const path of [`tasks/${id}`, `tasks/${id}/result`, `tasks/${id}/events`, `groups/${id}`]) {
      assertProblem(await service.get(`/v1/${path}`), 422, "validation-failed", "/path/id");
    }
    assertProblem(await service.post(`/v1/tasks/${id}/cancel`, {}), 422, "validation-failed", "/path/id");
    assertProblem(await service.delete(`/v1/tasks/${id}`), 422, "validation-failed", "/path/id");
    assertProblem(await service.get(`/v1/as-completed?id=${id}`), 422, "validation-failed", "/query/id/0");
    assertProblem(
      await service.post("/v1/wait", { ids: [UNKNOWN_ID, id] }),
      422,
      "validation-failed",
      "/ids/1",
    );
  }
});

Deno.test("a query that makes no sense is 422 and names the parameter", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", ok.input);
  const wrong: [string, string][] = [
    ...["wait=abc", "wait=-1", "wait=", "wait=NaN", "wait=1e999", "wait=1&wait=2"].map((
      query,
    ): [string, string] => [
      `/v1/tasks/${id}?${query}`,
      "/query/wait",
    ]),
    [`/v1/tasks/${id}?waits=1`, "/query/waits"],
    [`/v1/tasks/${id}/result?raiseOnFailure=maybe`, "/query/raiseOnFailure"],
    [`/v1/tasks/${id}/events?after=-1`, "/query/after"],
    [`/v1/tasks/${id}/events?after=x`, "/query/after"],
    ["/v1/tasks?state=DONE", "/query/state"],
    ["/v1/tasks?limit=0", "/query/limit"],
    ["/v1/tasks?limit=501", "/query/limit"],
    ["/v1/tasks?limit=1.5", "/query/limit"],
    ["/v1/tasks?cursor=x", "/query/cursor"],
    ["/v1/tasks?groupId=x", "/query/groupId"],
    ["/v1/tasks?createdAfter=yesterday", "/query/createdAfter"],
    ["/v1/tasks?color=red", "/query/color"],
    [`/v1/as-completed?id=${id}&timeout=-1`, "/query/timeout"],
    [`/v1/as-completed?id=${id}&timeout=abc`, "/query/timeout"],
  ];
  for (const [path, pointer] of wrong) {
    assertProblem(await service.get(path), 422, "validation-failed", pointer);
  }
  const headers = { "last-event-id": "abc" };
  assertProblem(await service.get(`/v1/tasks/${id}/events`, { headers }), 422, "validation-failed");
});

Deno.test("wrong fields of cancel, retry, wait and groups are named", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", ok.input);
  const wrong: [string, unknown, string][] = [
    [`tasks/${id}/cancel`, { graceMs: -1 }, "/graceMs"],
    [`tasks/${id}/cancel`, { reason: 5 }, "/reason"],
    [`tasks/${id}/cancel`, { why: "x" }, "/why"],
    [`tasks/${id}/retry`, { inputs: {} }, "/inputs"],
    ["wait", { ids: [id], returnWhen: "NEVER" }, "/returnWhen"],
    ["wait", { ids: [id], timeoutSeconds: -1 }, "/timeoutSeconds"],
    ["wait", { ids: [id], timeoutSeconds: "5" }, "/timeoutSeconds"],
    ["wait", { ids: [] }, "/ids"],
    ["wait", { ids: id }, "/ids"],
    ["groups", { ids: [] }, "/ids"],
    ["groups", { ids: [5] }, "/ids/0"],
    ["groups", {}, "/ids"],
    ["as-completed", { ids: [id], timeoutSeconds: -1 }, "/timeoutSeconds"],
  ];
  for (const [path, body, pointer] of wrong) {
    assertProblem(await service.post(`/v1/${path}`, body), 422, "validation-failed", pointer);
  }
  assert.equal((await service.task(id)).state.type, "PENDING");
});

Deno.test("a body over the limit is 413, whether it says its size or not", async () => {
  await using service = await aService({ running: false });
  const text = JSON.stringify({ task: "echo", input: { value: "x".repeat(2 * 2 ** 20) } });
  assertProblem(await service.post("/v1/tasks", text), 413, "payload-too-large");
  const headers = { "content-type": "application/json", "content-length": String(text.length) };
  assertProblem(
    await service.request("POST", "/v1/tasks", { headers, body: text }),
    413,
    "payload-too-large",
  );
  const base = service.listen();
  for (const body of [text, new Blob([text]).stream()]) {
    const response = await fetch(`${base}/v1/tasks`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    assert.equal(response.status, 413);
    assert.equal((await response.json()).type, "/problems/payload-too-large");
  }
  await assertNothingStored(service);
});

Deno.test("an input just over the limit is 413 and points at it, one at the limit is taken", async () => {
  await using service = await aService({ running: false, maxInputBytes: 2_000 });
  const sized = (bytes: number) => ({ task: "echo", input: { value: "é".repeat((bytes - 12) / 2) } });
  assert.equal((await service.post("/v1/tasks", sized(2_000))).status, 202);
  const problem = assertProblem(
    await service.post("/v1/tasks", sized(2_002)),
    413,
    "payload-too-large",
    "/input",
  );
  assert.match(problem.detail, /2002 bytes.*2000/);
});

Deno.test("JSON that is nested 100,000 deep is 422, in arrays and in objects, closed or not", async () => {
  await using service = await aService({ running: false });
  const deep = 100_000;
  const bodies = [
    `{"task":"echo","input":{"value":${"[".repeat(deep)}${"]".repeat(deep)}}}`,
    `{"task":"echo","input":{"value":${'{"a":'.repeat(deep)}1${"}".repeat(deep)}}}`,
    "[".repeat(deep),
  ];
  for (const body of bodies) {
    assertProblem(await service.post("/v1/tasks", body), 422, "validation-failed", "");
  }
  // Brackets inside a text do not count as nesting.
  const text = await service.post("/v1/tasks", { task: "echo", input: { value: '\\"[['.repeat(deep) } });
  assert.equal(text.status, 202);
});

Deno.test("a key named __proto__ is an unknown field like any other, and changes no prototype", async () => {
  await using service = await aService({ running: false });
  const evil = '"__proto__":{"polluted":true}';
  const bodies: [string, string][] = [
    [`{"task":"add","input":{"a":1,"b":2},${evil}}`, "/__proto__"],
    [`{"task":"add","input":{"a":1,"b":2,${evil}}}`, "/input/__proto__"],
    [`{"task":"add","input":{"a":1,"b":2},"options":{${evil}}}`, "/options/__proto__"],
    [`{"task":"add","input":{"a":1,"__proto__":{"b":2}}}`, "/input/b"],
  ];
  for (const [body, pointer] of bodies) {
    assertProblem(await service.post("/v1/tasks", body), 422, "validation-failed", pointer);
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  await assertNothingStored(service);
});

Deno.test("a wrong method is 405 with Allow, an unknown path 404", async () => {
  await using service = await aService({ running: false });
  const wrong: [string, string, string][] = [
    ["PUT", "/v1/tasks", "GET, POST"],
    ["DELETE", "/v1/tasks", "GET, POST"],
    ["PATCH", `/v1/tasks/${UNKNOWN_ID}`, "DELETE, GET"],
    ["GET", `/v1/tasks/${UNKNOWN_ID}/cancel`, "POST"],
    ["GET", "/v1/wait", "POST"],
    ["PUT", "/v1/tasks/batch", "POST"],
    ["GET", "/v1/tasks/batch", "POST"],
    ["DELETE", "/v1/tasks/batch", "POST"],
    ["POST", "/healthz", "GET"],
  ];
  for (const [method, path, allow] of wrong) {
    const answer = await service.request(method, path);
    assertProblem(answer, 405, "method-not-allowed");
    assert.equal(answer.headers.get("allow"), allow);
  }
  const head = await service.request("HEAD", "/v1/tasks/batch");
  assert.deepEqual([head.status, head.headers.get("allow")], [405, "POST"]);
  for (
    const path of [
      "/v1",
      "/v2/tasks",
      "/%E0%A4%A",
      "/x//y",
      "/docs/../main.ts",
      "/docs/constructor",
    ]
  ) {
    assertProblem(await service.get(path), 404, "not-found");
  }
});

Deno.test("no path that is spelled out is taken for an id", async () => {
  await using service = await aService({ running: false });
  const routes = routesOf(service.app);
  for (const { path } of routes.filter(({ path }) => !path.includes(":"))) {
    const allowed = methodsAt(service.app, path);
    for (const { method } of routes.filter((route) => patternOf(route.path).test(path))) {
      if (allowed.includes(method)) continue;
      const { status, headers } = await service.request(method, path);
      assert.deepEqual([status, headers.get("allow")], [405, allowed.join(", ")], `${method} ${path}`);
    }
  }
});

Deno.test("a whole number in a query is digits", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", { a: 1, b: 2 });
  for (
    const text of ["1e2", "0x10", "+5", "%2B5", "-5", " 5", "5.0", "five", "Infinity", "", "9".repeat(17)]
  ) {
    assertProblem(await service.get(`/v1/tasks?limit=${text}`), 422, "validation-failed", "/query/limit");
    // A reader that has seen nothing may say so.
    if (text === "") continue;
    const events = await service.get(`/v1/tasks/${id}/events?after=${text}`);
    assertProblem(events, 422, "validation-failed", "/query/after");
    if (/[+ ]/.test(text)) continue;
    const headers = { "last-event-id": text };
    const resumed = await service.get(`/v1/tasks/${id}/events`, { headers });
    assertProblem(resumed, 422, "validation-failed", "/header/last-event-id");
  }
  assert.equal((await service.get("/v1/tasks?limit=100")).status, 200);
});

Deno.test("metadata has at most 4096 bytes, whatever its characters take", async () => {
  await using service = await aService({ running: false });
  const of = (text: string) => ({ task: "add", input: { a: 1, b: 2 }, options: { metadata: { text } } });
  const room = 4_096 - '{"text":""}'.length;
  for (
    const fits of [
      "x".repeat(room),
      "ä".repeat(Math.floor(room / 2)),
      "\u{1f600}".repeat(Math.floor(room / 4)),
    ]
  ) {
    assert.equal((await service.post("/v1/tasks", of(fits))).status, 202);
    const body = assertProblem(
      await service.post("/v1/tasks", of(`${fits}€€`)),
      422,
      "validation-failed",
      "/options/metadata",
    );
    assert.match(body.detail, /at most 4096 bytes of JSON/);
  }
});

Deno.test("a refusal of very many faults tells the first ones: no body overflows a stack", async () => {
  await using service = await aService({ running: false });
  const many = (part: string, count: number) => Array(count).fill(part).join(",");
  const reference = `{"$task":"${UNKNOWN_ID}"}`;
  for (
    const [path, body, pointer] of [
      ["/v1/flows", `{"chain":[${many("0", 130_000)}]}`, ""],
      ["/v1/flows", `{"chain":[${many("0", 10_000)}]}`, "/chain/0"],
      ["/v1/flows", `{"chord":{"header":[${many("0", 130_000)}],"body":{"task":"add"}}}`, ""],
      [
        "/v1/flows",
        `{"chain":[{"task":"echo","input":[${many('{"$task":0}', 130_000)}]}]}`,
        "/chain/0/input/0",
      ],
      [
        "/v1/tasks/batch",
        `{"tasks":[${many(`{"task":"echo","input":{"value":[${many(reference, 13_000)}]}}`, 10)}]}`,
        "/tasks/0/input/value/0/$task",
      ],
      [
        "/v1/tasks",
        `{"task":"tally","input":{"digests":[${many("{}", 130_000)}]}}`,
        "/input/digests/0/error",
      ],
    ]
  ) {
    const { errors } = assertProblem(await service.post(path, body), 422, "validation-failed", pointer);
    assert.ok(errors.length <= 1_000, `${errors.length} of ${path}`);
  }
  await assertNothingStored(service);
});

Deno.test("an error of ours is 500 with a request id and nothing else about the inside", async () => {
  await using service = await aService({ running: false, mayLogErrors: true });
  service.kv.list = () => Promise.reject(new Error("secret: password=1"));
  const { status, text, body } = await service.get("/v1/tasks").catch(async () => {
    const response = await service.app.request("/v1/tasks");
    const text = await response.text();
    return { status: response.status, text, body: JSON.parse(text) };
  });
  assert.equal(status, 500);
  assert.equal(body.type, "/problems/internal");
  assert.doesNotMatch(text, /secret|password|\.ts/);
  assert.ok(
    service.errors.some((line) => line.includes(body.requestId)),
    "the log does not name the request",
  );
});
