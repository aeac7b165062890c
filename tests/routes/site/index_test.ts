// GET /, paths that are not there, and a slash too many.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Hono } from "hono";
import { createErrand } from "../../../mod.ts";
import { aKey } from "../../support/api_keys.ts";
import { allEvents, aService, assertProblem } from "../../support/service.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const add = { task: "add", input: { a: 1, b: 2 } };

Deno.test("a browser at / gets the page, a program is told the paths, both without a key", async () => {
  const { key } = aKey(["admin"]);
  await using service = await aService({ running: false, apiKeys: [key] });
  const page = await service.get("/", { headers: BROWSER });
  assert.deepEqual([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  assert.equal(page.headers.get("vary"), "Accept");
  for (const accept of ["", "*/*", "application/json"]) {
    const answer = await service.get("/", { headers: { accept } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("vary"), "Accept");
    for (const path of Object.values<string>(answer.body.links)) {
      assert.notEqual((await service.get(path)).status, 404, path);
    }
    assert.equal(answer.body.links.docs, "/docs");
  }
});

Deno.test("where it is mounted, / says the paths as its callers see them, unless something of theirs is there", async () => {
  await using errand = await createErrand({ kv: ":memory:", definitions: {} });
  const app = new Hono().route("/jobs", errand.routes());
  const page = await app.request("/jobs", { headers: BROWSER });
  assert.match(await page.text(), /src="\/jobs\/page\/page\.js/);
  assert.equal((await (await app.request("/jobs/")).json()).links.tasks, "/jobs/v1/tasks");

  const theirs = new Hono().route("/", errand.routes()).route("/jobs", errand.routes());
  theirs.get("/", (c) => c.text("theirs"));
  theirs.get("/jobs", (c) => c.text("theirs too"));
  assert.equal(await (await theirs.request("/")).text(), "theirs");
  assert.equal(await (await theirs.request("/jobs")).text(), "theirs too");
});

Deno.test("a worker names what it answers, and no docs that it does not have", async () => {
  await using errand = await createErrand({ kv: ":memory:", definitions: {}, role: "worker" });
  const get = (path: string, headers = {}) =>
    errand.fetch(new Request(`http://localhost${path}`, { headers }));
  const { links } = await (await get("/", BROWSER)).json();
  assert.deepEqual(links, { health: "/healthz", readiness: "/readyz" });
  const missing = await get("/v1/tasks");
  assert.equal(missing.status, 404);
  const { detail } = await missing.json();
  assert.match(detail, /ROLE=worker/);
  assert.doesNotMatch(detail, /docs/);
});

Deno.test("a path without /v1 is told where it is", async () => {
  await using service = await aService({ running: false });
  const missing = await service.post("/tasks", add);
  assertProblem(missing, 404, "not-found");
  assert.equal(missing.body.detail, "nothing is at /tasks; did you mean /v1/tasks?");
});

Deno.test("a slash at the end of a path makes no difference", async () => {
  const { key, headers } = aKey(["admin"]);
  await using service = await aService({ apiKeys: [key] });
  const submitted = await service.post("/v1/tasks/", { ...add }, {
    headers: { ...headers, prefer: "wait=60" },
  });
  assert.deepEqual([submitted.status, submitted.body?.result], [200, 3]);
  const { id } = submitted.body;
  for (
    const path of [
      "/v1/tasks/",
      `/v1/tasks/${id}/`,
      `/v1/tasks/${id}/result/`,
      "/v1/definitions/",
      "/healthz/",
    ]
  ) {
    assert.equal((await service.get(path, { headers })).status, 200, path);
  }
  assert.equal((await service.get("/v1/tasks/")).status, 401);
  assertProblem(await service.request("PUT", "/v1/tasks/", { headers }), 405, "method-not-allowed");
  assertProblem(await service.get("/v1/tasks//", { headers }), 404, "not-found");
  const docs = await service.get("/docs/");
  assert.deepEqual([docs.status, docs.headers.get("location")], [308, "/docs"]);
  for (const path of [`/v1/tasks/${id}/events`, `/v1/tasks/${id}/events/`]) {
    const { body } = await service.post("/v1/tickets", { path }, { headers });
    for (const slash of ["", "/"]) {
      const url = body.url.replace(/\/?\?/, `${slash}?`);
      assert.equal((await allEvents(await service.open(url))).at(-1)?.event, "end", url);
    }
  }
});

Deno.test("also where it is mounted, unless something of theirs is there", async () => {
  await using errand = await createErrand({ kv: ":memory:", definitions: {} });
  const app = new Hono().route("/jobs", errand.routes());
  app.get("/jobs/docs/", (c) => c.text("theirs"));
  assert.equal((await (await app.request("/jobs/v1/tasks/")).json()).nextCursor, null);
  assert.equal(await (await app.request("/jobs/docs/")).text(), "theirs");
});
