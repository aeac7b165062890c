import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, assertProblem, UNKNOWN_ID } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";

const input = { a: 1, b: 2 };

Deno.test("a rerun makes a new task of an ended one, with its input and options, and says of which", async () => {
  await using service = await aService();
  const options = {
    priority: 3,
    queue: "gpu",
    tags: ["nightly"],
    metadata: { customer: 7 },
    timeoutMs: 5_000,
    retry: { maxAttempts: 4, delaysMs: [10, 20], jitter: true, notOn: ["TypeError"] },
    maxCrashes: 1,
    retentionMs: 70_000,
    failureRetentionMs: 80_000,
    concurrency: { key: "db", limit: 2 },
    rateLimit: { key: "api", limit: 100, periodMs: 1_000, burst: 10 },
    fairness: { key: "user-1", weight: 2 },
  };
  const first = await service.run("add", input, options);
  assert.equal(first.state.type, "COMPLETED");
  const { status, headers, body } = await service.post(`/v1/tasks/${first.id}/rerun`);
  assert.equal(status, 202);
  assert.notEqual(body.id, first.id);
  assert.equal(headers.get("location"), `/v1/tasks/${body.id}`);
  const second = await service.ended(body.id);
  const told = ["task", "input", "result", "priority", "queue", "tags", "metadata", "timeoutMs", "retry"];
  for (const name of [...told, "maxCrashes", "retentionMs", "failureRetentionMs"]) {
    assert.deepEqual(second[name], first[name], name);
  }
  assert.deepEqual([second.rerunOf, second.parentId, second.groupId], [first.id, null, null]);
  assert.equal(first.rerunOf, undefined);
  const records = await Promise.all([first.id, second.id].map((id) => service.runtime.task(id)));
  const [one, other] = records.map(({ record }) => ({ limits: record.limits, rates: record.rates }));
  assert.deepEqual(other, one);
  // The first one is as it was.
  assert.deepEqual(await service.task(first.id), first);
});

Deno.test("a rerun takes another input, checked like a submit's, and is safe to repeat by its key", async () => {
  await using service = await aService();
  const failed = await service.run("fail", { message: "no" });
  const rerun = `/v1/tasks/${failed.id}/rerun`;
  const wrong = await service.post(rerun, { input: { message: 7 } });
  assertProblem(wrong, 422, "validation-failed", "/input/message");
  const call = { headers: { "idempotency-key": "once" } };
  const made = await service.post(rerun, { input: { message: "yes" } }, call);
  assert.equal(made.status, 202);
  const repeated = await service.post(rerun, { input: { message: "yes" } }, call);
  assert.equal(repeated.headers.get("idempotency-replayed"), "true");
  assert.equal(repeated.body.id, made.body.id);
  const ended = await service.ended(made.body.id);
  assert.deepEqual([ended.error.message, ended.rerunOf], ["yes", failed.id]);
});

Deno.test("only an ended task is run anew, in the version that is meant", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  const early = await service.post(`/v1/tasks/${id}/rerun`, {});
  assertProblem(early, 409, "conflict");
  assert.match(early.body.detail, /PENDING: cancel it first/);
  await service.post(`/v1/tasks/${id}/cancel`);
  const stale = await service.post(`/v1/tasks/${id}/rerun`, {}, { headers: { "if-match": '"0"' } });
  assertProblem(stale, 412, "precondition-failed");
  assertProblem(await service.post(`/v1/tasks/${UNKNOWN_ID}/rerun`, {}), 404, "not-found");
});

Deno.test("a rerun runs, whatever a cache has; and takes the task that has its unique key", async () => {
  let runs = 0;
  const count = define({ name: "count", input: z.object({}), cache: { ttlMs: 60_000 } }, () => ++runs);
  const single = define(
    { name: "single", input: z.object({}), unique: { key: "one" } },
    () => new Promise<void>(() => {}),
  );
  await using service = await aService({ definitions: [count, single] });
  const first = await service.run("count");
  const again = await service.ended((await service.post(`/v1/tasks/${first.id}/rerun`)).body.id);
  assert.deepEqual([first.result, again.result, again.cachedFrom], [1, 2, undefined]);
  const cancelled = await service.submit("single", {}, { delayMs: 600_000 });
  await service.post(`/v1/tasks/${cancelled.id}/cancel`);
  const holder = await service.submit("single");
  const answer = await service.post(`/v1/tasks/${cancelled.id}/rerun`);
  assert.deepEqual([answer.status, answer.body.id], [200, holder.id]);
  assert.equal(answer.headers.get("errand-deduplicated"), "true");
  await service.post(`/v1/tasks/${holder.id}/cancel`, { graceMs: 0 });
  await service.ended(holder.id);
});

Deno.test("a tenant reruns its own tasks, and they stay its own", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ running: false, apiKeys: [boss.key] });
  const made = await service.post("/v1/keys", { name: "a", scopes: ["admin"], tenant: "acme" }, boss);
  const acme = { headers: { authorization: `Bearer ${made.body.secret}` } };
  const { body: { id } } = await service.post("/v1/tasks", { task: "add", input }, acme);
  await service.post(`/v1/tasks/${id}/cancel`, {}, acme);
  const { status, body } = await service.post(`/v1/tasks/${id}/rerun`, {}, acme);
  assert.deepEqual([status, body.rerunOf], [202, id]);
  assert.equal((await service.get(`/v1/tasks/${body.id}`, acme)).status, 200);
  assertProblem(await service.get(`/v1/tasks/${body.id}`, boss), 404, "not-found");
  assertProblem(await service.post(`/v1/tasks/${id}/rerun`, {}, boss), 404, "not-found");
});
