import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";

interface Calls {
  headers: Record<string, string>;
}

async function statsOf(service: Service, call?: Calls, query = ""): Promise<Body> {
  const { status, body, text } = await service.get(`/v1/stats${query}`, call);
  assert.equal(status, 200, text);
  return body;
}

Deno.test("the stats count what happened, by definition and state, with waits and runs", async () => {
  const nap = define(
    { name: "nap", input: z.object({ ms: z.int() }) },
    async ({ input }) => await new Promise((resolve) => setTimeout(resolve, input.ms)),
  );
  await using service = await aService({ definitions: [nap] });
  const empty = await statsOf(service);
  assert.deepEqual(empty.definitions, []);
  assert.deepEqual(empty.happened.wait, { count: 0, p50: null, p90: null, p99: null });
  assert.equal(empty.perMinute.length, 15);
  for (let n = 0; n < 3; n++) await service.run("nap", { ms: 40 });
  await service.run("fail", { message: "no" }, { retry: { maxAttempts: 3, delayMs: 0 } });
  const later = await service.submit("add", { a: 1, b: 2 }, { delayMs: 600_000 });
  const cancelled = await service.submit("add", { a: 1, b: 2 }, { delayMs: 600_000, queue: "gpu" });
  await service.post(`/v1/tasks/${cancelled.id}/cancel`);
  await service.submit("add", { a: 1, b: 2 }, { concurrency: { key: "none", limit: 0 } });
  const stats = await statsOf(service, undefined, "?minutes=2");
  assert.equal(stats.minutes, 2);
  const of = (task: string) => stats.definitions.find((one: Body) => one.task === task);
  assert.deepEqual(stats.definitions.map(({ task }: Body) => task), ["add", "fail", "nap"]);
  assert.deepEqual(of("nap").happened.ended, { COMPLETED: 3, FAILED: 0, CRASHED: 0, CANCELLED: 0 });
  assert.deepEqual(of("nap").happened.attempts.completed, 3);
  // Longer than the pause, but by what this machine takes.
  assert.ok(of("nap").happened.run.p50 >= 30, `${of("nap").happened.run.p50} ms`);
  assert.equal(of("nap").happened.wait.count, 3);
  assert.deepEqual(of("fail").happened.ended, { COMPLETED: 0, FAILED: 1, CRASHED: 0, CANCELLED: 0 });
  assert.deepEqual([of("fail").happened.attempts.retried, of("fail").happened.attempts.failed], [2, 1]);
  assert.deepEqual([of("add").happened.submitted, of("add").happened.ended.CANCELLED], [3, 1]);
  assert.deepEqual([of("add").now.scheduled, of("add").now.limited], [1, 1]);
  assert.deepEqual(of("add").happened.limited, { concurrency: 1, rate: 0 });
  assert.equal(stats.happened.submitted, 7);
  assert.equal(stats.perMinute.reduce((sum: number, one: Body) => sum + one.happened.submitted, 0), 7);
  assert.equal((await service.task(later.id)).state.type, "SCHEDULED");
  for (const query of ["?minutes=0", "?minutes=61", "?minutes=x"]) {
    assertProblem(await service.get(`/v1/stats${query}`), 422, "validation-failed", "/query/minutes");
  }
});

Deno.test("a tenant's stats are of its tasks only, a key with patterns sees its definitions, an operator all", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ apiKeys: [boss.key] });
  const keyed = async (more: Body): Promise<Calls> => {
    const { body, text } = await service.post("/v1/keys", { scopes: ["submit", "read"], ...more }, boss);
    assert.ok(body.secret, text);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const acme = await keyed({ name: "acme", tenant: "acme" });
  const narrow = await keyed({ name: "narrow", patterns: ["task:echo"] });
  const submit = async (call: Calls, task: string, input: unknown) => {
    const { body } = await service.post("/v1/tasks", { task, input }, call);
    await service.get(`/v1/tasks/${body.id}?wait=30`, call);
  };
  await submit(boss, "echo", { value: 1 });
  await submit(boss, "add", { a: 1, b: 2 });
  await submit(acme, "add", { a: 1, b: 2 });
  const told = async (call: Calls) => {
    const { happened, definitions, perMinute } = await statsOf(service, call);
    const all = perMinute.reduce((sum: number, one: Body) => sum + one.happened.submitted, 0);
    assert.equal(all, happened.submitted);
    return [happened.submitted, ...definitions.map(({ task }: Body) => task)];
  };
  assert.deepEqual(await told(acme), [1, "add"]);
  assert.deepEqual(await told(narrow), [1, "echo"]);
  assert.deepEqual(await told(boss), [3, "add", "echo"]);
});
