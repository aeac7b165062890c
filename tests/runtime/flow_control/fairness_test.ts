import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, type Service } from "../../support/service.ts";

/** Says in which order its tasks start. */
function ordered() {
  const started: string[] = [];
  const definition = define({ name: "ordered", input: z.object({ who: z.string() }) }, ({ input }) => {
    started.push(input.who);
  });
  return { definition, started };
}

function many(who: string, count: number, weight?: number) {
  const task = { task: "ordered", input: { who }, options: { fairness: { key: who, weight } } };
  return { tasks: Array(count).fill(task) };
}

async function submitted(service: Service, ...batches: unknown[]): Promise<string[]> {
  const ids: string[] = [];
  for (const batch of batches) {
    const { body } = await service.post("/v1/tasks/batch", batch);
    ids.push(...body.tasks.map(({ id }: { id: string }) => id));
  }
  return ids;
}

/** All of them are stored before the first one starts. */
async function runAll(service: Service, ...batches: unknown[]): Promise<void> {
  const ids = await submitted(service, ...batches);
  await service.runtime.start();
  for (const id of ids) assert.equal((await service.ended(id)).state.type, "COMPLETED");
}

Deno.test("a key with many tasks does not hold up another's: they start within a turn", async () => {
  const { definition, started } = ordered();
  await using service = await aService({ definitions: [definition], running: false, concurrency: 1 });
  await runAll(service, many("a", 300), many("b", 10));
  assert.equal(started.length, 310);
  const behind = started.lastIndexOf("b");
  assert.ok(behind < 16 + 10 + 16, `the last of b started after ${behind} others`);
});

Deno.test("keys get turns by their weights", async () => {
  const { definition, started } = ordered();
  await using service = await aService({ definitions: [definition], running: false, concurrency: 4 });
  await runAll(service, many("a", 400, 1), many("b", 400, 3));
  // While both have tasks that wait.
  const ofB = started.slice(0, 400).filter((who) => who === "b").length;
  assert.ok(Math.abs(ofB - 300) <= 20, `${ofB} of the first 400 starts were b's`);
});

Deno.test("tasks without a key take no turns, and cost no counter", async () => {
  const { definition, started } = ordered();
  await using service = await aService({ definitions: [definition], running: false, concurrency: 1 });
  const free = { task: "ordered", input: { who: "free" } };
  await runAll(service, many("a", 100), { tasks: [free] });
  assert.ok(started.indexOf("free") <= 17, `${started.indexOf("free")}`);
  assert.deepEqual((await service.get("/v1/limits")).body.limits, [], "turns are no limits to callers");
});

Deno.test("a task that waits for its turn says so", async () => {
  const { definition } = ordered();
  await using service = await aService({ definitions: [definition], running: false });
  const ids = await submitted(service, many("a", 20));
  const { state } = await service.task(ids[19]);
  assert.equal(state.message, 'waits for its turn: tasks with the fairness key "a" are before it');
});
