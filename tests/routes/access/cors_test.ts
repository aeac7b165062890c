// Pages of other origins: a browser lets them call only where CORS_ORIGINS names them.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConfigError, readConfig, requireKeys } from "../../../config.ts";
import { createErrand } from "../../../mod.ts";
import { createApp } from "../../../routes/app.ts";
import { KeyRing } from "../../../auth/key_ring.ts";
import { Tickets } from "../../../auth/tickets.ts";
import { aKey } from "../../support/api_keys.ts";
import { aService, assertProblem, firstEvents, type Service, UNKNOWN_ID } from "../../support/service.ts";

const PAGE = "https://app.example.com";
const OTHER = "https://other.example.com";
const ASK = { "access-control-request-method": "POST", "access-control-request-headers": "content-type" };

function preflight(service: Service, path: string, origin: string) {
  return service.request("OPTIONS", path, { headers: { origin, ...ASK } });
}

function namesIn(header: string | null): string[] {
  return (header ?? "").split(",").map((name) => name.trim().toLowerCase());
}

Deno.test("by default no page of another origin may call, and the answer says what would let it", async () => {
  const { key } = aKey(["admin"]);
  for (const apiKeys of [[], [key]]) {
    await using service = await aService({ running: false, apiKeys });
    for (const path of ["/v1/tasks", "/v1/nothing", "/"]) {
      const answer = await preflight(service, path, PAGE);
      assertProblem(answer, 403, "forbidden");
      assert.match(answer.body.detail, /CORS_ORIGINS=https:\/\/app\.example\.com/);
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
    }
    assert.equal((await service.get("/healthz", { headers: { origin: PAGE } })).headers.get("vary"), null);
  }
});

Deno.test("a page that is named may call with a key and read what it needs, another may not", async () => {
  const { key, headers } = aKey(["admin"]);
  await using service = await aService({ apiKeys: [key], corsOrigins: ["http://localhost:5173", PAGE] });
  for (const path of ["/v1/tasks", "/v1/nothing", `/v1/tasks/${UNKNOWN_ID}`]) {
    const allowed = await preflight(service, path, PAGE);
    assert.deepEqual([allowed.status, allowed.text], [204, ""]);
    assert.equal(allowed.headers.get("access-control-allow-origin"), PAGE);
    assert.ok(namesIn(allowed.headers.get("vary")).includes("origin"));
    const methods = namesIn(allowed.headers.get("access-control-allow-methods"));
    for (const method of ["get", "post", "delete"]) assert.ok(methods.includes(method), method);
    const sent = namesIn(allowed.headers.get("access-control-allow-headers"));
    const needed = [
      "authorization",
      "content-type",
      "prefer",
      "idempotency-key",
      "if-match",
      "if-none-match",
    ];
    for (const name of [...needed, "last-event-id", "content-encoding"]) assert.ok(sent.includes(name), name);
    assert.equal(allowed.headers.get("access-control-allow-credentials"), null);
    assertProblem(await preflight(service, path, OTHER), 403, "forbidden");
  }
  const page = { ...headers, origin: PAGE };
  const submitted = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, {
    headers: page,
  });
  assert.equal(submitted.headers.get("access-control-allow-origin"), PAGE);
  const exposed = namesIn(submitted.headers.get("access-control-expose-headers"));
  for (
    const name of ["location", "retry-after", "etag", "link", "preference-applied", "idempotency-replayed"]
  ) {
    assert.ok(exposed.includes(name), name);
  }
  // Also what fails: else a page cannot tell why.
  const failures = [
    await service.get("/v1/tasks", { headers: { origin: PAGE } }),
    await service.get("/v1/nothing", { headers: page }),
    await service.post("/v1/tasks", "{", { headers: page }),
    await service.get(`/v1/tasks/${UNKNOWN_ID}`, { headers: page }),
    await service.request("PUT", "/v1/tasks", { headers: page }),
  ];
  assert.deepEqual(failures.map(({ status }) => status), [401, 404, 400, 404, 405]);
  for (const { headers } of failures) assert.equal(headers.get("access-control-allow-origin"), PAGE);
  const other = await service.get("/v1/tasks", { headers: { ...headers, origin: OTHER } });
  assert.deepEqual([other.status, other.headers.get("access-control-allow-origin")], [200, null]);
  assert.ok(namesIn(other.headers.get("vary")).includes("origin"));
});

Deno.test("a stream may be read by a page that is named, by key and by ticket", async () => {
  const { key, headers } = aKey(["admin"]);
  await using service = await aService({ apiKeys: [key], corsOrigins: [PAGE] });
  const submitted = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, { headers });
  const path = `/v1/tasks/${submitted.body.id}/events`;
  const ticket = await service.post("/v1/tickets", { path }, { headers });
  const calls: [string, Record<string, string>][] = [[path, headers], [ticket.body.url, {}]];
  for (const [url, more] of calls) {
    const stream = await service.open(url, { headers: { ...more, origin: PAGE } });
    assert.equal(stream.headers.get("access-control-allow-origin"), PAGE);
    assert.equal((await firstEvents(stream, 1))[0].event, "state");
  }
});

Deno.test("with * any page may call, with a key", async () => {
  const { key, headers } = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [key], corsOrigins: ["*"] });
  assert.equal(
    (await preflight(service, "/v1/tasks", OTHER)).headers.get("access-control-allow-origin"),
    "*",
  );
  const answer = await service.get("/v1/tasks", { headers: { ...headers, origin: OTHER } });
  assert.deepEqual([answer.status, answer.headers.get("access-control-allow-origin")], [200, "*"]);
});

Deno.test("without keys a page of another machine may call only if it is named", async () => {
  await using service = await aService({ running: false, corsOrigins: [PAGE] });
  const list = (headers: Record<string, string>) => service.get("/v1/tasks", { headers });
  assert.equal((await list({ origin: PAGE })).status, 200);
  assertProblem(await list({ origin: OTHER }), 403, "forbidden");
  // The names of the service itself stay what they were.
  assertProblem(await list({ origin: PAGE, host: "errand.example.com" }), 403, "forbidden");
  const open = createApp(service.runtime, {
    log: { info: () => {}, error: () => {} },
    pingMs: 15_000,
    tickets: new Tickets(service.kv, service.runtime.clock),
    keys: new KeyRing(service.kv, service.runtime.clock),
    corsOrigins: ["*"],
  });
  const answer = await open.request("/v1/tasks", { headers: { origin: OTHER } });
  assert.equal(answer.status, 403);
  await answer.body?.cancel();
});

Deno.test("CORS_ORIGINS is a list of origins as browsers spell them", () => {
  const origins = (text: string) => readConfig({ CORS_ORIGINS: text }).CORS_ORIGINS;
  assert.deepEqual(readConfig({}).CORS_ORIGINS, []);
  assert.deepEqual(origins(""), []);
  assert.deepEqual(origins(" https://App.example.com/,\nhttp://localhost:5173 ,https://a.example:443"), [
    "https://app.example.com",
    "http://localhost:5173",
    "https://a.example",
  ]);
  assert.deepEqual(origins("*"), ["*"]);
  assert.deepEqual(origins("capacitor://localhost"), ["capacitor://localhost"]);
  for (
    const wrong of ["null", "app.example.com", "https://a.example/path", "https://*.a.example", "https://a?b"]
  ) {
    assert.throws(() => origins(wrong), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^CORS_ORIGINS must be origins such as https:\/\/app\.example\.com/);
      assert.ok(error.message.includes(JSON.stringify(wrong)));
      return true;
    });
  }
});

Deno.test("* without keys stops the start, of the service and of createErrand", async () => {
  assert.throws(
    () => requireKeys(readConfig({ CORS_ORIGINS: "*" }), false),
    /CORS_ORIGINS must name its origins as long as API_KEYS has no entry/,
  );
  requireKeys(readConfig({ CORS_ORIGINS: PAGE }), false);
  const options = { kv: ":memory:", definitions: {} };
  await assert.rejects(createErrand({ ...options, corsOrigins: "*" }), /corsOrigins must name its origins/);
  await using errand = await createErrand({ ...options, corsOrigins: "*", openAccess: true });
  const answer = await errand.fetch(new Request("http://localhost/healthz", { headers: { origin: PAGE } }));
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  await answer.body?.cancel();
});
