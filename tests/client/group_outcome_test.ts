// A group as a future of its own: how it has ended, with all errors, against a service.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  chain,
  CrashedError,
  group,
  GroupError,
  RemoteError,
  sig,
  TaskError,
  TimeoutError,
} from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { HANGS_MS } from "../support/waiting.ts";

const LIMIT = { timeoutMs: HANGS_MS };

async function failure(promise: Promise<unknown>): Promise<GroupError> {
  const error = await promise.then(
    (value) => assert.fail(`it gave ${JSON.stringify(value)}`),
    (error) => error,
  );
  assert.ok(error instanceof GroupError, String(error));
  return error;
}

Deno.test("the future of a group gives all values, or one error with what all of its tasks have thrown", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const good = await errand.map("add", { a: [1, 2], b: 10 }, {}, { group: { onFailure: "cancel-rest" } });
  assert.deepEqual(await errand.group(good.groupId!).result(LIMIT), [11, 12]);
  const bad = await errand.map("fail", { message: ["one", "two"], name: "RangeError" });
  const error = await failure(errand.group(bad.groupId!).result(LIMIT));
  assert.deepEqual([error.state, error.groupId], ["FAILED", bad.groupId]);
  assert.deepEqual(error.errors.map(({ message }) => message).sort(), ["one", "two"]);
  const [first] = error.errors as TaskError[];
  assert.ok(first instanceof TaskError && !(first instanceof CrashedError));
  assert.equal(first.remoteName, "RangeError");
  assert.ok(bad.some(({ id }) => id === first.id));
  assert.equal(error.cause, first);
});

Deno.test("a canvas that is run with a policy ends as a whole", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const later = sig("echo", { value: 1 }, { delayMs: 60_000 });
  const flow = await errand.run(group(sig("fail", { message: "no luck" }), later), {
    group: { onFailure: "cancel-rest", maxFailures: 0 },
  });
  const { state, errors, total, counts } = await flow.outcome(LIMIT);
  assert.deepEqual([state, total, counts], ["FAILED", 2, { FAILED: 1, CANCELLED: 1 }]);
  assert.deepEqual(errors.map(({ message }) => message), ["no luck"]);
  assert.equal(await flow.state(), "FAILED");
  assert.deepEqual((await flow.errors()).map(({ message }) => message), ["no luck"]);
});

Deno.test("a group that is not over by its deadline has a TimeoutError, and one that goes on is not waited for", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const later = group(sig("echo", { value: 1 }, { delayMs: 60_000 }));
  const late = await errand.run(later, { group: { timeoutMs: 1 } });
  const [error] = (await late.outcome(LIMIT)).errors;
  assert.ok(error instanceof RemoteError);
  assert.deepEqual([error.name, error.message], ["TimeoutError", "the group did not end within 1 ms"]);
  const open = await errand.run(later);
  assert.equal(await open.state(), "RUNNING");
  await assert.rejects(open.outcome({ timeoutMs: 0 }), TimeoutError);
  await assert.rejects(errand.group(open.groupId).outcome({ timeoutMs: -1 }), RangeError);
});

Deno.test("what a signature takes back is done when the outcome of its group is there, and its errors are told", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const undo = sig("echo", undefined, { into: "value" });
  const breaks = sig("fail", { message: "cannot be undone" }, { immutable: true });
  const flow = await errand.run(
    chain(
      sig("echo", { value: 1 }, { compensate: undo, name: "one" }),
      sig("echo", { value: 2 }, { compensate: breaks, immutable: true, name: "two" }),
      sig("echo", { value: 3 }, { compensate: undo, immutable: true }),
      sig("fail", { message: "no luck" }, { immutable: true }),
    ),
  );
  const { state, compensation, errors } = await flow.outcome(LIMIT);
  assert.deepEqual([state, compensation?.total, compensation?.done, compensation?.failed], [
    "FAILED",
    3,
    2,
    1,
  ]);
  assert.deepEqual(errors.map(({ message }) => message), ["no luck", "cannot be undone"]);
  assert.deepEqual(await flow.compensation(), compensation);
  const back = await errand.group(compensation!.groupId!).members();
  const [, second] = await Promise.all(back.map((future) => future.task()));
  assert.equal(second.compensates, flow.future("two").id);
  assert.equal((await flow.future("one").task()).compensatedBy, "echo");
  const good = await errand.run(chain(sig("echo", { value: 1 }, { compensate: undo })));
  assert.deepEqual([await good.result(LIMIT), await good.compensation()], [1, null]);
});
