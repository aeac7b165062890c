// The future of a group as what a task waits for, and as what stands in an input.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { allowFailure, type GroupFuture, sig, type TaskFuture } from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { HANGS_MS } from "../support/waiting.ts";

const LIMIT = { timeoutMs: HANGS_MS };

Deno.test("the future of a group stands for its values, and is waited for as a whole", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const { groupId } = await errand.map("add", { a: [1, 2], b: 10 });
  const sums: GroupFuture<number> = errand.group(groupId!);
  const list = await errand.submit("echo", { value: { sums } });
  const after = await errand.submit("echo", { value: "after" }, { waitFor: [sums] });
  const inCanvas = await errand.run(sig("echo", { value: [sums] }, { waitFor: [sums, list] }));
  assert.deepEqual(await list.result(LIMIT), { sums: [11, 12] });
  assert.deepEqual((await after.task()).waitFor, [groupId]);
  assert.equal(await after.result(LIMIT), "after");
  assert.deepEqual(await inCanvas.result(LIMIT), [[11, 12]]);
});

Deno.test("under conditions, as one of several, and with its failures", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const failing = errand.group<string>((await errand.map("fail", { message: ["one", "two"] })).groupId!);
  const lasting = errand.group((await errand.map("sleep", { ms: [60_000, 60_000] })).groupId!);
  const handler = await errand.submit("echo", { value: allowFailure(failing) }, {
    waitFor: [{ task: failing, on: ["FAILED"] }],
  });
  const errors = await handler.result(LIMIT) as { error: { message: string } }[];
  assert.deepEqual(errors.map(({ error }) => error.message), ["one", "two"]);
  const first = await errand.submit("echo", { value: 1 }, {
    waitFor: { anyOf: [failing, lasting], cancelRest: true },
  });
  assert.equal(await first.result(LIMIT), 1);
  assert.equal((await lasting.outcome(LIMIT)).state, "CANCELLED");
  const flow = await errand.run(sig("nothing"));
  const next = await errand.submit("echo", { value: 2 }, { waitFor: [{ task: flow, on: ["COMPLETED"] }] });
  assert.deepEqual((await next.task()).waitFor, [flow.groupId]);
  assert.equal(await next.result(LIMIT), 2);
  const given = flow as unknown as TaskFuture;
  assert.throws(() => allowFailure(given), /of a flow take one of its tasks/);
});
