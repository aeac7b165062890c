// Tickets: what they open, for how long, and that every process of the cluster knows them.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { systemClock } from "../../../runtime/platform/clock.ts";
import { UnavailableError } from "../../../runtime/core/errors.ts";
import { serviceKeys } from "../../../runtime/platform/keys.ts";
import { type KvPort } from "../../../runtime/platform/kv.ts";
import { openKv } from "../../../runtime/platform/open_kv.ts";
import { Tickets } from "../../../auth/tickets.ts";
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

function ticketsOn(kv: KvPort, now: () => number = Date.now): Tickets {
  return new Tickets(kv, { ...systemClock, now });
}

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

Deno.test("a ticket is good for its purpose and its time, and has no other way to be written", async () => {
  const kv = await openKv(":memory:");
  let now = 1_000_000;
  const tickets = ticketsOn(kv, () => now);
  const ticket = await tickets.issue("pump 7", 5_000);
  assert.match(ticket, /^[\w-]+\.[\w-]{43}$/);
  assert.ok(!ticket.includes("pump"));
  assert.equal(await tickets.verify(ticket, "pump 7"), null);
  assert.equal(await tickets.verify(ticket, "pump 8"), "other");
  for (let at = 0; at < ticket.length; at++) {
    const changed = ticket.slice(0, at) + (ticket[at] === "A" ? "B" : "A") + ticket.slice(at + 1);
    assert.equal(await tickets.verify(changed, "pump 7"), "forged", `at ${at}`);
  }
  for (
    const text of ["", ".", "x.y", `${ticket}A`, ` ${ticket}`, `${ticket}.${ticket}`, ticket.split(".")[0]]
  ) {
    assert.equal(await tickets.verify(text, "pump 7"), "forged", text);
  }
  now += 4_999;
  assert.equal(await tickets.verify(ticket, "pump 7"), null);
  now += 1;
  assert.equal(await tickets.verify(ticket, "pump 7"), "expired");
  assert.equal(await tickets.verify(ticket, "pump 8"), "other");
  kv.close();
});

Deno.test("processes that begin at once agree on a secret; those of another database have another", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const kvs = await Promise.all([1, 2, 3, 4].map(() => openKv(database.path)));
  const processes = kvs.map((kv) => ticketsOn(kv));
  const issued = await Promise.all(processes.map((tickets) => tickets.issue("stream", 60_000)));
  for (const tickets of processes) {
    for (const ticket of issued) assert.equal(await tickets.verify(ticket, "stream"), null);
  }
  const { value } = await kvs[0].get<Uint8Array>(serviceKeys.ticketSecret);
  assert.equal(value?.length, 32);
  assert.ok(new Set(value).size > 8, "it is drawn at random");
  const elsewhere = await openKv(":memory:");
  assert.equal(await ticketsOn(elsewhere).verify(issued[0], "stream"), "forged");
  for (const kv of [...kvs, elsewhere]) kv.close();
});

Deno.test("a database that does not answer is told as that, and asked again the next time", async () => {
  const kv = await openKv(":memory:");
  const tickets = ticketsOn(kv);
  const { commit } = kv;
  kv.commit = () => Promise.reject(new Error("disk I/O error"));
  await assert.rejects(tickets.issue("stream", 60_000), UnavailableError);
  // The commit that failed may have been applied: what stands there counts.
  kv.commit = async (...args) => {
    await commit.apply(kv, args);
    throw new Error("the answer was lost");
  };
  await assert.rejects(tickets.issue("stream", 60_000), UnavailableError);
  const ticket = await tickets.issue("stream", 60_000);
  assert.equal(await tickets.verify(ticket, "stream"), null);
  kv.close();
});

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
    "/v1/as-completed/",
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
