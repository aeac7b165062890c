// Who may call what. The table here is written by hand, so that a change in that of
// routes/access/access_table.ts is noticed.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ACCESS } from "../../../routes/access/access_table.ts";
import { routesOf } from "../../../routes/http/methods.ts";
import type { Scope } from "../../../auth/api_keys.ts";
import {
  type Answer,
  aService,
  assertProblem,
  type Body,
  type Service,
  UNKNOWN_ID,
} from "../../support/service.ts";
import { aKey, type Caller } from "../../support/api_keys.ts";

type Needed = Scope[] | "open";

const EXPECTED: [string, string, Needed][] = [
  ["GET", "/", "open"],
  ["GET", "/healthz", "open"],
  ["GET", "/readyz", "open"],
  ["GET", "/openapi.json", "open"],
  ["GET", "/docs", "open"],
  ["GET", "/docs/:asset", "open"],
  ["GET", "/client/:name{.+}", "open"],
  ["GET", "/page/:name", "open"],
  ["GET", "/metrics", ["read"]],
  ["POST", "/v1/tasks", ["submit"]],
  ["POST", "/v1/tasks/batch", ["submit"]],
  ["POST", "/v1/map", ["submit"]],
  ["POST", "/v1/flows", ["submit"]],
  ["GET", "/v1/tasks", ["read"]],
  ["GET", "/v1/tasks/:id", ["read"]],
  ["GET", "/v1/tasks/:id/result", ["read"]],
  ["GET", "/v1/tasks/:id/events", ["read"]],
  ["GET", "/v1/tasks/:id/logs", ["read"]],
  ["GET", "/v1/tasks/:id/dependents", ["read"]],
  ["GET", "/v1/groups", ["read"]],
  ["GET", "/v1/groups/:id", ["read"]],
  ["GET", "/v1/groups/:id/results", ["read"]],
  ["GET", "/v1/as-completed", ["read"]],
  ["POST", "/v1/as-completed", ["read"]],
  ["POST", "/v1/wait", ["read"]],
  ["GET", "/v1/definitions", ["read"]],
  ["GET", "/v1/queues", ["read"]],
  ["GET", "/v1/queues/:name", ["read"]],
  ["GET", "/v1/workers", ["read"]],
  ["GET", "/v1/stats", ["read"]],
  ["GET", "/v1/events", ["read"]],
  ["POST", "/v1/tickets", ["read"]],
  ["GET", "/v1/schedules", ["read"]],
  ["GET", "/v1/schedules/:name", ["read"]],
  ["POST", "/v1/schedules/preview", ["read"]],
  ["PUT", "/v1/schedules/:name", ["operate"]],
  ["PATCH", "/v1/schedules/:name", ["operate"]],
  ["DELETE", "/v1/schedules/:name", ["operate"]],
  ["POST", "/v1/schedules/:name/pause", ["operate"]],
  ["POST", "/v1/schedules/:name/resume", ["operate"]],
  ["POST", "/v1/schedules/:name/trigger", ["operate"]],
  ["POST", "/v1/schedules/:name/backfill", ["operate"]],
  ["POST", "/v1/tasks/:id/retry", ["submit", "read"]],
  ["POST", "/v1/tasks/:id/rerun", ["submit", "read"]],
  ["POST", "/v1/groups", ["submit", "read"]],
  ["POST", "/v1/tasks/:id/cancel", ["cancel"]],
  ["POST", "/v1/tasks/cancel", ["cancel"]],
  ["POST", "/v1/groups/:id/cancel", ["cancel"]],
  ["DELETE", "/v1/tasks/:id", ["admin"]],
  ["POST", "/v1/bulk", ["operate"]],
  ["PUT", "/v1/queues/:name", ["operate"]],
  ["PUT", "/v1/definitions/:name/concurrency", ["operate"]],
  ["POST", "/v1/queues/:name/pause", ["operate"]],
  ["POST", "/v1/queues/:name/resume", ["operate"]],
  ["POST", "/v1/definitions/:name/pause", ["operate"]],
  ["POST", "/v1/definitions/:name/resume", ["operate"]],
  ["POST", "/v1/pause", ["operate"]],
  ["POST", "/v1/resume", ["operate"]],
  ["GET", "/v1/keys", ["admin"]],
  ["POST", "/v1/keys", ["admin"]],
  ["POST", "/v1/keys/:id/rotate", ["admin"]],
  ["DELETE", "/v1/keys/:id", ["admin"]],
  ["GET", "/v1/usage", []],
  ["GET", "/v1/session", []],
  ["POST", "/v1/session", []],
  ["DELETE", "/v1/session", []],
  ["GET", "/v1/audit", ["admin"]],
  ["GET", "/v1/limits", ["read"]],
  ["GET", "/v1/limits/:key", ["read"]],
  ["PUT", "/v1/limits/:key", ["operate"]],
  ["DELETE", "/v1/limits/:key", ["operate"]],
  ["GET", "/v1/quotas", ["admin"]],
  ["PUT", "/v1/quotas/:kind/:name", ["admin"]],
  ["DELETE", "/v1/quotas/:kind/:name", ["admin"]],
];

/** Only where an app can fall asleep (tests/deploy). It looks for a ticket of its own. */
const PUMP = "POST /internal/pump";

/** Every set of scopes. */
const SETS = (["submit", "read", "cancel", "operate", "admin"] as Scope[]).reduce<Scope[][]>(
  (sets, scope) => [...sets, ...sets.map((set) => [...set, scope])],
  [[]],
).filter((set) => set.length > 0);

function pathOf(pattern: string): string {
  const parameters: Record<string, string> = {
    ":id": UNKNOWN_ID,
    ":asset": "swagger-ui.css",
    ":name{.+}": "errand.js",
    ":kind": "key",
    ":name": "somebody",
  };
  return pattern.replace(/:[^/]+/g, (parameter) => parameters[parameter]);
}

/** Its stream never ends: it is asked for a place that it does not have. */
const ENDLESS = "/v1/events";

async function call(service: Service, method: string, pattern: string, headers = {}): Promise<Answer> {
  const body = ["POST", "PUT"].includes(method) ? "{}" : undefined;
  const type: Record<string, string> = body ? { "content-type": "application/json" } : {};
  const path = pattern === ENDLESS ? `${pattern}?after=nowhere` : pathOf(pattern);
  return await service.request(method, path, { headers: { ...type, ...headers }, body });
}

/** The call reached the route, whatever that answered. */
function assertLetIn(answer: Answer, what: string): void {
  assert.ok(![401, 403, 405].includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
  assert.doesNotMatch(answer.text, /nothing is at/, what);
}

function assertUnauthorized(answer: Answer): void {
  assertProblem(answer, 401, "unauthorized");
  assert.equal(answer.headers.get("www-authenticate"), "Bearer");
}

Deno.test("every route has a line, every line a route, and each is as it was thought through", async () => {
  await using service = await aService({ running: false });
  const existing = new Set(routesOf(service.app).map(({ method, path }) => `${method} ${path}`));
  assert.deepEqual([...existing, PUMP].sort(), Object.keys(ACCESS).sort());
  const { [PUMP]: pump, ...others } = ACCESS;
  assert.equal(pump, "open");
  const expected = EXPECTED.map(([method, path, needed]) => [`${method} ${path}`, needed]);
  assert.deepEqual(Object.entries(others), expected);
});

Deno.test("every route × no key, a wrong one, and every set of scopes", async () => {
  const callers: [Scope[], Caller][] = SETS.map((set) => [set, aKey(set)]);
  await using service = await aService({ running: false, apiKeys: callers.map(([, { key }]) => key) });
  let refused = 0;
  for (const [method, path, needed] of EXPECTED) {
    const what = `${method} ${path}`;
    const strangers = [
      {},
      { authorization: "Bearer errand_wrong" },
      { authorization: "Bearer " },
      { authorization: `Basic ${btoa("ci:x")}` },
      { authorization: callers[0][1].secret },
      { authorization: `Bearer ${callers[0][1].secret} ${callers[0][1].secret}` },
    ];
    for (const headers of strangers) {
      const answer = await call(service, method, path, headers);
      if (needed === "open") assertLetIn(answer, what);
      else assertUnauthorized(answer);
    }
    for (const [scopes, { headers }] of callers) {
      const answer = await call(service, method, path, headers);
      const missing = needed === "open" || scopes.includes("admin")
        ? undefined
        : needed.find((scope) => !scopes.includes(scope));
      if (missing === undefined) {
        assertLetIn(answer, `${what} with ${scopes}`);
        continue;
      }
      refused++;
      const problem = assertProblem(answer, 403, "forbidden");
      assert.equal(problem.scope, missing, what);
      assert.ok(problem.detail.includes(`needs the scope ${missing}`), problem.detail);
    }
  }
  assert.equal(refused, 518);
});

Deno.test("HEAD needs what GET needs, and the word Bearer may be written in any case", async () => {
  const reader = aKey(["read"]);
  const submitter = aKey(["submit"]);
  await using service = await aService({ running: false, apiKeys: [reader.key, submitter.key] });
  const head = async (headers = {}) => {
    return (await service.app.request("/v1/definitions", { method: "HEAD", headers })).status;
  };
  assert.deepEqual([await head(), await head(submitter.headers), await head(reader.headers)], [
    401,
    403,
    200,
  ]);
  assert.equal(await head({ authorization: `bearer  ${reader.secret}` }), 200);
});

Deno.test("what is not there is told to callers with a key alone", async () => {
  const { key, headers } = aKey(["cancel"]);
  await using service = await aService({ running: false, apiKeys: [key] });
  for (
    const [method, path] of [["GET", "/v1/nothing"], ["PUT", "/v1/tasks"], ["GET", "/x"], [
      "OPTIONS",
      "/v1/map",
    ]]
  ) {
    assertUnauthorized(await service.request(method, path));
  }
  assertProblem(await service.get("/v1/nothing", { headers }), 404, "not-found");
  assertProblem(await service.request("PUT", "/v1/tasks", { headers }), 405, "method-not-allowed");
});

for (const apiKeys of [[], [aKey(["admin"], "boss")]]) {
  Deno.test(`a route without a line is refused${apiKeys.length > 0 ? ", also to an admin" : ""}`, async () => {
    await using service = await aService({ running: false, apiKeys: apiKeys.map(({ key }) => key) });
    service.app.get("/v1/forgotten", (c) => c.text("secrets"));
    service.app.all("/v1/any", (c) => c.text("secrets"));
    const answer = await service.get("/v1/forgotten", { headers: apiKeys[0]?.headers });
    assertProblem(answer, 403, "forbidden");
    assert.match(answer.body.detail, /GET \/v1\/forgotten/);
    const any = await service.app.request("/v1/any", { method: "PATCH", headers: apiKeys[0]?.headers });
    assert.deepEqual([any.status, (await any.json()).type], [403, "/problems/forbidden"]);
  });
}

Deno.test("a key without read learns no result from its submits, whatever it asks for", async () => {
  const submitter = aKey(["submit"]);
  const reader = aKey(["submit", "read"]);
  await using service = await aService({ apiKeys: [submitter.key, reader.key] });
  const submit = (task: string, input: unknown, { headers }: Caller, more: Record<string, string> = {}) =>
    service.post("/v1/tasks", { task, input }, { headers: { ...headers, ...more } });
  const wait = { prefer: "wait=60" };

  const shown = await submit("echo", { value: "the result" }, reader, wait);
  assert.deepEqual([shown.status, shown.body.result], [200, "the result"]);

  const again = { ...wait, "idempotency-key": "k" };
  const first = await submit("add", { a: 20, b: 22 }, submitter, again);
  assert.deepEqual([first.status, first.body.result], [202, null]);
  assert.equal(first.headers.get("preference-applied"), null);
  const ended = await service.get(`/v1/tasks/${first.body.id}/result?wait=60`, { headers: reader.headers });
  assert.equal(ended.body.result, 42);
  const replayed = await submit("add", { a: 20, b: 22 }, submitter, again);
  assert.deepEqual([replayed.body.id, replayed.body.result], [first.body.id, null]);

  // Others' tasks, by what a submit may say of them.
  const failed = await submit("fail", { message: "a secret of the error" }, reader, wait);
  assert.equal(failed.body.state.type, "FAILED");
  const answers = [
    await submit("echo", { value: { $task: shown.body.id } }, submitter, wait),
    await submit("echo", { value: { $task: failed.body.id } }, submitter, wait),
    await service.post("/v1/tasks/batch", {
      group: true,
      tasks: [{ task: "echo", input: { value: { $task: failed.body.id } } }],
    }, { headers: submitter.headers }),
    await service.post("/v1/map", { task: "echo", map: { value: [{ $task: shown.body.id }] } }, {
      headers: submitter.headers,
    }),
    await service.post("/v1/flows", {
      chain: [{ task: "echo", input: { value: { $task: failed.body.id } } }],
    }, {
      headers: submitter.headers,
    }),
  ];
  for (const { status, text } of answers) {
    assert.equal(status, 202, text);
    assert.doesNotMatch(text, /the result|a secret of the error/);
  }
});

Deno.test("an idempotency key is its caller's own", async () => {
  const one = aKey(["submit"], "one");
  const other = aKey(["submit"], "other");
  const rotated = aKey(["submit"], "one");
  const stranger = aKey(["submit"], "stranger");
  const apiKeys = [one, other, rotated, stranger].map(({ key }) => key);
  await using service = await aService({ apiKeys });
  const submit = ({ headers }: Caller, b = 2) =>
    service.post("/v1/tasks", { task: "add", input: { a: 1, b } }, {
      headers: { ...headers, "idempotency-key": "invoice-1" },
    });
  const [first, second, third] = [await submit(one), await submit(other), await submit(rotated)];
  assert.equal(first.headers.get("idempotency-replayed"), null);
  assert.equal(second.headers.get("idempotency-replayed"), null);
  assert.notEqual(second.body.id, first.body.id);
  assert.equal(third.headers.get("idempotency-replayed"), "true");
  assert.equal(third.body.id, first.body.id);
  // Another body is no mismatch with somebody else's.
  assertProblem(await submit(one, 3), 422, "idempotency-mismatch");
  const fresh = await submit(stranger, 3);
  assert.equal(fresh.status, 202, fresh.text);
});

Deno.test("no secret is in an answer or in the log", async () => {
  const { key, headers, secret } = aKey(["admin"], "boss");
  await using service = await aService({ running: false, apiKeys: [key], mayLogErrors: true });
  service.kv.list = () => Promise.reject(new Error("a fault of ours"));
  const broken = await service.app.request("/v1/tasks", { headers });
  assert.equal(broken.status, 500);
  const texts = [await broken.text()];
  for (const authorization of [`Bearer ${secret}x`, `Basic ${secret}`, secret]) {
    texts.push((await service.get("/v1/tasks", { headers: { authorization } })).text);
  }
  texts.push((await service.get(`/v1/as-completed?tag=x&ticket=${secret}`)).text);
  assert.equal(service.errors.length, 1);
  const hex = Array.from(key.hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  for (const text of [...service.errors, ...texts]) {
    assert.ok(!text.includes(secret) && !text.includes(hex), text);
  }
});

Deno.test("without keys, other names than this machine's own are refused", async () => {
  await using service = await aService({ running: false });
  const list = (headers: Record<string, string>) => service.get("/v1/tasks", { headers });
  const own = [
    "localhost",
    "LOCALHOST:8000",
    "127.0.0.1",
    "127.0.0.1:8000",
    "127.9.8.7:1",
    "[::1]",
    "[::1]:8000",
  ];
  for (const host of own) assert.equal((await list({ host })).status, 200, host);
  const others = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example:127.0.0.1",
    "a.localhost",
    "192.168.1.7:8000",
    "0.0.0.0:8000",
    "[::]:8000",
    "",
  ];
  for (const host of others) {
    const answer = await list({ host });
    assertProblem(answer, 403, "forbidden");
    assert.ok(answer.body.detail.includes(JSON.stringify(host)), answer.body.detail);
    assert.match(answer.body.detail, /API_KEYS/);
    assert.equal((await service.get("/healthz", { headers: { host } })).status, 200);
  }
  const absolute = await service.app.request("http://evil.example/v1/tasks");
  assert.equal(absolute.status, 403);
  await absolute.body?.cancel();
});

Deno.test("without keys, pages of other sites are refused, also where they need no preflight", async () => {
  await using service = await aService();
  const task = await service.submit("sleep", { ms: 60_000 });
  const cancel = (origin: string) =>
    service.post(`/v1/tasks/${task.id}/cancel`, undefined, { headers: { origin } });
  for (const origin of ["https://evil.example", "http://localhost.evil.example:8000", "null", "nonsense"]) {
    const answer = await cancel(origin);
    assertProblem(answer, 403, "forbidden");
    assert.ok(answer.body.detail.includes(JSON.stringify(origin)), answer.body.detail);
  }
  assert.notEqual((await service.task(task.id)).state.type, "CANCELLED");
  assert.equal(
    (await service.get("/v1/tasks", { headers: { origin: "http://127.0.0.1:8000" } })).status,
    200,
  );
  assert.ok((await cancel("http://localhost:5173")).status < 300);
});

Deno.test("without keys, a page of another site gets nothing without an Origin either, as by an image", async () => {
  await using service = await aService({ running: false });
  const look = (headers: Record<string, string>) => service.get("/v1/tasks", { headers });
  const answer = await look({ "sec-fetch-site": "cross-site" });
  assertProblem(answer, 403, "forbidden");
  assert.match(answer.body.detail, /Sec-Fetch-Site here is cross-site/);
  // The page itself, another port of this machine, the address bar, and what is no browser.
  for (const site of ["same-origin", "same-site", "none"]) {
    assert.equal((await look({ "sec-fetch-site": site })).status, 200, site);
  }
  assert.equal((await look({})).status, 200);
  const { status } = await service.get("/docs", { headers: { "sec-fetch-site": "cross-site" } });
  assert.equal(status, 200, "a link leads to the docs");
});

Deno.test("with a key it does not matter which page asks", async () => {
  const caller = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [caller.key] });
  const headers = { ...caller.headers, "sec-fetch-site": "cross-site" };
  assert.equal((await service.get("/v1/tasks", { headers })).status, 200);
});

Deno.test("without keys, the Host of a real request counts", async () => {
  await using service = await aService({ running: false });
  const { port } = new URL(service.listen());
  const statusFor = async (lines: string): Promise<string> => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await connection.write(new TextEncoder().encode(`${lines}\r\nConnection: close\r\n\r\n`));
    const text = await new Response(connection.readable).text();
    return text.split(" ")[1];
  };
  assert.equal(await statusFor(`GET /v1/tasks HTTP/1.1\r\nHost: 127.0.0.1:${port}`), "200");
  assert.equal(await statusFor(`GET /v1/tasks HTTP/1.1\r\nHost: evil.example:${port}`), "403");
  // The two names of one request differ: the one that says where the page believes to be must be allowed.
  assert.equal(await statusFor(`GET http://127.0.0.1/v1/tasks HTTP/1.1\r\nHost: evil.example`), "403");
});

Deno.test("with keys, the service may have any name, and pages of any site may call it with a key", async () => {
  const { key, headers } = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [key] });
  const more = { host: "errand.example", origin: "https://pages.example" };
  assert.equal((await service.get("/v1/tasks", { headers: { ...headers, ...more } })).status, 200);
  assertUnauthorized(await service.get("/v1/tasks", { headers: more }));
});

Deno.test("the document says who may call what, and that others are refused", async () => {
  await using service = await aService({ running: false });
  const { paths, components } = await service.document();
  assert.equal(components.securitySchemes.key.scheme, "bearer");
  for (const [method, pattern, needed] of EXPECTED) {
    const operation = paths[pattern.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
    if (operation === undefined) continue;
    const isStream = method === "GET" && /\/events$|\/as-completed$/.test(pattern);
    const security = needed === "open" ? [] : [{ key: needed }, ...isStream ? [{ ticket: [] }] : []];
    assert.deepEqual(operation.security, security, pattern);
    assert.equal("401" in operation.responses && "403" in operation.responses, needed !== "open", pattern);
  }
});

Deno.test("what the document says that a call needs is what it needs: a key with it passes, one that lacks any of it does not", async () => {
  await using plain = await aService({ running: false });
  const { paths } = await plain.document();
  const callers = new Map(SETS.map((scopes) => [scopes.join(), aKey(scopes)]));
  const apiKeys = [...callers.values()].map(({ key }) => key);
  await using service = await aService({ running: false, apiKeys });
  const told = Object.entries<Record<string, Body>>(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security }]) => ({ path, method, security }))
  );
  assert.ok(told.filter(({ security }) => security.length > 0).length > 20);
  for (const { path, method, security } of told) {
    const [needs]: { key: Scope[] }[] = security;
    if (needs === undefined) continue;
    const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
    for (const scopes of SETS) {
      const { headers } = callers.get(scopes.join())!;
      const answer = await call(service, method.toUpperCase(), pattern, headers);
      const passes = scopes.includes("admin") || needs.key.every((scope) => scopes.includes(scope));
      const what = `${method} ${path} with ${scopes}`;
      if (passes) assertLetIn(answer, what);
      else assert.equal(answer.status, 403, what);
    }
    assertUnauthorized(await call(service, method.toUpperCase(), pattern));
  }
});
