import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem, type Body, UNKNOWN_ID } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const input = { a: 1, b: 2 };

Deno.test("a group of existing tasks counts them by state", async () => {
  await using service = await aService();
  const completed = await service.run("add", input);
  const failed = await service.run("fail", { message: "m" });
  const running = await service.submit("sleep", { ms: 60_000 });
  await service.until(running.id, "RUNNING");
  const scheduled = await service.submit("add", input, { delayMs: 60_000 });
  const ids = [completed, failed, running, scheduled].map(({ id }) => id);
  const made = await service.post("/v1/groups", { ids: [...ids, ids[0], ids[1].toUpperCase()] });
  assert.equal(made.status, 202);
  assert.equal(made.headers.get("location"), `/v1/groups/${made.body.id}`);
  const { body } = await service.get(made.headers.get("location")!);
  assert.deepEqual([body.total, body.done], [4, 2]);
  assert.deepEqual(body.counts, { COMPLETED: 1, FAILED: 1, RUNNING: 1, SCHEDULED: 1 });
  assert.equal((await service.task(running.id)).groupId, made.body.id);
  await service.post(`/v1/tasks/${running.id}/cancel`, {});
  await service.post(`/v1/tasks/${scheduled.id}/cancel`, {});
  await service.ended(running.id);
  const after = await service.get(made.headers.get("location")!);
  assert.deepEqual([after.body.done, after.body.counts], [4, { COMPLETED: 1, FAILED: 1, CANCELLED: 2 }]);
});

Deno.test("a group counts a retried task once", async () => {
  await using service = await aService();
  const { id } = await service.run("fail", { message: "m", untilAttempt: 2 });
  const { body: group } = await service.post("/v1/groups", { ids: [id] });
  await service.post(`/v1/tasks/${id}/retry`, {});
  await service.ended(id);
  const { body } = await service.get(`/v1/groups/${group.id}`);
  assert.deepEqual([body.total, body.done, body.counts], [1, 1, { COMPLETED: 1 }]);
});

Deno.test("groups made while their tasks start and end miss none of the ends", async () => {
  await using service = await aService();
  for (let round = 0; round < 10; round++) {
    const tasks = [0, 1, 2, 5].map((ms) => ({ task: "sleep", input: { ms } }));
    const { body } = await service.post("/v1/tasks/batch", { tasks });
    const ids = body.tasks.map((task: Body) => task.id);
    const groups = await Promise.all([1, 2].map(() => service.post("/v1/groups", { ids })));
    await Promise.all(ids.map((id: string) => service.ended(id)));
    for (const group of groups) {
      let counts: Body;
      await eventually(
        async () => {
          ({ counts } = (await service.get(`/v1/groups/${group.body.id}`)).body);
          return counts.COMPLETED === 4;
        },
        () => `round ${round}: ${JSON.stringify(counts)}`,
      );
    }
  }
});

Deno.test("a group with an unknown id is 404 and not made", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  assertProblem(await service.post("/v1/groups", { ids: [id, UNKNOWN_ID] }), 404, "not-found", "/ids/1");
  assert.equal((await service.task(id)).groupId, null);
  assertProblem(await service.get(`/v1/groups/${UNKNOWN_ID}`), 404, "not-found");
});
