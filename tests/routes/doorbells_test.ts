import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aService } from "../support/service.ts";

const input = { a: 1, b: 2 };

for (const bell of ["call", "queue", "sweep"] as const) {
  const doorbells = { call: false, queue: false, sweep: false, [bell]: true };

  Deno.test(`with the doorbell ${bell} alone a task runs`, async () => {
    await using service = await aService({ doorbells, sweepMs: 30 });
    assert.equal((await service.run("add", input)).result, 3);
    assert.equal((await service.run("add", input)).result, 3);
  });

  Deno.test(`with the doorbell ${bell} alone a delayed task runs`, async () => {
    await using service = await aService({ doorbells, sweepMs: 30 });
    const { id } = await service.submit("add", input, { delayMs: 40 });
    const { body } = await service.get(`/v1/tasks/${id}?wait=60`);
    assert.equal(body.state.type, "COMPLETED");
  });

  Deno.test(`with the doorbell ${bell} alone a failed task is tried again`, async () => {
    await using service = await aService({ doorbells, sweepMs: 30 });
    const retry = { maxAttempts: 3, delayMs: 10 };
    const { id } = await service.submit("fail", { message: "m", untilAttempt: 3 }, { retry });
    const { body } = await service.get(`/v1/tasks/${id}?wait=60`);
    assert.deepEqual([body.state.type, body.attempt], ["COMPLETED", 3]);
  });
}

Deno.test("a task submitted before the runtime started runs after it", async () => {
  await using service = await aService({ running: false });
  const { id } = await service.submit("add", input);
  await service.runtime.start();
  assert.equal((await service.ended(id)).result, 3);
});
