// What becomes of an attempt that is stopped while it is not in its function.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { UnavailableError } from "../../../runtime/core/errors.ts";
import { reject } from "../../../runtime/core/failure_hints.ts";
import { Registry } from "../../../runtime/core/registry.ts";
import type { Entry } from "../../../runtime/core/task.ts";
import { cancelRequested, claimed, type Outcome } from "../../../runtime/core/transitions.ts";
import { type Log, silentLog } from "../../../runtime/platform/log.ts";
import { Attempt } from "../../../runtime/worker/attempt.ts";
import { execute } from "../../../runtime/worker/execute.ts";
import type { InputResolver } from "../../../runtime/worker/input_resolver.ts";
import { Runners } from "../../../runtime/worker/runners/runners.ts";
import type { ChildTasks } from "../../../runtime/worker/task_context.ts";
import { aBench, type Bench } from "../../support/builders.ts";
import { eventually, turn } from "../../support/waiting.ts";

interface Setup {
  bench: Bench;
  attempt: Attempt;
  /** The inputs with which the function was called. */
  called: unknown[];
  /** Somebody cancels the task, with a minute of grace. */
  cancel(): void;
  /** Runs the attempt with this input. */
  run(input: () => Promise<unknown>, log?: Log): Promise<Outcome | null>;
}

/** A task of several inputs in one attempt, and of a function that calls `work`. */
async function anAttempt(work: (setup: Setup) => unknown = () => null): Promise<Setup & AsyncDisposable> {
  const bench = await aBench();
  const { store, clock } = bench;
  const [before] = await bench.submit({ chunk: true });
  const next = claimed(before.record, clock.now(), { worker: "w", token: "t" });
  const [entry] = (await store.commit("claim", [{ before, next }])) as Entry[];
  const attempt = new Attempt(store, entry);
  const called: unknown[] = [];
  const definition = define({ name: "work", input: z.int() }, ({ input }) => {
    called.push(input);
    return work(setup);
  });
  const setup: Setup = {
    bench,
    attempt,
    called,
    cancel() {
      const record = cancelRequested(attempt.record, clock.now(), null, 60_000);
      attempt.adopt({ record, versionstamp: `${entry.versionstamp}1` });
    },
    run: (input, log = silentLog) => {
      return execute(attempt, {
        registry: new Registry([definition]),
        runners: new Runners(1),
        values: bench.values,
        inputs: { of: input } as unknown as InputResolver,
        children: null as unknown as ChildTasks,
        maxResultBytes: 1_000_000,
        keepStacks: false,
        log,
      });
    },
  };
  const dispose = async () => {
    await attempt.abandon();
    await bench[Symbol.asyncDispose]();
  };
  return { ...setup, [Symbol.asyncDispose]: dispose };
}

Deno.test("a task that is cancelled while its input is read does not call its function", async () => {
  await using setup = await anAttempt();
  const input = Promise.withResolvers<unknown>();
  const outcome = setup.run(() => input.promise);
  setup.cancel();
  input.resolve([1, 2]);
  assert.deepEqual(await outcome, { kind: "released" });
  assert.deepEqual(setup.called, []);
});

Deno.test("a task of several inputs that is cancelled in one of them is not called for the next one", async () => {
  await using setup = await anAttempt(({ cancel }) => cancel());
  assert.deepEqual(await setup.run(() => Promise.resolve([1, 2, 3])), { kind: "released" });
  assert.deepEqual(setup.called, [1]);
});

Deno.test("what a function returns after a cancel is not stored: nobody would read it", async () => {
  await using setup = await anAttempt(({ cancel }) => {
    cancel();
    return "x".repeat(100_000);
  });
  const { kv } = setup.bench;
  kv.commit = () => Promise.reject(new Error("something was stored"));
  assert.deepEqual(await setup.run(() => Promise.resolve([1])), { kind: "released" });
});

Deno.test("an attempt that was stopped asks no more of a database that is away", async () => {
  await using setup = await anAttempt();
  const { clock } = setup.bench;
  let reads = 0;
  const outcome = setup.run(async () => {
    reads++;
    await turn();
    if (reads > 50) return [1];
    throw new UnavailableError("the database is away");
  });
  await eventually(() => clock.timers === 1);
  setup.cancel();
  const ended = await outcome;
  assert.equal(ended?.kind, "failed");
  // The one that was refused, and that of the pause which the stop has cut short.
  assert.equal(reads, 2);
});

Deno.test("a failed attempt is logged with its stack, and one that its function rejects without", async () => {
  for (const [thrown, isStack] of [[new Error("boom"), true], [reject("not wanted"), false]] as const) {
    await using setup = await anAttempt(() => {
      throw thrown;
    });
    const stacks: unknown[] = [];
    const log: Log = { ...silentLog, error: (_, error) => void stacks.push((error as Error).stack) };
    assert.equal((await setup.run(() => Promise.resolve([1]), log))?.kind, "failed");
    assert.deepEqual(stacks.map((stack) => stack !== undefined), [isStack]);
  }
});
