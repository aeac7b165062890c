// Handlers of Celery and hooks of Prefect. A definition has none. What is to follow an end is a task of its
// own, a continuation, which outlives every process; what is to happen around each try is code around the
// function.

import assert from "node:assert/strict";
import { CancelledError, sig, type TaskFuture } from "../../client/mod.ts";
import type { Errand } from "../support/client_service.ts";
import { acrossCrash } from "./crash.ts";
import type { Kept, Row } from "./row.ts";
import { namesOf, reached } from "./states.ts";
import { aPending, aRunning, LONG_MS } from "./steps.ts";

const CELERY = "Celery docs, Tasks: Handlers";
const LIMITS = "Celery docs, Workers Guide: Time limits";
const PREFECT = "Prefect docs, State change hooks";

const AROUND = "code around the function, which functions can share";
const TOLD = sig("echo", undefined, { into: "value" });

interface Failure {
  error: { name: string; message: string };
}

async function isSkipped(handler: TaskFuture): Promise<void> {
  await assert.rejects(handler.result(), CancelledError);
  assert.equal((await handler.state()).name, "Skipped");
}

/** The handler began when what it handles had ended, and that was in the database. */
async function beganAfter(handler: TaskFuture, future: TaskFuture): Promise<void> {
  const [after, before] = [await handler.task(), await future.task()];
  assert.ok(after.startedAt! >= before.finishedAt!, `${after.startedAt} is before ${before.finishedAt}`);
}

/** One that fails twice, with the handler of its failure. */
async function aFailureWithHandler(errand: Errand) {
  const retry = { maxAttempts: 2, delayMs: 100, jitter: false };
  const future = await errand.submit("fail", { message: "boom", name: "ValueError" }, { retry });
  return { future, handler: await future.onFailed<Failure>(TOLD) };
}

/** What the definition "handled", which fails once, was told before each try and of its failure. */
async function handledChunks(errand: Errand): Promise<unknown[]> {
  const retry = { maxAttempts: 2, delayMs: 50, jitter: false };
  const future = await errand.submit("handled", { untilAttempt: 2 }, { retry });
  const chunks: unknown[] = [];
  for await (const { event, data } of future.events()) if (event === "chunk") chunks.push(data.chunk);
  assert.deepEqual(chunks, ["before 1", "attempt 1: again in 50 ms", "before 2"]);
  return chunks;
}

const onSuccess: Omit<Kept, "promise" | "source"> = {
  by: "onCompleted(sig): a task of its own, which gets the result",
  test: async (errand) => {
    const future = await errand.submit("sleep", { ms: 20, value: "slept" });
    const handler = await future.onCompleted(TOLD);
    assert.equal(await handler.result(), "slept");
    await beganAfter(handler, future);
    await isSkipped(await (await errand.submit("fail", { message: "boom" })).onCompleted(TOLD));
  },
};

const onFailure: Omit<Kept, "promise" | "source"> = {
  by: "onFailed(sig): a task of its own, which gets the error once no attempt is left",
  test: async (errand) => {
    const { future, handler } = await aFailureWithHandler(errand);
    const { error } = await handler.result();
    assert.deepEqual([error.name, error.message], ["ValueError", "boom"]);
    assert.deepEqual((await namesOf(future)).slice(-2), ["Retrying", "RetriesExhausted"]);
    await beganAfter(handler, future);
    await isSkipped(await (await errand.submit("nothing")).onFailed(TOLD));
  },
};

export const celeryHandlers: Row[] = [
  {
    promise: "before_start",
    source: CELERY,
    by: AROUND,
    test: async (errand) => {
      const chunks = await handledChunks(errand);
      assert.deepEqual([chunks[0], chunks[2]], ["before 1", "before 2"]);
    },
  },
  { promise: "on_success", source: CELERY, ...onSuccess },
  {
    promise: "on_retry",
    source: CELERY,
    by: `${AROUND}: nextPauseMs says whether the attempt is to be followed by another`,
    test: async (errand) => {
      assert.equal((await handledChunks(errand))[1], "attempt 1: again in 50 ms");
      const last = await errand.submit("handled", { untilAttempt: 2 });
      const told = await Array.fromAsync(last.events());
      assert.deepEqual(told.flatMap(({ event, data }) => event === "chunk" ? [data.chunk] : []), [
        "before 1",
      ]);
    },
  },
  { promise: "on_failure", source: CELERY, ...onFailure },
  {
    promise: "after_return",
    source: CELERY,
    by: "a task that waits for any end",
    test: async (errand) => {
      const ends: TaskFuture[] = [
        await errand.submit("nothing"),
        await errand.submit("fail", { message: "boom" }),
        await aPending(errand),
      ];
      const on = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const;
      const handlers = await Promise.all(
        ends.map((task) => errand.submit("echo", { value: "after" }, { waitFor: [{ task, on: [...on] }] })),
      );
      await ends[2].cancel();
      for (const [i, handler] of handlers.entries()) {
        assert.equal(await handler.result(), "after");
        await beganAfter(handler, ends[i]);
      }
    },
  },
  { promise: "the result is stored before on_success is called", source: CELERY, ...onSuccess },
];

export const limitsCallOnFailure: Row = {
  promise: "both limits call on_failure",
  source: LIMITS,
  by: "onFailed(sig)",
  test: async (errand) => {
    for (
      const [task, input, limits] of [
        ["sleep", { ms: LONG_MS }, { timeoutMs: 50 }],
        // It throws what its signal says.
        ["tidy", { ms: 0 }, { softTimeoutMs: 50 }],
      ] as const
    ) {
      const late: TaskFuture = await errand.submit(task, input as { ms: number }, limits);
      const { error } = await (await late.onFailed<Failure>(TOLD)).result();
      assert.equal((await late.state()).name, "TimedOut");
      assert.match(error.name, /^(TimeoutError|SoftTimeLimitError)$/);
    }
  },
};

export const prefectHooks: Row[] = [
  {
    promise: "on_running, for every try",
    source: PREFECT,
    by: AROUND,
    test: async (errand) => {
      const chunks = await handledChunks(errand);
      assert.deepEqual(chunks.filter((chunk) => String(chunk).startsWith("before")), [
        "before 1",
        "before 2",
      ]);
    },
  },
  { promise: "on_completion", source: PREFECT, ...onSuccess },
  { promise: "on_failure, after the retries", source: PREFECT, ...onFailure },
  {
    promise: "on_cancellation",
    source: PREFECT,
    by: "onCancelled(sig): a task of its own",
    test: async (errand) => {
      for (const future of [await aPending(errand), await aRunning(errand)]) {
        const handler = await future.onCancelled<Failure>(TOLD);
        await future.cancel("enough");
        assert.equal((await handler.result()).error.message, "enough");
        await beganAfter(handler, future);
      }
      await isSkipped(await (await errand.submit("nothing")).onCancelled(TOLD));
    },
  },
  {
    promise: "on_crashed",
    source: PREFECT,
    by: "onFailed(sig), or a task that waits for CRASHED alone",
    test: () =>
      acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
        const future = await errand.submit("sleep", { ms: LONG_MS }, { maxCrashes: 0 });
        await reached(future, "Running");
        const waitFor = [{ task: future, on: ["CRASHED" as const] }];
        const alone = await errand.submit("echo", { value: "it crashed" }, { waitFor });
        return [alone.id, (await future.onFailed(TOLD)).id, future.id];
      }, async (errand, [alone, onFailed, id]) => {
        assert.equal(await errand.future(alone).result(), "it crashed");
        assert.ok((await errand.future<Failure>(onFailed).result()).error.message);
        assert.equal((await errand.future(id).state()).type, "CRASHED");
      }),
  },
];
