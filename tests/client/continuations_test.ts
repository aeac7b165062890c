// What starts on a certain end of a task, by the client.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { allowFailure, CancelledError, sig, type TaskFuture } from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { HANGS_MS } from "../support/waiting.ts";

const LIMIT = { timeoutMs: HANGS_MS };

async function nameOf(future: TaskFuture): Promise<string> {
  assert.ok(await future.wait(LIMIT));
  return (await future.state()).name;
}

Deno.test("a future's continuations: the one for its end runs, and gets its outcome", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const done = await errand.submit("add", { a: 1, b: 2 });
  const failed = await errand.submit("fail", { message: "boom", name: "DemoError" });
  const stopped = await errand.submit("sleep", { ms: 60_000 });
  const into = sig("echo", undefined, { into: "value" });
  const only = sig("echo", { value: "ran" });
  const all = await Promise.all([done, failed, stopped].map(async (future) => ({
    completed: await future.onCompleted(into),
    failed: await future.onFailed<{ error: { name: string } }>(into),
    cancelled: await future.onCancelled(only),
  })));
  await stopped.cancel("enough");
  assert.equal(await all[0].completed.result(LIMIT), 3);
  assert.equal((await all[1].failed.result(LIMIT)).error.name, "DemoError");
  assert.equal(await all[2].cancelled.result(LIMIT), "ran");
  const others = [all[0].failed, all[0].cancelled, all[1].completed, all[1].cancelled, all[2].completed];
  assert.deepEqual(await Promise.all([...others, all[2].failed].map(nameOf)), Array(6).fill("Skipped"));
  await assert.rejects(all[1].completed.result(LIMIT), (error: CancelledError) => {
    return error instanceof CancelledError && error.state.name === "Skipped";
  });
  // A skipped one waits again with a retry of the task that it waited for: its future must ask again.
  await failed.retry({ input: { message: "", untilAttempt: 1 } });
  assert.equal(await all[1].completed.result(LIMIT), 2);
});

Deno.test("the first of several, by futures; the rest is cancelled, and told apart", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const quick = await errand.submit("echo", { value: "quick" });
  const slow = await errand.submit("sleep", { ms: 60_000 });
  const first = await errand.submit("echo", { value: [quick, slow].map((one) => allowFailure(one)) }, {
    waitFor: { anyOf: [quick, slow], cancelRest: true },
  });
  const [one, other] = await first.result(LIMIT) as [string, { error: { name: string } }];
  assert.deepEqual([one, other.error.name], ["quick", "NotAmongFirst"]);
  assert.equal(await nameOf(slow), "Cancelled");
  assert.deepEqual((await first.task()).conditions, [
    {
      anyOf: [quick.id, slow.id],
      count: 1,
      on: ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"],
      cancelRest: true,
      met: [quick.id],
    },
  ]);
  const mixed = await errand.submit("echo", { value: "x" }, {
    waitFor: [first, { task: slow, on: ["CANCELLED"] }, { anyOf: [quick] }],
  });
  assert.equal(await mixed.result(LIMIT), "x");
});
