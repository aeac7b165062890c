// Tickets: what they open, for how long, and that every process of the cluster knows them.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { systemClock } from "../../../runtime/platform/clock.ts";
import {
  type Answer,
  aService,
  assertProblem,
  type Body,
  type Service,
  UNKNOWN_ID,
} from "../../support/service.ts";
import { aDatabase } from "../../support/server_process.ts";
import { aKey } from "../../support/api_keys.ts";

const reader = aKey(["read"]);
const writer = aKey(["submit", "cancel"]);
const apiKeys = [reader.key, writer.key];

async function aTicket(service: Service, path: string, ttlSeconds?: number): Promise<Body> {
  const { status, body, text } = await service.post("/v1/tickets", { path, ttlSeconds }, reader);
  assert.equal(status, 201, text);
  return body;
}

async function anEndedTask(service: Service): Promise<string> {
  const { body } = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } }, writer);
  await service.get(`/v1/tasks/${body.id}?wait=60`, reader);
  return body.id;
}

function assertRefused(answer: Answer, why: RegExp): void {
  assertProblem(answer, 401, "unauthorized");
  assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  assert.match(answer.body.detail, why);
}

Deno.test("a ticket opens its stream without a key, and nothing else", async () => {
  const now = Date.now();
  await using service = await aService({ apiKeys, clock: { ...systemClock, now: () => now } });
  const [id, other] = [await anEndedTask(service), await anEndedTask(service)];
  const path = `/v1/tasks/${id}/events`;
  const { ticket, url, expiresAt } = await aTicket(service, path);
  assert.equal(url, `${path}?ticket=${ticket}`);
  assert.equal(Date.parse(expiresAt), now + 60_000);

  const events = await service.events(url);
  assert.deepEqual(events.slice(-2).map(({ event }) => event), ["result", "end"]);
  // From any place on, as often as it takes.
  const rest = await service.events(`${path}?after=${events.at(-2)!.id}&ticket=${ticket}`);
  assert.deepEqual(rest.map(({ event }) => event), ["end"]);
  assert.deepEqual(await service.events(url), events);
  const head = await service.app.request(url, { method: "HEAD" });
  assert.equal(head.status, 200);

  const get = (path: string) => service.get(`${path}${path.includes("?") ? "&" : "?"}ticket=${ticket}`);
  assertRefused(await get(`/v1/tasks/${other}/events`), /another stream/);
  assertRefused(await get(`/v1/as-completed?id=${id}`), /another stream/);
  assertRefused(await get(`${path}?more=1`), /another stream/);
  for (const path of [`/v1/tasks/${id}`, `/v1/tasks/${id}/result`, "/v1/tasks", "/v1/definitions"]) {
    assertRefused(await get(path), /needs an API key/);
  }
  const post = { method: "POST", headers: { "content-type": "application/json" } };
  const body = JSON.stringify({ ids: [id] });
  assertRefused(
    await service.request("POST", `/v1/as-completed?ticket=${ticket}`, { ...post, body }),
    /API key/,
  );
  assertRefused(
    await service.request("POST", `/v1/tasks?ticket=${ticket}`, { ...post, body: "{}" }),
    /API key/,
  );
  assertRefused(await service.get(`${path}?ticket=${ticket.slice(0, -1)}`), /not one of this service/);
  assertRefused(await service.get(`${path}?ticket=`), /not one of this service/);
  // A key that is sent as well is what counts.
  assertRefused(
    await service.get(url, { headers: { authorization: "Bearer wrong" } }),
    /not that of an API key/,
  );
  assertProblem(await service.get(url, writer), 403, "forbidden");
});

Deno.test("a ticket for as-completed is for this query alone, and a new one goes on where the old one was", async () => {
  await using service = await aService({ apiKeys });
  const ids = [await anEndedTask(service), await anEndedTask(service)];
  const path = `/v1/as-completed?id=${ids[0]}&id=${ids[1]}&timeout=60`;
  const { url, ticket } = await aTicket(service, path);
  const events = await service.events(url);
  assert.deepEqual(events.map(({ event }) => event), ["task", "task", "end"]);
  const again = await aTicket(service, `${path}&after=${encodeURIComponent(events[0].id)}`);
  assert.deepEqual(
    (await service.events(again.url)).map(({ id }) => id),
    events.slice(1).map(({ id }) => id),
  );
  const ended = await service.open(`${url}&after=${encodeURIComponent(events[2].id)}`);
  assert.equal(ended.status, 204);
  for (
    const query of [
      `id=${ids[0]}`,
      `id=${ids[1]}&id=${ids[0]}&timeout=60`,
      `id=${ids[0]}&id=${ids[1]}`,
      "tag=x",
    ]
  ) {
    assertRefused(await service.get(`/v1/as-completed?${query}&ticket=${ticket}`), /another stream/);
  }
});

Deno.test("a ticket expires; a stream that it has opened goes on", async () => {
  let now = Date.now();
  const clock = { ...systemClock, now: () => now };
  await using service = await aService({ apiKeys, clock });
  const { body: { id } } = await service.post("/v1/tasks", { task: "sleep", input: { ms: 60_000 } }, writer);
  const { url, expiresAt } = await aTicket(service, `/v1/tasks/${id}/events`, 120);
  assert.equal(Date.parse(expiresAt), now + 120_000);
  const stream = await service.open(url);
  assert.equal(stream.status, 200);
  now += 121_000;
  assertRefused(await service.get(url), /expired/);
  await service.post(`/v1/tasks/${id}/cancel`, { graceMs: 0 }, writer);
  assert.match(await stream.text(), /event: end/);
});

Deno.test("every process of a cluster knows the tickets of the others", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  await using one = await aService({ apiKeys, path: database.path });
  await using other = await aService({ apiKeys, path: database.path, running: false });
  const id = await anEndedTask(one);
  const { url } = await aTicket(one, `/v1/tasks/${id}/events`);
  assert.equal((await other.events(url)).at(-1)!.event, "end");
});

Deno.test("tickets are made for streams alone, and for at most an hour", async () => {
  await using service = await aService({ running: false, apiKeys });
  const wrong = [
    "",
    "v1/as-completed?tag=x",
    "https://evil.example/v1/as-completed?tag=x",
    "//evil.example/v1/as-completed",
    "/\\evil.example/v1/as-completed",
    "/v1/as-completed#tag",
    "/v1/as-completed//",
    "/v1/tasks",
    `/v1/tasks/${UNKNOWN_ID}`,
    `/v1/tasks/${UNKNOWN_ID}/result`,
    `/v1/tasks/${UNKNOWN_ID}/events/more`,
    `/v1/groups/${UNKNOWN_ID}/results`,
    "/internal/pump",
  ];
  for (const path of wrong) {
    assertProblem(await service.post("/v1/tickets", { path }, reader), 422, "validation-failed", "/path");
  }
  const path = "/v1/as-completed?tag=x";
  for (const ttlSeconds of [0, -1, 1.5, 3_601, "60"]) {
    const answer = await service.post("/v1/tickets", { path, ttlSeconds }, reader);
    assertProblem(answer, 422, "validation-failed", "/ttlSeconds");
  }
  assert.ok((await aTicket(service, path, 3_600)).ticket);
  // One in the path is replaced.
  const twice = await aTicket(service, (await aTicket(service, path)).url);
  assert.equal(twice.url, `${path}&ticket=${twice.ticket}`);
});

Deno.test("without keys, tickets are made too, and nobody asks for them", async () => {
  await using service = await aService();
  const { id } = await service.run("add", { a: 1, b: 2 });
  const { status, body } = await service.post("/v1/tickets", { path: `/v1/tasks/${id}/events` });
  assert.equal(status, 201);
  for (const url of [body.url, `/v1/tasks/${id}/events?ticket=old`]) {
    assert.equal((await service.events(url)).at(-1)!.event, "end");
  }
});

Deno.test("a ticket for one tag opens no stream of another tag, whatever place it is asked to go on from", async () => {
  await using service = await aService({ apiKeys });
  for (const tag of ["mine", "theirs"]) {
    const options = { tags: [tag] };
    await service.post("/v1/tasks", { task: "echo", input: { value: tag }, options }, writer);
  }
  const [theirs] = await service.events("/v1/as-completed?tag=theirs", reader);
  assert.equal(theirs.data.input.value, "theirs");
  const { url } = await aTicket(service, "/v1/as-completed?tag=mine");
  const after = encodeURIComponent(theirs.id);
  const asked = await service.get(`${url}&after=${after}`);
  assertProblem(asked, 422, "validation-failed", "/Last-Event-ID");
  const header = await service.get(url, { headers: { "last-event-id": theirs.id } });
  assertProblem(header, 422, "validation-failed", "/Last-Event-ID");
  // The stream that it was made for goes on.
  const own = await service.events(url);
  const rest = await service.events(`${url}&after=${encodeURIComponent(own[0].id)}`);
  assert.deepEqual(rest.map(({ event }) => event), ["end"]);
});

Deno.test("a view that release 0.2 has kept is one of its tag alone", async () => {
  await using service = await aService({ apiKeys });
  const options = { tags: ["t"] };
  const { body: { id } } = await service.post(
    "/v1/tasks",
    { task: "echo", input: { value: 1 }, options },
    writer,
  );
  const view = crypto.randomUUID();
  await service.kv.writeBlind([{ key: ["view", view], value: [id] }], 0);
  const open = (tag: string) => service.get(`/v1/as-completed?tag=${tag}&after=t.${view}.1.`, reader);
  assertProblem(await open("other"), 422, "validation-failed", "/Last-Event-ID");
  await service.kv.writeBlind([{ key: ["view", view], value: [id] }], 0);
  const events = await service.events(`/v1/as-completed?tag=t&after=t.${view}.1.`, reader);
  assert.deepEqual(events.map(({ event }) => event), ["task", "end"]);
});
