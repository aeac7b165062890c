import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";
import { Folder } from "../../support/folder.ts";
import { allTasks } from "../../support/listed.ts";
import { keys } from "../../../runtime/platform/keys.ts";

const input = { a: 1, b: 2 };
const all = { all: true };

async function batch(service: Service, many: number, options = {}, task = "add"): Promise<string[]> {
  const tasks = Array.from({ length: many }, () => ({
    task,
    input: task === "add" ? input : { message: "no" },
    options,
  }));
  const { status, body, text } = await service.post("/v1/tasks/batch", { tasks });
  assert.equal(status, 202, text);
  return body.tasks.map(({ id }: Body) => id);
}

async function bulk(service: Service, request: unknown): Promise<Body> {
  const { status, headers, body, text } = await service.post("/v1/bulk", request);
  assert.equal(status, 202, text);
  assert.equal(headers.get("location"), `/v1/tasks/${body.id}`);
  return await service.ended(body.id);
}

async function states(service: Service, ids: string[]): Promise<string[]> {
  return await Promise.all(ids.map(async (id) => (await service.task(id)).state.type));
}

/** How many there are, page by page: a count alone has as long as it has. */
async function scheduled(service: Service): Promise<number> {
  return (await allTasks((path) => service.get(path), "state=SCHEDULED")).length;
}

Deno.test("a bulk cancel ends what fits its filter, tells how far it is, and leaves the rest alone", async () => {
  await using service = await aService();
  const later = await batch(service, 1_000, { delayMs: 600_000, tags: ["many"] });
  const others = await batch(service, 3, { delayMs: 600_000 });
  const createdAfter = new Date(Date.now() - 60_000).toISOString();
  const request = { action: "cancel", filter: { tag: "many", createdAfter }, reason: "no need" };
  const preview = await service.post("/v1/bulk", { ...request, dryRun: true });
  assert.equal(preview.status, 200);
  assert.ok(preview.body.count.value >= 200, preview.text);
  assert.equal(preview.body.samples.length, 10);
  const task = await bulk(service, request);
  assert.deepEqual(task.result, { done: 1_000, skipped: 0, failed: 0 }, JSON.stringify(task.error));
  assert.equal(task.progress.current, 1_000);
  assert.deepEqual(new Set(await states(service, later.slice(0, 20))), new Set(["CANCELLED"]));
  assert.equal((await service.task(later[0])).state.message, "no need");
  assert.deepEqual(new Set(await states(service, others)), new Set(["SCHEDULED"]));
  // It may be asked for again.
  assert.deepEqual((await bulk(service, request)).result, { done: 0, skipped: 0, failed: 0 });
});

Deno.test("a bulk retry, delete and priority do what their calls do for one task", async () => {
  await using service = await aService();
  const failed = await batch(service, 3, {}, "fail");
  for (const id of failed) await service.ended(id);
  const done = (await service.run("add", input)).id;
  const retried = await bulk(service, { action: "retry", filter: { task: "fail" }, ...all });
  assert.deepEqual(retried.result, { done: 3, skipped: 0, failed: 0 });
  for (const id of failed) assert.equal((await service.ended(id)).attempt, 2);
  const removed = await bulk(service, { action: "delete", ids: [failed[0], done, failed[0]] });
  assert.deepEqual(removed.result, { done: 2, skipped: 0, failed: 0 });
  assertProblem(await service.get(`/v1/tasks/${done}`), 410, "task-forgotten");
  const paused = await service.post("/v1/queues/slow/pause");
  assert.equal(paused.status, 200);
  const ready = await batch(service, 2, { queue: "slow" });
  const scheduled = await batch(service, 1, { queue: "slow", delayMs: 600_000 });
  const parked = await batch(service, 1, { queue: "slow", concurrency: { key: "none", limit: 0 } });
  const moved = await bulk(service, { action: "priority", priority: 7, filter: { queue: "slow" }, ...all });
  assert.deepEqual(moved.result, { done: 4, skipped: 0, failed: 0 });
  for (const id of [...ready, ...scheduled, ...parked]) assert.equal((await service.task(id)).priority, 7);
  await service.post("/v1/queues/slow/resume");
  for (const id of ready) assert.equal((await service.ended(id)).state.type, "COMPLETED");
  const { body } = await service.get("/v1/definitions");
  assert.ok(!body.definitions.some(({ name }: Body) => name.startsWith("errand.")));
  const stranger = await service.post("/v1/tasks", { task: "errand.bulk", input: {} });
  assertProblem(stranger, 422, "unknown-definition", "/task");
});

Deno.test("tasks that come after the call are left alone, and a failure of one is told in the log", async () => {
  await using service = await aService();
  await service.post("/v1/queues/default/pause");
  const early = await batch(service, 2, { delayMs: 600_000, tags: ["t"] });
  const { body: { id } } = await service.post("/v1/bulk", { action: "cancel", filter: { tag: "t" }, ...all });
  // Later than the instant of the call.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const late = await batch(service, 2, { delayMs: 600_000, tags: ["t"] });
  await service.post("/v1/queues/default/resume");
  assert.equal((await service.ended(id)).result.done, 2);
  assert.deepEqual(await states(service, [...early, ...late]), [
    "CANCELLED",
    "CANCELLED",
    "SCHEDULED",
    "SCHEDULED",
  ]);
});

Deno.test("a bulk action that is cut off goes on where it was, and one that is cancelled stops", async () => {
  await using folder = await Folder.with();
  const path = folder.at("kv");
  let id: string;
  {
    await using service = await aService({ path, running: false });
    const ids = await batch(service, 700, { delayMs: 600_000 });
    const { body } = await service.post("/v1/bulk", { action: "cancel", ...all });
    id = body.id;
    // As a process leaves it that dies behind its first step.
    const place = await service.kv.get<Body>(["bulk", id]);
    const cursor = ids.toSorted().reverse()[499];
    const value = { ...place.value, cursor, counts: { done: 500, skipped: 0, failed: 0 } };
    await service.kv.writeBlind([{ key: ["bulk", id], value }], 0);
  }
  await using service = await aService({ path });
  assert.deepEqual((await service.ended(id)).result, { done: 700, skipped: 0, failed: 0 });
  assert.equal(await scheduled(service), 500);
  await service.post("/v1/queues/default/pause");
  const { body: other } = await service.post("/v1/bulk", { action: "cancel", ...all });
  assert.equal((await service.post(`/v1/tasks/${other.id}/cancel`)).body.outcome, "cancelled");
  assert.equal(await scheduled(service), 500);
  assert.ok((await service.kv.get(keys.task(other.id))).value);
});

Deno.test("a bulk call that says too little, or what does not fit, is refused with the field", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  const cases: [unknown, string][] = [
    [{ action: "cancel" }, "/all"],
    [{ action: "cancel", filter: { task: "add" } }, "/all"],
    [{ action: "cancel", filter: { task: "add" }, all: false }, "/all"],
    [{ action: "cancel", ids: [id], filter: {} }, "/filter"],
    [{ action: "cancel", ids: [id], ...all }, "/all"],
    [{ action: "cancel", ids: [] }, "/ids"],
    [{ action: "stop", ids: [id] }, "/action"],
    [{ action: "priority", ids: [id] }, "/priority"],
    [{ action: "priority", ids: [id], priority: 11 }, "/priority"],
    [{ action: "cancel", ids: [id], priority: 1 }, "/priority"],
    [{ action: "retry", ids: [id], reason: "x" }, "/reason"],
    [{ action: "cancel", filter: { state: "COMPLETED" }, ...all }, "/filter/state"],
    [{ action: "retry", filter: { state: ["PENDING"] }, ...all }, "/filter/state"],
    [{ action: "cancel", filter: { colour: "red" }, ...all }, "/filter/colour"],
  ];
  for (const [request, pointer] of cases) {
    assertProblem(await service.post("/v1/bulk", request), 422, "validation-failed", pointer);
  }
});

Deno.test("a bulk action is of its tenant's tasks, needs operate, and admin to delete", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key] });
  const keyed = async (more: Body) => {
    const { body, text } = await service.post("/v1/keys", more, boss);
    assert.ok(body.secret, text);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const acme = await keyed({ name: "acme", scopes: ["submit", "read", "operate"], tenant: "acme" });
  const worker = await keyed({ name: "w", scopes: ["submit", "read"], tenant: "acme" });
  const narrow = await keyed({ name: "n", scopes: ["operate"], patterns: ["task:add"] });
  const submit = async (call: { headers: Record<string, string> }) => {
    const { body } = await service.post(
      "/v1/tasks",
      { task: "add", input, options: { delayMs: 600_000 } },
      call,
    );
    return body.id as string;
  };
  const [own, others] = [await submit(acme), await submit(boss)];
  const request = { action: "cancel", ...all };
  const { status, body } = await service.post("/v1/bulk", request, acme);
  assert.equal(status, 202);
  const { body: task } = await service.get(`/v1/tasks/${body.id}?wait=30`, acme);
  assert.deepEqual(task.result, { done: 1, skipped: 0, failed: 0 }, JSON.stringify(task.error));
  assert.equal((await service.get(`/v1/tasks/${own}`, acme)).body.state.type, "CANCELLED");
  assert.equal((await service.get(`/v1/tasks/${others}`, boss)).body.state.type, "SCHEDULED");
  const byId = await service.post("/v1/bulk", { action: "cancel", ids: [others], dryRun: true }, acme);
  assert.deepEqual(byId.body, { count: { value: 0, exact: true }, samples: [] });
  assertProblem(await service.post("/v1/bulk", request, worker), 403, "forbidden");
  assertProblem(await service.post("/v1/bulk", request, narrow), 403, "forbidden");
  assertProblem(await service.post("/v1/bulk", { action: "delete", ...all }, acme), 403, "forbidden");
  assertProblem(await service.post(`/v1/tasks/${body.id}/retry`, {}, worker), 403, "forbidden");
});
