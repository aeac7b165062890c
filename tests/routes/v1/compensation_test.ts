import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { Folder } from "../../support/folder.ts";
import { Gates } from "../../support/gates.ts";
import { aKey } from "../../support/api_keys.ts";
import { aService, assertProblem, type Body, type Call, type Service } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const FAIL = { task: "fail", input: { message: "no luck" } };

/** Tells what it was called with, in the order of its calls. */
function aLedger() {
  const lines: unknown[] = [];
  const undo = define({ name: "undo", input: z.unknown() }, ({ input }) => {
    lines.push(input);
  });
  const picky = define(
    { name: "picky", input: z.object({ of: z.unknown(), by: z.string() }) },
    ({ input }) => {
      lines.push(input);
    },
  );
  const stubborn = define({ name: "stubborn", input: z.unknown() }, ({ attempt }) => {
    lines.push(`stubborn ${attempt}`);
    throw new RangeError("not taken back");
  });
  return { lines, definitions: [undo, picky, stubborn] };
}

async function flow(service: Service, spec: unknown): Promise<{ id: string; tasks: Record<string, Body> }> {
  const { status, body } = await service.post("/v1/flows", spec);
  assert.equal(status, 202, JSON.stringify(body));
  return { id: body.groupId, tasks: body.tasks };
}

async function ended(service: Service, id: string): Promise<Body> {
  return (await service.get(`/v1/groups/${id}?wait=30`)).body;
}

const echo = (value: unknown, compensate: unknown) => ({
  task: "echo",
  input: { value },
  options: { compensate },
});

const UNDO = { task: "undo" };

Deno.test("what has completed of a failed group is taken back, in reverse order of completion", async () => {
  const gates = new Gates();
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions: [gates.definition, ...definitions] });
  const gate = (input: unknown) => ({ task: "gate", input, options: { compensate: UNDO } });
  const { id, tasks } = await flow(service, {
    tasks: { a: gate("a"), b: gate("b"), c: gate("c"), d: { task: "gate", input: "d" }, e: gate("e") },
  });
  const idOf = (name: string) => tasks[name].id as string;
  // In another order than that of their submit.
  for (const name of ["c", "a", "d", "b"]) {
    gates.open(idOf(name), `${name} done`);
    await service.ended(idOf(name));
  }
  const { body: before } = await service.get(`/v1/groups/${id}`);
  assert.deepEqual([before.state, before.compensation], ["RUNNING", null]);
  gates.fail(idOf("e"), new Error("no luck"));
  const group = await ended(service, id);
  assert.deepEqual(lines, [
    { input: "b", result: "b done" },
    { input: "a", result: "a done" },
    { input: "c", result: "c done" },
  ]);
  assert.equal(group.state, "FAILED");
  const { groupId, endedAt, ...counts } = group.compensation;
  assert.deepEqual(counts, { total: 3, done: 3, failed: 0 });
  assert.equal(endedAt, group.endedAt);
  // They are a group of their own, and say what each has taken back.
  const own = await ended(service, groupId);
  assert.deepEqual([own.state, own.total, own.counts], ["COMPLETED", 3, { COMPLETED: 3 }]);
  assert.deepEqual(own.nodes.map(({ name }: Body) => name), ["b", "a", "c"]);
  const first = await service.task(own.nodes[0].id);
  assert.equal(first.compensates, idOf("b"));
  assert.deepEqual(first.input, { input: "b", result: { $task: idOf("b") } });
  assert.equal((await service.task(idOf("b"))).compensatedBy, "undo");
  // The group has its own tasks only.
  assert.deepEqual([group.total, group.done], [5, 5]);
});

Deno.test("nothing of a group that completes is taken back, and no policy means one that goes on", async () => {
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions });
  const { id } = await flow(service, { group: [echo(1, UNDO), echo(2, UNDO)] });
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.compensation], ["COMPLETED", null]);
  assert.deepEqual(group.policy, { onFailure: "continue", maxFailures: 0, deadlineAt: null });
  const bearable = await flow(service, {
    group: [echo(1, UNDO), FAIL],
    options: { group: { maxFailures: 1 } },
  });
  assert.equal((await ended(service, bearable.id)).state, "COMPLETED");
  assert.deepEqual(lines, []);
});

Deno.test("a group ends when all is taken back: until then it is CANCELLING, and takes no retry", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const { id, tasks } = await flow(service, {
    tasks: { good: echo(1, { task: "gate" }), bad: { ...FAIL, waitFor: ["good"] } },
  });
  const running = await eventually(async () => {
    const { body } = await service.get(`/v1/groups/${id}`);
    return body.compensation?.groupId ? body : false;
  });
  assert.deepEqual([running.state, running.endedAt, running.done], ["CANCELLING", null, 2]);
  assert.deepEqual([running.compensation.total, running.compensation.done], [1, 0]);
  assertProblem(await service.post(`/v1/tasks/${tasks.bad.id}/retry`, {}), 409, "conflict");
  assertProblem(await service.delete(`/v1/tasks/${tasks.good.id}`), 409, "conflict");
  const { body: own } = await service.get(`/v1/groups/${running.compensation.groupId}`);
  gates.open(own.nodes[0].id);
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.compensation.done], ["FAILED", 1]);
  // Now that it is done nothing of it is needed any more.
  assert.equal((await service.delete(`/v1/tasks/${tasks.good.id}`)).status, 204);
});

Deno.test("a cancelled group and one that fails at once are taken back, too", async () => {
  const gates = new Gates();
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions: [gates.definition, ...definitions] });
  const LATER = { task: "echo", input: { value: 1 }, options: { delayMs: 60_000 } };
  const cancelled = await flow(service, { tasks: { a: echo("cancelled", UNDO), b: LATER } });
  await service.ended(cancelled.tasks.a.id);
  await service.post(`/v1/groups/${cancelled.id}/cancel`, {});
  assert.equal((await ended(service, cancelled.id)).state, "CANCELLED");
  const atOnce = await flow(service, {
    tasks: { a: echo("at once", UNDO), b: { ...FAIL, waitFor: ["a"] }, c: LATER },
    options: { group: { onFailure: "cancel-all-and-fail" } },
  });
  assert.equal((await ended(service, atOnce.id)).state, "FAILED");
  await eventually(async () => {
    return (await service.get(`/v1/groups/${atOnce.id}`)).body.compensation?.endedAt ?? false;
  });
  assert.deepEqual(lines.map((line) => (line as Body).input.value), ["cancelled", "at once"]);
});

Deno.test("a compensation that fails is retried as its options say, named in the group's errors, and the others go on", async () => {
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions });
  const stubborn = { task: "stubborn", options: { retry: { maxAttempts: 2, delayMs: 0 }, tags: ["saga"] } };
  const { id, tasks } = await flow(service, {
    chain: [
      { ...echo("first", UNDO), name: "first" },
      { ...echo("second", stubborn), name: "second", immutable: true },
      { ...FAIL, name: "bad", immutable: true },
    ],
  });
  const group = await ended(service, id);
  assert.deepEqual(lines, ["stubborn 1", "stubborn 2", { input: { value: "first" }, result: "first" }]);
  assert.deepEqual([group.compensation.done, group.compensation.failed], [1, 1]);
  const [own, taken] = group.errors;
  assert.deepEqual([own.name, own.compensates], ["bad", undefined]);
  assert.deepEqual([taken.task, taken.name, taken.compensates], ["stubborn", "second", tasks.second.id]);
  assert.deepEqual([taken.error.name, taken.error.message], ["RangeError", "not taken back"]);
  // A retry of it is another try, and counts.
  assert.equal((await service.post(`/v1/tasks/${taken.id}/retry`, {})).status, 202);
  await service.ended(taken.id);
  const listed = await service.get(`/v1/tasks?groupId=${group.compensation.groupId}&tag=saga`);
  assert.deepEqual(listed.body.tasks.map((task: Body) => task.attempt), [4]);
});

Deno.test("into puts what it takes back beside its own input; immutable leaves it with that alone", async () => {
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions });
  const { id } = await flow(service, {
    chain: [
      echo(1, { task: "picky", into: "of", input: { by: "me" } }),
      { ...echo(2, { task: "undo", immutable: true, input: { alone: true } }), immutable: true },
      { ...FAIL, immutable: true },
    ],
  });
  assert.equal((await ended(service, id)).state, "FAILED");
  assert.deepEqual(lines, [{ alone: true }, { by: "me", of: { input: { value: 1 }, result: 1 } }]);
});

Deno.test("a compensation gets the input as its task got it: with the results of others, kept so long", async () => {
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions });
  const kept = { retentionMs: 0 };
  const { id } = await flow(service, {
    tasks: {
      source: { task: "echo", input: { value: "from the source" }, options: kept },
      sum: {
        task: "echo",
        input: { value: [{ $task: "source" }, { $quote: { $task: "only data" } }] },
        options: { compensate: UNDO, ...kept },
      },
      silent: {
        task: "echo",
        input: { value: 1 },
        waitFor: ["sum"],
        options: { compensate: UNDO, ignoreResult: true, ...kept },
      },
      bad: { ...FAIL, waitFor: ["silent"], options: { delayMs: 1_500, ...kept } },
    },
  });
  assert.equal((await ended(service, id)).state, "FAILED");
  const value = ["from the source", { $task: "only data" }];
  assert.deepEqual(lines, [{ input: { value: 1 }, result: null }, { input: { value }, result: value }]);
});

Deno.test("batches and maps have compensations, too", async () => {
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions });
  const sent = await service.post("/v1/tasks/batch", { tasks: [echo("b", UNDO), FAIL], group: true });
  assert.equal((await ended(service, sent.body.groupId)).compensation.done, 1);
  const map = await service.post("/v1/map", {
    task: "fail",
    map: { message: ["one", "two"], untilAttempt: [1, 9] },
    options: { compensate: { task: "undo", into: "of" } },
  });
  assert.equal((await ended(service, map.body.groupId)).compensation.done, 1);
  assert.deepEqual(lines, [
    { input: { value: "b" }, result: "b" },
    { of: { input: { message: "one", untilAttempt: 1 }, result: 1 } },
  ]);
});

Deno.test("what is redacted of a task's input is redacted of its compensation's, too", async () => {
  const secret = define(
    { name: "secret", input: z.object({ password: z.string() }), redact: ["/password"] },
    () => null,
  );
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions: [secret, ...definitions] });
  const { id } = await flow(service, {
    chain: [
      { task: "secret", input: { password: "swordfish" }, options: { compensate: UNDO } },
      { ...FAIL, immutable: true },
    ],
  });
  const group = await ended(service, id);
  assert.deepEqual(lines, [{ input: { password: "swordfish" }, result: null }]);
  const { body: own } = await service.get(`/v1/groups/${group.compensation.groupId}`);
  assert.deepEqual((await service.task(own.nodes[0].id)).input.input, { password: "[redacted]" });
});

const MANY = "x".repeat(9_000);

for (
  const [what, spec, pointer, message] of [
    ["of a single task", ["/v1/tasks", echo(1, UNDO)], "/options/compensate", /only of a task in a group/],
    [
      "of a batch that is no group",
      ["/v1/tasks/batch", { tasks: [echo(1, UNDO)] }],
      "/tasks/0/options/compensate",
      /only of a task in a group/,
    ],
    [
      "of a chain within a flow",
      ["/v1/flows", { group: [{ chain: [FAIL], compensate: UNDO }] }],
      "/group/0/compensate",
      /in the options of each task/,
    ],
    [
      "beside options",
      ["/v1/flows", { group: [{ ...FAIL, compensate: UNDO }] }],
      "/group/0/compensate",
      /in options/,
    ],
    [
      "of an unknown definition",
      ["/v1/flows", { group: [echo(1, { task: "undoo" })] }],
      "/group/0/options/compensate/task",
      /undoo/,
    ],
    [
      "of a compensation",
      ["/v1/flows", { group: [echo(1, { task: "undo", options: { compensate: UNDO } })] }],
      "/group/0/options/compensate/options/compensate",
      /none of its own/,
    ],
    [
      "that waits",
      ["/v1/flows", { group: [echo(1, { task: "undo", options: { waitFor: [] } })] }],
      "/group/0/options/compensate/options/waitFor",
      /one after the other/,
    ],
    [
      "that refers to a task, as in a cycle",
      ["/v1/flows", {
        tasks: { a: echo(1, { task: "undo", immutable: true, input: { x: { $task: "a" } } }) },
      }],
      "/tasks/a/options/compensate/input/x",
      /must not refer to tasks/,
    ],
    [
      "with an input and no word on what becomes of the task's",
      ["/v1/flows", { group: [echo(1, { task: "undo", input: { a: 1 } })] }],
      "/group/0/options/compensate/input",
      /"into"/,
    ],
    [
      "with into and immutable",
      ["/v1/flows", { group: [echo(1, { task: "undo", into: "a", immutable: true })] }],
      "/group/0/options/compensate/into",
      /not together/,
    ],
    [
      "with a field twice",
      ["/v1/flows", { group: [echo(1, { task: "undo", into: "a", input: { a: 1 } })] }],
      "/group/0/options/compensate/into",
      /of its own already/,
    ],
    [
      "whose own input is wrong",
      ["/v1/flows", { group: [echo(1, { task: "picky", into: "of", input: { by: 7 } })] }],
      "/group/0/options/compensate/input/by",
      /string/,
    ],
    [
      "that can't take what it gets",
      ["/v1/flows", { group: [echo(1, { task: "add" })] }],
      "/group/0/options/compensate",
      /its input would not do, at \/a/,
    ],
    [
      "of a task that another call may have made",
      ["/v1/flows", { group: [{ ...FAIL, options: { unique: {}, compensate: UNDO } }] }],
      "/group/0/options/compensate",
      /not together with unique/,
    ],
    [
      "of a task whose result may be there",
      ["/v1/flows", { group: [{ ...FAIL, options: { cache: { ttlMs: 1 }, compensate: UNDO } }] }],
      "/group/0/options/compensate",
      /not together with unique, debounce or cache/,
    ],
    [
      "that is too large",
      ["/v1/flows", { group: [echo(1, { task: "undo", immutable: true, input: MANY })] }],
      "/group/0/options/compensate",
      /at most 8192 bytes/,
    ],
    [
      "of a task with one of several results",
      ["/v1/flows", {
        tasks: {
          a: FAIL,
          b: {
            ...echo({ $task: "a", $allowFailure: true }, UNDO),
            waitFor: { anyOf: ["a"] },
          },
        },
      }],
      "/tasks/b/options/compensate",
      /one of anyOf/,
    ],
  ] as [string, [string, unknown], string, RegExp][]
) {
  Deno.test(`a compensation ${what} is refused, and nothing is stored`, async () => {
    const { definitions } = aLedger();
    await using service = await aService({ definitions });
    const [path, body] = spec;
    const answer = await service.post(path, body);
    const slug = what.includes("unknown definition") ? "unknown-definition" : "validation-failed";
    assertProblem(answer, 422, slug);
    const { errors } = answer.body;
    assert.deepEqual(
      [...new Set(errors.map((error: Body) => error.pointer))],
      [pointer],
      JSON.stringify(errors),
    );
    assert.match(errors[0].message, message);
    const { body: { tasks } } = await service.get("/v1/tasks");
    assert.deepEqual(tasks, []);
  });
}

Deno.test("a key that may not submit a definition may not leave it behind; a tenant's are its own", async () => {
  const { lines, definitions } = aLedger();
  const boss = aKey(["admin"], "boss");
  await using service = await aService({ definitions, apiKeys: [boss.key] });
  const keyed = async (more: Body): Promise<Call> => {
    const { body } = await service.post("/v1/keys", { scopes: ["submit", "read"], ...more }, boss);
    return { headers: { authorization: `Bearer ${body.secret}` } };
  };
  const narrow = await keyed({ name: "narrow", patterns: ["task:echo", "task:fail"] });
  const spec = { group: [echo(1, UNDO), FAIL] };
  const refused = await service.post("/v1/flows", spec, narrow);
  assertProblem(refused, 422, "unknown-definition", "/group/0/options/compensate/task");
  const acme = await keyed({ name: "acme", tenant: "acme" });
  const { body: { groupId } } = await service.post("/v1/flows", spec, acme);
  const { body: group } = await service.get(`/v1/groups/${groupId}?wait=30`, acme);
  assert.deepEqual([group.state, group.compensation.done, lines.length], ["FAILED", 1, 1]);
  const { body: own } = await service.get(`/v1/groups/${group.compensation.groupId}`, acme);
  assert.deepEqual(own.counts, { COMPLETED: 1 });
  assert.equal((await service.get(`/v1/groups/${group.compensation.groupId}`, boss)).status, 404);
});

Deno.test("a schedule has no compensation", async () => {
  const { definitions } = aLedger();
  await using service = await aService({ definitions });
  const body = {
    task: "echo",
    input: { value: 1 },
    spec: [{ everyMs: 60_000 }],
    options: { compensate: UNDO },
  };
  const answer = await service.send("PUT", "/v1/schedules/nightly", body);
  assertProblem(answer, 422, "validation-failed", "/options/compensate");
});

Deno.test("a task that a running one adds to its group is taken back with the others", async () => {
  const { lines, definitions } = aLedger();
  const adds = define({ name: "adds", input: z.unknown() }, async ({ addToGroup }) => {
    const added = await addToGroup("echo", { value: "added" }, { compensate: UNDO });
    await added.result();
    throw new Error("no luck");
  });
  await using service = await aService({ definitions: [adds, ...definitions] });
  const { id } = await flow(service, { group: [{ task: "adds" }], options: { group: {} } });
  const group = await ended(service, id);
  assert.deepEqual([group.state, group.total, group.compensation.done], ["FAILED", 2, 1]);
  assert.deepEqual(lines, [{ input: { value: "added" }, result: "added" }]);
  // Without a policy the end of a group is not final.
  const open = await flow(service, { group: [{ task: "adds" }] });
  const { errors } = await ended(service, open.id);
  assert.match(errors[0].error.message, /only in a group with a policy/);
});

Deno.test("what cannot be submitted any more is named in the errors, and the others go on", async () => {
  const { lines, definitions } = aLedger();
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  const spec = {
    tasks: {
      first: echo("first", UNDO),
      second: { ...echo("second", { task: "stubborn" }), waitFor: ["first"] },
      third: { ...echo("third", UNDO), waitFor: ["second"] },
      later: { task: "echo", input: { value: 1 }, options: { delayMs: 600_000 } },
    },
  };
  const made = await (async () => {
    await using service = await aService({ path, definitions });
    const made = await flow(service, spec);
    await service.ended(made.tasks.third.id);
    return made;
  })();
  // A release that has no such definition any more.
  await using service = await aService({ path, definitions: definitions.slice(0, 2) });
  await service.post(`/v1/groups/${made.id}/cancel`, {});
  const group = await ended(service, made.id);
  const { groupId, endedAt: _, ...counts } = group.compensation;
  assert.deepEqual([group.state, counts], ["CANCELLED", { total: 3, done: 2, failed: 1 }]);
  assert.deepEqual(lines.map((line) => (line as Body).result), ["third", "first"]);
  const [{ id, task, state, compensates, error }] = group.errors;
  assert.deepEqual([id, task, state, compensates], [null, "stubborn", null, made.tasks.second.id]);
  assert.equal(error.name, "UnknownDefinitionError");
  const own = await ended(service, groupId);
  assert.deepEqual([own.state, own.total], ["COMPLETED", 2]);
});

Deno.test("a repeat of the call gets the first answer, and takes nothing back a second time", async () => {
  const { lines, definitions } = aLedger();
  await using service = await aService({ definitions });
  const headers = { "idempotency-key": "a-trip" };
  const spec = { group: [echo(1, UNDO), FAIL] };
  const first = await service.post("/v1/flows", spec, { headers });
  assert.equal((await ended(service, first.body.groupId)).state, "FAILED");
  const again = await service.post("/v1/flows", spec, { headers });
  assert.deepEqual(again.body, first.body);
  assert.equal(first.body.tasks["0"].compensatedBy, "undo");
  assert.equal(lines.length, 1);
});
