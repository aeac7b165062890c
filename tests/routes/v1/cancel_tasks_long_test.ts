import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService, assertProblem } from "../../support/service.ts";

const input = { a: 1, b: 2 };

Deno.test("a filter that matches more than 10,000 tasks is refused whole; 10,000 are cancelled", async () => {
  await using service = await aService({ running: false, maxQueued: 20_000 });
  const inputs = Array.from({ length: 10_000 }, () => input);
  const { body: { groupId } } = await service.post("/v1/map", { task: "add", inputs });
  const { id } = await service.submit("add", input);
  const { errors } = assertProblem(
    await service.post("/v1/tasks/cancel", { all: true }),
    422,
    "validation-failed",
  );
  assert.equal(errors[0].pointer, "/filter");
  assert.match(errors[0].message, /more than 10000 .*none was cancelled.*\/v1\/bulk/);
  const { counts } = (await service.get(`/v1/groups/${groupId}`)).body;
  assert.deepEqual(counts, { PENDING: 10_000 });
  assert.deepEqual((await service.post("/v1/tasks/cancel", { filter: { groupId } })).body, {
    cancelled: 10_000,
    requested: 0,
    tooLate: 0,
    notFound: 0,
  });
  assert.equal((await service.task(id)).state.type, "PENDING");
});
