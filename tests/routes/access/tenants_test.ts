// Every route × scope × tenant: what is another tenant's is like what nobody has, to the letter and to the
// number of reads; what is one's own works as it does for the default tenant.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { SCOPES } from "../../../runtime/core/caller.ts";
import { ACCESS } from "../../../routes/access/access_table.ts";
import { type Answer, aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";

const boss = aKey(["admin"], "boss");
const TENANTS = ["", "acme", "globex"];

const parent = define(
  { name: "parent", input: z.object({ value: z.unknown() }) },
  async ({ input, submit, task }) => {
    const child = await submit("echo", { value: input.value });
    const other = await submit("echo", { value: { $task: child.id } });
    return { self: task.id, parentId: task.parentId, child: child.id, value: await other.result() };
  },
);
/** Waits for a task whose id it is given, by a child of its own. */
const spy = define({ name: "spy", input: z.object({ id: z.string() }) }, async ({ input, submit }) => {
  return await (await submit("echo", { value: { $task: input.id } })).result();
});

interface Key {
  headers: Record<string, string>;
}

async function keyOf(
  service: Service,
  tenant: string,
  scopes: readonly string[],
  more: Body = {},
): Promise<Key> {
  const name = `${tenant || "default"}-${scopes.join("-")}`.slice(0, 36) + Math.floor(Math.random() * 1e4);
  const wanted = { name, scopes, ...(tenant && { tenant }), ...more };
  const { status, body, text } = await service.post("/v1/keys", wanted, boss);
  assert.equal(status, 201, text);
  return { headers: { authorization: `Bearer ${body.secret}` } };
}

/** What a tenant has: tasks in several states, a group, a key. */
interface Estate {
  key: Key;
  done: string;
  failed: string;
  waiting: string;
  group: string;
  apiKey: string;
  /** Another name in each tenant. */
  schedule: string;
}

async function anEstate(service: Service, tenant: string): Promise<Estate> {
  const key = await keyOf(service, tenant, ["admin"]);
  const submit = async (task: string, input: unknown, options = {}) => {
    const { status, body, text } = await service.post("/v1/tasks", { task, input, options }, key);
    assert.equal(status, 202, text);
    return body.id as string;
  };
  const options = { tags: ["shared"] };
  const done = await submit("echo", { value: `of ${tenant}` }, options);
  const failed = await submit("fail", { message: `of ${tenant}` }, options);
  const waiting = await submit("echo", { value: 1 }, { ...options, delayMs: 3_600_000 });
  for (const id of [done, failed]) await service.get(`/v1/tasks/${id}?wait=30`, key);
  const { body: group } = await service.post("/v1/groups", { ids: [done, waiting] }, key);
  const made = await service.post(
    "/v1/keys",
    { name: "more", scopes: ["read"], tenant: tenant || undefined },
    key,
  );
  const schedule = `yearly-${tenant || "default"}`;
  const yearly = { task: "add", input: { a: 1, b: 2 }, spec: [{ cron: "@yearly" }] };
  assert.equal((await service.send("PUT", `/v1/schedules/${schedule}`, yearly, key)).status, 201);
  return { key, done, failed, waiting, group: group.id, apiKey: made.body.id, schedule };
}

type Name = "done" | "failed" | "waiting" | "group" | "apiKey" | "schedule";

/** Calls that name something of a tenant's. Those that change nothing come first. */
const CALLS: [route: string, what: Name, path: (id: string) => string, body?: (id: string) => unknown][] = [
  ["GET /v1/tasks/:id", "done", (id) => `/v1/tasks/${id}`],
  ["GET /v1/tasks/:id", "waiting", (id) => `/v1/tasks/${id}?wait=60`],
  ["GET /v1/tasks/:id/result", "done", (id) => `/v1/tasks/${id}/result?wait=60`],
  ["GET /v1/tasks/:id/result", "failed", (id) => `/v1/tasks/${id}/result?raiseOnFailure=false`],
  ["GET /v1/tasks/:id/events", "done", (id) => `/v1/tasks/${id}/events`],
  ["GET /v1/tasks/:id/logs", "done", (id) => `/v1/tasks/${id}/logs`],
  ["GET /v1/tasks/:id/dependents", "waiting", (id) => `/v1/tasks/${id}/dependents`],
  ["GET /v1/groups/:id", "group", (id) => `/v1/groups/${id}`],
  ["GET /v1/groups/:id/results", "group", (id) => `/v1/groups/${id}/results?wait=60`],
  ["GET /v1/as-completed", "done", (id) => `/v1/as-completed?id=${id}&timeout=0`],
  ["GET /v1/as-completed", "group", (id) => `/v1/as-completed?groupId=${id}&timeout=0`],
  ["POST /v1/as-completed", "done", () => "/v1/as-completed", (id) => ({ ids: [id], timeoutSeconds: 0 })],
  ["POST /v1/wait", "waiting", () => "/v1/wait", (id) => ({ ids: [id], timeoutSeconds: 60 })],
  ["POST /v1/wait", "group", () => "/v1/wait", (groupId) => ({ groupId, timeoutSeconds: 60 })],
  ["POST /v1/groups", "done", () => "/v1/groups", (id) => ({ ids: [id] })],
  ["POST /v1/tasks", "done", () => "/v1/tasks", (id) => ({ task: "echo", input: { value: { $task: id } } })],
  ["POST /v1/tasks", "done", () => "/v1/tasks", (id) => ({
    task: "add",
    input: { a: 1, b: 2 },
    options: { waitFor: [id] },
  })],
  ["POST /v1/tasks/batch", "done", () => "/v1/tasks/batch", (id) => ({
    tasks: [{ task: "echo", input: { value: { $task: id } } }],
  })],
  ["POST /v1/map", "done", () => "/v1/map", (id) => ({ task: "echo", map: { value: [{ $task: id }] } })],
  ["POST /v1/flows", "done", () => "/v1/flows", (id) => ({
    tasks: { a: { task: "echo", input: { value: { $task: id } } } },
  })],
  ["POST /v1/tasks/:id/retry", "failed", (id) => `/v1/tasks/${id}/retry`, () => ({})],
  ["POST /v1/tasks/:id/rerun", "done", (id) => `/v1/tasks/${id}/rerun`, () => ({})],
  ["POST /v1/tasks/:id/cancel", "waiting", (id) => `/v1/tasks/${id}/cancel`, () => ({})],
  ["POST /v1/groups/:id/cancel", "group", (id) => `/v1/groups/${id}/cancel`, () => ({})],
  ["DELETE /v1/tasks/:id", "done", (id) => `/v1/tasks/${id}`],
  ["GET /v1/schedules/:name", "schedule", (name) => `/v1/schedules/${name}`],
  ["PATCH /v1/schedules/:name", "schedule", (name) => `/v1/schedules/${name}`, () => ({ note: "x" })],
  ["POST /v1/schedules/:name/pause", "schedule", (name) => `/v1/schedules/${name}/pause`, () => ({})],
  ["POST /v1/schedules/:name/resume", "schedule", (name) => `/v1/schedules/${name}/resume`],
  ["POST /v1/schedules/:name/trigger", "schedule", (name) => `/v1/schedules/${name}/trigger`, () => ({})],
  ["POST /v1/schedules/:name/backfill", "schedule", (name) => `/v1/schedules/${name}/backfill`, () => ({
    from: "2020-01-01T00:00:00Z",
    to: "2021-01-01T00:00:00Z",
  })],
  ["DELETE /v1/schedules/:name", "schedule", (name) => `/v1/schedules/${name}`],
  ["POST /v1/keys/:id/rotate", "apiKey", (id) => `/v1/keys/${id}/rotate`, () => ({})],
  ["DELETE /v1/keys/:id", "apiKey", (id) => `/v1/keys/${id}`],
];

/**
 * They name nothing that is there, or say who may name what: see quotas_test.ts and queues_test.ts. Each
 * tenant has limits of its own: see limits_test.ts. Of workers it sees its own tasks: see workers_test.ts,
 * and in counts as well: stats_test.ts. Cancels of many: see cancel_tasks_test.ts.
 */
const OTHERS = [
  "GET /v1/tasks",
  "GET /v1/groups",
  "POST /v1/tasks/cancel",
  "GET /v1/definitions",
  "GET /v1/workers",
  "GET /v1/stats",
  "GET /v1/events",
  "POST /v1/bulk",
  "GET /metrics",
  "GET /v1/schedules",
  "PUT /v1/schedules/:name",
  "POST /v1/schedules/preview",
  "POST /v1/tickets",
  "GET /v1/keys",
  "POST /v1/keys",
  "GET /v1/usage",
  "GET /v1/session",
  "POST /v1/session",
  "DELETE /v1/session",
  "GET /v1/audit",
  "GET /v1/limits",
  "GET /v1/limits/:key",
  "PUT /v1/limits/:key",
  "DELETE /v1/limits/:key",
  "GET /v1/quotas",
  "PUT /v1/quotas/:kind/:name",
  "GET /v1/queues",
  "GET /v1/queues/:name",
  "PUT /v1/queues/:name",
  "PUT /v1/definitions/:name/concurrency",
  "POST /v1/queues/:name/pause",
  "POST /v1/queues/:name/resume",
  "POST /v1/definitions/:name/pause",
  "POST /v1/definitions/:name/resume",
  "POST /v1/pause",
  "POST /v1/resume",
  "DELETE /v1/quotas/:kind/:name",
];

const UNKNOWN = "01999999-9999-7999-8999-999999999999";

async function call(
  service: Service,
  [route, , path, body]: typeof CALLS[number],
  id: string,
  { headers }: Key,
  { waits = true } = {},
): Promise<Answer> {
  const [method] = route.split(" ");
  const patient = (text: string) => waits ? text : text.replace("wait=60", "wait=0").replace(":60}", ":0}");
  const sent = body && patient(JSON.stringify(body(id)));
  const more: Record<string, string> = sent ? { "content-type": "application/json" } : {};
  return await service.request(method, patient(path(id)), { headers: { ...headers, ...more }, body: sent });
}

/** The ids of the groups that a key may know, newest first, from pages of one. */
async function groupsFor(service: Service, key: Key): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const after: string = cursor && `&cursor=${cursor}`;
    const { body } = await service.get(`/v1/groups?limit=1${after}`, key);
    ids.push(...body.groups.map(({ id }: Body) => id));
    cursor = body.nextCursor;
  }
  return ids;
}

Deno.test("a tenant's groups are listed to its own keys alone", async () => {
  await using service = await aService({ apiKeys: [boss.key], running: false });
  const groups = new Map<string, { key: Key; made: string[] }>();
  for (const tenant of TENANTS) {
    groups.set(tenant, { key: await keyOf(service, tenant, ["submit", "read"]), made: [] });
  }
  for (let n = 0; n < 3; n++) {
    for (const { key, made } of groups.values()) {
      const map = { task: "echo", inputs: [{ value: n }] };
      made.unshift((await service.post("/v1/map", map, key)).body.groupId);
    }
  }
  for (const [tenant, { key, made }] of groups) {
    assert.deepEqual(await groupsFor(service, key), made, tenant || "default");
    const [theirs] = groups.get(tenant === "acme" ? "globex" : "acme")!.made;
    const { text } = await service.get(`/v1/groups?cursor=${theirs}`, key);
    assert.doesNotMatch(text, /~/);
    for (const other of groups.values()) {
      if (other.key === key) continue;
      for (const id of other.made) assert.ok(!text.includes(id), `${tenant} is told of another's`);
    }
  }
});

/** Counts what is asked of the database. */
function countReads(service: Service): () => number {
  let reads = 0;
  const { kv } = service;
  for (const name of ["get", "getMany", "list", "commit", "writeBlind"] as const) {
    // deno-lint-ignore no-explicit-any -- each with its own parameters
    const own = (kv as any)[name].bind(kv);
    // deno-lint-ignore no-explicit-any
    (kv as any)[name] = (...args: unknown[]) => {
      reads++;
      return own(...args);
    };
  }
  return () => {
    const counted = reads;
    reads = 0;
    return counted;
  };
}

Deno.test("every route that names something is in the table of tenants", () => {
  const open = Object.entries(ACCESS).filter(([, needs]) => needs !== "open").map(([route]) => route);
  assert.deepEqual([...new Set([...CALLS.map(([route]) => route), ...OTHERS])].sort(), open.sort());
});

Deno.test("every route × scope × tenant", async () => {
  await using service = await aService({ apiKeys: [boss.key], sweepMs: 60_000, repairMs: 60_000 });
  const estates = new Map<string, Estate>();
  for (const tenant of TENANTS) estates.set(tenant, await anEstate(service, tenant));
  const callers = new Map<string, Key>();
  for (const tenant of TENANTS) {
    for (const scope of SCOPES) callers.set(`${tenant}/${scope}`, await keyOf(service, tenant, [scope]));
    callers.set(`${tenant}/submit+read`, await keyOf(service, tenant, ["submit", "read"]));
  }
  let [refused, missing] = [0, 0];
  for (const one of CALLS) {
    const needs = ACCESS[one[0]] as readonly string[];
    for (const [owner, estate] of estates) {
      const id = estate[one[1]];
      for (const [name, key] of callers) {
        const [tenant, scopes] = name.split("/");
        const what = `${one[0]} of ${owner || "default"} by ${name}`;
        const may = scopes === "admin" || needs.every((scope) => scopes.split("+").includes(scope));
        if (!may) {
          refused++;
          assertProblem(await call(service, one, id, key), 403, "forbidden");
          continue;
        }
        // The keys of all tenants are the default tenant's to look after.
        if (tenant === owner || one[1] === "apiKey" && tenant === "") continue;
        missing++;
        const found = await call(service, one, id, key);
        const unknown = await call(service, one, UNKNOWN, key);
        assert.ok([404, 422].includes(found.status), `${what}: ${found.status} ${found.text}`);
        assert.deepEqual(
          [found.status, found.text.replaceAll(id, UNKNOWN)],
          [unknown.status, unknown.text],
          what,
        );
      }
    }
  }
  assert.ok(refused > 900 && missing > 200, `${refused} refused, ${missing} missing`);
  // Nothing of it has changed anything, and all of it works for its own tenant.
  for (const [owner, estate] of estates) {
    for (const one of CALLS) {
      if (owner === "" && one[1] === "apiKey") continue;
      const { status, text } = await call(service, one, estate[one[1]], estate.key, { waits: false });
      assert.ok(status < 300 || status === 409, `${one[0]} by its owner ${owner}: ${status} ${text}`);
      assert.doesNotMatch(text, /~/, `${one[0]} shows the tail of an id`);
    }
  }
});

Deno.test("a stranger's id costs as many reads as one that nobody has", async () => {
  await using service = await aService({ apiKeys: [boss.key], sweepMs: 60_000, repairMs: 60_000 });
  const estate = await anEstate(service, "acme");
  const strangers = [await keyOf(service, "globex", ["admin"]), await keyOf(service, "", ["admin"])];
  await service.get("/v1/tasks", strangers[0]);
  const reads = countReads(service);
  for (const key of strangers) {
    for (const one of CALLS.filter(([, what]) => what !== "apiKey")) {
      const counts = [];
      for (const id of [UNKNOWN, estate[one[1]], UNKNOWN, estate[one[1]]]) {
        reads();
        await call(service, one, id, key);
        counts.push(reads());
      }
      // A look at the keys may come in between, once a second.
      assert.ok(Math.min(counts[0], counts[2]) === Math.min(counts[1], counts[3]), `${one[0]}: ${counts}`);
    }
  }
});

Deno.test("lists, tags and cursors show a tenant its own tasks alone", async () => {
  await using service = await aService({ apiKeys: [boss.key] });
  const estates = new Map<string, Estate>();
  for (const tenant of TENANTS) estates.set(tenant, await anEstate(service, tenant));
  const ids = (answer: Answer) => answer.body.tasks.map(({ id }: Body) => id).sort();
  for (const [tenant, estate] of estates) {
    const own = [estate.done, estate.failed, estate.waiting].sort();
    const list = async (query: string) => {
      const answer = await service.get(`/v1/tasks?${query}`, estate.key);
      assert.equal(answer.status, 200, answer.text);
      assert.doesNotMatch(answer.text, /~/);
      return answer;
    };
    assert.deepEqual(ids(await list("")), own, tenant);
    assert.deepEqual(ids(await list("tag=shared")), own);
    assert.deepEqual(ids(await list("task=echo")), [estate.done, estate.waiting].sort());
    assert.deepEqual(ids(await list("state=FAILED")), [estate.failed]);
    assert.deepEqual(ids(await list("state=SCHEDULED")), [estate.waiting]);
    assert.deepEqual(ids(await list(`groupId=${estate.group}`)), [estate.done, estate.waiting].sort());
    // Page by page: no cursor names what is somebody else's.
    const seen: string[] = [];
    for (let cursor = "";;) {
      const { body } = await list(`limit=1${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.tasks.map(({ id }: Body) => id));
      if (body.nextCursor === null) break;
      assert.ok(own.includes(body.nextCursor), body.nextCursor);
      cursor = body.nextCursor;
    }
    assert.deepEqual(seen.sort(), own);
    for (const [other, { group, done, key }] of estates) {
      if (other === tenant) continue;
      assert.deepEqual(ids(await list(`groupId=${group}`)), []);
      const theirs = await service.events("/v1/as-completed?tag=shared&timeout=0", key);
      const stolen = await service.get(
        `/v1/as-completed?tag=shared&after=${encodeURIComponent(theirs[0].id)}`,
        estate.key,
      );
      assertProblem(stolen, 422, "validation-failed", "/Last-Event-ID");
      const events = await service.events(`/v1/as-completed?tag=shared&timeout=0`, estate.key);
      assert.ok(!JSON.stringify(events).includes(done) && !JSON.stringify(events).includes("~"));
      const after = encodeURIComponent(
        (await service.events(`/v1/as-completed?groupId=${group}&timeout=0`, key))[0].id,
      );
      const elsewhere = await service.get(
        `/v1/as-completed?groupId=${estate.group}&after=${after}`,
        estate.key,
      );
      assertProblem(elsewhere, 422, "validation-failed", "/Last-Event-ID");
    }
  }
});

Deno.test("an id and an idempotency key of one's own are free, whatever other tenants have", async () => {
  await using service = await aService({ apiKeys: [boss.key] });
  const id = crypto.randomUUID();
  const made: Body[] = [];
  for (const tenant of TENANTS) {
    const key = await keyOf(service, tenant, ["submit", "read", "cancel"], { name: "ci" });
    const headers = { ...key.headers, "idempotency-key": "invoice-1" };
    const own = await service.post("/v1/tasks", { id, task: "echo", input: { value: tenant } }, key);
    assert.deepEqual([own.status, own.body.id], [202, id], own.text);
    const { body } = await service.get(`/v1/tasks/${id}/result?wait=30`, key);
    assert.equal(body.result, tenant);
    const call = () => service.post("/v1/tasks", { task: "echo", input: { value: tenant } }, { headers });
    const [first, again] = [await call(), await call()];
    assert.deepEqual([first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")], [
      null,
      "true",
    ]);
    assert.equal(again.body.id, first.body.id);
    made.push(first.body.id);
    assertProblem(
      await service.post("/v1/tasks", { id, task: "echo", input: { value: 1 } }, key),
      409,
      "conflict",
    );
  }
  assert.equal(new Set(made).size, TENANTS.length);
});

Deno.test("children, flows, maps, references and tickets work within a tenant, and nowhere beyond", async () => {
  await using service = await aService({ apiKeys: [boss.key], definitions: [parent, spy] as never[] });
  const acme = await keyOf(service, "acme", ["submit", "read", "cancel"]);
  const globex = await keyOf(service, "globex", ["submit", "read", "cancel"]);
  const run = async (task: string, input: unknown, key = acme): Promise<Body> => {
    const { body } = await service.post("/v1/tasks", { task, input }, key);
    const answer = await service.get(`/v1/tasks/${body.id}?wait=30`, key);
    if (!JSON.stringify(input).includes("~")) assert.doesNotMatch(answer.text, /~/);
    return answer.body;
  };
  const family = await run("parent", { value: 7 });
  assert.equal(family.state.type, "COMPLETED", JSON.stringify(family.error));
  assert.deepEqual(family.result, { self: family.id, parentId: null, child: family.result.child, value: 7 });
  const { body: child } = await service.get(`/v1/tasks/${family.result.child}`, acme);
  assert.equal(child.parentId, family.id);
  assertProblem(await service.get(`/v1/tasks/${child.id}`, globex), 404, "not-found");
  assertProblem(await service.get(`/v1/tasks/${child.id}`, boss), 404, "not-found");
  const children = await service.get(`/v1/tasks?parentId=${family.id}`, acme);
  assert.equal(children.body.tasks.length, 2);
  // A function reaches no further than its caller, by whatever id it is given.
  for (const id of [child.id, `${child.id}~acme`, `~${child.id}~acme`]) {
    const spied = await run("spy", { id }, globex);
    assert.equal(spied.state.type, "FAILED");
    assert.doesNotMatch(JSON.stringify(spied), /"result":7/);
    for (const body of [{ value: { $task: id } }]) {
      const { status } = await service.post("/v1/tasks", { task: "echo", input: body }, boss);
      assert.equal(status, 422);
    }
  }
  const flow = await service.post("/v1/flows", {
    tasks: {
      a: { task: "add", input: { a: 1, b: 2 } },
      b: { task: "add", input: { a: 3, b: 4 } },
      both: { task: "echo", input: { value: [{ $task: "a" }, { $task: "b" }] } },
    },
  }, acme);
  assert.equal(flow.status, 202, flow.text);
  assert.doesNotMatch(flow.text, /~/);
  const results = await service.get(
    `/v1/groups/${flow.body.groupId}/results?wait=30&raiseOnFailure=false`,
    acme,
  );
  assert.equal(results.status, 200, results.text);
  assert.doesNotMatch(results.text, /~/);
  const graph = await service.get(`/v1/groups/${flow.body.groupId}`, acme);
  assert.deepEqual([graph.body.nodes.length, graph.body.edges.length], [3, 2]);
  const map = await service.post("/v1/map", { task: "echo", map: { value: [1, 2, 3] } }, acme);
  const events = await service.events(`/v1/as-completed?groupId=${map.body.groupId}`, acme);
  assert.deepEqual(events.map(({ event }) => event), ["task", "task", "task", "end"]);
  const rest = await service.events(`/v1/as-completed?groupId=${map.body.groupId}`, {
    headers: { ...acme.headers, "last-event-id": events[1].id },
  });
  assert.deepEqual(rest.map(({ id }) => id), events.slice(2).map(({ id }) => id));
  assert.doesNotMatch(JSON.stringify(events), /~acme/);
  const path = `/v1/tasks/${family.id}/events`;
  const ticket = async (key: Key) => (await service.post("/v1/tickets", { path }, key)).body.url;
  assert.equal((await service.events(await ticket(acme))).at(-1)!.event, "end");
  assertProblem(await service.get(await ticket(globex)), 404, "not-found");
  // A failure names its upstream as its caller knows it.
  const { body: failed } = await service.post("/v1/tasks", { task: "fail", input: { message: "no" } }, acme);
  const after = { task: "add", input: { a: 1, b: 2 }, options: { waitFor: [failed.id] } };
  const { body: waits } = await service.post("/v1/tasks", after, acme);
  assert.deepEqual(waits.waitFor, [failed.id]);
  const ended = await service.get(`/v1/tasks/${waits.id}?wait=30`, acme);
  assert.match(ended.body.state.message, new RegExp(failed.id));
  assert.doesNotMatch(ended.text, /~/);
});

Deno.test("a key with patterns knows tasks of its definitions alone", async () => {
  await using service = await aService({ apiKeys: [boss.key] });
  const all = await keyOf(service, "", ["submit", "read", "cancel"]);
  const adder = await keyOf(service, "", ["submit", "read", "cancel"], {
    patterns: ["task:add*", "task:sl*"],
  });
  const submit = async (task: string, input: unknown) =>
    (await service.post("/v1/tasks", { task, input, options: { tags: ["t"] } }, all)).body.id as string;
  const add = await submit("add", { a: 1, b: 2 });
  const echo = await submit("echo", { value: "secret" });
  for (const id of [add, echo]) await service.get(`/v1/tasks/${id}?wait=30`, all);
  const { body: both } = await service.post("/v1/groups", { ids: [add, echo] }, all);
  const { body: own } = await service.post("/v1/groups", { ids: [add] }, all);
  for (const one of CALLS.filter(([route, what]) => what === "done" && !route.startsWith("DELETE"))) {
    const hidden = await call(service, one, echo, adder);
    const unknown = await call(service, one, UNKNOWN, adder);
    assert.ok(hidden.status >= 400, one[0]);
    assert.deepEqual(
      [hidden.status, hidden.text.replaceAll(echo, UNKNOWN)],
      [unknown.status, unknown.text],
      one[0],
    );
  }
  for (const one of CALLS.filter(([, what]) => what === "group")) {
    assertProblem(await call(service, one, both.id, adder), 404, "not-found");
  }
  assert.equal((await service.get(`/v1/groups/${own.id}`, adder)).status, 200);
  assert.deepEqual(await groupsFor(service, all), [own.id, both.id]);
  assert.deepEqual(await groupsFor(service, adder), [own.id], "it may not know all tasks of the other");
  assert.equal((await service.get(`/v1/tasks/${add}`, adder)).status, 200);
  const { body: { tasks } } = await service.get("/v1/tasks", adder);
  assert.deepEqual(tasks.map(({ id }: Body) => id), [add]);
  const tagged = await service.events("/v1/as-completed?tag=t&timeout=0", adder);
  assert.deepEqual(tagged.map(({ event }) => event), ["task", "end"]);
  const [theirs] = await service.events("/v1/as-completed?tag=t&timeout=0", all);
  const after = encodeURIComponent(theirs.id);
  assertProblem(await service.get(`/v1/as-completed?tag=t&after=${after}`, adder), 422, "validation-failed");
  const { body: { definitions } } = await service.get("/v1/definitions", adder);
  assert.deepEqual(definitions.map(({ name }: Body) => name), ["add", "sleep"]);
  const refused = await service.post("/v1/tasks", { task: "echo", input: { value: 1 } }, adder);
  assertProblem(refused, 422, "unknown-definition");
  assert.deepEqual(refused.body.nearest, ["add", "sleep"]);
  const other = await service.post("/v1/tasks", { task: "adr", input: {} }, adder);
  assert.deepEqual(other.body.nearest, ["add"]);
});

Deno.test("an admin of a tenant looks after its keys alone, and makes no others", async () => {
  await using service = await aService({ apiKeys: [boss.key], running: false });
  const acme = await keyOf(service, "acme", ["admin"]);
  await keyOf(service, "globex", ["read"]);
  const { status, body } = await service.post("/v1/keys", { name: "more", scopes: ["read"] }, acme);
  assert.deepEqual([status, body.tenant], [201, "acme"]);
  assertProblem(
    await service.post("/v1/keys", { name: "x", scopes: ["read"], tenant: "globex" }, acme),
    403,
    "forbidden",
  );
  const { body: { keys } } = await service.get("/v1/keys", acme);
  assert.deepEqual([...new Set(keys.map(({ tenant }: Body) => tenant))], ["acme"]);
  const { body: { keys: every } } = await service.get("/v1/keys", boss);
  assert.deepEqual([...new Set(every.map(({ tenant }: Body) => tenant))].sort(), ["acme", "globex", null]);
});

Deno.test("no route asks the runtime but for its caller", () => {
  const allowed = [
    "for",
    "clock",
    "turns",
    "maxInputBytes",
    "registry",
    "value",
    "events",
    "groups",
    "dependentsResumed",
    // Numbers that hold for all; what is told of them is each caller's own.
    "countQueued",
    "countStored",
    "maxQueued",
    "concurrency",
    // Of a record that the caller has got.
    "holdOf",
  ];
  for (const { name } of Deno.readDirSync(new URL("../../../routes/v1/", import.meta.url))) {
    const text = Deno.readTextFileSync(new URL(`../../../routes/v1/${name}`, import.meta.url));
    const asked = [...text.matchAll(/\bruntime\.(\w+)/g)].map(([, member]) => member);
    assert.deepEqual(asked.filter((member) => !allowed.includes(member)), [], name);
    assert.doesNotMatch(text, /runtime\.groups\.(record|status|when|log)\b/, name);
  }
});
