import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aKey } from "../../support/api_keys.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { aService, assertProblem } from "../../support/service.ts";

const DAILY = { task: "add", input: { a: 1, b: 2 }, spec: [{ cron: "@daily" }] };

Deno.test("schedules of the same name in two tenants are two, and each tenant lists its own", async () => {
  const keys = [aKey(["admin"], "boss")];
  await using service = await aService({
    running: false,
    clock: new ManualClock(),
    apiKeys: keys.map(({ key }) => key),
  });
  const of = async (tenant: string) => {
    const wanted = { name: `k-${tenant}`, scopes: ["read", "operate"], tenant };
    const { body } = await service.post("/v1/keys", wanted, keys[0]);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const [acme, globex] = [await of("acme"), await of("globex")];
  for (const key of [acme, globex, keys[0]]) {
    assert.equal((await service.send("PUT", "/v1/schedules/s", DAILY, key)).status, 201);
  }
  await service.send("PATCH", "/v1/schedules/s", { note: "of acme" }, acme);
  for (const [key, note] of [[acme, "of acme"], [globex, null], [keys[0], null]] as const) {
    const { body } = await service.get("/v1/schedules", key);
    assert.deepEqual(body.schedules.map((one: { note: string | null }) => one.note), [note]);
  }
  const { body: task } = await service.post("/v1/schedules/s/trigger", {}, acme);
  assert.equal((await service.get(`/v1/tasks/${task.id}`, globex)).status, 404);
});

Deno.test("a key with patterns knows the schedules of its definitions alone", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ running: false, clock: new ManualClock(), apiKeys: [boss.key] });
  const wanted = { name: "adder", scopes: ["read", "operate"], patterns: ["task:add*"] };
  const { body: { secret } } = await service.post("/v1/keys", wanted, boss);
  const adder = { headers: { authorization: `Bearer ${secret}` } };
  await service.send("PUT", "/v1/schedules/own", DAILY, boss);
  const echo = { ...DAILY, task: "echo", input: { value: 1 } };
  await service.send("PUT", "/v1/schedules/other", echo, boss);
  const { body } = await service.get("/v1/schedules", adder);
  assert.deepEqual(body.schedules.map(({ name }: { name: string }) => name), ["own"]);
  assertProblem(await service.get("/v1/schedules/other", adder), 404, "not-found");
  assertProblem(await service.send("PUT", "/v1/schedules/other", DAILY, adder), 404, "not-found");
  assertProblem(await service.send("PUT", "/v1/schedules/mine", echo, adder), 422, "unknown-definition");
  assertProblem(await service.post("/v1/schedules/other/trigger", {}, adder), 404, "not-found");
  assert.equal((await service.post("/v1/schedules/own/trigger", {}, adder)).status, 202);
});

Deno.test("a key of one queue knows the schedules whose tasks go there", async () => {
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ running: false, clock: new ManualClock(), apiKeys: [boss.key] });
  const wanted = { name: "gpu", scopes: ["read", "operate"], patterns: ["queue:gpu"] };
  const { body: { secret } } = await service.post("/v1/keys", wanted, boss);
  const gpu = { headers: { authorization: `Bearer ${secret}` } };
  const there = { ...DAILY, options: { queue: "gpu" } };
  assert.equal((await service.send("PUT", "/v1/schedules/own", there, gpu)).status, 201);
  await service.send("PUT", "/v1/schedules/other", DAILY, boss);
  const { body } = await service.get("/v1/schedules", gpu);
  assert.deepEqual(body.schedules.map(({ name }: { name: string }) => name), ["own"]);
  assertProblem(await service.get("/v1/schedules/other", gpu), 404, "not-found");
  assertProblem(await service.send("PUT", "/v1/schedules/mine", DAILY, gpu), 422, "validation-failed");
});
