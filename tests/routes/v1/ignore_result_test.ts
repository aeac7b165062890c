// A task whose result is not kept: nothing of it is stored, and all who could read it are told.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { aService, assertProblem, type Body, type Service } from "../../support/service.ts";

/** What it returns is no JSON, and much. */
const silent = define({ name: "silent", input: z.object({}), ignoreResult: true }, ({ task }) => {
  return { ignoreResult: task.ignoreResult, all: new Map([["secret".repeat(50_000), 1n]]) };
});
const parent = define({ name: "parent", input: z.object({}) }, async ({ submit }) => {
  return await (await submit(silent, {})).result();
});
const definitions = [silent, parent] as AnyDefinition[];
const silently = { task: "add", input: { a: 1, b: 2 }, options: { ignoreResult: true } };

async function everyKey({ kv }: Service): Promise<string> {
  let text = "";
  for await (const { key, value } of (kv.writer as Deno.Kv).list({ prefix: [] })) {
    text += `${key.join("/")} ${value instanceof Uint8Array ? new TextDecoder().decode(value) : ""}\n`;
  }
  return text;
}

Deno.test("nothing is stored of a result that is to be ignored, whatever it is, and readers are told so", async () => {
  await using service = await aService({ definitions });
  const task = await service.run("silent");
  assert.deepEqual([task.state.type, task.state.name, task.result], ["COMPLETED", "Completed", null]);
  assert.equal(task.resultIgnored, true);
  assert.doesNotMatch(await everyKey(service), /secret|blob/);
  const { body } = await service.get(`/v1/tasks/${task.id}/result`);
  assert.deepEqual([body.result, body.resultIgnored], [null, true]);
  const events = await service.events(`/v1/tasks/${task.id}/events`);
  assert.equal(events.find(({ event }) => event === "result")?.data.resultIgnored, true);
  assert.equal((await service.get("/v1/tasks")).body.tasks[0].resultIgnored, true);
});

Deno.test("a submit says whether a result is ignored, whatever its definition says; others say nothing of it", async () => {
  await using service = await aService({ definitions });
  assert.equal((await service.run("silent", {}, { ignoreResult: false })).state.type, "FAILED", "no JSON");
  const ignored = await service.run("add", silently.input, silently.options);
  assert.deepEqual([ignored.result, ignored.resultIgnored], [null, true]);
  const plain = await service.run("add", silently.input);
  assert.deepEqual([plain.result, "resultIgnored" in plain], [3, false]);
  assert.equal((await service.run("parent")).result, null, "a parent gets null");
  const { body: again } = await service.post(`/v1/tasks/${ignored.id}/rerun`, {});
  assert.equal(again.resultIgnored, true);
});

Deno.test("who refers to a result that is not kept is refused, of the same call or of another", async () => {
  await using service = await aService({ definitions });
  const { id } = await service.submit("add", silently.input, silently.options);
  const faultsOf = async (path: string, body: Body) => {
    return assertProblem(await service.post(path, body), 422, "validation-failed").errors as Body[];
  };
  const told = (of: string) =>
    new RegExp(`^the result of task ${of} is not kept \\(ignoreResult\\): wait for it by waitFor`);
  const [alone] = await faultsOf("/v1/tasks", { task: "echo", input: { value: [{ $task: id }] } });
  assert.equal(alone.pointer, "/input/value/0/$task");
  assert.match(alone.message, told(id));
  const uses = { task: "echo", input: { value: { $task: "first" } } };
  const [within] = await faultsOf("/v1/flows", { tasks: { first: silently, uses } });
  assert.match(within.pointer, /^\/tasks\/uses/);
  const chained = await faultsOf("/v1/flows", {
    chain: [silently, { task: "echo", into: "value", input: {} }],
  });
  assert.match(chained[0].message, told("\\S+"));
  assert.equal((await service.get("/v1/tasks?task=echo")).body.tasks.length, 0);
  const waits = await service.run("echo", { value: 1 }, { waitFor: [id] });
  assert.equal(waits.result, 1, "waiting for it is another matter");
});

Deno.test("ignoreResult and cache are not said together, of a submit or in code", async () => {
  await using service = await aService();
  const options = { ignoreResult: true, cache: { ttlMs: 1_000 } };
  const answer = await service.post("/v1/tasks", { ...silently, options });
  const { errors } = assertProblem(answer, 422, "validation-failed");
  assert.deepEqual(errors.map(({ pointer }: Body) => pointer), ["/options/ignoreResult"]);
  const config = { name: "both", input: z.null(), ignoreResult: true, cache: { ttlMs: 1 } };
  assert.throws(() => define(config, () => null), /Cannot define "both": ignoreResult and cache/);
});
