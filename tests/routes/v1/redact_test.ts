// Secrets of an input: shown nowhere but to the function, and to who asks for the input itself. And what
// tasks are called.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { aService, assertProblem, type Body } from "../../support/service.ts";

const SECRET = 'hunter2 "quoted"';
const TOKEN = "tok-123456";

const login = define(
  {
    name: "login",
    input: z.object({
      user: z.string(),
      password: z.string().min(8),
      tokens: z.array(z.object({ token: z.string() })).default([]),
    }),
    redact: ["/password", "/tokens/*/token"],
    version: "7",
    displayName: ({ input }) => input.user === "" ? null : `login of ${input.user}`,
  },
  ({ input, log, progress }) => {
    log(`trying ${input.password}`, { with: [input.password], count: 3 });
    progress(1, 2, `sent ${input.password}`);
    if (input.user === "root") {
      const cause = new RangeError(`${JSON.stringify(input.password)} ${"x".repeat(1_966)}${input.password}`);
      throw new Error(`no such password: ${input.password}, ${input.tokens[0].token}`, { cause });
    }
    return input.password.length;
  },
);
const definitions = [login] as AnyDefinition[];
const input = { user: "root", password: SECRET, tokens: [{ token: TOKEN }] };
const shown = { user: "root", password: "[redacted]", tokens: [{ token: "[redacted]" }] };

function assertNoSecret(what: string, text: string): void {
  for (const secret of [SECRET, JSON.stringify(SECRET).slice(1, -1), TOKEN, "hunter"]) {
    assert.equal(text.includes(secret), false, `${what} tells ${secret}: ${text}`);
  }
}

Deno.test("what a definition redacts is shown nowhere: tasks, lists, errors, events, logs, schedules", async () => {
  const logged: string[] = [];
  const log = {
    info: () => {},
    error: (said: string, error: unknown) => void logged.push(`${said} ${(error as Error).stack} ${error}`),
  };
  await using service = await aService({ definitions, log, keepStacks: true });
  const task = await service.run("login", input);
  assert.equal(task.state.type, "FAILED");
  assert.deepEqual(task.input, shown);
  assert.match(task.error.message, /^no such password: \[redacted\], \[redacted\]$/);
  for (
    const path of [
      `/v1/tasks/${task.id}`,
      "/v1/tasks",
      "/v1/tasks?q=no%20such",
      `/v1/tasks/${task.id}/events`,
      `/v1/tasks/${task.id}/logs`,
      `/v1/tasks/${task.id}/result?raiseOnFailure=false`,
      `/v1/as-completed?id=${task.id}`,
      "/v1/definitions",
    ]
  ) assertNoSecret(path, (await service.get(path)).text);
  const { body: { tasks: [row] } } = await service.get("/v1/tasks");
  assert.deepEqual(JSON.parse(row.argsRepr), shown);
  const schedule = { task: "login", input, spec: [{ everyMs: 86_400_000 }] };
  assertNoSecret(
    "a schedule",
    (await service.request("PUT", "/v1/schedules/s", {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(schedule),
    })).text,
  );
  assertNoSecret("a schedule", (await service.get("/v1/schedules/s")).text);
  assert.match(logged.join(), /no such password: \[redacted\]/);
  assertNoSecret("the log", logged.join());
  const { body: logs } = await service.get(`/v1/tasks/${task.id}/logs`);
  assert.deepEqual(logs.logs[0].data, { with: ["[redacted]"], count: 3 });
});

Deno.test("the function has the input as it is, and so has who asks for it", async () => {
  await using service = await aService({ definitions });
  const own = { ...input, user: "me" };
  const { id, result } = await service.run("login", own);
  assert.equal(result, SECRET.length);
  assert.deepEqual((await service.get(`/v1/tasks/${id}?include=input`)).body.input, own);
  assert.deepEqual((await service.get(`/v1/tasks/${id}`)).body.input, { ...shown, user: "me" });
  const { body } = await service.post(`/v1/tasks/${id}/rerun`, {});
  assert.deepEqual(body.input, { ...shown, user: "me" });
  assert.equal((await service.ended(body.id)).result, SECRET.length);
  const chunks = { chunks: { task: "login", inputs: [own, own], size: 2 } };
  const flow = await service.post("/v1/flows", chunks);
  assert.equal(flow.status, 202, flow.text);
  const [{ id: chunk }] = Object.values(flow.body.tasks) as Body[];
  const ended = await service.ended(chunk);
  assert.deepEqual([ended.input[1].password, ended.result], ["[redacted]", [SECRET.length, SECRET.length]]);
});

Deno.test("the fault of a secret does not tell it, however short it is", async () => {
  await using service = await aService({ definitions, running: false });
  const faultsOf = async (password: unknown, tokens: unknown = []) => {
    const answer = await service.post("/v1/tasks", { task: "login", input: { user: "u", password, tokens } });
    return assertProblem(answer, 422, "validation-failed").errors as Body[];
  };
  for (const password of ["abc", 12, { deep: "secret" }]) {
    const [fault] = await faultsOf(password);
    assert.equal(fault.pointer, "/input/password");
    assert.doesNotMatch(fault.message, /abc|12|secret/);
  }
  const [fault] = await faultsOf("long enough", [{ token: 17 }]);
  assert.equal(fault.pointer, "/input/tokens/0/token");
  assert.doesNotMatch(fault.message, /17/);
  const { id } = await service.submit("login", { ...input, user: "u" });
  await service.post(`/v1/tasks/${id}/cancel`, {});
  const retried = await service.post(`/v1/tasks/${id}/retry`, { input: { user: "u", password: "abc" } });
  assert.doesNotMatch(retried.text, /abc/);
});

Deno.test("tasks tell their name and their definition's version, where they have one, and lists what they got", async () => {
  await using service = await aService({ definitions, running: false });
  const named = await service.submit("login", { ...input, user: "ada" });
  assert.deepEqual([named.displayName, named.version], ["login of ada", "7"]);
  const own = await service.submit("login", { ...input, user: "" }, { displayName: "mine" });
  assert.equal(own.displayName, "mine");
  const none = await service.submit("login", { ...input, user: "" });
  const plain = await service.submit("add", { a: 1, b: 2 });
  await service.submit("echo", { value: "y".repeat(200) });
  await service.submit("echo", { value: Array.from({ length: 20_000 }, () => Math.random()) });
  assert.deepEqual(["displayName" in none, "displayName" in plain, "version" in plain], [
    false,
    false,
    false,
  ]);
  const { body: { tasks } } = await service.get("/v1/tasks");
  const [large, long, add] = tasks;
  assert.equal(large.argsRepr, null);
  assert.match(long.argsRepr, /^\{"value":"y{109}…$/);
  assert.equal(add.argsRepr, '{"a":1,"b":2}');
  assert.equal(tasks[4].displayName, "mine");
  for (const displayName of ["", "a\nb", "x".repeat(201)]) {
    const body = { task: "add", input: { a: 1, b: 2 }, options: { displayName } };
    const { errors } = assertProblem(await service.post("/v1/tasks", body), 422, "validation-failed");
    assert.equal(errors[0].pointer, "/options/displayName");
  }
  const { body } = await service.get("/v1/definitions");
  const told = body.definitions.find(({ name }: Body) => name === "login");
  assert.deepEqual([told.version, told.redact], ["7", ["/password", "/tokens/*/token"]]);
});

Deno.test("a redact that is no pointer, and a version that is too long, are refused in code", () => {
  const config = { name: "no", input: z.null() };
  for (const pointer of ["password", "/a/~2", ""]) {
    assert.throws(() => define({ ...config, redact: [pointer] }, () => null), /redact has JSON Pointers/);
  }
  assert.throws(() => define({ ...config, version: "x".repeat(201) }, () => null), /version has at most 200/);
});
