import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { UnavailableError } from "../../../runtime/core/errors.ts";
import { systemClock } from "../../../runtime/platform/clock.ts";
import { define } from "../../../runtime/core/define.ts";
import { z } from "zod";
import { aService, assertProblem } from "../../support/service.ts";
import { Gates } from "../../support/gates.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { eventually, turn } from "../../support/waiting.ts";

const sum = { task: "add", input: { a: 1, b: 2 } };

Deno.test("a submit answers 202 with where the task is and what it is", async () => {
  await using service = await aService({ running: false });
  const { status, headers, body } = await service.post("/v1/tasks", sum);
  assert.equal(status, 202);
  assert.match(body.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.equal(headers.get("location"), `/v1/tasks/${body.id}`);
  assert.match(headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal(headers.get("preference-applied"), null);
  assert.deepEqual([body.state.type, body.state.name, body.attempt, body.maxAttempts], [
    "PENDING",
    "Pending",
    0,
    1,
  ]);
  assert.deepEqual([body.input, body.result, body.error, body.startedAt, body.finishedAt], [
    sum.input,
    null,
    null,
    null,
    null,
  ]);
  assert.deepEqual(body.links, {
    self: `/v1/tasks/${body.id}`,
    result: `/v1/tasks/${body.id}/result`,
    events: `/v1/tasks/${body.id}/events`,
    cancel: `/v1/tasks/${body.id}/cancel`,
    retry: `/v1/tasks/${body.id}/retry`,
  });
  assert.deepEqual(await service.task(body.id), body);
});

Deno.test("Prefer: wait=N answers 200 with the ended task", async () => {
  await using service = await aService();
  const { status, headers, body } = await service.post("/v1/tasks", sum, {
    headers: { prefer: "respond-async, wait=60" },
  });
  assert.equal(status, 200);
  assert.equal(headers.get("preference-applied"), "wait=60");
  assert.deepEqual([body.state.type, body.result], ["COMPLETED", 3]);
});

Deno.test("Prefer: wait=N answers 202 when the task takes longer", async () => {
  await using service = await aService();
  const slow = { task: "sleep", input: { ms: 60_000 } };
  const { status, headers, body } = await service.post("/v1/tasks", slow, { headers: { prefer: "wait=0" } });
  assert.equal(status, 202);
  assert.equal(headers.get("location"), `/v1/tasks/${body.id}`);
  assert.equal(headers.get("preference-applied"), "wait=0");
});

Deno.test("a task that is stored is 202, also where there is no room to wait for it", async () => {
  await using service = await aService({ maxWaiting: 1 });
  const slow = { task: "sleep", input: { ms: 60_000 } };
  const first = await service.submit(slow.task, slow.input);
  const stream = await service.open(`/v1/tasks/${first.id}/events`);
  assertProblem(await service.get(`/v1/tasks/${first.id}?wait=1`), 429, "rate-limited");
  const { status, headers, body } = await service.post("/v1/tasks", slow, { headers: { prefer: "wait=60" } });
  assert.equal(status, 202);
  assert.equal(headers.get("location"), `/v1/tasks/${body.id}`);
  assert.equal(headers.get("preference-applied"), null);
  assert.equal((await service.task(body.id)).id, body.id);
  await stream.body!.cancel();
});

Deno.test("a preference that cannot be read is ignored, as RFC 7240 says", async () => {
  await using service = await aService({ running: false });
  for (const prefer of ["wait=abc", "wait=-1", "handling=lenient", `x="${"y".repeat(300)}"`]) {
    const { status, headers, text } = await service.post("/v1/tasks", sum, { headers: { prefer } });
    assert.equal(status, 202, `${prefer}: ${text}`);
    assert.equal(headers.get("preference-applied"), null);
  }
});

Deno.test("an id of the caller's own is taken, in lower case, and once", async () => {
  await using service = await aService({ running: false });
  const id = "01999999-ABCD-7999-8999-999999999999";
  const { status, body } = await service.post("/v1/tasks", { ...sum, id });
  assert.equal(status, 202);
  assert.equal(body.id, id.toLowerCase());
  const again = await service.post("/v1/tasks", { ...sum, id: id.toLowerCase() });
  assertProblem(again, 409, "conflict", "/id");
});

Deno.test("of two submits with one id at the same time exactly one is accepted", async () => {
  await using service = await aService({ running: false });
  const id = crypto.randomUUID();
  const answers = await Promise.all([1, 2, 3].map(() => service.post("/v1/tasks", { ...sum, id })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409, 409]);
});

Deno.test("an id of a call under way is not taken: its repeat is told so, as with an Idempotency-Key", async () => {
  const clock = new ManualClock();
  await using service = await aService({ running: false, clock });
  const { kv } = service;
  const { commit } = kv;
  const id = crypto.randomUUID();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  kv.commit = async () => {
    asked.resolve();
    await answer.promise;
    throw new UnavailableError("the database hangs");
  };
  const first = service.post("/v1/tasks", { ...sum, id });
  await asked.promise;
  for (
    const [path, body, pointer] of [
      ["/v1/tasks", { ...sum, id }, "/id"],
      ["/v1/tasks/batch", { tasks: [sum, { ...sum, id }] }, "/tasks/1/id"],
    ] as const
  ) {
    const { detail } = assertProblem(await service.post(path, body), 409, "conflict", pointer);
    assert.match(detail, new RegExp(`a call with the id ${id} is still under way`));
  }
  answer.resolve();
  assertProblem(await clock.run(first), 503, "unavailable");
  kv.commit = commit;
  assert.equal((await service.post("/v1/tasks", { ...sum, id })).status, 202);
  const { detail } = assertProblem(await service.post("/v1/tasks", { ...sum, id }), 409, "conflict", "/id");
  assert.match(detail, /is taken/);
});

Deno.test("the same Idempotency-Key and body give the first answer again", async () => {
  await using service = await aService();
  const headers = { "idempotency-key": '"a key"' };
  const first = await service.post("/v1/tasks", sum, { headers });
  assert.equal(first.headers.get("idempotency-replayed"), null);
  await service.ended(first.body.id);
  const second = await service.post("/v1/tasks", sum, { headers });
  assert.equal(second.status, 202);
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(second.body, first.body);
  assert.equal(second.headers.get("location"), first.headers.get("location"));
  // The draft's quotes are no part of the key.
  const bare = await service.post("/v1/tasks", sum, { headers: { "idempotency-key": "a key" } });
  assert.equal(bare.body.id, first.body.id);
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 1);
});

Deno.test("the same Idempotency-Key with another body or path is a mismatch", async () => {
  await using service = await aService({ running: false });
  const headers = { "idempotency-key": "k" };
  await service.post("/v1/tasks", sum, { headers });
  const other = { task: "add", input: { a: 1, b: 3 } };
  assertProblem(await service.post("/v1/tasks", other, { headers }), 422, "idempotency-mismatch");
  const batch = await service.post("/v1/tasks/batch", { tasks: [sum] }, { headers });
  assertProblem(batch, 422, "idempotency-mismatch");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 1);
});

Deno.test("calls with one Idempotency-Key at the same time make one task", async () => {
  await using service = await aService({ running: false });
  const headers = { "idempotency-key": "k" };
  const answers = await Promise.all([1, 2, 3, 4].map(() => service.post("/v1/tasks", sum, { headers })));
  const made = answers.filter(({ status, headers }) =>
    status === 202 && !headers.has("idempotency-replayed")
  );
  assert.equal(made.length, 1);
  for (const answer of answers) {
    if (answer.status === 202) assert.equal(answer.body.id, made[0].body.id);
    else assertProblem(answer, 409, "conflict", "/header/idempotency-key");
  }
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 1);
});

Deno.test("a refused submit does not use up its Idempotency-Key", async () => {
  await using service = await aService({ running: false });
  const headers = { "idempotency-key": "k" };
  const bad = await service.post("/v1/tasks", { task: "add", input: {} }, { headers });
  assert.equal(bad.status, 422);
  const good = await service.post("/v1/tasks", sum, { headers });
  assert.equal(good.status, 202, good.text);
});

Deno.test("an Idempotency-Key is forgotten after 24 hours", async () => {
  let hours = 0;
  const clock = { ...systemClock, now: () => Date.now() + hours * 3_600_000 };
  await using service = await aService({ running: false, clock });
  const headers = { "idempotency-key": "k" };
  const first = await service.post("/v1/tasks", sum, { headers });
  hours = 23.9;
  assert.equal((await service.post("/v1/tasks", sum, { headers })).body.id, first.body.id);
  hours = 24.1;
  assert.notEqual((await service.post("/v1/tasks", sum, { headers })).body.id, first.body.id);
});

Deno.test("an Idempotency-Key replays the first answer also after the task was forgotten", async () => {
  await using service = await aService();
  const headers = { "idempotency-key": "k" };
  const first = await service.post("/v1/tasks", sum, { headers });
  await service.ended(first.body.id);
  await service.delete(`/v1/tasks/${first.body.id}`);
  const again = await service.post("/v1/tasks", sum, { headers });
  assert.equal(again.status, 202, again.text);
  assert.equal(again.body.id, first.body.id);
});

Deno.test("an Idempotency-Key replays the first answer of a batch also after its retention", async () => {
  await using service = await aService();
  const headers = { "idempotency-key": "k" };
  const batch = { tasks: [{ ...sum, options: { retentionMs: 1 } }] };
  const first = await service.post("/v1/tasks/batch", batch, { headers });
  const { id } = first.body.tasks[0];
  await eventually(async () => (await service.get(`/v1/tasks/${id}`)).status === 404);
  const again = await service.post("/v1/tasks/batch", batch, { headers });
  assert.equal(again.status, 202, again.text);
  assert.equal(again.body.tasks[0].id, id);
});

Deno.test("a batch is answered in its order", async () => {
  await using service = await aService();
  const tasks = Array.from({ length: 1_000 }, (_, i) => ({ task: "add", input: { a: i, b: 0 } }));
  const { status, body } = await service.post("/v1/tasks/batch", { tasks });
  assert.equal(status, 202);
  assert.equal(body.groupId, null);
  assert.deepEqual(body.tasks.map((task: { input: unknown }) => task.input), tasks.map(({ input }) => input));
  assert.equal((await service.ended(body.tasks[999].id)).result, 999);
});

Deno.test("a batch can make a group of its tasks", async () => {
  await using service = await aService();
  const { body } = await service.post("/v1/tasks/batch", { group: true, tasks: [sum, sum] });
  for (const task of body.tasks) assert.equal(task.groupId, body.groupId);
  await Promise.all(body.tasks.map((task: { id: string }) => service.ended(task.id)));
  const group = await service.get(`/v1/groups/${body.groupId}`);
  assert.deepEqual([group.body.total, group.body.done, group.body.counts], [2, 2, { COMPLETED: 2 }]);
});

Deno.test("a batch replays under its Idempotency-Key, group and all", async () => {
  await using service = await aService({ running: false });
  const headers = { "idempotency-key": "k" };
  const batch = { group: true, tasks: [sum, sum] };
  const first = await service.post("/v1/tasks/batch", batch, { headers });
  const second = await service.post("/v1/tasks/batch", batch, { headers });
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(second.body, first.body);
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 2);
});

Deno.test("a batch with one bad task stores nothing and points at it", async () => {
  await using service = await aService({ running: false });
  const bad: [unknown, number, string, string][] = [
    [{ task: "add", input: { a: 1, b: "2" } }, 422, "validation-failed", "/tasks/1/input/b"],
    [{ task: "adds", input: {} }, 422, "unknown-definition", "/tasks/1/task"],
    [{ ...sum, optoins: {} }, 422, "validation-failed", "/tasks/1/optoins"],
    [{ ...sum, options: { delayMs: -1 } }, 422, "validation-failed", "/tasks/1/options/delayMs"],
    [{ task: "echo", input: { value: "x".repeat(2 ** 20) } }, 413, "payload-too-large", "/tasks/1/input"],
  ];
  for (const [task, status, slug, pointer] of bad) {
    assertProblem(await service.post("/v1/tasks/batch", { tasks: [sum, task, sum] }), status, slug, pointer);
  }
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
});

Deno.test("a batch takes 1 to 1000 tasks", async () => {
  await using service = await aService({ running: false });
  const tasks = Array.from({ length: 1_001 }, () => sum);
  assertProblem(await service.post("/v1/tasks/batch", { tasks }), 422, "validation-failed", "/tasks");
  assertProblem(await service.post("/v1/tasks/batch", { tasks: [] }), 422, "validation-failed", "/tasks");
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
});

Deno.test("a batch whose ids repeat or are taken stores nothing", async () => {
  await using service = await aService({ running: false });
  const id = crypto.randomUUID();
  const twice = await service.post("/v1/tasks/batch", { tasks: [{ ...sum, id }, sum, { ...sum, id }] });
  assertProblem(twice, 409, "conflict", "/tasks/2/id");
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
  await service.post("/v1/tasks", { ...sum, id });
  assertProblem(
    await service.post("/v1/tasks/batch", { tasks: [sum, { ...sum, id }] }),
    409,
    "conflict",
    "/tasks/1/id",
  );
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 1);
});

Deno.test("of two batches that share an id at the same time one is stored whole and the other not at all", async () => {
  await using service = await aService({ running: false });
  const shared = { ...sum, id: crypto.randomUUID() };
  const batches = [1, 2].map(() => [
    ...Array.from({ length: 299 }, () => ({ ...sum, id: crypto.randomUUID() })),
    shared,
  ]);
  const answers = await Promise.all(batches.map((tasks) => service.post("/v1/tasks/batch", { tasks })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409]);
  const refused = batches[answers.findIndex(({ status }) => status === 409)];
  const found = await Promise.all(refused.slice(0, -1).map(({ id }) => service.get(`/v1/tasks/${id}`)));
  assert.equal(
    found.filter(({ status }) => status === 200).length,
    0,
    "tasks of the refused batch are there",
  );
});

Deno.test("a batch with as many and as long tags as allowed is stored", async () => {
  await using service = await aService({ running: false });
  const tags = Array.from({ length: 20 }, (_, i) => String(i).padEnd(100, "x"));
  const tasks = Array.from({ length: 100 }, () => ({ ...sum, options: { tags } }));
  const response = await service.app.request("/v1/tasks/batch", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tasks }),
  });
  const text = await response.text();
  assert.equal(response.status, 202, text.slice(0, 300));
});

Deno.test("a task with delayMs is SCHEDULED and runs when its time has come", async () => {
  await using service = await aService();
  const task = await service.submit("add", sum.input, { delayMs: 80 });
  assert.deepEqual([task.state.type, task.state.name], ["SCHEDULED", "Scheduled"]);
  assert.equal(Date.parse(task.runAt) - Date.parse(task.createdAt), 80);
  const ended = await service.ended(task.id);
  assert.equal(ended.result, 3);
  assert.ok(Date.parse(ended.startedAt) >= Date.parse(task.runAt), "it started before its time");
});

Deno.test("a runAt in the past means now", async () => {
  await using service = await aService();
  const task = await service.submit("add", sum.input, { runAt: "2001-02-03T04:05:06+07:00" });
  assert.equal(task.state.type, "PENDING");
  assert.equal((await service.ended(task.id)).result, 3);
});

Deno.test("a task that has not started by expiresAt or within ttlMs ends CANCELLED Expired", async () => {
  await using service = await aService();
  for (const limit of [{ ttlMs: 30 }, { expiresAt: new Date(Date.now() + 30).toISOString() }]) {
    const ended = await service.run("add", sum.input, { delayMs: 60_000, ...limit });
    assert.deepEqual([ended.state.type, ended.state.name, ended.startedAt], ["CANCELLED", "Expired", null]);
  }
});

Deno.test("a task that started in time is not expired later", async () => {
  const gates = new Gates();
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({ definitions: [gates.definition], clock, leaseMs: 3_600_000 });
  const [started] = await gates.submit(service, 1, { ttlMs: 60_000 });
  await service.until(started, "RUNNING");
  const { id: waiting } = await service.submit("add", sum.input, { delayMs: 3_600_000, ttlMs: 60_000 });
  clock.jump(60_001);
  assert.equal((await service.ended(waiting)).state.name, "Expired");
  gates.open(started);
  assert.equal((await service.ended(started)).state.type, "COMPLETED");
});

Deno.test("an instant beyond the year 9999 is refused, or told as RFC 3339 wants it", async () => {
  await using service = await aService({ running: false });
  // The offset moves it over the edge. The harness checks the format of every instant in the answer.
  const options = { runAt: "9999-12-31T23:59:59-23:00" };
  const { status } = await service.post("/v1/tasks", { ...sum, options });
  assert.ok(status === 202 || status === 422, `${status}`);
});

Deno.test("larger priority runs first, and equal ones in the order of their submit", async () => {
  const ran: number[] = [];
  const note = define({ name: "note", input: z.object({ n: z.int() }) }, ({ input }) => {
    ran.push(input.n);
  });
  await using service = await aService({ running: false, concurrency: 1, definitions: [note] });
  for (const [n, priority] of [[1, 0], [2, 0], [3, 10], [4, -10], [5, 10]]) {
    await service.submit("note", { n }, { priority });
  }
  await service.runtime.start();
  await eventually(() => ran.length === 5);
  assert.deepEqual(ran, [3, 5, 1, 2, 4]);
});

Deno.test("no more functions than the concurrency run at once", async () => {
  let most = 0, now = 0;
  const gate = Promise.withResolvers<void>();
  const count = define({ name: "count", input: z.object({}) }, async () => {
    most = Math.max(most, ++now);
    await gate.promise;
    await turn();
    now--;
  });
  await using service = await aService({ concurrency: 3, definitions: [count] });
  const tasks = Array.from({ length: 20 }, () => ({ task: "count", input: {} }));
  const { body } = await service.post("/v1/tasks/batch", { tasks, group: true });
  await eventually(() => now === 3);
  gate.resolve();
  await service.events(`/v1/as-completed?groupId=${body.groupId}`);
  assert.equal(most, 3);
});

Deno.test("tags and metadata come back as they were given", async () => {
  await using service = await aService({ running: false });
  const metadata = { who: "Zoë", deep: [{ a: null }], "": "", toJSON: 1, constructor: 2 };
  const task = await service.submit("add", sum.input, { tags: ["b", "a", "b"], metadata });
  assert.deepEqual(task.tags, ["b", "a"]);
  assert.deepEqual(task.metadata, metadata);
});

Deno.test("metadata named __proto__ is kept like any other or refused, and not dropped", async () => {
  await using service = await aService({ running: false });
  const answer = await service.post(
    "/v1/tasks",
    '{"task":"add","input":{"a":1,"b":2},"options":{"metadata":{"__proto__":{"x":1}}}}',
  );
  if (answer.status === 422) assertProblem(answer, 422, "validation-failed");
  else assert.ok(answer.text.includes('"metadata":{"__proto__":{"x":1}}'), answer.text);
});

Deno.test("a submit's options win over the defaults of its definition", async () => {
  const input = z.object({});
  const lazy = define({ name: "lazy", input, priority: 5, retry: { maxAttempts: 4 } }, () => 1);
  await using service = await aService({ running: false, definitions: [lazy] });
  const byDefault = await service.submit("lazy");
  assert.deepEqual([byDefault.priority, byDefault.maxAttempts], [5, 4]);
  const own = await service.submit("lazy", {}, { priority: -1, retry: { maxAttempts: 2 } });
  assert.deepEqual([own.priority, own.maxAttempts], [-1, 2]);
});
