import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, type Body } from "../../support/service.ts";
import { aKey } from "../../support/api_keys.ts";
import { Gates } from "../../support/gates.ts";
import { eventually } from "../../support/waiting.ts";
import { keys } from "../../../runtime/platform/keys.ts";

Deno.test("workers are told with what each of them runs, to a tenant with its own tasks only", async () => {
  const boss = aKey(["admin"], "boss");
  const gates = new Gates();
  await using service = await aService({
    definitions: [gates.definition],
    concurrency: 7,
    queues: [{ name: "default" }, { name: "gpu", slots: 2 }],
    apiKeys: [boss.key],
  });
  const { kv } = service;
  const worker = async (call: { headers: Record<string, string> }) => {
    const { status, body, text } = await service.get("/v1/workers", call);
    assert.equal(status, 200, text);
    return body.workers as Body[];
  };
  const made = await service.post(
    "/v1/keys",
    { name: "a", scopes: ["submit", "read"], tenant: "acme" },
    boss,
  );
  const acme = { headers: { authorization: `Bearer ${made.body.secret}` } };
  const [idle] = await worker(boss);
  assert.deepEqual([idle.running, idle.tasks, idle.concurrency, idle.queues], [0, [], 7, ["default", "gpu"]]);
  assert.ok(Date.parse(idle.lastSeenAt) >= Date.parse(idle.startedAt));
  const submit = async (call: { headers: Record<string, string> }, options = {}) => {
    const submission = { task: gates.definition.name, input: {}, options };
    const { body, text } = await service.post("/v1/tasks", submission, call);
    assert.ok(body.id, text);
    return body.id as string;
  };
  const own = await submit(boss, { queue: "gpu" });
  const others = await submit(acme);
  const run = async (call: { headers: Record<string, string> }) => {
    return await eventually(async () => {
      const [seen] = await worker(call);
      return seen.tasks.length === 1 && seen;
    }, "the task runs nowhere");
  };
  const busy = await run(boss);
  assert.deepEqual(
    busy.tasks.map(({ id, task, queue, state, attempt }: Body) => [id, task, queue, state.type, attempt]),
    [[own, gates.definition.name, "gpu", "RUNNING", 1]],
  );
  const seen = await run(acme);
  assert.deepEqual([seen.id, seen.running, seen.tasks.map(({ id }: Body) => id)], [busy.id, 1, [others]]);
  // A worker of an earlier release says less.
  await kv.writeBlind([{
    key: keys.worker("01999999-9999-7999-8999-999999999999"),
    value: { rev: "", startedAt: 0, concurrency: 1, running: 0 },
  }], 0);
  const [old] = await worker(boss);
  assert.deepEqual([old.lastSeenAt, old.release, old.queues], [null, null, null]);
  gates.open(own);
  gates.open(others);
});
