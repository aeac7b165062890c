// POST /v1/map: one task for each element.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { assertProblem, type Body, UNKNOWN_ID } from "../../support/service.ts";
import { onSocket } from "../../support/on_socket.ts";
import { eventually, pause } from "../../support/waiting.ts";

const LIMIT = 16 * (2 ** 20 + 64 * 1024);

Deno.test("a map makes one task for each element, as a group, in the order of the elements", async () => {
  await using service = await onSocket();
  const { status, headers, body } = await service.post("/v1/map", {
    task: "add",
    map: { a: [1, 2, 3] },
    unmapped: { b: 10 },
    options: { tags: ["mapped"], priority: 3 },
  });
  assert.equal(status, 202);
  assert.equal(headers.get("location"), `/v1/groups/${body.groupId}`);
  assert.deepEqual(body.tasks.map((task: Body) => task.input), [{ a: 1, b: 10 }, { a: 2, b: 10 }, {
    a: 3,
    b: 10,
  }]);
  for (const task of body.tasks) {
    assert.deepEqual([task.task, task.tags, task.priority, task.groupId, task.node], [
      "add",
      ["mapped"],
      3,
      body.groupId,
      null,
    ]);
  }
  const results = await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
  assert.deepEqual(results.body.results, [11, 12, 13]);
});

Deno.test("lists go in step; what is no list, and all that is unmapped, is the same for all", async () => {
  await using service = await onSocket({ running: false });
  const { body } = await service.post("/v1/map", {
    task: "sleep",
    map: { ms: [1, 2], value: [[1], "two"] },
  });
  assert.deepEqual(body.tasks.map((task: Body) => task.input), [{ ms: 1, value: [1] }, {
    ms: 2,
    value: "two",
  }]);
  const same = await service.post("/v1/map", { task: "sleep", map: { ms: [1, 2], value: "same" } });
  assert.deepEqual(same.body.tasks.map((task: Body) => task.input.value), ["same", "same"]);
  const unmapped = await service.post("/v1/map", {
    task: "sleep",
    map: { ms: [1, 2] },
    unmapped: { value: [1, 2, 3] },
  });
  assert.deepEqual(unmapped.body.tasks.map((task: Body) => task.input.value), [[1, 2, 3], [1, 2, 3]]);
});

Deno.test("whole inputs can be given in place of fields", async () => {
  await using service = await onSocket();
  const inputs = [{ a: 1, b: 1 }, { a: 2, b: 2 }];
  const { status, body } = await service.post("/v1/map", { task: "add", inputs });
  assert.equal(status, 202);
  assert.deepEqual(body.tasks.map((task: Body) => task.input), inputs);
  const results = await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
  assert.deepEqual(results.body.results, [2, 4]);
});

Deno.test("a map over empty lists is a group that is complete", async () => {
  await using service = await onSocket({ running: false });
  const headers = { "idempotency-key": "nothing" };
  for (const empty of [{ task: "add", map: { a: [], b: [] } }, { task: "add", inputs: [] }]) {
    const { status, body } = await service.post("/v1/map", empty);
    assert.deepEqual([status, body.tasks], [202, []]);
    const group = await service.get(`/v1/groups/${body.groupId}`);
    assert.equal(group.status, 200);
    assert.deepEqual([group.body.total, group.body.done, group.body.counts, group.body.nodes], [
      0,
      0,
      {},
      [],
    ]);
    const results = await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
    assert.deepEqual([results.status, results.body.results], [200, []]);
    const cancelled = await service.post(`/v1/groups/${body.groupId}/cancel`);
    assert.deepEqual(cancelled.body, { id: body.groupId, cancelled: 0, requested: 0, tooLate: 0 });
    const waited = await service.post("/v1/wait", { groupId: body.groupId, timeoutSeconds: 60 });
    assert.deepEqual(waited.body, { done: [], notDone: [] });
  }
  const first = await service.post("/v1/map", { task: "add", inputs: [] }, { headers });
  const second = await service.post("/v1/map", { task: "add", inputs: [] }, { headers });
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(second.body, first.body);
});

Deno.test("a stream of an empty group ends at once", async () => {
  await using service = await onSocket();
  const { body } = await service.post("/v1/map", { task: "add", inputs: [] });
  const events = await service.events(`/v1/as-completed?groupId=${body.groupId}`);
  assert.deepEqual(events.map(({ event, data }) => [event, data]), [["end", {
    total: 0,
    yielded: 0,
    outcome: "COMPLETED",
  }]]);
});

Deno.test("a map without a list, or with lists of different lengths, is refused with its own problems", async () => {
  await using service = await onSocket({ running: false });
  const map = (body: unknown) => service.post("/v1/map", { task: "add", ...body as object });
  const missing = await map({ map: { a: 1, b: 2 } });
  assertProblem(missing, 422, "mapping-missing-iterable", "/map");
  assertProblem(await map({ map: {} }), 422, "mapping-missing-iterable", "/map");
  assertProblem(await map({ map: { a: 1 }, unmapped: { b: [1] } }), 422, "mapping-missing-iterable", "/map");
  const lengths = await map({ map: { a: [1, 2], b: [1, 2, 3] } });
  const problem = assertProblem(lengths, 422, "mapping-length-mismatch", "/map/b");
  assert.match(problem.detail, /"a" has 2.*"b" has 3/);
  assert.deepEqual(problem.lengths, { a: 2, b: 3 });
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 0);
});

Deno.test("what is wrong with a map is told with its place in the request as it was sent", async () => {
  await using service = await onSocket({ running: false });
  const wrong: [unknown, string][] = [
    [{ task: "add", map: { a: [1, "x"] }, unmapped: { b: 1 } }, "/map/a/1"],
    [{ task: "add", map: { a: [1], b: "x" } }, "/map/b"],
    [{ task: "add", map: { a: [1] }, unmapped: { b: "x" } }, "/unmapped/b"],
    [{ task: "add", map: { a: [1] }, unmapped: { a: 1, b: 1 } }, "/unmapped/a"],
    [{ task: "add", map: { a: [1] } }, "/map/b"],
    [{ task: "add", map: { a: [1], "b/~": [1], b: [1] } }, "/map/b~1~0/0"],
    [{ task: "sleep", map: { ms: [1, 2], value: [1, { $task: "x", y: 1 }] } }, "/map/value/1"],
    [
      { task: "sleep", map: { ms: [1] }, unmapped: { value: { deep: [{ $task: 1 }] } } },
      "/unmapped/value/deep/0",
    ],
    [{ task: "add", inputs: [{ a: 1, b: 1 }, { a: 1 }] }, "/inputs/1/b"],
    [{ task: "add", inputs: [1] }, "/inputs/0"],
    [{ task: "sleep", inputs: [{ ms: 1, value: { $task: UNKNOWN_ID } }] }, "/inputs/0/value/$task"],
    [{ task: "sleep", map: { ms: [1], value: { $task: UNKNOWN_ID } } }, "/map/value/$task"],
    [{ task: "sleep", map: { ms: [1], value: [{ $task: UNKNOWN_ID }] } }, "/map/value/0/$task"],
    [{ task: "add", inputs: [{ a: 1, b: 2 }], options: { waitFor: [UNKNOWN_ID] } }, "/options/waitFor/0"],
    [{ task: "add", inputs: [], options: { delayMs: -1 } }, "/options/delayMs"],
    [{ task: "add", inputs: [], maxConcurrent: 0 }, "/maxConcurrent"],
    [{ task: "add", inputs: [], maxConcurrent: 10_001 }, "/maxConcurrent"],
    [{ task: "add", inputs: {} }, "/inputs"],
    [{ task: "add", map: [] }, "/map"],
    [{ task: "add", map: { a: [1] }, unmapped: 1 }, "/unmapped"],
    [{ task: "add", inputs: [], group: true }, "/group"],
    [{ task: "add", inputs: [], map: {} }, ""],
    [{ task: "add" }, ""],
    [{ map: { a: [] } }, "/task"],
    [[], ""],
  ];
  for (const [body, pointer] of wrong) {
    const answer = await service.post("/v1/map", body);
    assert.equal(answer.status, 422, JSON.stringify(body));
    assertProblem(answer, 422, "validation-failed", pointer);
  }
  const unknown = await service.post("/v1/map", { task: "ad", inputs: [{}, {}] });
  const { nearest, errors } = assertProblem(unknown, 422, "unknown-definition", "/task");
  assert.deepEqual([nearest, errors.length], [["add"], 1]);
  const large = await service.post("/v1/map", {
    task: "echo",
    map: { value: ["small", "x".repeat(2 ** 20 + 1)] },
  });
  assert.match(assertProblem(large, 413, "payload-too-large").detail, /MAX_INPUT_BYTES/);
  assertProblem(await service.post("/v1/map", "{"), 400, "malformed-json");
  assertProblem(await service.get("/v1/map"), 405, "method-not-allowed");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 0);
});

Deno.test("a fault that all elements share is told once, and of very many not all are", async () => {
  await using service = await onSocket({ running: false });
  const a = Array.from({ length: 3_000 }, (_, i) => `no number ${i}`);
  const answer = await service.post("/v1/map", { task: "add", map: { a }, unmapped: { b: null } });
  const { errors, detail } = assertProblem(answer, 422, "validation-failed", "/map/a/0");
  assert.ok(errors.length <= 1_000);
  assert.match(detail, /and 500 more/);
  assert.equal(errors.filter(({ pointer }: Body) => pointer === "/unmapped/b").length, 1);
});

Deno.test("the body of a map may be as long as that of a batch", async () => {
  await using service = await onSocket({ running: false });
  const value = "x".repeat(500_000);
  const long = await service.post("/v1/map", { task: "echo", map: { value: Array(30).fill(value) } });
  assert.equal(long.status, 202, long.text.slice(0, 1_000));
  assert.equal(long.body.tasks[29].input.value, value);
  const tooLong = await service.post("/v1/map", { task: "echo", inputs: [{ value: "x".repeat(LIMIT) }] });
  assertProblem(tooLong, 413, "payload-too-large");
});

Deno.test("the same map under the same Idempotency-Key gets the first answer again", async () => {
  await using service = await onSocket();
  const headers = { "idempotency-key": '"map"' };
  const body = { task: "add", map: { a: [1, 2, 3] }, unmapped: { b: 1 } };
  const first = await service.post("/v1/map", body, { headers });
  assert.equal(first.headers.get("idempotency-replayed"), null);
  await service.get(`/v1/groups/${first.body.groupId}/results?wait=60`);
  const second = await service.post("/v1/map", body, { headers });
  assert.equal(second.status, 202);
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.equal(second.headers.get("location"), first.headers.get("location"));
  assert.equal(second.text, first.text);
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 3);
  const other = await service.post("/v1/map", { ...body, maxConcurrent: 1 }, { headers });
  assertProblem(other, 422, "idempotency-mismatch");
  // Also for elements that have to wait for a slot.
  const limited = { task: "add", inputs: [{ a: 1, b: 2 }, { a: 3, b: 4 }], maxConcurrent: 1 };
  const again = { headers: { "idempotency-key": "limited" } };
  const stored = await service.post("/v1/map", limited, again);
  const replayed = await service.post("/v1/map", limited, again);
  assert.equal(stored.body.tasks[1].state.name, "AwaitingConcurrencySlot");
  assert.equal(replayed.text, stored.text);
  const long = { "idempotency-key": "k".repeat(256) };
  const refused = await service.post("/v1/map", body, { headers: long });
  assertProblem(refused, 422, "validation-failed", "/header/idempotency-key");
});

Deno.test("a map beyond the queue's bounds is 429 and not stored", async () => {
  await using service = await onSocket({ running: false, maxQueued: 5 });
  const map = (length: number) =>
    service.post("/v1/map", { task: "add", map: { a: Array(length).fill(1) }, unmapped: { b: 1 } });
  const refused = await map(6);
  assertProblem(refused, 429, "queue-full");
  assert.equal(refused.headers.get("retry-after"), "2");
  assert.equal((await map(5)).status, 202);
  assertProblem(await map(1), 429, "queue-full");
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 5);
});

Deno.test("a group too large to be sorted in memory is told in its order too, and cancelled to its last task", async () => {
  await using service = await onSocket({ running: false });
  const length = 10_300;
  const a = Array.from({ length }, (_, i) => i);
  const { body } = await service.post("/v1/map", { task: "add", map: { a }, unmapped: { b: 1 } });
  const { body: cancelled } = await service.post(`/v1/groups/${body.groupId}/cancel`);
  assert.equal(cancelled.cancelled, length);
  const { status, body: told } = await service.get(`/v1/groups/${body.groupId}/results?raiseOnFailure=false`);
  assert.equal(status, 200);
  assert.deepEqual(told.results.map(({ id }: Body) => id), body.tasks.map(({ id }: Body) => id));
  const last = body.tasks[length - 1].id;
  assert.equal((await service.delete(`/v1/tasks/${last}`)).status, 204);
  const short = await service.get(`/v1/groups/${body.groupId}/results?raiseOnFailure=false`);
  assertProblem(short, 410, "task-forgotten");
});

Deno.test("more than 1000 elements are told by their ids, in order, and their results come in order", async () => {
  await using service = await onSocket();
  const length = 1_500;
  const a = Array.from({ length }, (_, i) => i);
  const headers = { "idempotency-key": "large" };
  const body = { task: "add", map: { a }, unmapped: { b: 1 } };
  const first = await service.post("/v1/map", body, { headers });
  assert.equal(first.status, 202);
  assert.equal(first.body.tasks.length, length);
  for (const task of first.body.tasks) assert.deepEqual(Object.keys(task), ["id"]);
  let results: Body;
  await eventually(
    async () => {
      results = await service.get(`/v1/groups/${first.body.groupId}/results?wait=60`);
      return results.status === 200;
    },
    () => results.text,
  );
  assert.deepEqual(results.body.results, a.map((one) => one + 1));
  const all = await service.get(`/v1/groups/${first.body.groupId}/results?raiseOnFailure=false`);
  assert.deepEqual(
    all.body.results.map(({ id }: Body) => id),
    first.body.tasks.map(({ id }: Body) => id),
  );
  const second = await service.post("/v1/map", body, { headers });
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.equal(second.text, first.text);
});

Deno.test("with maxConcurrent no more than that run at once, and the others say what they wait for", async () => {
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const gated = define({ name: "gated", input: z.object({ n: z.int() }) }, async ({ input }) => {
    most = Math.max(most, ++running);
    await gate.promise;
    await pause(5);
    running--;
    return input.n;
  });
  await using service = await onSocket({ definitions: [gated] });
  const n = Array.from({ length: 20 }, (_, i) => i);
  const { body } = await service.post("/v1/map", { task: "gated", map: { n }, maxConcurrent: 3 });
  await eventually(() => running === 3);
  const states = async () => {
    const { body: group } = await service.get(`/v1/groups/${body.groupId}`);
    return group.nodes.map(({ state }: Body) => `${state.type} ${state.name}`);
  };
  const waiting = (await states()).filter((state: string) => state === "PENDING AwaitingConcurrencySlot");
  assert.equal(waiting.length, 17, `${await states()}`);
  gate.resolve();
  const results = await service.get(`/v1/groups/${body.groupId}/results?wait=60`);
  assert.deepEqual([results.status, results.body.results], [200, n]);
  assert.equal(most, 3);
});

Deno.test("a group with maxConcurrent can be cancelled as a whole: nothing starts in the place of what stops", async () => {
  await using service = await onSocket();
  const ms = Array(6).fill(60_000);
  const { body } = await service.post("/v1/map", { task: "sleep", map: { ms }, maxConcurrent: 2 });
  await service.until(body.tasks[0].id, "RUNNING");
  await service.until(body.tasks[1].id, "RUNNING");
  const cancelled = await service.post(`/v1/groups/${body.groupId}/cancel`, { graceMs: 0 });
  assert.deepEqual(cancelled.body, { id: body.groupId, cancelled: 4, requested: 2, tooLate: 0 });
  assertProblem(await service.get(`/v1/groups/${body.groupId}/results?wait=60`), 410, "task-cancelled");
  for (const { id } of body.tasks.slice(2)) assert.equal((await service.task(id)).startedAt, null);
});
