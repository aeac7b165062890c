// API keys of the database: what they open, how long, and in every process.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  aService,
  assertProblem,
  type Body,
  eventsOf,
  firstEvents,
  type Service,
  UNKNOWN_ID,
} from "../../support/service.ts";
import { aDatabase } from "../../support/server_process.ts";
import { aKey } from "../../support/api_keys.ts";
import { eventually } from "../../support/waiting.ts";
import { systemClock } from "../../../runtime/platform/clock.ts";

const boss = aKey(["admin"], "boss");
const apiKeys = [boss.key];

async function make(
  service: Service,
  wanted: Body,
  by: { headers: Record<string, string> } = boss,
): Promise<Body> {
  const { status, body, text } = await service.post("/v1/keys", wanted, by);
  assert.equal(status, 201, text);
  return body;
}

const bearer = ({ secret }: Body) => ({ headers: { authorization: `Bearer ${secret}` } });

/** A clock whose time the test moves on by hand; its timers are the system's. */
function aClock() {
  let ahead = 0;
  return {
    clock: {
      ...systemClock,
      now: () => Date.now() + ahead,
      monotonic: () => performance.now() + ahead,
    },
    advance: (ms: number) => ahead += ms,
  };
}

Deno.test("a key is made, listed without its secret, and opens what its scopes say", async () => {
  await using service = await aService({ apiKeys });
  const made = await make(service, { name: "ci", scopes: ["submit", "read"] });
  assert.match(made.secret, /^errand_[\w-]{43}$/);
  assert.deepEqual([made.name, made.source, made.createdBy, made.expiresAt], [
    "ci",
    "database",
    "boss",
    null,
  ]);
  const task = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, bearer(made));
  assert.equal(task.status, 202, task.text);
  assertProblem(await service.post(`/v1/tasks/${task.body.id}/cancel`, {}, bearer(made)), 403, "forbidden");
  assertProblem(await service.get("/v1/keys", bearer(made)), 403, "forbidden");
  const { body: { keys }, text } = await service.get("/v1/keys", boss);
  assert.deepEqual(keys.map(({ name, source }: Body) => [name, source]), [["boss", "environment"], [
    "ci",
    "database",
  ]]);
  assert.ok(!text.includes(made.secret));
  const stored = await Array.fromAsync(service.kv.writer.list({ prefix: [] }));
  assert.ok(!JSON.stringify(stored).includes(made.secret.slice(7)), "the secret is nowhere in the database");
});

Deno.test("a revoked key opens nothing a second later, in every process, nor do its tickets and streams", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const { clock, advance } = aClock();
  await using here = await aService({ apiKeys, path: database.path });
  await using there = await aService({ apiKeys, path: database.path, running: false, clock });
  const made = await make(here, { name: "ci", scopes: ["submit", "read"] });
  await there.get("/v1/tasks", boss);
  advance(1_000);
  const { body: task } = await there.post(
    "/v1/tasks",
    { task: "sleep", input: { ms: 60_000 } },
    bearer(made),
  );
  const path = `/v1/tasks/${task.id}/events`;
  const { body: { url } } = await there.post("/v1/tickets", { path, ttlSeconds: 3_600 }, bearer(made));
  const streams = [
    await there.open(path, bearer(made)),
    await there.open(url),
    await there.open(`/v1/as-completed?id=${task.id}`, bearer(made)),
  ];
  const reading = Promise.all(streams.map((stream) => Array.fromAsync(eventsOf(stream))));
  const waiting = there.get(`/v1/tasks/${task.id}?wait=60`, bearer(made));
  const others = await there.open(path, boss);

  assert.equal((await here.delete(`/v1/keys/${made.id}`, boss)).status, 204);
  assertProblem(await here.get("/v1/tasks", bearer(made)), 401, "unauthorized");
  advance(1_000);
  assertProblem(await there.get("/v1/tasks", bearer(made)), 401, "unauthorized");
  assertProblem(await there.get(url), 401, "unauthorized");
  // What was open ends by itself; nobody calls meanwhile.
  for (const events of await reading) assert.ok(events.every(({ event }) => event !== "end"));
  assertProblem(await waiting, 401, "unauthorized");
  assert.equal((await firstEvents(others, 1))[0].event, "state", "the streams of other keys go on");
  await here.post(`/v1/tasks/${task.id}/cancel`, { graceMs: 0 }, boss);
});

Deno.test("streams of a revoked key end without any call", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  await using here = await aService({ apiKeys, path: database.path, running: false });
  await using there = await aService({ apiKeys, path: database.path, running: false });
  const made = await make(here, { name: "ci", scopes: ["submit", "read"] });
  const { body: task } = await there.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, bearer(made));
  const stream = await there.open(`/v1/tasks/${task.id}/events`, bearer(made));
  const reading = stream.text();
  await here.delete(`/v1/keys/${made.id}`, boss);
  assert.doesNotMatch(await reading, /event: end/);
});

Deno.test("a key ends at its time, and what it has opened with it", async () => {
  const { clock, advance } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const expiresAt = new Date(clock.now() + 60_000).toISOString();
  const made = await make(service, { name: "ci", scopes: ["submit", "read"], expiresAt });
  assert.equal(made.expiresAt, expiresAt);
  const { body: task } = await service.post(
    "/v1/tasks",
    { task: "add", input: { a: 1, b: 2 } },
    bearer(made),
  );
  const stream = await service.open(`/v1/tasks/${task.id}/events`, bearer(made));
  advance(60_000);
  assertProblem(await service.get("/v1/tasks", bearer(made)), 401, "unauthorized");
  assert.doesNotMatch(await stream.text(), /event: end/);
  // Its name is free again.
  await make(service, { name: "ci", scopes: ["read"] });
});

Deno.test("a key gets a new secret and keeps its name; the former one is good for as long as was said", async () => {
  const { clock, advance } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const first = await make(service, { name: "ci", scopes: ["submit", "read"] });
  const submit = (key: Body) =>
    service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, {
      headers: { ...bearer(key).headers, "idempotency-key": "invoice-1" },
    });
  const { body: task } = await submit(first);
  const rotate = async (body?: unknown) => {
    const answer = await service.post(`/v1/keys/${first.id}/rotate`, body, boss);
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const second = await rotate({ graceSeconds: 60 });
  assert.notEqual(second.secret, first.secret);
  for (const key of [first, second]) {
    const again = await submit(key);
    assert.deepEqual([again.body.id, again.headers.get("idempotency-replayed")], [task.id, "true"]);
  }
  advance(60_000);
  assertProblem(await submit(first), 401, "unauthorized");
  const third = await rotate();
  assertProblem(await submit(second), 401, "unauthorized");
  assert.equal((await submit(third)).body.id, task.id);
  const { body: { keys: [, listed] } } = await service.get("/v1/keys", boss);
  assert.deepEqual([listed.id, listed.rotatedAt], [first.id, third.rotatedAt]);
});

Deno.test("the use of a key is noted, at most once an hour", async () => {
  const { clock, advance } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const made = await make(service, { name: "ci", scopes: ["read"] });
  let notes = 0;
  const { writeBlind } = service.kv;
  service.kv.writeBlind = (writes, now) => {
    notes += writes.filter(({ key }) => key[0] === "api-key-use").length;
    return writeBlind.call(service.kv, writes, now);
  };
  const lastUse = async () => (await service.get("/v1/keys", boss)).body.keys[1].lastUsedAt;
  assert.equal(await lastUse(), null);
  for (let n = 0; n < 10; n++) {
    await service.get("/v1/tasks", bearer(made));
    advance(1_000);
  }
  assert.equal(notes, 1);
  assert.ok(Math.abs(Date.parse(await lastUse()) - clock.now()) < 60_000);
  advance(60 * 60 * 1000);
  for (let n = 0; n < 2; n++) {
    await service.get("/v1/tasks", bearer(made));
    advance(1_000);
  }
  assert.equal(notes, 2);
});

Deno.test("what is wrong with a key is said, and nothing is made", async () => {
  await using service = await aService({ apiKeys, running: false });
  const wrong: [Body, string][] = [
    [{ scopes: ["read"] }, "/name"],
    [{ name: "c/i", scopes: ["read"] }, "/name"],
    [{ name: "boss", scopes: ["read"] }, "/name"],
    [{ name: "ci", scopes: [] }, "/scopes"],
    [{ name: "ci", scopes: ["raed"] }, "/scopes/0"],
    [{ name: "ci", scopes: ["read"], tenant: "A B" }, "/tenant"],
    [{ name: "ci", scopes: ["read"], tenant: "" }, "/tenant"],
    [{ name: "ci", scopes: ["read"], patterns: ["resize"] }, "/patterns/0"],
    [{ name: "ci", scopes: ["admin"], patterns: ["task:resize*"] }, "/patterns"],
    [{ name: "ci", scopes: ["read"], expiresAt: "2020-01-01T00:00:00Z" }, "/expiresAt"],
    [{ name: "ci", scopes: ["read"], more: 1 }, "/more"],
  ];
  for (const [body, pointer] of wrong) {
    assertProblem(await service.post("/v1/keys", body, boss), 422, "validation-failed", pointer);
  }
  const made = await make(service, { name: "ci", scopes: ["read"] });
  assertProblem(
    await service.post("/v1/keys", { name: "ci", scopes: ["read"] }, boss),
    409,
    "conflict",
    "/name",
  );
  for (const id of [UNKNOWN_ID, crypto.randomUUID()]) {
    assertProblem(await service.delete(`/v1/keys/${id}`, boss), 404, "not-found");
    assertProblem(await service.post(`/v1/keys/${id}/rotate`, {}, boss), 404, "not-found");
  }
  assert.deepEqual((await service.get("/v1/keys", boss)).body.keys.map(({ id }: Body) => id), [
    null,
    made.id,
  ]);
});

Deno.test("of two that make a key of one name at once, one is told so", async () => {
  await using service = await aService({ apiKeys, running: false });
  const answers = await Promise.all(
    [1, 2, 3].map(() => service.post("/v1/keys", { name: "ci", scopes: ["read"] }, boss)),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409]);
});

Deno.test("without any keys nobody makes the first one over HTTP; once one was made, calls need a key for good", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const { clock, advance } = aClock();
  await using open = await aService({ path: database.path, running: false, clock });
  assertProblem(await open.post("/v1/keys", { name: "ci", scopes: ["read"] }), 403, "forbidden");
  assert.equal((await open.get("/v1/tasks")).status, 200);
  await using keyed = await aService({ path: database.path, running: false, apiKeys });
  const made = await make(keyed, { name: "ci", scopes: ["read"] });
  advance(1_000);
  assertProblem(await open.get("/v1/tasks"), 401, "unauthorized");
  assert.equal((await open.get("/v1/tasks", bearer(made))).status, 200);
  await keyed.delete(`/v1/keys/${made.id}`, boss);
  advance(1_000);
  assertProblem(await open.get("/v1/tasks"), 401, "unauthorized");
});

Deno.test("while the database does not answer, the keys of the settings are good, and no others", async () => {
  const { clock, advance } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const made = await make(service, { name: "ci", scopes: ["read"] });
  const { get } = service.kv;
  service.kv.get = () => Promise.reject(new Error("no answer"));
  advance(1_000);
  assert.equal((await service.get("/v1/definitions", boss)).status, 200);
  await assert.rejects(
    service.get("/v1/definitions", bearer(made)).then(({ status }) => assert.equal(status, 200)),
  );
  service.kv.get = get;
  assert.equal((await service.get("/v1/definitions", bearer(made))).status, 200);
  assert.equal(service.errors.splice(0).length, 1);
});

Deno.test("calls are answered from memory: a key costs one read a second, however many calls come", async () => {
  const { clock, advance } = aClock();
  await using service = await aService({ apiKeys, clock, running: false });
  const made = await make(service, { name: "ci", scopes: ["read"] });
  let reads = 0;
  const { get } = service.kv;
  service.kv.get = <T>(key: Deno.KvKey) => {
    if (String(key[0]).startsWith("api-key")) reads++;
    return get.call(service.kv, key) as Promise<Deno.KvEntryMaybe<T>>;
  };
  for (let n = 0; n < 50; n++) await service.get("/v1/definitions", bearer(made));
  advance(1_000);
  await eventually(
    async () => (await service.get("/v1/definitions", bearer(made))).status === 200,
    "no answer",
  );
  assert.ok(reads <= 2, `${reads} reads`);
});

Deno.test("a key that another process has made opens at once; wrong secrets are no reason to look again and again", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const { clock, advance } = aClock();
  await using here = await aService({ apiKeys, path: database.path });
  await using there = await aService({ apiKeys, path: database.path, running: false, clock });
  await there.get("/v1/tasks", boss);
  const made = await make(here, { name: "ci", scopes: ["read"] });
  advance(100);
  assert.equal((await there.get("/v1/tasks", bearer(made))).status, 200);
  let reads = 0;
  const { get } = there.kv;
  there.kv.get = <T>(key: Deno.KvKey) => {
    if (String(key[0]).startsWith("api-key")) reads++;
    return get.call(there.kv, key) as Promise<Deno.KvEntryMaybe<T>>;
  };
  const started = performance.now();
  for (let n = 0; n < 10; n++) {
    assert.equal((await there.get("/v1/tasks", bearer({ secret: "errand_none" }))).status, 401);
  }
  const most = 1 + (performance.now() - started) / 100;
  assert.ok(reads <= most, `${reads} reads`);
});
