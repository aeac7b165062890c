// A browser signs in with a key and shows a cookie from then on.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { createErrand } from "../../../mod.ts";
import { createApp } from "../../../routes/app.ts";
import { KeyRing } from "../../../auth/key_ring.ts";
import { Tickets } from "../../../auth/tickets.ts";
import type { Arrival } from "../../../routes/http/prefix.ts";
import { aKey } from "../../support/api_keys.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { allEvents, type Answer, aService, assertProblem, type Service } from "../../support/service.ts";

const add = { task: "add", input: { a: 1, b: 2 } };
const OWN = { "errand-page": "1", "sec-fetch-site": "same-origin" };

async function signIn(
  service: Pick<Service, "request">,
  headers: Record<string, string>,
): Promise<{ cookie: string; set: string; answer: Answer }> {
  const answer = await service.request("POST", "/v1/session", { headers: { ...OWN, ...headers } });
  const set = answer.headers.get("set-cookie") ?? "";
  return { cookie: set.split(";")[0], set, answer };
}

Deno.test("a key is exchanged for a cookie that no script reads and no other site sends, and that does what the key does", async () => {
  const operator = aKey(["read", "submit"], "ann");
  await using service = await aService({ apiKeys: [operator.key] });
  const { cookie, set, answer } = await signIn(service, operator.headers);
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.body.scopes, ["read", "submit"]);
  for (const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"]) {
    assert.ok(set.split("; ").includes(part), `${part} in ${set}`);
  }
  assert.doesNotMatch(set, /Secure/);
  assert.doesNotMatch(answer.text + set, new RegExp(operator.secret));

  const headers = { cookie: `other=1; ${cookie}`, ...OWN };
  const me = await service.get("/v1/session", { headers });
  assert.deepEqual(me.body, { name: "ann", tenant: null, scopes: ["read", "submit"], patterns: [] });
  const submitted = await service.post("/v1/tasks", add, { headers });
  assert.equal(submitted.status, 202);
  const events = await service.open(`/v1/tasks/${submitted.body.id}/events`, { headers });
  assert.equal((await allEvents(events)).at(-1)?.event, "end");
  assertProblem(await service.get("/v1/keys", { headers }), 403, "forbidden");
});

Deno.test("where the browser came by TLS the cookie is for TLS alone, and below a prefix it is for that prefix", async () => {
  const { key, headers } = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [key] });
  for (const more of [["origin", "https://errand.example"], ["x-forwarded-proto", "https"]]) {
    const { set } = await signIn(service, { ...headers, [more[0]]: more[1] });
    assert.match(set, /; Secure$/);
  }

  await using errand = await createErrand({
    kv: ":memory:",
    definitions: {},
    basePath: "/jobs",
    apiKeys: [key],
  });
  const answer = await errand.fetch(
    new Request("http://localhost/jobs/v1/session", { method: "POST", headers: { ...OWN, ...headers } }),
  );
  assert.match(answer.headers.get("set-cookie")!, /; Path=\/jobs;/);
  await answer.body?.cancel();
});

Deno.test("a session changes nothing for a page of a neighbour, nor without the header that none can send", async () => {
  const { key, headers } = aKey(["admin"]);
  await using service = await aService({ running: false, apiKeys: [key], corsOrigins: ["*"] });
  const { cookie } = await signIn(service, headers);
  for (const site of ["cross-site", "same-site", "none"]) {
    const forged = { cookie, "errand-page": "1", "sec-fetch-site": site };
    assertProblem(await service.post("/v1/tasks", add, { headers: forged }), 403, "forbidden");
  }
  assertProblem(await service.post("/v1/tasks", add, { headers: { cookie } }), 403, "forbidden");
  assert.equal((await service.get("/v1/tasks", { headers: { cookie } })).status, 200);
  // No browser lets a page of another origin set it.
  const preflight = await service.request("OPTIONS", "/v1/tasks", {
    headers: {
      origin: "https://other.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "errand-page",
    },
  });
  assert.doesNotMatch(preflight.headers.get("access-control-allow-headers") ?? "", /errand-page/i);
  assert.equal(preflight.headers.get("access-control-allow-credentials"), null);
  // With a key no page is asked for.
  assert.equal((await service.post("/v1/tasks", add, { headers: { cookie, ...headers } })).status, 202);
});

Deno.test("a cookie that is made up, of another service, or changed in one character is 401", async () => {
  const { key, headers } = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [key] });
  await using other = await aService({ running: false, apiKeys: [key] });
  const { cookie } = await signIn(service, headers);
  const foreign = await signIn(other, headers);
  const [id, ticket] = cookie.split("=")[1].split(".", 2);
  const another = (await signIn(service, headers)).cookie.split("=")[1].split(".")[0];
  const wrong = [
    "errand_session=x",
    `errand_session=${id}`,
    `errand_session=${another}.${cookie.slice(cookie.indexOf(".") + 1)}`,
    `errand_session=${id}.${ticket.replace(/^./, "0")}.${cookie.split(".")[2]}`,
    foreign.cookie,
  ];
  for (const forged of wrong) {
    assertProblem(await service.get("/v1/tasks", { headers: { cookie: forged } }), 401, "unauthorized");
  }
  assert.equal((await service.get("/v1/tasks", { headers: { cookie } })).status, 200);
  // The ticket of a stream is no session.
  const { body } = await service.post("/v1/tickets", { path: "/v1/as-completed?tag=a" }, { headers });
  const asSession = { cookie: `errand_session=${id}.${body.ticket}` };
  assertProblem(await service.get("/v1/tasks", { headers: asSession }), 401, "unauthorized");
});

Deno.test("a session ends after twelve hours, makes no other one, and an unkeyed service has none", async () => {
  const clock = new ManualClock();
  const { key, headers } = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [key], clock });
  const { cookie } = await signIn(service, headers);
  assertProblem((await signIn(service, { cookie })).answer, 401, "unauthorized");
  const look = () => service.get("/v1/session", { headers: { cookie } });
  clock.advance(12 * 60 * 60 * 1_000 - 1);
  assert.equal((await look()).status, 200);
  clock.advance(2);
  assertProblem(await look(), 401, "unauthorized");

  await using open = await aService({ running: false });
  assert.deepEqual((await open.get("/v1/session")).body, {
    name: null,
    tenant: null,
    scopes: ["admin"],
    patterns: [],
  });
  assertProblem((await signIn(open, {})).answer, 409, "conflict");
  assert.equal((await open.request("DELETE", "/v1/session")).status, 204);
});

Deno.test("who signs out, or whose key is revoked, is out in all processes within a second", async () => {
  const clock = new ManualClock();
  const admin = aKey(["admin"], "root");
  await using service = await aService({ running: false, apiKeys: [admin.key], clock });
  const made = await service.post("/v1/keys", { name: "ann", scopes: ["read"] }, { headers: admin.headers });
  const ann = { authorization: `Bearer ${made.body.secret}` };
  const other = createApp(service.runtime, {
    log: { info: () => {}, error: () => {} },
    pingMs: 15_000,
    tickets: new Tickets(service.kv, clock),
    keys: new KeyRing(service.kv, clock, [admin.key]),
  });
  const elsewhere = async (cookie: string) => {
    const answer = await other.request("/v1/session", { headers: { cookie } });
    await answer.body?.cancel();
    return answer.status;
  };
  const first = (await signIn(service, ann)).cookie;
  const second = (await signIn(service, ann)).cookie;
  assert.deepEqual([await elsewhere(first), await elsewhere(second)], [200, 200]);
  const out = await service.request("DELETE", "/v1/session", { headers: { cookie: first, ...OWN } });
  assert.equal(out.status, 204);
  assert.match(out.headers.get("set-cookie")!, /^errand_session=; .*Max-Age=0/);
  assertProblem(await service.get("/v1/session", { headers: { cookie: first } }), 401, "unauthorized");
  clock.advance(1_000);
  assert.deepEqual([await elsewhere(first), await elsewhere(second)], [401, 200]);

  await service.request("DELETE", `/v1/keys/${made.body.id}`, { headers: admin.headers });
  assertProblem(await service.get("/v1/session", { headers: { cookie: second } }), 401, "unauthorized");
  clock.advance(1_000);
  assert.equal(await elsewhere(second), 401);
});

Deno.test("wrong keys are slowed at the sign-in as elsewhere, and a right one is let in all the same", async () => {
  const ann = aKey(["read"], "ann");
  await using service = await aService({ running: false, apiKeys: [ann.key] });
  const from = async (headers: Record<string, string>) => {
    const env: Arrival = { connection: { address: "203.0.113.7", close: () => {}, closeSoon: () => {} } };
    const answer = await service.app.request("/v1/session", {
      method: "POST",
      headers: { ...OWN, ...headers },
    }, env);
    await answer.body?.cancel();
    return answer.status;
  };
  const wrong = { authorization: "Bearer errand_no-such-secret" };
  for (let i = 0; i < 20; i++) assert.equal(await from(wrong), 401);
  assert.equal(await from(wrong), 429);
  assert.equal(await from(ann.headers), 201);
});
