// Groups as upstreams of tasks, over HTTP.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { replaceWith } from "../../runtime/core/replace_with.ts";
import { aKey } from "../support/api_keys.ts";
import { assertProblem } from "../support/service.ts";
import { onSocket } from "../support/on_socket.ts";

const echo = (value: unknown) => ({ task: "echo", input: { value } });
const slowly = (value: unknown, ms = 300) => ({ task: "sleep", input: { ms, value } });
const fail = { task: "fail", input: { message: "boom" } };

Deno.test("a task waits for a group, and gets the results of its tasks in the order of the input", async () => {
  await using service = await onSocket();
  const { body: { groupId } } = await service.post("/v1/map", {
    task: "sleep",
    inputs: [{ ms: 300, value: "slow" }, { ms: 1, value: "fast" }],
  });
  const { body: { tasks: [after, sum] } } = await service.post("/v1/tasks/batch", {
    tasks: [
      { ...echo("after"), options: { waitFor: [groupId.toUpperCase()] } },
      echo({ all: { $task: groupId } }),
    ],
  });
  assert.deepEqual([after.waitFor, after.state.name], [[groupId], "AwaitingDependencies"]);
  const ended = await service.ended(sum.id);
  assert.deepEqual(ended.result, { all: ["slow", "fast"] });
  const { body: { results } } = await service.get(`/v1/groups/${groupId}/results`);
  assert.deepEqual(results, ended.result.all);
  assert.equal((await service.ended(after.id)).result, "after");
  const { body: { endedAt } } = await service.get(`/v1/groups/${groupId}`);
  const late = await service.run("echo", { value: { $task: groupId } });
  assert.deepEqual((await service.ended(late.id)).result, ["slow", "fast"]);
  assert.equal((await service.get(`/v1/groups/${groupId}`)).body.endedAt, endedAt);
});

Deno.test("a group that fails cancels who takes its results, unless that allows for it", async () => {
  await using service = await onSocket();
  const { body: { groupId, tasks: [, failed] } } = await service.post("/v1/tasks/batch", {
    tasks: [slowly("good"), fail],
    group: true,
  });
  const { body: { tasks: [strict, lenient, onFailure, never] } } = await service.post("/v1/tasks/batch", {
    tasks: [
      echo({ $task: groupId }),
      echo({ $task: groupId, $allowFailure: true }),
      { ...echo("handled"), options: { waitFor: [{ task: groupId, on: ["FAILED"] }] } },
      { ...echo("never"), options: { waitFor: [{ task: groupId, on: ["CANCELLED"] }] } },
    ],
  });
  const error = { name: "Error", message: "boom", retryable: true };
  assert.deepEqual((await service.ended(lenient.id)).result, ["good", { error }]);
  assert.equal((await service.ended(onFailure.id)).result, "handled");
  const told = await service.ended(strict.id);
  assert.equal(told.state.name, "UpstreamFailed");
  assert.match(told.error.message, new RegExp(`the group ${groupId}, ended FAILED: ${failed.id} .*boom`));
  assert.equal((await service.ended(never.id)).state.name, "Skipped");
});

Deno.test("where the policy allows for failures they stand in their places", async () => {
  await using service = await onSocket();
  const { body: { groupId } } = await service.post("/v1/tasks/batch", {
    tasks: [echo(1), fail, echo(3)],
    options: { group: { maxFailures: 1 } },
  });
  const { id } = await service.run("echo", { value: { $task: groupId } });
  const { result: [one, { error }, three] } = await service.ended(id);
  assert.deepEqual([one, error.message, three], [1, "boom", 3]);
});

Deno.test("tasks of a flow wait for a group outside it, and of several the first is enough", async () => {
  await using service = await onSocket();
  const groupOf = async (...tasks: unknown[]): Promise<string> => {
    return (await service.post("/v1/tasks/batch", { tasks, group: true })).body.groupId;
  };
  const [fast, slow] = [await groupOf(echo("fast")), await groupOf(slowly("slow", 60_000))];
  const { body: { tasks } } = await service.post("/v1/flows", {
    tasks: {
      first: {
        ...echo([{ $task: fast, $allowFailure: true }, { $task: slow, $allowFailure: true }]),
        waitFor: { anyOf: [fast, slow], cancelRest: true },
      },
      both: echo([{ $task: "first" }, { $task: fast }]),
    },
  });
  const { result: [fasts, { error }] } = await service.ended(tasks.first.id);
  assert.deepEqual([fasts, error.name], [["fast"], "NotAmongFirst"]);
  assert.deepEqual((await service.ended(tasks.both.id)).result[1], ["fast"]);
  const { body: { state } } = await service.get(`/v1/groups/${slow}?wait=20`);
  assert.equal(state, "CANCELLED");
});

/** Names its own group, in a task that joins it or in a flow that stands in its place. */
const circular = define(
  { name: "circular", input: z.object({ how: z.enum(["join", "replace"]) }) },
  async ({ input: { how }, task, addToGroup }) => {
    const waitFor = [{ task: task.groupId!, optional: true }];
    if (how === "replace") {
      return replaceWith({ tasks: { a: { task: "echo", input: { value: 1 }, waitFor } } });
    }
    return await addToGroup("echo", { value: 1 }, { waitFor });
  },
);

Deno.test("nothing that a group needs for its end waits for that end", async () => {
  await using service = await onSocket({ definitions: [circular] });
  for (const how of ["join", "replace"]) {
    const { body: { tasks: [{ id }], groupId } } = await service.post("/v1/tasks/batch", {
      tasks: [{ task: "circular", input: { how } }],
      group: true,
    });
    const { state, error } = await service.ended(id);
    assert.equal(state.type, "FAILED", how);
    assert.match(
      error.message,
      new RegExp(`ends only after this task, which would wait for it: ${groupId}`),
      how,
    );
  }
});

Deno.test("who may not cancel cannot have the rest of several groups cancelled", async () => {
  const submitter = aKey(["submit"]);
  await using service = await onSocket({ running: false, apiKeys: [submitter.key] });
  const { headers } = submitter;
  const { body: { groupId } } = await service.post(
    "/v1/tasks/batch",
    { tasks: [echo(1)], group: true },
    { headers },
  );
  const options = { waitFor: { anyOf: [groupId], cancelRest: true } };
  assertProblem(await service.post("/v1/tasks", { ...echo(1), options }, { headers }), 403, "forbidden");
});
