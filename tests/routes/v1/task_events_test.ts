import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import {
  allEvents,
  aService,
  type Body,
  firstEvents,
  type Service,
  type StreamEvent,
} from "../../support/service.ts";
import { eventually, pause, unlessItHangs } from "../../support/waiting.ts";

function kinds(events: StreamEvent[]): string {
  return events.map(({ event }) => event).join(" ");
}

function assertDense(events: StreamEvent[], from = 1): void {
  assert.deepEqual(events.map(({ id }) => id), events.map((_, i) => String(from + i)));
}

function eventsPath(task: Body): string {
  return `/v1/tasks/${task.id}/events`;
}

/** A definition whose attempts wait until the test lets them go on. */
function aGate() {
  const gate = Promise.withResolvers<void>();
  const gated = define({ name: "gated", input: z.object({}) }, async ({ emit }) => {
    emit("before");
    await gate.promise;
    emit("after");
  });
  return { gated, open: () => gate.resolve() };
}

Deno.test("a stream says how it wants to be read", async () => {
  await using service = await aService();
  const task = await service.run("add", { a: 1, b: 2 });
  const response = await service.open(eventsPath(task));
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  assert.ok((await response.text()).startsWith("retry: 1000\n\n"));
});

Deno.test("no proxy may store, compress or collect a stream, of whichever kind, for GET, POST or HEAD", async () => {
  await using service = await aService();
  const { id } = await service.run("add", { a: 1, b: 2 });
  const { body: group } = await service.post("/v1/groups", { ids: [id] });
  const asCompleted = ["id=" + id, "groupId=" + group.id, "tag=none"].map((query) =>
    `/v1/as-completed?${query}`
  );
  const posted = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ids: [id] }),
  };
  const calls: [string, RequestInit][] = [
    ...[`/v1/tasks/${id}/events`, ...asCompleted].flatMap((path): [string, RequestInit][] => [
      [path, {}],
      [path, { method: "HEAD" }],
    ]),
    ["/v1/as-completed", posted],
  ];
  for (const [path, init] of calls) {
    const { headers, body } = await service.app.request(path, init);
    await body?.cancel();
    const said = (headers.get("cache-control") ?? "").split(", ");
    assert.deepEqual(said, ["no-store", "no-transform"], `${init.method ?? "GET"} ${path}`);
    assert.equal(headers.get("x-accel-buffering"), "no");
  }
});

Deno.test("the events of a task are its states, then its result, then end", async () => {
  await using service = await aService();
  const task = await service.submit("add", { a: 1, b: 2 });
  const events = await service.events(eventsPath(task));
  assert.equal(kinds(events), "state state state result end");
  assertDense(events);
  const ended = await service.task(task.id);
  assert.deepEqual(events.slice(0, 3).map(({ data }) => data), ended.history);
  assert.deepEqual(events[3].data, { id: task.id, state: ended.state, result: 3 });
  assert.deepEqual(events[4].data.state, ended.state);
});

Deno.test("a failed task's events close with its error", async () => {
  await using service = await aService();
  const events = await service.events(eventsPath(await service.run("fail", { message: "m" })));
  assert.equal(kinds(events), "state state state error end");
  assert.equal(events[3].data.error.message, "m");
});

Deno.test("progress, log lines and chunks come in their order and can be read again", async () => {
  await using service = await aService();
  const task = await service.submit("countdown", { from: 3, stepMs: 1 });
  const live = await service.events(eventsPath(task));
  assertDense(live);
  const data = (kind: string, member: string) =>
    live.filter(({ event }) => event === kind).map(({ data }) => data[member]);
  assert.deepEqual(data("log", "message"), ["T minus 3", "T minus 2", "T minus 1"]);
  assert.deepEqual(data("chunk", "chunk"), [3, 2, 1]);
  assert.deepEqual(data("result", "result"), ["liftoff"]);
  assert.ok(data("progress", "current").length >= 1);
  assert.deepEqual(await service.events(eventsPath(task)), live);
  assert.deepEqual((await service.task(task.id)).progress, { current: 3, total: 3, message: "T minus 1" });
});

Deno.test("Last-Event-ID and after resume at every place with nothing missing and nothing twice", async () => {
  await using service = await aService();
  const task = await service.run("countdown", { from: 2, stepMs: 1 });
  const all = await service.events(eventsPath(task));
  for (let seen = 0; seen < all.length; seen++) {
    assert.deepEqual(await service.events(`${eventsPath(task)}?after=${seen}`), all.slice(seen));
    const headers = { "last-event-id": String(seen) };
    assert.deepEqual(await service.events(eventsPath(task), { headers }), all.slice(seen));
    // What the browser adds wins over what stands in the URL it was given.
    assert.deepEqual(await service.events(`${eventsPath(task)}?after=1`, { headers }), all.slice(seen));
  }
});

Deno.test("after its end a reconnect is answered with 204", async () => {
  await using service = await aService();
  const task = await service.run("add", { a: 1, b: 2 });
  const end = (await service.events(eventsPath(task))).at(-1)!;
  const reconnect = await service.open(eventsPath(task), { headers: { "last-event-id": end.id } });
  assert.deepEqual([reconnect.status, await reconnect.text()], [204, ""]);
  assert.equal((await service.open(`${eventsPath(task)}?after=${end.id}`)).status, 204);
});

Deno.test("a stream that goes on from a place that never comes ends when the task does", async () => {
  const { gated, open } = aGate();
  await using service = await aService({ definitions: [gated] });
  const task = await service.submit("gated");
  const response = await service.open(`${eventsPath(task)}?after=999`);
  open();
  await service.ended(task.id);
  await unlessItHangs(response.text(), "the stream");
});

Deno.test("a stream cut in the middle is resumed while the task runs", async () => {
  const { gated, open } = aGate();
  await using service = await aService({ definitions: [gated] });
  const task = await service.submit("gated");
  const first = await firstEvents(await service.open(eventsPath(task)), 3);
  assert.equal(kinds(first), "state state chunk");
  const rest = allEvents(await service.open(eventsPath(task), { headers: { "last-event-id": first[2].id } }));
  await pause(10);
  open();
  assert.equal(kinds(await rest), "chunk state result end");
  assertDense([...first, ...await rest]);
});

Deno.test("many readers of one task get the same", async () => {
  await using service = await aService();
  const task = await service.submit("countdown", { from: 3, stepMs: 2 });
  const all = await Promise.all(Array.from({ length: 5 }, () => service.events(eventsPath(task))));
  for (const events of all) assert.deepEqual(events, all[0]);
});

Deno.test("a task that was retried keeps its sequence dense, for those who saw its end and those who did not", async () => {
  await using service = await aService();
  const task = await service.run("fail", { message: "m", untilAttempt: 2 });
  const before = await service.events(eventsPath(task));
  await service.post(`${eventsPath(task).replace("/events", "/retry")}`, {});
  await service.ended(task.id);
  const rest = await service.events(eventsPath(task), { headers: { "last-event-id": before.at(-1)!.id } });
  assertDense([...before, ...rest]);
  assert.equal(kinds(rest), "state state state result end");
  const all = await service.events(eventsPath(task));
  assertDense(all);
  assert.equal(all.filter(({ event }) => event === "end").length, 1);
});

Deno.test("more states than the record keeps are all in the stream", async () => {
  await using service = await aService();
  const task = await service.run("fail", { message: "m" }, { retry: { maxAttempts: 40, delayMs: 0 } });
  const events = await service.events(eventsPath(task));
  assertDense(events);
  assert.equal(events.filter(({ event }) => event === "state").length, 120);
});

Deno.test("an idle stream gets a comment in time", async () => {
  await using service = await aService({ pingMs: 20 });
  const task = await service.submit("sleep", { ms: 60_000 });
  const response = await service.open(eventsPath(task));
  let text = "";
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    if ((text.match(/^: /gm) ?? []).length >= 3) break;
  }
  assert.match(text, /^: ping$/m);
});

Deno.test("a report that cannot be kept fails the attempt in the line that made it", async () => {
  const wrong: Record<
    string,
    (emit: (chunk: unknown) => void, log: (m: string, d?: unknown) => void) => void
  > = {
    TypeError: (emit) => emit(() => {}),
    RangeError: (emit) => emit("x".repeat(40_000)),
  };
  const careless = define(
    { name: "careless", input: z.object({ what: z.string() }) },
    ({ input, emit, log }) => {
      wrong[input.what](emit, log);
    },
  );
  await using service = await aService({ definitions: [careless] });
  for (const what of Object.keys(wrong)) {
    assert.equal((await service.run("careless", { what })).error.name, what);
  }
});

Deno.test("closing the connection frees everything", async () => {
  await using service = await aService();
  const base = service.listen();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  const group = await service.post("/v1/groups", { ids: [id] });
  const paths = [
    `/v1/tasks/${id}/events`,
    `/v1/as-completed?id=${id}`,
    `/v1/as-completed?groupId=${group.body.id}`,
  ];
  for (const path of paths) await assertFreed(service, base + path);
});

async function assertFreed(service: Service, url: string): Promise<void> {
  const abort = new AbortController();
  const responses = await Promise.all([1, 2, 3].map(() => fetch(url, { signal: abort.signal })));
  await Promise.all(responses.map((response) => response.body!.getReader().read()));
  await eventually(() => service.runtime.watched > 0, () => `nothing is watched by ${url}`);
  abort.abort();
  await eventually(
    () => service.runtime.watched === 0,
    () => `${url}: ${service.runtime.watched} left`,
  );
}

Deno.test("closing the connection of a waiting request frees it", async () => {
  await using service = await aService();
  const base = service.listen();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  const abort = new AbortController();
  const requests = [
    fetch(`${base}/v1/tasks/${id}?wait=30`, { signal: abort.signal }),
    fetch(`${base}/v1/tasks/${id}/result?wait=30`, { signal: abort.signal }),
    fetch(`${base}/v1/wait`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ids: [id] }),
      signal: abort.signal,
    }),
  ];
  await eventually(() => service.runtime.watched === 1);
  await pause(20);
  abort.abort();
  await Promise.allSettled(requests);
  await eventually(() => service.runtime.watched === 0, "it is still watched");
});

Deno.test("a stream that is closed before anything was read of it frees everything", async () => {
  await using service = await aService();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  for (const path of [`/v1/tasks/${id}/events`, `/v1/as-completed?id=${id}`]) {
    const response = await service.open(path);
    await response.body!.cancel();
    await eventually(() => service.runtime.watched === 0, () => `${path} is still watched`);
  }
});

Deno.test("HEAD of a stream leaves nothing behind", async () => {
  await using service = await aService();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  for (const path of [`/v1/tasks/${id}/events`, `/v1/as-completed?id=${id}`]) {
    await service.app.request(path, { method: "HEAD" });
    // When another task has run to its end, whatever this one has begun has had its turn.
    await service.run("add", { a: 1, b: 2 });
    assert.equal(service.runtime.watched, 0, path);
  }
});
