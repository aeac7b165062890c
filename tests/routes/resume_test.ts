// A retry of a task that others of its flow wait for.

import "../strict.ts";
import assert from "node:assert/strict";
import { aService, type Body, eventually } from "../harness.ts";

for (const followers of [1, 30, 40, 150]) {
  Deno.test(`a failed task that ${followers} wait for is retried, and all of them go on`, async () => {
    await using service = await aService();
    const tasks: Record<string, unknown> = { head: { task: "fail", input: { message: "first" } } };
    for (let i = 0; i < followers; i++) {
      tasks[`n${i}`] = { task: "echo", input: { value: i }, waitFor: ["head"] };
    }
    const flow = await service.post("/v1/flows", { tasks });
    assert.equal(flow.status, 202, flow.text);
    const { groupId, tasks: { head } } = flow.body;
    const results = `/v1/groups/${groupId}/results?wait=10&raiseOnFailure=false`;
    assert.equal((await service.get(results)).status, 200);
    const before = await service.get(`/v1/groups/${groupId}`);
    assert.deepEqual(before.body.counts, { FAILED: 1, CANCELLED: followers });

    const retry = await service.post(`/v1/tasks/${head.id}/retry`, {
      input: { message: "again", untilAttempt: 1 },
    });
    assert.equal(retry.status, 202, retry.text);
    // Beyond what one commit takes they are put back a moment later.
    let counts: Body;
    await eventually(async () => {
      counts = (await service.get(`/v1/groups/${groupId}`)).body.counts;
      return counts.COMPLETED === 1 + followers;
    }, () => JSON.stringify(counts));
  });
}
