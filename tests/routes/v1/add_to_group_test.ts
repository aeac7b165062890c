import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, type Body, type Service } from "../../support/service.ts";

const ADDED = z.object({ message: z.string().default(""), fails: z.int().default(0), task: z.string() });

/** Adds a task to its group; its first attempts fail after that. */
const adds = define({ name: "adds", input: ADDED }, async ({ input, attempt, addToGroup }) => {
  const child = await addToGroup(
    input.task,
    input.task === "echo" ? { value: "added" } : { message: "no luck" },
  );
  if (attempt <= input.fails) throw new Error("again");
  return child.id;
});

async function aGroup(service: Service, tasks: unknown[], group?: unknown, more = {}): Promise<string> {
  const { status, body } = await service.post("/v1/tasks/batch", {
    tasks,
    group: true,
    options: { group },
    ...more,
  });
  assert.equal(status, 202, JSON.stringify(body));
  return body.groupId;
}

const ended = async (service: Service, id: string): Promise<Body> =>
  (await service.get(`/v1/groups/${id}?wait=30`)).body;

Deno.test("a running task adds one to its group, once, however often it is tried, and the group waits for it", async () => {
  await using service = await aService({ definitions: [adds] });
  const retry = { maxAttempts: 3, delayMs: 0 };
  const id = await aGroup(service, [{ task: "adds", input: { task: "echo", fails: 2 }, options: { retry } }]);
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.total, group.counts], ["COMPLETED", 2, { COMPLETED: 2 }]);
  const { body: { results } } = await service.get(`/v1/groups/${id}/results`);
  const [first, added] = (await service.get(`/v1/groups/${id}`)).body.nodes;
  assert.deepEqual(results, [added.id, "added"]);
  const child = await service.task(added.id);
  assert.deepEqual([child.groupId, child.parentId], [id, first.id]);
  const events = await service.events(`/v1/as-completed?groupId=${id}`);
  assert.deepEqual(events.at(-1)!.data, { total: 2, yielded: 2, outcome: "COMPLETED" });
});

Deno.test("the policy of the group holds for what was added", async () => {
  await using service = await aService({ definitions: [adds] });
  const later = { task: "echo", input: { value: 1 }, options: { delayMs: 60_000 } };
  const id = await aGroup(service, [{ task: "adds", input: { task: "fail" } }, later], {
    onFailure: "cancel-rest",
  });
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.total, group.errors.length], ["FAILED", 3, 1]);
  assert.equal(group.counts.CANCELLED >= 1, true);
});

Deno.test("what is added to a map takes its turn in the map's concurrency limit", async () => {
  await using service = await aService({ definitions: [adds] });
  const inputs = Array.from({ length: 5 }, () => ({ task: "echo" }));
  const { body } = await service.post("/v1/map", { task: "adds", inputs, maxConcurrent: 1 });
  const group = await ended(service, body.groupId);
  assert.deepEqual([group.state, group.counts], ["COMPLETED", { COMPLETED: 10 }]);
});

Deno.test("a task without a group adds nothing: its function is told", async () => {
  await using service = await aService({ definitions: [adds] });
  const task = await service.run("adds", { task: "echo" });
  assert.deepEqual([task.error.name, task.error.message], [
    "ConflictError",
    "its task is in no group: submit() makes a task beside it",
  ]);
});
