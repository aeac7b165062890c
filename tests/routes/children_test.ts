// Tasks that functions submit while they run.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, type Child, define } from "../../runtime/core/define.ts";
import { add } from "../../tasks/add.ts";
import { handsOn, namedOnThread, onRefuse, refuse, relay } from "../support/thread_tasks.ts";
import { Folder } from "../support/folder.ts";
import { aService, type Body, type Service } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";

/** Adds numbers by a task for each, one in another; `fails` attempts fail when the children are done. */
const sum = define(
  {
    name: "sum",
    input: z.object({ numbers: z.array(z.number()), fails: z.int().default(0) }),
    output: z.number(),
    retry: { maxAttempts: 5, delayMs: 1 },
  },
  async ({ input, submit, attempt }) => {
    const children = await Promise.all(input.numbers.map((n) => submit(add, { a: n, b: 0 })));
    const results: number[] = await Promise.all(children.map((child) => child.result()));
    if (attempt <= input.fails) throw new Error("once more");
    return results.reduce((all, one) => all + one, 0);
  },
);

/** Each level submits the next one and waits for it. */
const nest: AnyDefinition = define(
  { name: "nest", input: z.object({ depth: z.int() }), output: z.int() },
  async ({ input: { depth }, submit }): Promise<number> => {
    if (depth === 0) return 0;
    const child = await submit("nest", { depth: depth - 1 });
    return 1 + (await child.result() as number);
  },
);

/** Submits one that fails until its own attempt `untilAttempt`, and waits for it. */
const hopeful = define(
  { name: "hopeful", input: z.object({ untilAttempt: z.int() }), retry: { maxAttempts: 3, delayMs: 1 } },
  async ({ input, submit }) => {
    const child = await submit("fail", { message: "not yet", ...input });
    return await child.result();
  },
);

/** Throws what it is told, as many errors as there are names, each caused by the next. */
const throwAll = define(
  { name: "throwAll", input: z.object({ names: z.array(z.string()), message: z.string(), inner: z.int() }) },
  ({ input: { names, message, inner } }) => {
    const errors = Array.from({ length: inner }, (_, i) => new RangeError(`${i}`));
    const error = (i: number): Error => {
      const cause = i + 1 < names.length ? { cause: error(i + 1) } : {};
      const made = inner > 0 ? new AggregateError(errors, message, cause) : new Error(message, cause);
      return Object.assign(made, { name: names[i] });
    };
    throw error(0);
  },
);

/** Hands its input to a child of its own, `depth` levels down. */
const handDown: AnyDefinition = define(
  { name: "handDown", input: z.object({ depth: z.int(), child: z.any() }) },
  async ({ input: { depth, child }, submit }) => {
    const made = depth === 0
      ? await submit("throwAll", child)
      : await submit("handDown", { depth: depth - 1, child });
    return await made.result();
  },
);

/** Submits sleepers and does not wait for them; returns after `ms`. */
const parent = define(
  { name: "parent", input: z.object({ ms: z.int() }) },
  async ({ input, submit, signal }) => {
    const children = [];
    for (const value of [1, 2]) children.push((await submit("sleep", { ms: 60_000, value })).id);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, input.ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve(null);
      });
    });
    return children;
  },
);

const hopefulOfRefuse = define(
  { name: "hopefulOfRefuse", input: z.object({}) },
  async ({ submit }) => await (await submit("refuse")).result(),
);

const definitions: AnyDefinition[] = [throwAll, handDown, sum, nest, hopeful, hopefulOfRefuse, parent, relay];

async function childrenOf(service: Service, parentId: string): Promise<Body[]> {
  const { body } = await service.get(`/v1/tasks?parentId=${parentId}`);
  for (const task of body.tasks) assert.equal(task.parentId, parentId);
  return body.tasks;
}

Deno.test("a function submits tasks of its own and gets their results, also with one slot for all of them", async () => {
  await using service = await aService({ definitions, concurrency: 1 });
  const ended = await service.run("sum", { numbers: [1, 2, 3, 4] });
  assert.equal(ended.result, 10);
  const children = await childrenOf(service, ended.id);
  assert.deepEqual(
    children.map(({ task, state }) => [task, state.type]),
    Array(4).fill(["add", "COMPLETED"]),
  );
  assert.equal((await service.run("nest", { depth: 12 })).result, 12);
});

Deno.test("on one worker thread a function waits for a task that needs a thread too", async () => {
  await using service = await aService({ definitions, concurrency: 1, threads: 1 });
  assert.equal((await service.run("relay", { depth: 3 })).result, 3);
});

Deno.test("an attempt that is run again finds the children of the one before", async () => {
  await using service = await aService({ definitions });
  const ended = await service.run("sum", { numbers: [5, 6], fails: 2 });
  assert.deepEqual([ended.result, ended.attempt], [11, 3]);
  const children = await childrenOf(service, ended.id);
  assert.deepEqual(children.map(({ attempt }) => attempt), [1, 1]);
});

Deno.test("a child that failed is told to its parent, and run again by the parent's next attempt", async () => {
  await using service = await aService({ definitions });
  const ended = await service.run("hopeful", { untilAttempt: 3 });
  assert.deepEqual([ended.state.type, ended.result, ended.attempt], ["COMPLETED", 3, 3]);
  const [child, ...others] = await childrenOf(service, ended.id);
  assert.deepEqual([child.attempt, others.length], [3, 0]);
  const failed = await service.run("hopeful", { untilAttempt: 9 });
  assert.equal(failed.state.type, "FAILED");
  assert.equal(failed.error.name, "ChildFailedError");
  assert.match(failed.error.message, /ended FAILED: Error: not yet/);
});

Deno.test("a child that failed for good fails its parent for good, with the child's error as its cause", async () => {
  for (const thread of [false, true]) {
    await using service = await aService({ definitions: [...definitions, refuse, onRefuse] });
    const task = thread ? "onRefuse" : "hopefulOfRefuse";
    const failed = await service.run(task, {}, { retry: { maxAttempts: 3, delayMs: 1 } });
    assert.deepEqual([failed.state.name, failed.attempt], ["Failed", 1]);
    const { name, retryable, cause } = failed.error;
    assert.deepEqual([name, retryable], ["ChildFailedError", false]);
    assert.deepEqual([cause.name, cause.message, cause.retryable], ["RangeError", "not again", false]);
    assert.equal(cause.cause.name, "TypeError");
  }
});

Deno.test("the cause of a child that failed is the child's error, whole: long, deep and of several", async () => {
  await using service = await aService({ definitions });
  const causesOf = (error: Body): string[] => error ? [error.name, ...causesOf(error.cause)] : [];
  const failed = "ChildFailedError";
  for (
    const [depth, child, names] of [
      [0, { names: ["ValueError"], message: "aah!", inner: 0 }, [failed, "ValueError"]],
      [0, { names: ["ValueError"], message: "a".repeat(1_900), inner: 0 }, [failed, "ValueError"]],
      [0, { names: ["A", "B", "C", "D", "E"], message: "m", inner: 0 }, [failed, "A", "B", "C", "D", "E"]],
      [0, { names: ["Several"], message: "m", inner: 2 }, [failed, "Several"]],
      [5, { names: ["ValueError"], message: "aah!", inner: 0 }, [...Array(6).fill(failed), "ValueError"]],
      [12, { names: ["ValueError"], message: "aah!", inner: 0 }, [...Array(9).fill(failed), "ValueError"]],
    ] as const
  ) {
    const { error } = await service.run("handDown", { depth, child });
    assert.deepEqual(causesOf(error), names, `depth ${depth}, ${JSON.stringify(child).slice(0, 80)}`);
    const messages = error.cause.errors?.map(({ message }: Body) => message) ?? [];
    assert.deepEqual(messages, child.inner === 0 ? [] : ["0", "1"]);
  }
});

Deno.test("a child as a text is its id, on the main thread and on another", async () => {
  const named = define({ name: "named", input: z.object({}) }, async ({ submit }) => {
    const child = await submit(add, { a: 1, b: 2 });
    return [child.id, `${child}`, Object.keys(child)];
  });
  await using service = await aService({ definitions: [named, namedOnThread] as AnyDefinition[] });
  for (const task of ["named", "namedOnThread"]) {
    const { id, result: [childId, text, keys] } = await service.run(task);
    assert.deepEqual([childId, keys], [(await childrenOf(service, id))[0].id, ["id"]]);
    assert.equal(text, childId);
  }
});

Deno.test("a child in the input of another stands for its result, also on a thread and in the next attempt", async () => {
  let attempts = 0;
  const inline: AnyDefinition = define(
    { name: "inline", input: z.object({}), retry: { maxAttempts: 2, delayMs: 1 } },
    async ({ submit }) => {
      const first = await submit(add, { a: 1, b: 2 });
      const second = await submit(add, { a: first, b: first });
      const shared = [first];
      const last = await submit("echo", { value: { deep: [second, "plain", shared], again: shared } });
      // @ts-expect-error -- of a child that gives something else
      const _wrong = () => submit(add, { a: last as Child<string>, b: 1 });
      if (++attempts === 1) throw new Error("once more");
      return await last.result();
    },
  );
  await using service = await aService({ definitions: [inline, handsOn] as AnyDefinition[] });
  const { id, result, attempt } = await service.run("inline", {});
  assert.deepEqual([result, attempt], [{ deep: [6, "plain", [3]], again: [3] }, 2]);
  assert.equal((await childrenOf(service, id)).length, 3, "the second attempt has found them");
  assert.deepEqual((await service.run("handsOn", {})).result, { deep: [6, "plain", [3]] });
});

Deno.test("an input that contains itself, with or without a child in it, fails its submit", async () => {
  const round: AnyDefinition = define({ name: "round", input: z.object({}) }, async ({ submit }) => {
    const child = await submit(add, { a: 1, b: 2 });
    const value: Record<string, unknown> = { child };
    Object.assign(value, { one: value, other: value });
    await submit("echo", { value });
  });
  await using service = await aService({ definitions: [round] });
  const { state, error } = await service.run("round", {});
  assert.deepEqual([state.type, error.name], ["FAILED", "ResultNotSerializable"]);
});

Deno.test("a child that was deleted is made anew by the next attempt", async () => {
  const submitted: string[] = [];
  const forgetful: AnyDefinition = define(
    { name: "forgetful", input: z.object({}), retry: { maxAttempts: 2, delayMs: 1 } },
    async ({ submit, attempt }) => {
      const child = await submit(add, { a: 1, b: 2 });
      submitted.push(child.id);
      const sum = await child.result();
      if (attempt > 1) return sum;
      await service.request("DELETE", `/v1/tasks/${child.id}`);
      throw new Error("once more");
    },
  );
  await using service = await aService({ definitions: [forgetful] });
  assert.equal((await service.run("forgetful", {})).result, 3);
  assert.equal(new Set(submitted).size, 2);
});

Deno.test("a wrong input of a child, or an unknown name, is the function's error", async () => {
  const wrong = define({ name: "wrong", input: z.object({}) }, async ({ submit }) => {
    await submit("add", { a: 1 });
  });
  await using service = await aService({ definitions: [wrong] });
  const { state, error } = await service.run("wrong", {});
  assert.deepEqual([state.type, error.name], ["FAILED", "ValidationError"]);
  assert.match(error.message, /\/b/);
});

Deno.test("options of a child are checked like those of a submit", async () => {
  const careless = define(
    { name: "careless", input: z.object({ options: z.unknown() }) },
    async (context) => {
      await context.submit("add", { a: 1, b: 2 }, context.input.options as object);
    },
  );
  await using service = await aService({ definitions: [careless] });
  for (
    const [options, pointer] of [
      [{ priority: "high" }, "/options/priority"],
      [{ priority: 99 }, "/options/priority"],
      [{ delayMs: null }, "/options/delayMs"],
      [{ nonsense: 1 }, "/options/nonsense"],
    ] as const
  ) {
    const { state, error } = await service.run("careless", { options });
    assert.deepEqual([state.type, error.name], ["FAILED", "ValidationError"]);
    assert.match(error.message, new RegExp(`^${pointer}: `));
  }
  assert.equal((await service.get("/v1/tasks?task=add")).body.tasks.length, 0);
});

Deno.test("cancelling a parent cancels its children where that is asked for", async () => {
  await using service = await aService({ definitions });
  for (const children of [false, true]) {
    const task = await service.submit("parent", { ms: 60_000 });
    const running = async () => {
      return (await childrenOf(service, task.id)).filter(({ state }) => state.type === "RUNNING").length ===
        2;
    };
    await eventually(running, "it submits nothing");
    await service.post(`/v1/tasks/${task.id}/cancel`, { children, graceMs: 1_000 });
    await service.ended(task.id);
    const ids: string[] = (await childrenOf(service, task.id)).map(({ id }) => id);
    for (const id of ids) {
      if (!children) {
        assert.equal((await service.get(`/v1/tasks/${id}`)).body.state.type, "RUNNING");
        await service.post(`/v1/tasks/${id}/cancel`, { graceMs: 0 });
      }
      assert.equal((await service.ended(id)).state.type, "CANCELLED");
    }
  }
});

Deno.test("a parent that was asked to stop submits no child any more, and runs none again", async () => {
  const [again, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const told: string[] = [];
  const stubborn = define(
    { name: "stubborn", input: z.object({}), retry: { maxAttempts: 2, delayMs: 1 } },
    async ({ submit, attempt }) => {
      const failing = () => submit("fail", { message: "always" });
      if (attempt === 1) return await (await failing()).result();
      again.resolve();
      await cancelled.promise;
      for (const attemptIt of [failing, () => submit(add, { a: 1, b: 2 })]) {
        await attemptIt().catch((error) => told.push(error.name));
      }
    },
  );
  await using service = await aService({ definitions: [stubborn] });
  const task = await service.submit("stubborn", {});
  await again.promise;
  await service.post(`/v1/tasks/${task.id}/cancel`, { children: true, graceMs: 60_000 });
  cancelled.resolve();
  assert.equal((await service.ended(task.id)).state.type, "CANCELLED");
  assert.deepEqual(told, ["CancelledError", "CancelledError"]);
  const children = await childrenOf(service, task.id);
  assert.deepEqual(children.map(({ task, state, attempt }) => [task, state.type, attempt]), [
    ["fail", "FAILED", 1],
  ]);
});

Deno.test("a child whose parent is cancelled in the moment in which it is stored is not stored", async () => {
  const thrown: unknown[] = [];
  const late = define({ name: "late", input: z.object({}) }, async ({ task, submit }) => {
    const { kv } = service;
    const { commit } = kv;
    kv.commit = async (...args) => {
      kv.commit = commit;
      await elsewhere.post(`/v1/tasks/${task.id}/cancel`, { children: true, graceMs: 60_000 });
      return await commit.apply(kv, args);
    };
    await submit("sleep", { ms: 60_000 }).catch((error) => thrown.push(error));
  });
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  await using service = await aService({ path, definitions: [late] as AnyDefinition[] });
  await using elsewhere = await aService({ path, running: false });
  const { id, state } = await service.run("late");
  assert.equal(state.type, "CANCELLED");
  assert.deepEqual(thrown.map((error) => (error as Error).name), ["CancelledError"]);
  assert.deepEqual(await childrenOf(service, id), []);
});

Deno.test("a child whose parent is cancelled in the moment in which it is retried is not retried", async () => {
  const thrown: unknown[] = [];
  let childId: string;
  const again = define(
    { name: "again", input: z.object({}), retry: { maxAttempts: 2, delayMs: 1 } },
    async ({ task, attempt, submit }) => {
      const { kv } = service;
      const { get } = kv;
      // The retry has read the child; its commit is the next thing it does.
      if (attempt === 2) {
        kv.get = async (key) => {
          const found = await get.call(kv, key);
          if (key.at(-1) !== childId) return found as never;
          kv.get = get;
          await service.post(`/v1/tasks/${task.id}/cancel`, { children: false, graceMs: 60_000 });
          return found as never;
        };
      }
      try {
        const child = await submit("fail", { message: "not yet", untilAttempt: 2 });
        childId = child.id;
        await child.result();
      } catch (error) {
        if (attempt === 1) throw error;
        thrown.push(error);
      }
    },
  );
  await using service = await aService({ definitions: [again] as AnyDefinition[] });
  const { id, state } = await service.run("again");
  assert.equal(state.type, "CANCELLED");
  assert.deepEqual(thrown.map((error) => (error as Error).name), ["CancelledError"]);
  const [child] = await childrenOf(service, id);
  assert.deepEqual([child.state.type, child.attempt], ["FAILED", 1]);
});
