import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { aService, type Body } from "../support/service.ts";
import { pause } from "../support/waiting.ts";
import { failsOnThread } from "../support/thread_tasks.ts";

const never = new Promise<void>(() => {});
const anything = z.object({});

function states(task: Body): string[] {
  return task.history.map(({ name }: Body) => name);
}

Deno.test("a failed attempt is tried again until one succeeds", async () => {
  await using service = await aService();
  const retry = { maxAttempts: 5, delayMs: 1, jitter: false };
  const task = await service.run("fail", { message: "not yet", untilAttempt: 3 }, { retry });
  assert.deepEqual([task.result, task.attempt, task.maxAttempts], [3, 3, 5]);
  assert.deepEqual(states(task), [
    "Pending",
    "Running",
    "AwaitingRetry",
    "Pending",
    "Retrying",
    "AwaitingRetry",
    "Pending",
    "Retrying",
    "Completed",
  ]);
});

Deno.test("no retry comes before its pause is over, which grows by the factor up to maxDelayMs", async () => {
  await using service = await aService();
  const retry = { maxAttempts: 4, delayMs: 20, factor: 3, maxDelayMs: 50, jitter: false };
  const task = await service.run("fail", { message: "m" }, { retry });
  assert.deepEqual([task.state.type, task.state.name, task.attempt], ["FAILED", "RetriesExhausted", 4]);
  const at = (name: string) =>
    task.history.filter((state: Body) => state.name === name).map((state: Body) => Date.parse(state.at));
  const waits = at("AwaitingRetry").map((from: number, i: number) => at("Retrying")[i] - from);
  for (const [i, wanted] of [20, 50, 50].entries()) {
    assert.ok(waits[i] >= wanted - 1, `pause ${i}: ${waits[i]} ms, not ${wanted}`);
  }
});

Deno.test("an error that says retryable: false ends the task at once", async () => {
  await using service = await aService();
  const retry = { maxAttempts: 5, delayMs: 1 };
  const task = await service.run("fail", { message: "m", retryable: false }, { retry });
  assert.deepEqual([task.state.name, task.attempt, task.error.retryable], ["Failed", 1, false]);
});

Deno.test("an attempt that takes too long ends TimedOut and its signal is aborted", async () => {
  await using service = await aService();
  const task = await service.run("sleep", { ms: 60_000 }, { timeoutMs: 30 });
  assert.deepEqual([task.state.type, task.state.name], ["FAILED", "TimedOut"]);
  assert.equal(task.error.name, "TimeoutError");
});

Deno.test("an attempt that ignores its signal ends TimedOut all the same, and what it returns later is dropped", async () => {
  let aborted = false;
  const late = Promise.withResolvers<string>();
  const deaf = define({ name: "deaf", input: anything }, ({ signal }) => {
    signal.addEventListener("abort", () => aborted = true);
    return late.promise;
  });
  await using service = await aService({ definitions: [deaf] });
  const task = await service.run("deaf", {}, { timeoutMs: 30 });
  assert.equal(task.state.name, "TimedOut");
  assert.equal(aborted, true);
  late.resolve("too late");
  await service.run("add", { a: 1, b: 2 });
  assert.deepEqual(await service.task(task.id), task);
});

Deno.test("a timed out attempt is retried, and the next one gets its full time", async () => {
  const slowFirst = define({ name: "slow-first", input: anything }, async ({ attempt }) => {
    if (attempt === 1) await never;
    return attempt;
  });
  await using service = await aService({ definitions: [slowFirst] });
  const task = await service.run("slow-first", {}, {
    timeoutMs: 3_000,
    retry: { maxAttempts: 2, delayMs: 0 },
  });
  assert.deepEqual([task.state.type, task.result], ["COMPLETED", 2]);
});

Deno.test("a thread that computes without end is ended by its timeout", async () => {
  await using service = await aService();
  const task = await service.run("primes", { limit: 1e9 }, { timeoutMs: 100 });
  assert.equal(task.state.name, "TimedOut");
  assert.equal((await service.run("primes", { limit: 100 })).result, 25);
});

Deno.test("whatever is thrown ends the attempt with an error that can be read", async () => {
  const throwing: Record<string, () => unknown> = {
    null: () => null,
    undefined: () => undefined,
    text: () => "plain text",
    symbol: () => Symbol("s"),
    bare: () => Object.create(null),
    circular: () => {
      const error = new Error("round");
      error.cause = error;
      return error;
    },
    long: () => new Error("é".repeat(100_000)),
    causes: () => new Error("1", { cause: new Error("2", { cause: new Error("3") }) }),
    oddities: () => ({ name: 5, message: {}, retryable: "no", cause: 7 }),
  };
  const thrower = define({ name: "thrower", input: z.object({ what: z.string() }) }, ({ input }) => {
    throw throwing[input.what]();
  });
  await using service = await aService({ definitions: [thrower] });
  for (const what of Object.keys(throwing)) {
    const task = await service.run("thrower", { what });
    assert.deepEqual([task.state.type, typeof task.error.name], ["FAILED", "string"], what);
  }
});

Deno.test("an error's stack is kept only where the operator asked for it", async () => {
  for (const keepStacks of [false, true]) {
    await using service = await aService({ keepStacks });
    const { error } = await service.run("fail", { message: "m" });
    assert.equal("stack" in error, keepStacks);
  }
});

Deno.test("the stack of an attempt that is followed by another one is in its event, where stacks are kept", async () => {
  for (const keepStacks of [false, true]) {
    await using service = await aService({ keepStacks, definitions: [failsOnThread] });
    for (const task of ["fail", "failsOnThread"]) {
      const options = { retry: { maxAttempts: 3, delayMs: 0 } };
      const { id, history, error } = await service.run(task, { message: "m" }, options);
      const events = await service.events(`/v1/tasks/${id}/events`);
      assert.deepEqual(events.map(({ id }) => Number(id)), events.map((_, i) => i + 1));
      const errors = events.filter(({ event }) => event === "error").map(({ data }) => data);
      const ofAttempts = errors.slice(0, -1);
      assert.equal(ofAttempts.length, keepStacks ? 2 : 0);
      for (const [i, data] of ofAttempts.entries()) {
        assert.deepEqual([data.attempt, data.state.name], [i + 1, "AwaitingRetry"]);
        assert.deepEqual(data.state, history.find(({ seq }: Body) => seq === data.seq - 1));
        assert.equal(data.error.message, "m");
        assert.match(data.error.stack, /^Error: m\n\s+at /);
      }
      assert.deepEqual(errors.at(-1).error, error);
      assert.equal((await service.request("DELETE", `/v1/tasks/${id}`)).status, 204);
    }
  }
});

Deno.test("a result that breaks the output schema fails, and is not tried again", async () => {
  const liar = define(
    { name: "liar", input: anything, output: z.object({ n: z.int() }) },
    () => ({ n: "1" }) as never,
  );
  await using service = await aService({ definitions: [liar] });
  const task = await service.run("liar", {}, { retry: { maxAttempts: 3, delayMs: 1 } });
  assert.deepEqual([task.state.type, task.error.name, task.attempt], ["FAILED", "ResultInvalid", 1]);
  assert.match(task.error.message, /\/n/);
});

Deno.test("the record of a task whose every text is as long as allowed still fits", async () => {
  const wide = "\u4e16";
  const waits = define({ name: "waits", input: z.object({ text: z.string() }) }, ({ progress }) => {
    progress(1, 2, wide.repeat(1_000));
    const cause = (depth: number): Error =>
      new Error(wide.repeat(5_000), depth > 0 ? { cause: cause(depth - 1) } : {});
    throw Object.assign(cause(4), { name: wide.repeat(200) });
  });
  await using service = await aService({ definitions: [waits], keepStacks: true });
  const task = await service.run("waits", { text: wide.repeat(8_180) }, {
    tags: Array.from({ length: 20 }, (_, i) => wide.repeat(98) + String(i).padStart(2, "0")),
    metadata: { m: wide.repeat(1_360) },
    retry: { maxAttempts: 40, delayMs: 0 },
  });
  assert.deepEqual([task.state.name, task.attempt], ["RetriesExhausted", 40]);
  assert.ok(task.history.length >= 64);
});

Deno.test("nothing runs before the runtime is started", async () => {
  await using service = await aService({ running: false, doorbells: { call: true } });
  const { id } = await service.submit("add", { a: 1, b: 2 });
  await pause(30);
  assert.equal((await service.task(id)).state.type, "PENDING");
});

Deno.test("the newest 64 states at least stay with the task", async () => {
  await using service = await aService();
  const task = await service.run("fail", { message: "m" }, { retry: { maxAttempts: 40, delayMs: 0 } });
  assert.ok(task.history.length >= 64 && task.history.length <= 200, `${task.history.length}`);
  assert.equal(task.history.at(-1).name, "RetriesExhausted");
});
