// A retry of a task that others of its flow wait for.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import { EMBEDDED_LIMITS, REMOTE_LIMITS } from "../../runtime/platform/kv.ts";
import { openPatientKv } from "../support/patient_kv.ts";
import { aService, type Body } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";

let gate = Promise.withResolvers<void>();
/** Fails at its first attempt, and goes on with the second one when the test says so. */
const gated = define({ name: "gated", input: z.unknown() }, async ({ attempt }) => {
  if (attempt === 1) throw new Error("first");
  await gate.promise;
}) as AnyDefinition;

for (
  const [followers, limits] of [1, 30, 40, 150].flatMap((n) =>
    [[n, EMBEDDED_LIMITS], [n, REMOTE_LIMITS]] as const
  )
) {
  const name =
    `a failed task that ${followers} wait for is retried, and all of them go on (${limits.checks} checks)`;
  Deno.test(name, async () => {
    const kv = await openPatientKv(":memory:", { limits });
    await using service = await aService({ kv, definitions: [gated] });
    const tasks: Record<string, unknown> = { head: { task: "gated", input: {} } };
    for (let i = 0; i < followers; i++) {
      tasks[`n${i}`] = { task: "echo", input: { value: i }, waitFor: ["head"] };
    }
    gate = Promise.withResolvers<void>();
    const flow = await service.post("/v1/flows", { tasks });
    assert.equal(flow.status, 202, flow.text);
    const { groupId, tasks: { head } } = flow.body;
    const results = `/v1/groups/${groupId}/results?wait=60&raiseOnFailure=false`;
    assert.equal((await service.get(results)).status, 200);
    const before = await service.get(`/v1/groups/${groupId}`);
    assert.deepEqual(before.body.counts, { FAILED: 1, CANCELLED: followers });

    const retry = await service.post(`/v1/tasks/${head.id}/retry`, {});
    assert.equal(retry.status, 202, retry.text);
    // Beyond what one commit takes they are put back a moment later; the answer waits for that.
    const after = await service.get(`/v1/groups/${groupId}`);
    assert.deepEqual(
      [after.body.counts.CANCELLED ?? 0, after.body.counts.COMPLETED ?? 0],
      [0, 0],
    );
    assert.equal((await service.get(`/v1/groups/${groupId}/results`)).status, 202);
    gate.resolve();
    let counts: Body;
    await eventually(async () => {
      counts = (await service.get(`/v1/groups/${groupId}`)).body.counts;
      return counts.COMPLETED === 1 + followers;
    }, () => JSON.stringify(counts));
  });
}
