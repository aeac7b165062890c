import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Gates } from "../../support/gates.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { pause, unlessItHangs } from "../../support/waiting.ts";
import {
  allEvents,
  aService,
  assertProblem,
  type Body,
  eventsOf,
  firstEvents,
  type Service,
  type StreamEvent,
  UNKNOWN_ID,
} from "../../support/service.ts";

const input = { a: 1, b: 2 };

function idsIn(events: StreamEvent[]): string[] {
  return events.filter(({ event }) => event === "task").map(({ data }) => data.id);
}

async function sleepers(service: Service, delays: number[], options?: unknown): Promise<string[]> {
  const tasks = delays.map((ms) => ({ task: "sleep", input: { ms }, options }));
  const { body } = await service.post("/v1/tasks/batch", { tasks });
  return body.tasks.map((task: Body) => task.id);
}

function query(ids: string[]): string {
  return `/v1/as-completed?${ids.map((id) => `id=${id}`).join("&")}`;
}

/** POST, as an event stream. */
async function posted(service: Service, body: unknown): Promise<StreamEvent[]> {
  const response = await service.app.request("/v1/as-completed", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return await allEvents(response);
}

Deno.test("as-completed yields tasks in the order of their end, then end", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 3);
  const [slow, fast, middle] = ids;
  const told = service.events(query(ids));
  await gates.openInTurn(service, [fast, middle, slow]);
  const events = await told;
  assert.deepEqual(idsIn(events), [fast, middle, slow]);
  assert.deepEqual(events.at(-1), { ...events.at(-1)!, event: "end", data: { total: 3, yielded: 3 } });
  assert.equal(new Set(events.map(({ id }) => id)).size, 4);
});

Deno.test("as-completed tells each task whole, with its result or its error", async () => {
  await using service = await aService();
  const good = await service.submit("add", input);
  const bad = await service.submit("fail", { message: "m" });
  const events = await service.events(query([good.id, bad.id]));
  for (const { data } of events.slice(0, 2)) assert.deepEqual(data, await service.task(data.id));
});

Deno.test("as-completed yields those already done first, in the order in which they ended", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 3);
  const [running, second, first] = ids;
  await gates.openInTurn(service, [first, second]);
  const told: string[] = [];
  for await (const { event, data } of eventsOf(await service.open(query(ids)))) {
    if (event === "task") told.push(data.id);
    if (told.length === 2) gates.open(running);
  }
  assert.deepEqual(told, [first, second, running]);
});

Deno.test("as-completed yields a duplicate once, in whatever case it is written, and a cancelled task too", async () => {
  await using service = await aService();
  const { id } = await service.run("add", input);
  const cancelled = await service.submit("add", input, { delayMs: 60_000 });
  const events: StreamEvent[] = [];
  const path = query([id, cancelled.id, id.toUpperCase(), cancelled.id]);
  for await (const event of eventsOf(await service.open(path))) {
    if (events.push(event) === 1) await service.post(`/v1/tasks/${cancelled.id}/cancel`, {});
  }
  assert.deepEqual(idsIn(events), [id, cancelled.id]);
  assert.equal(events[1].data.state.type, "CANCELLED");
  assert.deepEqual(events[2].data, { total: 2, yielded: 2 });
});

Deno.test("as-completed says at the deadline what is unfinished, and closes", async () => {
  await using service = await aService();
  const ids = await sleepers(service, [0, 60_000, 0, 60_000, 0]);
  for (const at of [0, 2, 4]) await service.ended(ids[at]);
  for (
    const events of [
      await service.events(`${query(ids)}&timeout=0.1`),
      await posted(service, { ids, timeoutSeconds: 0.1 }),
      await posted(service, { ids, timeout: 0 }),
    ]
  ) {
    assert.deepEqual(idsIn(events).sort(), [ids[0], ids[2], ids[4]].sort());
    const last = events.at(-1)!;
    assert.equal(last.event, "timeout");
    assert.deepEqual(last.data, { message: "2 (of 5) futures unfinished", pending: [ids[1], ids[3]] });
  }
  assert.equal(service.runtime.watched, 0);
});

Deno.test("the deadline of as-completed counts from the first connection", async () => {
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({ clock, leaseMs: 3_600_000 });
  const ids = await sleepers(service, [0, 60_000]);
  const path = `${query(ids)}&timeout=600`;
  const [first] = await firstEvents(await service.open(path), 1);
  clock.jump(600_000);
  const rest = await unlessItHangs(service.events(path, { headers: { "last-event-id": first.id } }));
  assert.deepEqual(rest.map(({ event }) => event), ["timeout"]);
  assert.equal(rest[0].data.message, "1 (of 2) futures unfinished");
});

Deno.test("as-completed resumes after every event with each task once", async () => {
  await using service = await aService();
  const ids = await sleepers(service, [0, 10, 20, 30]);
  const { body: group } = await service.post("/v1/groups", { ids });
  const paths = [query(ids), `/v1/as-completed?groupId=${group.id}`];
  for (const path of paths) {
    const all = await service.events(path);
    assert.equal(idsIn(all).length, 4);
    for (const [i, { id }] of all.slice(0, -1).entries()) {
      const rest = await service.events(path, { headers: { "last-event-id": id } });
      assert.deepEqual(idsIn(rest), idsIn(all).slice(i + 1), path);
      const { total, yielded } = rest.at(-1)!.data;
      assert.deepEqual([total, yielded], [4, 4]);
    }
    const end = await service.open(path, { headers: { "last-event-id": all.at(-1)!.id } });
    assert.equal(end.status, 204);
  }
});

Deno.test("as-completed that is cut while tasks end between two connections loses none", async () => {
  await using service = await aService();
  const ids = await sleepers(service, [0, 60, 120, 180, 240, 300, 360]);
  const { body: group } = await service.post("/v1/groups", { ids });
  for (const path of [query(ids), `/v1/as-completed?groupId=${group.id}`]) {
    const seen: string[] = [];
    let last: string | undefined;
    for (;;) {
      const response = await service.open(path, { headers: last ? { "last-event-id": last } : {} });
      if (response.status === 204) break;
      const [event] = await firstEvents(response, 1);
      last = event.id;
      if (event.event === "task") seen.push(event.data.id);
      await pause(10);
    }
    assert.deepEqual(seen.toSorted(), ids.toSorted());
    assert.equal(service.runtime.watched, 0);
  }
});

Deno.test("after a timeout as-completed goes on from there with what was pending", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 2);
  await gates.openInTurn(service, [ids[0]]);
  const events = await service.events(`${query(ids)}&timeout=0.05`);
  assert.deepEqual(events.map(({ event }) => event), ["task", "timeout"]);
  const rest = service.events(query(ids), { headers: { "last-event-id": events.at(-1)!.id } });
  gates.open(ids[1]);
  assert.deepEqual(idsIn(await rest), [ids[1]]);
});

Deno.test("as-completed follows a group and a tag", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const tagged = await gates.submit(service, 2, { tags: ["t"] });
  const { body: group } = await service.post("/v1/groups", { ids: tagged });
  const streams = [`/v1/as-completed?groupId=${group.id}`, "/v1/as-completed?tag=t"].map((path) =>
    service.events(path)
  );
  await gates.openInTurn(service, tagged.toReversed());
  for (const events of await Promise.all(streams)) assert.deepEqual(idsIn(events), tagged.toReversed());
  assert.deepEqual(idsIn(await posted(service, { tag: "t" })), tagged.toReversed());
  assert.deepEqual(idsIn(await posted(service, { groupId: group.id })), tagged.toReversed());
});

Deno.test("as-completed by tag stays with the tasks that had it at the start, also across a reconnect", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 2, { tags: ["t"] });
  gates.open(ids[0]);
  const [first] = await firstEvents(await service.open("/v1/as-completed?tag=t"), 1);
  await service.run("add", input, { tags: ["t"] });
  const rest = service.events("/v1/as-completed?tag=t", { headers: { "last-event-id": first.id } });
  gates.open(ids[1]);
  assert.deepEqual(idsIn(await rest), [ids[1]]);
});

Deno.test("as-completed of a tag that nobody has ends at once", async () => {
  await using service = await aService();
  const events = await service.events("/v1/as-completed?tag=nobody");
  assert.deepEqual(events.map(({ event, data }) => [event, data]), [["end", { total: 0, yielded: 0 }]]);
});

Deno.test("a task of a group that was retried between two connections comes once", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const failing = await service.run("fail", { message: "m" });
  const [slow] = await gates.submit(service, 1);
  const { body: group } = await service.post("/v1/groups", { ids: [failing.id, slow] });
  const path = `/v1/as-completed?groupId=${group.id}`;
  const [first] = await firstEvents(await service.open(path), 1);
  assert.equal(first.data.id, failing.id);
  await service.post(`/v1/tasks/${failing.id}/retry`, {});
  await service.ended(failing.id);
  gates.open(slow);
  const rest = await service.events(path, { headers: { "last-event-id": first.id } });
  assert.deepEqual(idsIn(rest), [slow]);
  assert.deepEqual(rest.at(-1)!.data, { outcome: "FAILED", total: 2, yielded: 2 });
});

Deno.test("a task that is retried while the stream is open comes once, by ids, by group and by tag", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const options = { tags: ["again"] };
  const { id: failing } = await service.submit("fail", { message: "m" }, options);
  const [slow] = await gates.submit(service, 1, options);
  await service.ended(failing);
  const { body: group } = await service.post("/v1/groups", { ids: [failing, slow] });
  const paths = [
    query([failing, slow]),
    `/v1/as-completed?groupId=${group.id}`,
    "/v1/as-completed?tag=again",
  ];
  const streams = await Promise.all(paths.map(async (path) => eventsOf(await service.open(path))));
  for (const stream of streams) assert.equal((await stream.next()).value!.data.id, failing);
  const told = streams.map((stream) => Array.fromAsync(stream));
  for (let times = 0; times < 2; times++) {
    await service.post(`/v1/tasks/${failing}/retry`, {});
    await service.ended(failing);
  }
  gates.open(slow);
  for (const [i, events] of (await Promise.all(told)).entries()) {
    assert.deepEqual(idsIn(events), [slow], paths[i]);
    const { total, yielded } = events.at(-1)!.data;
    assert.deepEqual([events.at(-1)!.event, total, yielded], ["end", 2, 2], paths[i]);
  }
});

Deno.test("a task that is forgotten during the stream is told and not left out", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 3);
  gates.open(ids[0]);
  const [first] = await firstEvents(await service.open(query(ids)), 1);
  const other = ids[1];
  await gates.openInTurn(service, [other]);
  await service.delete(`/v1/tasks/${other}`);
  gates.open(ids[2]);
  const rest = await service.events(query(ids), { headers: { "last-event-id": first.id } });
  assert.deepEqual(idsIn(rest).toSorted(), [other, ids[2]].toSorted());
});

Deno.test("an unknown id is 404 before the stream starts", async () => {
  await using service = await aService();
  const { id } = await service.submit("add", input);
  const answer = await service.get(query([id, UNKNOWN_ID]));
  assertProblem(answer, 404, "not-found");
  assertProblem(
    await service.post("/v1/as-completed", { ids: [id, UNKNOWN_ID] }),
    404,
    "not-found",
    "/ids/1",
  );
  assert.equal(service.runtime.watched, 0);
});

Deno.test("every id that is not there is pointed at, unknown and forgotten ones", async () => {
  await using service = await aService();
  const { id } = await service.submit("add", input);
  const { id: forgotten } = await service.run("add", input);
  await service.delete(`/v1/tasks/${forgotten}`);
  const unknown = [UNKNOWN_ID, UNKNOWN_ID.replace(/.$/, "f")];
  const places = [
    await service.post("/v1/as-completed", { ids: [unknown[0], id, id, forgotten, unknown[1], unknown[0]] }),
    await service.post("/v1/wait", { ids: [unknown[0], id, forgotten, unknown[1]], timeoutSeconds: 0 }),
    await service.post("/v1/groups", { ids: [forgotten, unknown[0]] }),
  ].map((
    answer,
  ) => [answer.status, ...answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)]);
  assert.deepEqual(places, [
    [404, "/ids/0", "/ids/3", "/ids/4"],
    [404, "/ids/0", "/ids/2", "/ids/3"],
    [410, "/ids/0", "/ids/1"],
  ]);
});

Deno.test("exactly one of ids, groupId and tag says which tasks", async () => {
  await using service = await aService();
  const { id } = await service.submit("add", input);
  for (const bad of ["", `?id=${id}&tag=t`, `?groupId=${id}&tag=t`]) {
    assertProblem(await service.get(`/v1/as-completed${bad}`), 422, "validation-failed");
  }
  assertProblem(await service.post("/v1/as-completed", {}), 422, "validation-failed", "/ids");
  assertProblem(
    await service.post("/v1/as-completed", { ids: [id], tag: "t" }),
    422,
    "validation-failed",
    "/tag",
  );
  assertProblem(await service.post("/v1/wait", {}), 422, "validation-failed", "/ids");
  assertProblem(
    await service.post("/v1/wait", { ids: [id], groupId: id }),
    422,
    "validation-failed",
    "/groupId",
  );
});

Deno.test("as-completed takes a thousand ids and no more", async () => {
  await using service = await aService();
  const tasks = Array.from({ length: 1_000 }, () => ({ task: "add", input }));
  const { body } = await service.post("/v1/tasks/batch", { tasks });
  const ids: string[] = body.tasks.map((task: Body) => task.id);
  const events = await posted(service, { ids });
  assert.deepEqual(idsIn(events).toSorted(), ids);
  const tooMany = await service.post("/v1/as-completed", { ids: [...ids, ids[0]] });
  assertProblem(tooMany, 422, "validation-failed", "/ids");
  // Resuming in the middle of so many still tells each once.
  const rest = await service.app.request("/v1/as-completed", {
    method: "POST",
    headers: { "content-type": "application/json", "last-event-id": events[499].id },
    body: JSON.stringify({ ids }),
  });
  const seen = [...idsIn(events.slice(0, 500)), ...idsIn(await allEvents(rest))];
  assert.deepEqual(seen.toSorted(), ids);
});

Deno.test("an id that belongs to another stream, or to none, is refused", async () => {
  await using service = await aService();
  const [a, b] = await sleepers(service, [0, 0]);
  const [ofA] = await service.events(query([a]));
  for (const id of ["nonsense", "i.x.0.", ofA.id, `${ofA.id}x`]) {
    const answer = await service.get(query([b]), { headers: { "last-event-id": id } });
    assertProblem(answer, 422, "validation-failed", "/Last-Event-ID");
  }
});

Deno.test("an id of one group's stream does not end another group's", async () => {
  await using service = await aService();
  const ids = await sleepers(service, [0, 0]);
  await Promise.all(ids.map((id) => service.ended(id)));
  const [one, other] = await Promise.all([1, 2].map(() => service.post("/v1/groups", { ids })));
  const events = await service.events(`/v1/as-completed?groupId=${one.body.id}`);
  const headers = { "last-event-id": events[1].id };
  const response = await service.open(`/v1/as-completed?groupId=${other.body.id}`, { headers });
  await response.body?.cancel();
  assert.equal(response.status, 422);
});
