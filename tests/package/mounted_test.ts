import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { Client } from "../../client/mod.ts";
import { createErrand, define, type ErrandOptions } from "../../mod.ts";
import { aKey } from "../support/api_keys.ts";

const add = define(
  { name: "add", input: z.object({ a: z.number(), b: z.number() }), output: z.number() },
  ({ input }) => input.a + input.b,
);
const definitions = { add };
type Options = Partial<Omit<ErrandOptions, "definitions">>;

async function anErrand(options: Options = {}) {
  const errand = await createErrand({ kv: ":memory:", definitions, ...options });
  await errand.start();
  return errand;
}

/** A user's app, with routes of its own before and after Errand. */
function theirApp(path: string, routes: Hono): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("x-theirs", "yes");
  });
  app.get("/jobs/before", (c) => c.text("before"));
  app.route(path, routes);
  app.get("/jobs/behind", (c) => c.text("behind"));
  app.get("/jobs/boom", () => {
    throw new Error("boom");
  });
  app.get("/v1x", (c) => c.json({ theirs: true }, 404));
  app.notFound((c) => c.text(`theirs: no ${c.req.path}`, 404));
  app.onError((error, c) => c.text(`theirs: ${error.message}`, 500));
  return app;
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): [string, RequestInit] {
  const init = { method: "POST", body: JSON.stringify(body) };
  return [path, { ...init, headers: { "content-type": "application/json", ...headers } }];
}

Deno.test("routes of the other app work on both sides of it, and answer for their own errors", async () => {
  await using errand = await anErrand();
  const app = theirApp("/jobs", errand.routes());
  const expected: [string, number, string][] = [
    ["/jobs/before", 200, "before"],
    ["/jobs/behind", 200, "behind"],
    ["/jobs/boom", 500, "theirs: boom"],
    ["/elsewhere", 404, "theirs: no /elsewhere"],
    ["/jobsx", 404, "theirs: no /jobsx"],
  ];
  for (const [path, status, text] of expected) {
    const response = await app.request(path);
    assert.deepEqual([response.status, await response.text()], [status, text], path);
    assert.equal(response.headers.get("x-theirs"), "yes", path);
  }
});

Deno.test("what nobody knows below its path is a problem that names the path as its caller sees it", async () => {
  await using errand = await anErrand();
  const app = theirApp("/jobs", errand.routes());
  const missing = await app.request("/jobs/nothing");
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get("content-type"), "application/problem+json");
  assert.equal(missing.headers.get("x-theirs"), "yes");
  const problem = await missing.json();
  assert.equal(problem.instance, "/jobs/nothing");
  assert.equal(problem.detail, "nothing is at /jobs/nothing; /jobs/docs shows what is there");
  const wrong = await app.request("/jobs/v1/tasks", { method: "PUT" });
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "GET, POST"]);
  assert.match((await wrong.json()).detail, /^\/jobs\/v1\/tasks takes GET, POST/);
});

Deno.test("links, Location, Link, tickets, the docs and the document carry its path", async () => {
  await using errand = await anErrand();
  const app = theirApp("/jobs", errand.routes());
  const submitted = await app.request(...post("/jobs/v1/tasks", { task: "add", input: { a: 1, b: 2 } }));
  assert.equal(submitted.status, 202);
  const { id, links } = await submitted.json();
  const self = `/jobs/v1/tasks/${id}`;
  assert.equal(submitted.headers.get("location"), self);
  assert.deepEqual(links, {
    self,
    result: `${self}/result`,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
    retry: `${self}/retry`,
  });
  assert.equal((await (await app.request(`${links.result}?wait=10`)).json()).result, 3);

  for (const path of [links.events, `/v1/tasks/${id}/events`]) {
    const ticket = await (await app.request(...post("/jobs/v1/tickets", { path }))).json();
    assert.ok(ticket.url.startsWith(`${links.events}?ticket=`), ticket.url);
  }

  const input = { a: [1, 2], b: [3, 4] };
  const map = await app.request(...post("/jobs/v1/map", { task: "add", map: input }));
  const { groupId, tasks } = await map.json();
  assert.equal(map.headers.get("location"), `/jobs/v1/groups/${groupId}`);
  assert.ok(tasks[0].links.self.startsWith("/jobs/v1/tasks/"));
  const group = await (await app.request(map.headers.get("location")!)).json();
  for (const link of Object.values<string>(group.links)) assert.ok(link.startsWith("/jobs/v1/"), link);
  const completed = await (await app.request(group.links.asCompleted)).text();
  assert.match(completed, /"links":\{"self":"\/jobs\/v1\/tasks\//);

  const page = await app.request("/jobs/v1/tasks?limit=1");
  assert.match(page.headers.get("link") ?? "", /^<\/jobs\/v1\/tasks\?limit=1&cursor=/);
  assert.ok((await page.json()).tasks[0].links.self.startsWith("/jobs/v1/tasks/"));

  assert.deepEqual((await (await app.request("/jobs/openapi.json")).json()).servers, [{ url: "/jobs" }]);
  const html = await (await app.request("/jobs/docs")).text();
  const loaded = [...html.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)]
    .map(([, url]) => new URL(url, "http://localhost/jobs/docs").pathname);
  assert.ok(loaded.length > 0);
  for (const path of loaded) {
    const response = await app.request(path);
    assert.equal(response.status, 200, path);
    await response.body?.cancel();
  }
  for (const file of ["errand.js", "eventsource-parser/index.js"]) {
    const response = await app.request(`/jobs/client/${file}`);
    assert.equal(response.status, 200, file);
    await response.body?.cancel();
  }
});

Deno.test("it may be mounted at the root, in a mounted app, below a parameter, and twice", async () => {
  await using errand = await anErrand();
  const inner = new Hono().route("/:tenant/jobs", errand.routes());
  const app = theirApp("/", errand.routes()).route("/api", inner);
  for (const prefix of ["", "/api/a%20b/jobs", "/api/c/jobs"]) {
    const response = await app.request(...post(`${prefix}/v1/tasks`, { task: "add", input: { a: 1, b: 2 } }));
    const text = await response.text();
    assert.equal(response.status, 202, text);
    assert.equal(response.headers.get("location"), `${prefix}/v1/tasks/${JSON.parse(text).id}`);
  }
  const theirs: [string, string][] = [["/behind", "theirs: no /behind"], ["/v1x", '{"theirs":true}']];
  for (const [path, text] of theirs) {
    const response = await app.request(path);
    assert.deepEqual([response.status, await response.text()], [404, text]);
  }
  assert.equal((await (await app.request("/v1/nothing")).json()).instance, "/v1/nothing");
});

Deno.test("a body that the other app has read is there all the same", async () => {
  await using errand = await anErrand();
  const app = new Hono();
  let seen: unknown;
  app.use(async (c: Context, next) => {
    seen = await c.req.json();
    await next();
  });
  app.route("/jobs", errand.routes());
  const body = { task: "add", input: { a: 2, b: 2 } };
  const response = await app.request(...post("/jobs/v1/tasks", body, { prefer: "wait=10" }));
  assert.equal((await response.json()).result, 4);
  assert.deepEqual(seen, body);
});

Deno.test("without Hono basePath says where it is, and publicUrl what its callers see", async () => {
  const cases: [Options, string, string][] = [
    [{}, "", ""],
    [{ basePath: "/jobs" }, "/jobs", "/jobs"],
    [{ publicUrl: "https://example.com/outside/" }, "", "/outside"],
    [{ publicUrl: "https://example.com/outside" }, "/outside", "/outside"],
    [{ publicUrl: "https://example.com" }, "", ""],
    [{ basePath: "/jobs", publicUrl: "https://example.com/outside" }, "/jobs", "/outside"],
  ];
  for (const [options, at, prefix] of cases) {
    await using errand = await anErrand(options);
    const [path, init] = post(`http://localhost${at}/v1/tasks`, { task: "add", input: { a: 1, b: 2 } });
    const response = await errand.fetch(new Request(path, init));
    const text = await response.text();
    assert.equal(response.status, 202, text);
    assert.ok(response.headers.get("location")!.startsWith(`${prefix}/v1/tasks/`), JSON.stringify(options));
  }
});

Deno.test("callers need a key where there are keys, its own client none, and with openAccess nobody", async () => {
  const { key, headers } = aKey(["submit"]);
  const apiKeys = [key];
  const call = post("http://jobs.example/v1/tasks", { task: "add", input: { a: 1, b: 2 } });
  const answers = async (options: Options, sent: Record<string, string> = {}) => {
    await using errand = await anErrand(options);
    assert.equal(await (await errand.client.submit("add", { a: 2, b: 2 })).result(), 4);
    const request = new Request(...call);
    for (const [name, value] of Object.entries(sent)) request.headers.set(name, value);
    const response = await errand.fetch(request);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await answers({}), 403);
  assert.equal(await answers({ apiKeys }), 401);
  assert.equal(await answers({ apiKeys }, headers), 202);
  assert.equal(await answers({ openAccess: true }), 202);
  await assert.rejects(anErrand({ openAccess: true, apiKeys }), /openAccess must not be true/);
});

Deno.test("with the role worker only its own client reaches the API", async () => {
  await using errand = await anErrand({ role: "worker" });
  assert.equal(await (await errand.client.submit("add", { a: 2, b: 2 })).result(), 4);
  const answer = async (path: string) => {
    const response = await errand.fetch(new Request(`http://localhost${path}`));
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await answer("/healthz"), await answer("/v1/tasks")], [200, 404]);
});

Deno.test("behind a socket its client of the other side works below the path, streams by ticket too", async () => {
  await using errand = await anErrand();
  const app = theirApp("/jobs", errand.routes());
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, app.fetch);
  const client = new Client<typeof definitions>({ url: `http://127.0.0.1:${server.addr.port}/jobs` });
  const future = await client.submit("add", { a: 1, b: 2 });
  assert.equal(await future.result(), 3);
  const url = await client.streamUrl(`/v1/tasks/${future.id}/events`);
  const stream = await fetch(url);
  assert.match(await stream.text(), /^event: end$/m);
  const closed = server.shutdown();
  await errand.stop();
  await closed;
});
