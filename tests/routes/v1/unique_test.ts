import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { keysUnder } from "../../support/unique_keys.ts";
import { eventually } from "../../support/waiting.ts";
import { aService, type Body, type Service } from "../../support/service.ts";

/** Runs until it is told to end. */
function aGate() {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  const held = define(
    { name: "held", input: z.object({ n: z.int().optional() }) },
    async ({ input, signal }) => {
      if (!isOpen) {
        await new Promise<void>((resolve, reject) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      }
      return input.n ?? null;
    },
  );
  return {
    held,
    open() {
      isOpen = true;
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

async function submit(service: Service, input: unknown, options: unknown, task = "held") {
  return await service.post("/v1/tasks", { task, input, options });
}

/** All tasks of the group have ended, and there are so many of them. */
async function isDone(service: Service, groupId: string, total: number): Promise<void> {
  let group: Body;
  await eventually(async () => {
    group = (await service.get(`/v1/groups/${groupId}`)).body;
    return group.done === group.total;
  }, () => JSON.stringify(group));
  assert.equal(group.total, total, JSON.stringify(group));
}

const FAR = { delayMs: 24 * 60 * 60 * 1000 };

Deno.test("while a task has a key, submits with it get that task: 200 and Errand-Deduplicated", async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const first = await submit(service, { n: 1 }, { unique: { key: "a" } });
  assert.equal(first.status, 202, first.text);
  assert.equal(first.headers.get("errand-deduplicated"), null);
  const second = await submit(service, { n: 2 }, { unique: { key: "a" } });
  assert.deepEqual([second.status, second.body.id], [200, first.body.id], second.text);
  assert.equal(second.headers.get("errand-deduplicated"), "true");
  assert.equal(second.headers.get("location"), `/v1/tasks/${first.body.id}`);
  const other = await submit(service, { n: 2 }, { unique: { key: "b" } });
  assert.equal(other.status, 202, "another key");
  const elsewhere = await submit(service, { value: 1 }, { unique: { key: "a" } }, "echo");
  assert.equal(elsewhere.status, 202, "the key of another definition is another key");
  gate.open();
  assert.equal((await service.ended(first.body.id)).result, 1);
  const after = await submit(service, { n: 3 }, { unique: { key: "a" } });
  assert.equal(after.status, 202, "its end has freed the key");
  await service.ended(after.body.id);
});

Deno.test("without a key the input is the key, whatever the order of its fields", async () => {
  await using service = await aService({ running: false });
  const value = { a: 1, b: [{ c: 2, d: 3 }] };
  const same = { b: [{ d: 3, c: 2 }], a: 1 };
  const first = await submit(service, { value }, { unique: {} }, "echo");
  const second = await submit(service, { value: same }, { unique: {} }, "echo");
  assert.deepEqual([second.status, second.body.id], [200, first.body.id]);
  const other = await submit(service, { value: { ...value, a: 2 } }, { unique: {} }, "echo");
  assert.equal(other.status, 202);
});

Deno.test("two tenants do not share a key", async () => {
  await using service = await aService({ running: false });
  const { runtime } = service;
  const submitAs = async (tenant: string) => {
    const caller = { name: null, tenant, scopes: new Set(["admin" as const]), patterns: [] };
    const submission = { task: "echo", input: { value: 1 }, options: { unique: { key: "a" } } };
    return await runtime.for(caller).submit({
      batch: { submissions: [submission], pointerOf: (_, part) => part },
    });
  };
  const [one, other, again] = [await submitAs("one"), await submitAs("other"), await submitAs("one")];
  assert.notEqual(one.ids[0], other.ids[0]);
  assert.equal(again.ids[0], one.ids[0]);
});

Deno.test('onConflict "reject" answers 409 with the id of the task that has the key', async () => {
  await using service = await aService({ running: false });
  const unique = { key: "a", onConflict: "reject" };
  const first = await submit(service, { value: 1 }, { unique }, "echo");
  const { status, body } = await submit(service, { value: 1 }, { unique }, "echo");
  assert.equal(status, 409);
  assert.equal(body.errors[0].pointer, "/options/unique");
  assert.ok(body.detail.includes(first.body.id), body.detail);
});

Deno.test('onConflict "replace" gives a task that waits the new input, and refuses for one that has started', async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const unique = { key: "a", onConflict: "replace" };
  const first = await submit(service, { n: 1 }, { unique, ...FAR });
  const second = await submit(service, { n: 2 }, { unique });
  assert.deepEqual([second.status, second.body.id], [200, first.body.id], second.text);
  assert.deepEqual(second.body.input, { n: 2 });
  assert.equal(second.body.runAt, first.body.runAt, "it stays what it was but for its input");
  const running = await submit(service, { n: 1 }, { unique: { ...unique, key: "b" } });
  await service.until(running.body.id, "RUNNING");
  const third = await submit(service, { n: 2 }, { unique: { ...unique, key: "b" } });
  assert.equal(third.status, 409);
  assert.match(third.body.detail, /has started/);
  gate.open();
  assert.equal((await service.ended(running.body.id)).result, 1);
});

Deno.test('onConflict "cancel" stops the one that runs, and the newest starts when it has ended', async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const unique = { key: "a", onConflict: "cancel" };
  const first = (await submit(service, { n: 1 }, { unique })).body;
  await service.until(first.id, "RUNNING");
  const second = await submit(service, { n: 2 }, { unique });
  assert.equal(second.status, 202, second.text);
  assert.notEqual(second.body.id, first.id);
  assert.deepEqual(second.body.waitFor, [first.id]);
  assert.equal((await service.ended(first.id)).state.type, "CANCELLED");
  gate.open();
  const { result, startedAt } = await service.ended(second.body.id);
  assert.equal(result, 2);
  assert.ok(Date.parse(startedAt) >= Date.parse((await service.task(first.id)).finishedAt));
});

Deno.test('of several new ones under onConflict "cancel" the newest stays', async () => {
  const stubborn = Promise.withResolvers<void>();
  const held = define({ name: "held", input: z.object({ n: z.int() }) }, async ({ input }) => {
    if (input.n === 1) await stubborn.promise;
    return input.n;
  });
  await using service = await aService({ definitions: [held] });
  const unique = { key: "a", onConflict: "cancel" };
  const ids: string[] = [];
  for (const n of [1, 2, 3]) {
    ids.push((await submit(service, { n }, { unique })).body.id);
    if (n === 1) await service.until(ids[0], "RUNNING");
  }
  const [first, second, third] = ids;
  assert.deepEqual((await service.task(second)).state.name, "Superseded");
  assert.equal((await service.task(first)).state.type, "CANCELLING");
  assert.equal((await service.task(third)).state.name, "AwaitingDependencies", "the first one still runs");
  stubborn.resolve();
  assert.equal((await service.ended(third)).result, 3);
});

Deno.test('while: "waiting" frees the key at the start', async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const unique = { key: "a", while: "waiting" };
  const first = (await submit(service, { n: 1 }, { unique })).body;
  await service.until(first.id, "RUNNING");
  const second = await submit(service, { n: 2 }, { unique, ...FAR });
  assert.equal(second.status, 202);
  const third = await submit(service, { n: 3 }, { unique });
  assert.deepEqual([third.status, third.body.id], [200, second.body.id]);
  gate.open();
  await service.ended(first.id);
});

Deno.test('while: "forMs" keeps the key beyond the end of the task, for its time', async () => {
  await using service = await aService({ running: false });
  const unique = { key: "a", while: "forMs", forMs: 60 * 60 * 1000 };
  const first = (await submit(service, { value: 1 }, { unique, retentionMs: 0 }, "echo")).body;
  const cancelled = await service.post(`/v1/tasks/${first.id}/cancel`, {});
  assert.equal(cancelled.status, 200, cancelled.text);
  const second = await submit(service, { value: 2 }, { unique }, "echo");
  assert.deepEqual([second.status, second.body.id, second.body.state.type], [200, first.id, "CANCELLED"]);
  assert.equal((await service.delete(`/v1/tasks/${first.id}`)).status, 204);
  const third = await submit(service, { value: 3 }, { unique }, "echo");
  assert.equal(third.status, 202, "a deleted task has no key");
});

for (const end of ["cancel", "expire", "fail"]) {
  Deno.test(`a key is free after its task's end: ${end}`, async () => {
    await using service = await aService();
    const unique = { key: "a" };
    const far = { ...FAR, unique };
    const first = end === "fail"
      ? (await submit(service, { message: "no" }, { unique }, "fail")).body
      : (await submit(service, { message: "no" }, end === "expire" ? { ...far, ttlMs: 1 } : far, "fail"))
        .body;
    if (end === "cancel") await service.post(`/v1/tasks/${first.id}/cancel`, {});
    await service.ended(first.id);
    assert.deepEqual(await keysUnder(service.kv, "unique"), []);
    const second = await submit(service, { message: "no" }, far, "fail");
    assert.equal(second.status, 202);
  });
}

Deno.test("a retry is refused while another task has the key", async () => {
  await using service = await aService();
  const unique = { key: "a" };
  const first = (await submit(service, { message: "no" }, { unique }, "fail")).body;
  await service.ended(first.id);
  const second = (await submit(service, { message: "no" }, { unique, ...FAR }, "fail")).body;
  const refused = await service.post(`/v1/tasks/${first.id}/retry`, {});
  assert.equal(refused.status, 409, refused.text);
  assert.equal(refused.body.errors[0].pointer, "/options/unique");
  assert.ok(refused.body.detail.includes(second.id), refused.body.detail);
  await service.post(`/v1/tasks/${second.id}/cancel`, {});
  const [retried] = [await service.post(`/v1/tasks/${first.id}/retry`, { delayMs: undefined })];
  assert.equal(retried.status, 202, retried.text);
  await service.ended(first.id);
});

Deno.test("a retried task has its key again", async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const unique = { key: "a" };
  const first = (await submit(service, { n: 1 }, { unique, ...FAR })).body;
  await service.post(`/v1/tasks/${first.id}/cancel`, {});
  await service.post(`/v1/tasks/${first.id}/retry`, {});
  const second = await submit(service, { n: 2 }, { unique });
  assert.deepEqual([second.status, second.body.id], [200, first.id]);
  gate.open();
  await service.ended(first.id);
});

Deno.test("50 submits at the same instant make one task, and all get it", async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => submit(service, { n }, { unique: { key: "a" } })),
  );
  const ids = new Set(answers.map(({ body }) => body.id));
  assert.equal(ids.size, 1, [...ids].join());
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(49).fill(200), 202]);
  gate.open();
  await service.ended([...ids][0]);
});

Deno.test("two equal ones of a batch are one task, and its group counts it once", async () => {
  await using service = await aService();
  const one = { task: "echo", input: { value: 1 }, options: { unique: {} } };
  const { status, body, headers } = await service.post("/v1/tasks/batch", {
    tasks: [one, one, { ...one, input: { value: 2 } }],
    group: true,
  });
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(headers.get("errand-deduplicated"), "true");
  const [a, b, c] = body.tasks.map(({ id }: { id: string }) => id);
  assert.equal(a, b);
  assert.notEqual(a, c);
  await isDone(service, body.groupId, 2);
});

Deno.test("a task that was there joins the group of the batch, map or flow that gets it", async () => {
  const gate = aGate();
  await using service = await aService({ definitions: [gate.held] });
  const unique = { key: "a" };
  const first = (await submit(service, { n: 1 }, { unique })).body;
  const batch = await service.post("/v1/tasks/batch", {
    tasks: [{ task: "held", input: { n: 2 }, options: { unique } }, { task: "add", input: { a: 1, b: 2 } }],
    group: true,
  });
  assert.equal(batch.body.tasks[0].id, first.id, batch.text);
  const map = await service.post("/v1/map", {
    task: "held",
    inputs: [{ n: 2 }, { n: 3 }],
    options: { unique },
  });
  assert.deepEqual(map.body.tasks.map(({ id }: { id: string }) => id), [first.id, first.id], map.text);
  const flow = await service.post("/v1/flows", {
    tasks: {
      shared: { task: "held", input: { n: 4 }, options: { unique } },
      next: { task: "echo", input: { value: { $task: "shared" } } },
    },
  });
  assert.equal(flow.status, 202, flow.text);
  assert.equal(flow.body.tasks.shared.id, first.id, flow.text);
  gate.open();
  for (const [groupId, total] of [[batch.body.groupId, 2], [map.body.groupId, 1], [flow.body.groupId, 2]]) {
    await isDone(service, groupId, total);
  }
  assert.equal((await service.task(flow.body.tasks.next.id)).result, 1, "it waited for the shared one");
});

Deno.test("a repeat under an Idempotency-Key gets the same task, also when the key is free again", async () => {
  await using service = await aService({ running: false });
  const unique = { key: "a" };
  const first = (await submit(service, { value: 1 }, { unique }, "echo")).body;
  const repeat = () =>
    service.post("/v1/tasks", { task: "echo", input: { value: 2 }, options: { unique } }, {
      headers: { "idempotency-key": "k" },
    });
  const second = await repeat();
  assert.deepEqual([second.status, second.body.id], [200, first.id]);
  await service.post(`/v1/tasks/${first.id}/cancel`, {});
  const third = await repeat();
  assert.deepEqual([third.status, third.body.id], [200, first.id], third.text);
  assert.equal(third.headers.get("idempotency-replayed"), "true");
  assert.equal(third.headers.get("errand-deduplicated"), "true");
});

Deno.test("a definition says how its tasks are unique, by a function of the input; a submit may say otherwise", async () => {
  const sync = define({
    name: "sync",
    input: z.object({ user: z.string(), page: z.int().default(0) }),
    unique: { key: ({ input }) => input.user === "nobody" ? null : input.user, onConflict: "replace" },
  }, ({ input }) => input.page);
  await using service = await aService({ definitions: [sync], running: false });
  const first = (await submit(service, { user: "ann" }, undefined, "sync")).body;
  const second = await submit(service, { user: "ann", page: 2 }, undefined, "sync");
  assert.deepEqual([second.status, second.body.id, second.body.input.page], [200, first.id, 2]);
  assert.equal((await submit(service, { user: "bob" }, undefined, "sync")).status, 202);
  assert.equal((await submit(service, { user: "ann" }, { unique: false }, "sync")).status, 202);
  assert.equal((await submit(service, { user: "nobody" }, undefined, "sync")).status, 202);
  assert.equal((await submit(service, { user: "nobody" }, undefined, "sync")).status, 202, "no key");
  const rejected = await submit(service, { user: "ann" }, { unique: { onConflict: "reject" } }, "sync");
  assert.equal(rejected.status, 409, "the key of the definition, the conflict of the submit");
});

Deno.test("a child may be a task of others: its parent waits for it, and leaves it alone", async () => {
  const gate = aGate();
  let attempts = 0;
  const parent = define(
    { name: "parent", input: z.object({}), retry: { maxAttempts: 2, delayMs: 0 } },
    async ({ submit }) => {
      const child = await submit("held", { n: 2 }, { unique: { key: "a" } });
      if (++attempts === 1) throw new Error("once more");
      return [child.id, await child.result()];
    },
  );
  await using service = await aService({ definitions: [gate.held, parent] });
  const shared = (await submit(service, { n: 1 }, { unique: { key: "a" } })).body;
  const { id } = await service.submit("parent");
  await eventually(() => attempts === 2);
  gate.open();
  assert.deepEqual((await service.ended(id)).result, [shared.id, 1], "both attempts got the same one");
  assert.equal((await service.task(shared.id)).parentId, null);
});

const WRONG: [unknown, string, RegExp][] = [
  [{ key: "" }, "/options/unique/key", /1 char/],
  [{ key: "k".repeat(1024) }, "/options/unique/key", /255/],
  [{ while: "forMs" }, "/options/unique/forMs", /required with while/],
  [{ forMs: 5 }, "/options/unique/forMs", /only with while/],
  [{ while: "forMs", forMs: 0 }, "/options/unique/forMs", />=1/],
  [{ while: "never" }, "/options/unique/while", /waiting/],
  [{ onConflict: "drop" }, "/options/unique/onConflict", /return/],
  [{ keys: "a" }, "/options/unique/keys", /unknown field; did you mean "key"/],
];

Deno.test("what is wrong with unique is said with a pointer and the rule", async () => {
  await using service = await aService({ running: false });
  for (const [unique, pointer, rule] of WRONG) {
    const { status, body } = await submit(service, { value: 1 }, { unique }, "echo");
    assert.equal(status, 422, JSON.stringify(unique));
    assert.equal(body.errors[0].pointer, pointer, JSON.stringify(body.errors));
    assert.match(body.errors[0].message, rule);
  }
  const one = (await submit(service, { value: 1 }, undefined, "echo")).body.id;
  for (const onConflict of ["replace", "cancel"]) {
    const { status, body } = await submit(
      service,
      { value: { $task: one } },
      { unique: { onConflict } },
      "echo",
    );
    assert.equal(status, 422);
    assert.equal(body.errors[0].pointer, "/options/unique/onConflict");
  }
  const map = await service.post("/v1/map", {
    task: "echo",
    inputs: [{ value: 1 }],
    maxConcurrent: 2,
    options: { unique: {} },
  });
  assert.deepEqual([map.status, map.body.errors[0].pointer], [422, "/maxConcurrent"], map.text);
});
