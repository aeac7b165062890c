// What GET /v1/tasks finds by queue, by the time of an end, by q, and how many there are.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";

async function listed(service: Service, query: string): Promise<string[]> {
  const { status, body, text } = await service.get(`/v1/tasks?${query}`);
  assert.equal(status, 200, text);
  return body.tasks.map(({ id }: Body) => id);
}

Deno.test("a list is narrowed by queue, by the time of an end, and by what q says", async () => {
  await using service = await aService();
  const gpu = await service.submit("add", { a: 1, b: 2 }, { queue: "gpu", delayMs: 600_000 });
  const failed = await service.run("fail", { message: "Connection refused by db-7" });
  const again = await service.submit("fail", { message: "connection lost" }, {
    retry: { maxAttempts: 2, delayMs: 600_000, jitter: false },
  });
  await service.until(again.id, "SCHEDULED");
  const cancelled = await service.submit("add", { a: 1, b: 2 }, { delayMs: 600_000 });
  await service.post(`/v1/tasks/${cancelled.id}/cancel`, { reason: "the connection is not needed" });
  const completed = await service.run("add", { a: 1, b: 2 });
  const end = Date.parse(completed.finishedAt);
  const at = (ms: number) => new Date(ms).toISOString();
  const cases: [string, Body[]][] = [
    ["queue=gpu", [gpu]],
    ["queue=gpu&state=RUNNING", []],
    ["queue=default&state=SCHEDULED", [again]],
    [`finishedAfter=${at(Date.parse(failed.finishedAt) - 1)}&task=fail`, [failed]],
    [`finishedAfter=${at(end)}&task=add&state=COMPLETED`, []],
    [`finishedAfter=${at(end - 1)}&finishedBefore=${at(end + 1)}&state=COMPLETED`, [completed]],
    [`finishedBefore=${at(Date.parse(failed.createdAt) - 60_000)}`, []],
    [`finishedBefore=${at(end + 1)}&state=SCHEDULED`, []],
    // In any case, in errors, in why an attempt failed, in the reason of a cancel.
    ["q=CONNECTION", [cancelled, again, failed]],
    ["q=connection&task=fail", [again, failed]],
    ["q=connection&state=FAILED", [failed]],
    ["q=connection&state=COMPLETED", []],
    ["q=error%3A%20connection%20refused", [failed]],
    ["q=nowhere", []],
    [`q=${completed.id}`, [completed]],
    [`q=${completed.id.toUpperCase()}&task=add`, [completed]],
    [`q=${completed.id.slice(0, 30)}&state=FAILED`, []],
    [`q=${"f".repeat(8)}`, []],
  ];
  for (const [query, tasks] of cases) {
    assert.deepEqual(await listed(service, query), tasks.map(({ id }) => id), query);
  }
  const beginning = await listed(service, `q=${failed.id.slice(0, 8)}`);
  assert.ok(beginning.includes(failed.id));
  assertProblem(await service.get("/v1/tasks?q="), 422, "validation-failed", "/query/q");
  assertProblem(await service.get("/v1/tasks?queue=No"), 422, "validation-failed", "/query/queue");
  assertProblem(
    await service.get("/v1/tasks?finishedAfter=now"),
    422,
    "validation-failed",
    "/query/finishedAfter",
  );
});

Deno.test("a count is of all that fit, whatever page it stands on, and of the caller's tenant only", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ running: false, apiKeys: [boss.key] });
  const { headers } = boss;
  const made = await service.post("/v1/keys", { name: "acme", scopes: ["admin"], tenant: "acme" }, boss);
  const acme = { headers: { authorization: `Bearer ${made.body.secret}` } };
  for (const [caller, many] of [[{ headers }, 7], [acme, 2]] as const) {
    const tasks = Array.from({ length: many }, (_, i) => ({
      task: i % 2 === 0 ? "echo" : "add",
      input: i % 2 === 0 ? { value: i } : { a: 1, b: 2 },
    }));
    assert.equal((await service.post("/v1/tasks/batch", { tasks }, caller)).status, 202);
  }
  const count = async (query: string, caller = { headers }) => {
    const { status, body, text } = await service.get(`/v1/tasks?${query}`, caller);
    assert.equal(status, 200, text);
    return { ...body.count, page: body.tasks.length };
  };
  assert.deepEqual(await count("count=true&limit=2"), { value: 7, exact: true, page: 2 });
  assert.deepEqual(await count("count=true"), { value: 7, exact: true, page: 7 });
  assert.deepEqual(await count("count=true&limit=1&task=echo&state=PENDING"), {
    value: 4,
    exact: true,
    page: 1,
  });
  assert.deepEqual(await count("count=True&state=FAILED"), { value: 0, exact: true, page: 0 });
  assert.deepEqual(await count("count=true&q=oops&state=COMPLETED"), { value: 0, exact: true, page: 0 });
  assert.deepEqual(await count("count=true&limit=1", acme), { value: 2, exact: true, page: 1 });
  assert.deepEqual(await count("limit=1"), { page: 1 });
  const second = (await service.get("/v1/tasks?limit=5", { headers })).body.nextCursor;
  assert.deepEqual(await count(`count=true&limit=5&cursor=${second}`), { value: 7, exact: true, page: 2 });
});
