// `softTimeoutMs` tells a function to end, and `timeoutMs` ends it.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { SoftTimeLimitError } from "../../mod.ts";
import { type AnyDefinition, define, type TaskContext } from "../../runtime/core/define.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { aService, type Body } from "../support/service.ts";
import { eventually, turn } from "../support/waiting.ts";

type Act = (context: TaskContext<unknown>) => unknown;

const stopped = ({ signal }: TaskContext<unknown>) =>
  new Promise<unknown>((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));

/** What the functions do once they run; each waits for its signal at first. */
const acts: Record<string, Act> = {
  "ends well": async (context) => await stopped(context) instanceof SoftTimeLimitError && "in time",
  throws: async (context) => {
    throw await stopped(context);
  },
  "goes on": async (context) => {
    await stopped(context);
    await new Promise(() => {});
  },
  "waits for a child": async ({ submit }) => {
    const child = await submit("gone", null, { delayMs: 3_600_000 });
    const waited = await child.result().catch((error) => error instanceof SoftTimeLimitError);
    const other = await submit("add", { a: 1, b: 2 });
    return [waited, await other.result()];
  },
};

async function aLimited() {
  const clock = new ManualClock();
  const begun: string[] = [];
  const limited = define({ name: "limited", input: z.string(), timeoutMs: 10_000 }, (context) => {
    begun.push(context.input);
    return acts[context.input](context);
  });
  const gone = define({ name: "gone", input: z.null(), softTimeoutMs: 50 }, () => null);
  const definitions = [limited, gone] as AnyDefinition[];
  const service = await aService({ definitions, clock, sweepMs: 1e9, repairMs: 1e9, mayLogErrors: true });
  return {
    clock,
    service,
    /** What each attempt that has begun does. */
    begun,
    /** The task runs, and so long has passed in it. */
    async after(ms: number, act: string, options: Body = {}): Promise<string> {
      const before = begun.length;
      const { id } = await service.submit("limited", act, { softTimeoutMs: 1_000, ...options });
      await eventually(() => begun.length > before);
      for (let i = 0; i < 20; i++) await turn();
      clock.advance(ms);
      return id;
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

Deno.test("a function may end well at its soft time limit, and what it returns counts", async () => {
  await using setup = await aLimited();
  const { service, after } = setup;
  const early = await after(999, "ends well");
  for (let i = 0; i < 20; i++) await turn();
  assert.equal((await service.task(early)).state.type, "RUNNING");
  setup.clock.advance(1);
  const { state, result, softTimeoutMs, timeoutMs } = await service.ended(early);
  assert.deepEqual([state.type, state.name, result], ["COMPLETED", "Completed", "in time"]);
  assert.deepEqual([softTimeoutMs, timeoutMs], [1_000, 10_000]);
});

Deno.test("a function that throws at its soft time limit has timed out, and is tried again", async () => {
  await using setup = await aLimited();
  const { service, after, clock, begun } = setup;
  const id = await after(1_000, "throws", { retry: { maxAttempts: 2, delayMs: 100, jitter: false } });
  const waiting = await service.until(id, "SCHEDULED");
  assert.equal(waiting.state.name, "AwaitingRetry");
  clock.advance(100);
  await eventually(() => begun.length === 2);
  clock.advance(1_000);
  const { state, error } = await service.ended(id);
  assert.deepEqual([state.type, state.name], ["FAILED", "TimedOut"]);
  const message = "the attempt took longer than softTimeoutMs, 1000 ms";
  assert.deepEqual(error, { name: "SoftTimeLimitError", message, retryable: true });
});

Deno.test("a function that goes on after its soft time limit is ended at timeoutMs, or by a cancel", async () => {
  await using setup = await aLimited();
  const { service, after, clock } = setup;
  const [id, cancelled] = [await after(0, "goes on"), await after(0, "goes on")];
  clock.advance(1_000);
  for (let i = 0; i < 20; i++) await turn();
  assert.equal((await service.task(id)).state.type, "RUNNING");
  await service.post(`/v1/tasks/${cancelled}/cancel`, { graceMs: 100 });
  clock.advance(100);
  assert.equal((await service.ended(cancelled)).state.type, "CANCELLED");
  clock.advance(8_900);
  const { state, error } = await service.ended(id);
  assert.deepEqual([state.name, error.name], ["TimedOut", "TimeoutError"]);
});

Deno.test("a soft time limit ends the wait for a child that it meets, and none that begins later", async () => {
  await using setup = await aLimited();
  const id = await setup.after(1_000, "waits for a child");
  assert.deepEqual((await setup.service.ended(id)).result, [true, 3]);
});

Deno.test("a soft time limit must come before the hard one: of the submit, of the definition, in code", async () => {
  await using setup = await aLimited();
  const { service } = setup;
  const refused = async (task: string, options: Body) => {
    const { status, body } = await service.post("/v1/tasks", { task, input: "ends well", options });
    assert.equal(status, 422);
    return body.errors;
  };
  const rule = (hard: number, soft: number) =>
    `softTimeoutMs must be less than timeoutMs, ${hard} (got ${soft})`;
  assert.deepEqual(await refused("limited", { timeoutMs: 5, softTimeoutMs: 5 }), [
    { pointer: "/options/softTimeoutMs", message: rule(5, 5) },
  ]);
  assert.deepEqual(await refused("limited", { softTimeoutMs: 10_001 }), [
    { pointer: "/options/softTimeoutMs", message: rule(10_000, 10_001) },
  ]);
  const gone = { task: "gone", input: null, options: { timeoutMs: 20 } };
  const { body } = await service.post("/v1/flows", { tasks: { a: gone } });
  assert.deepEqual(body.errors, [{ pointer: "/tasks/a/options/timeoutMs", message: rule(20, 50) }]);
  const limits = { timeoutMs: 1_000, softTimeoutMs: 2_000 };
  assert.throws(
    () => define({ name: "no", input: z.null(), ...limits }, () => null),
    /Cannot define "no": softT/,
  );
});
