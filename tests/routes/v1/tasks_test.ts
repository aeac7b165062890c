import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Answer, aService, assertProblem, type Body, UNKNOWN_ID } from "../../support/service.ts";
import { Gates } from "../../support/gates.ts";
import { patientClock } from "../../support/patient_clock.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { eventually, pause, unlessItHangs } from "../../support/waiting.ts";

const input = { a: 1, b: 2 };

Deno.test("a task is told as it is now", async () => {
  await using service = await aService();
  const ended = await service.run("add", input);
  assert.deepEqual([ended.state.type, ended.state.name, ended.result], ["COMPLETED", "Completed", 3]);
  assert.deepEqual(
    ended.history.map((state: Body) => [state.seq, state.type, state.attempt]),
    [[1, "PENDING", 0], [2, "RUNNING", 1], [3, "COMPLETED", 1]],
  );
  const instants = [ended.createdAt, ended.startedAt, ended.finishedAt];
  assert.deepEqual(instants, instants.toSorted());
  assert.equal(ended.finishedAt, ended.state.at);
});

Deno.test("a task says whether it is done, and where to retry it, in each state and in lists", async () => {
  await using service = await aService();
  const done: Record<string, boolean> = {};
  const see = (task: Body) => {
    assert.equal(task.links.retry, `/v1/tasks/${task.id}/retry`);
    done[task.state.type] = task.done;
  };
  const later = await service.submit("add", input, { delayMs: 600_000 });
  see(later);
  const running = await service.submit("sleep", { ms: 600_000 });
  see(running);
  see(await service.until(running.id, "RUNNING"));
  see(await service.run("add", input));
  const failed = await service.run("fail", { message: "once", untilAttempt: 2 });
  see(failed);
  await service.post(`/v1/tasks/${later.id}/cancel`);
  see(await service.task(later.id));
  assert.deepEqual(done, {
    SCHEDULED: false,
    PENDING: false,
    RUNNING: false,
    COMPLETED: true,
    FAILED: true,
    CANCELLED: true,
  });
  const { body } = await service.get("/v1/tasks");
  assert.deepEqual(
    body.tasks.map((task: Body) => task.done),
    body.tasks.map((task: Body) => task.finishedAt !== null),
  );
  for (const task of body.tasks) see(task);
  assert.equal((await service.post(failed.links.retry)).status, 202);
});

Deno.test("wait answers as soon as the task has ended", async () => {
  const gates = new Gates();
  // No wait ends by its time.
  await using service = await aService({ definitions: [gates.definition], clock: patientClock });
  const [id] = await gates.submit(service, 1);
  const waiting = service.get(`/v1/tasks/${id}?wait=30`);
  await service.until(id, "RUNNING");
  gates.open(id);
  assert.equal((await unlessItHangs(waiting)).body.state.type, "COMPLETED");
});

Deno.test("wait answers after its time with the task as it is then", async () => {
  await using service = await aService();
  const { id } = await service.submit("sleep", { ms: 60_000 });
  await service.until(id, "RUNNING");
  const since = performance.now();
  const { status, body } = await service.get(`/v1/tasks/${id}?wait=0.1`);
  assert.deepEqual([status, body.state.type], [200, "RUNNING"]);
  assert.ok(performance.now() - since >= 95);
  assert.equal(service.runtime.watched, 0);
});

Deno.test("an ETag is answered with 304 until the task has changed", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  const etag = (await service.get(`/v1/tasks/${id}`)).headers.get("etag")!;
  assert.match(etag, /^"[^"]+"$/);
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const same = await service.get(`/v1/tasks/${id}`, { headers: { "if-none-match": tag } });
    assert.deepEqual([same.status, same.text], [304, ""], tag);
    assert.equal(same.headers.get("etag"), etag);
  }
  await service.post(`/v1/tasks/${id}/cancel`, {});
  const changed = await service.get(`/v1/tasks/${id}`, { headers: { "if-none-match": etag } });
  assert.equal(changed.status, 200);
  assert.notEqual(changed.headers.get("etag"), etag);
});

Deno.test("an unknown id is 404 wherever an id stands", async () => {
  await using service = await aService();
  const answers: Answer[] = [
    await service.get(`/v1/tasks/${UNKNOWN_ID}`),
    await service.get(`/v1/tasks/${UNKNOWN_ID}?wait=5`),
    await service.get(`/v1/tasks/${UNKNOWN_ID}/result`),
    await service.get(`/v1/tasks/${UNKNOWN_ID}/events`),
    await service.post(`/v1/tasks/${UNKNOWN_ID}/cancel`, {}),
    await service.post(`/v1/tasks/${UNKNOWN_ID}/retry`, {}),
    await service.delete(`/v1/tasks/${UNKNOWN_ID}`),
    await service.get(`/v1/groups/${UNKNOWN_ID}`),
    await service.get(`/v1/as-completed?id=${UNKNOWN_ID}`),
    await service.get(`/v1/as-completed?groupId=${UNKNOWN_ID}`),
    await service.post("/v1/wait", { groupId: UNKNOWN_ID }),
  ];
  for (const answer of answers) assertProblem(answer, 404, "not-found");
});

Deno.test("a task past its retention is 404", async () => {
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({ clock });
  const { id } = await service.submit("add", input, { retentionMs: 60_000 });
  await service.ended(id);
  clock.jump(60_001);
  assertProblem(await service.get(`/v1/tasks/${id}`), 404, "not-found");
  assertProblem(await service.get(`/v1/tasks/${id}/result`), 404, "not-found");
  assert.deepEqual((await service.get("/v1/tasks")).body.tasks, []);
});

Deno.test("a forgotten task is 410 wherever its id stands, and in no list", async () => {
  await using service = await aService();
  const { id } = await service.run("add", input, { tags: ["t"] });
  assert.equal((await service.delete(`/v1/tasks/${id}`)).status, 204);
  const answers: Answer[] = [
    await service.get(`/v1/tasks/${id}`),
    await service.get(`/v1/tasks/${id}/result`),
    await service.get(`/v1/tasks/${id}/events`),
    await service.post(`/v1/tasks/${id}/cancel`, {}),
    await service.post(`/v1/tasks/${id}/retry`, {}),
    await service.delete(`/v1/tasks/${id}`),
    await service.post("/v1/wait", { ids: [id] }),
    await service.get(`/v1/as-completed?id=${id}`),
    await service.post("/v1/groups", { ids: [id] }),
  ];
  for (const answer of answers) assertProblem(answer, 410, "task-forgotten");
  for (const filter of ["", "?tag=t", "?task=add", "?state=COMPLETED"]) {
    assert.deepEqual((await service.get(`/v1/tasks${filter}`)).body.tasks, [], filter);
  }
});

Deno.test("the id of a forgotten task stays taken", async () => {
  await using service = await aService();
  const { id } = await service.run("add", input);
  await service.delete(`/v1/tasks/${id}`);
  assertProblem(await service.post("/v1/tasks", { id, task: "add", input }), 409, "conflict", "/id");
});

Deno.test("the result of a completed task is its value", async () => {
  await using service = await aService();
  const { id } = await service.submit("add", input);
  const { status, body } = await service.get(`/v1/tasks/${id}/result?wait=60`);
  assert.equal(status, 200);
  assert.deepEqual([body.id, body.state.type, body.result], [id, "COMPLETED", 3]);
});

Deno.test("the result of a task that is not done is 202 with its state and no value", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  for (const query of ["", "?raiseOnFailure=false", "?wait=0.02"]) {
    const { status, headers, body } = await service.get(`/v1/tasks/${id}/result${query}`);
    assert.equal(status, 202);
    assert.match(headers.get("retry-after") ?? "", /^\d+$/);
    assert.deepEqual(Object.keys(body), ["id", "state"]);
  }
});

Deno.test("the result of a failed task is 424 with the error", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "no luck", name: "LuckError" });
  const problem = assertProblem(await service.get(`/v1/tasks/${id}/result`), 424, "task-failed");
  assert.deepEqual(problem.error, { name: "LuckError", message: "no luck", retryable: true });
  const { status, body } = await service.get(`/v1/tasks/${id}/result?raiseOnFailure=false`);
  assert.equal(status, 200);
  assert.deepEqual([body.state.type, body.result, body.error], ["FAILED", null, problem.error]);
});

Deno.test("the result of a cancelled task is 410", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  await service.post(`/v1/tasks/${id}/cancel`, { reason: "changed my mind" });
  const problem = assertProblem(await service.get(`/v1/tasks/${id}/result`), 410, "task-cancelled");
  assert.match(problem.detail, /changed my mind/);
  const { status, body } = await service.get(`/v1/tasks/${id}/result?raiseOnFailure=false`);
  assert.deepEqual([status, body.state.type, body.result, body.error], [200, "CANCELLED", null, null]);
});

Deno.test("a function that returns nothing has the result null, and is done", async () => {
  await using service = await aService();
  const { id } = await service.run("sleep", { ms: 0 });
  const { status, body } = await service.get(`/v1/tasks/${id}/result`);
  assert.deepEqual([status, body.state.type, body.result], [200, "COMPLETED", null]);
});

Deno.test("a list pages through all tasks, newest first, each once", async () => {
  await using service = await aService({ running: false });
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) ids.push((await service.submit("add", input)).id);
  const seen: string[] = [];
  for (let path: string | null = "/v1/tasks?limit=3"; path !== null;) {
    const { headers, body }: Answer = await service.get(path);
    assert.ok(body.tasks.length <= 3);
    seen.push(...body.tasks.map((task: Body) => task.id));
    const link: string | null = headers.get("link");
    path = link === null ? null : /^<([^>]+)>; rel="next"$/.exec(link)![1];
    assert.equal(path === null, body.nextCursor === null);
    if (path !== null) assert.equal(new URL(path, "http://x").searchParams.get("cursor"), body.nextCursor);
  }
  assert.deepEqual(seen, ids.toReversed());
});

Deno.test("a list leaves out input, result and history", async () => {
  await using service = await aService();
  await service.run("add", input);
  const [task] = (await service.get("/v1/tasks")).body.tasks;
  for (const name of ["input", "result", "history"]) assert.ok(!(name in task), name);
});

Deno.test("a list is filtered by state, task, tag, group and time, and by all at once", async () => {
  await using service = await aService();
  const completed = await service.run("add", input, { tags: ["x", "y"] });
  await pause(2);
  const failed = await service.run("fail", { message: "m" }, { tags: ["x"] });
  await pause(2);
  const running = await service.submit("sleep", { ms: 60_000 }, { tags: ["y"] });
  await service.until(running.id, "RUNNING");
  const scheduled = await service.submit("add", input, { delayMs: 60_000 });
  const cancelled = await service.submit("add", input, { delayMs: 60_000 });
  await service.post(`/v1/tasks/${cancelled.id}/cancel`, {});
  const group = await service.post("/v1/groups", { ids: [failed.id, scheduled.id] });
  const expected: [string, Body[]][] = [
    ["", [cancelled, scheduled, running, failed, completed]],
    ["state=COMPLETED", [completed]],
    ["state=FAILED", [failed]],
    ["state=CANCELLED", [cancelled]],
    ["state=RUNNING", [running]],
    ["state=SCHEDULED", [scheduled]],
    ["state=PENDING", []],
    ["state=CRASHED", []],
    ["task=add", [cancelled, scheduled, completed]],
    ["task=sleep", [running]],
    ["task=nothing", []],
    ["tag=x", [failed, completed]],
    ["tag=y", [running, completed]],
    ["tag=nothing", []],
    [`groupId=${group.body.id}`, [scheduled, failed]],
    [`createdAfter=${completed.createdAt}`, [cancelled, scheduled, running, failed]],
    [`createdBefore=${failed.createdAt}`, [completed]],
    [`createdAfter=${completed.createdAt}&createdBefore=${running.createdAt}`, [failed]],
    ["task=add&state=COMPLETED&tag=x", [completed]],
    ["task=add&state=SCHEDULED", [scheduled]],
    ["task=sleep&state=COMPLETED", []],
    [`tag=x&groupId=${group.body.id}&state=FAILED&task=fail`, [failed]],
  ];
  for (const [filter, tasks] of expected) {
    const { body } = await service.get(`/v1/tasks?${filter}`);
    assert.deepEqual(body.tasks.map((task: Body) => task.id), tasks.map(({ id }) => id), filter);
  }
});

Deno.test("createdAfter and createdBefore hold also for a task with an id of the caller's own", async () => {
  await using service = await aService({ running: false });
  const id = "ffffffff-ffff-4fff-8fff-ffffffffffff";
  const { body: task } = await service.post("/v1/tasks", { id, task: "add", input });
  const before = await service.get(
    "/v1/tasks?createdAfter=2020-01-01T00:00:00Z&createdBefore=2100-01-01T00:00:00Z",
  );
  assert.deepEqual(before.body.tasks.map((found: Body) => found.id), [task.id]);
});

Deno.test("a task in CANCELLING is found by its state and by its definition", async () => {
  const { define } = await import("../../../runtime/core/define.ts");
  const { z } = await import("zod");
  const done = Promise.withResolvers<void>();
  const deaf = define({ name: "deaf", input: z.object({}) }, () => done.promise);
  await using service = await aService({ definitions: [deaf] });
  const { id } = await service.submit("deaf");
  await service.until(id, "RUNNING");
  await service.post(`/v1/tasks/${id}/cancel`, { graceMs: 60_000 });
  for (const filter of ["state=CANCELLING", "task=deaf", "task=deaf&state=CANCELLING"]) {
    const { body } = await service.get(`/v1/tasks?${filter}`);
    assert.deepEqual(body.tasks.map((task: Body) => task.id), [id], filter);
  }
  done.resolve();
  await eventually(async () => (await service.task(id)).state.type === "CANCELLED");
});

Deno.test("POST /wait answers by FIRST_COMPLETED, FIRST_EXCEPTION and ALL_COMPLETED", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const [fast, failing, slow] = await gates.submit(service, 3);
  const ids = [slow, fast, failing, fast];
  const wait = async (returnWhen: string, timeoutSeconds: number) => {
    const { status, body } = await service.post("/v1/wait", { ids, returnWhen, timeoutSeconds });
    assert.equal(status, 200);
    return [body.done, body.notDone].map((tasks) => tasks.map((task: Body) => task.id));
  };
  gates.open(fast);
  assert.deepEqual(await wait("FIRST_COMPLETED", 60), [[fast], [slow, failing]]);
  gates.fail(failing, new Error("m"));
  assert.deepEqual(await wait("FIRST_EXCEPTION", 60), [[fast, failing], [slow]]);
  assert.deepEqual(await wait("ALL_COMPLETED", 0.05), [[fast, failing], [slow]]);
  await service.post(`/v1/tasks/${slow}/cancel`, {});
  assert.deepEqual(await wait("ALL_COMPLETED", 60), [[slow, fast, failing], []]);
});

Deno.test("POST /wait takes a group, also one whose first tasks are past their retention", async () => {
  await using service = await aService();
  const tasks = [
    { task: "add", input, options: { retentionMs: 1 } },
    { task: "sleep", input: { ms: 60_000 } },
  ];
  const { body } = await service.post("/v1/tasks/batch", { group: true, tasks });
  const [gone, running] = body.tasks;
  await eventually(async () => (await service.get(`/v1/tasks/${gone.id}`)).status === 404);
  const waited = await service.post("/v1/wait", { groupId: body.groupId, timeoutSeconds: 0.05 });
  assert.equal(waited.status, 200, waited.text);
  assert.deepEqual(waited.body.notDone.map((task: Body) => task.id), [running.id]);
});

Deno.test("a wait with one unknown id among a thousand is 404 and points at it", async () => {
  await using service = await aService({ running: false });
  const tasks = Array.from({ length: 999 }, () => ({ task: "add", input }));
  const { body } = await service.post("/v1/tasks/batch", { tasks });
  const ids = body.tasks.map((task: Body) => task.id);
  ids.splice(500, 0, UNKNOWN_ID);
  assertProblem(await service.post("/v1/wait", { ids }), 404, "not-found", "/ids/500");
  assertProblem(await service.post("/v1/as-completed", { ids }), 404, "not-found", "/ids/500");
  assertProblem(await service.post("/v1/groups", { ids }), 404, "not-found", "/ids/500");
  assert.equal(service.runtime.watched, 0);
});
