import assert from "node:assert/strict";
import { eventually, pause } from "../support/waiting.ts";
import {
  allowFailure,
  asCompleted,
  CancelledError,
  type End,
  gather,
  group,
  GroupError,
  type Progress,
  RemoteError,
  sig,
  TaskError,
  type TaskFuture,
  TimeoutError,
  wait,
} from "../../client/mod.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import type { System } from "./row.ts";
import {
  aCancelled,
  aCompleted,
  aFailed,
  aPending,
  aRunning,
  aTidying,
  childrenOf,
  endsOf,
  fillAndEnd,
  held,
  idsOf,
  LONG_MS,
  mostAtOnce,
  until,
} from "./steps.ts";

/** To .NET a task whose workers died is Faulted. */
const CONTINUED_ON: Record<string, End[]> = {
  OnlyOnRanToCompletion: ["COMPLETED"],
  OnlyOnFaulted: ["FAILED", "CRASHED"],
  OnlyOnCanceled: ["CANCELLED"],
  NotOnRanToCompletion: ["FAILED", "CRASHED", "CANCELLED"],
  NotOnFaulted: ["COMPLETED", "CANCELLED"],
  NotOnCanceled: ["COMPLETED", "FAILED", "CRASHED"],
};

export const csharp: System = {
  name: "C# Task",
  rows: [
    {
      promise: "TaskStatus.Created: a task that exists and waits for its Start()",
      source: ".NET docs, TaskStatus",
      by: "a queue that is paused; its resume is the Start() of all that is in it",
      test: async (errand) => {
        const queue = `created-${crypto.randomUUID()}`;
        await errand.queues.pause(queue);
        const future = await errand.submit("add", { a: 1, b: 2 }, { queue });
        // A worker was free for what came later.
        await (await errand.submit("nothing", {})).result();
        const { state, startedAt } = await future.task();
        assert.deepEqual([state.type, startedAt], ["PENDING", null]);
        await errand.queues.resume(queue);
        assert.equal(await future.result(), 3);
      },
    },
    {
      promise: "TaskStatus.WaitingForActivation: it waits for what it depends on",
      source: ".NET docs, TaskStatus",
      test: async (errand) => {
        const upstream = await aPending(errand);
        const future = await errand.submit("nothing", {}, { waitFor: [upstream] });
        const { state, startedAt } = await future.task();
        assert.deepEqual([state.type, state.name, startedAt], ["PENDING", "AwaitingDependencies", null]);
        await upstream.cancel();
        assert.equal(await future.wait(), true);
      },
    },
    {
      promise: "TaskStatus.WaitingToRun: it is scheduled, and has not begun",
      source: ".NET docs, TaskStatus",
      test: async () => {
        await using server = await aServer({ CONCURRENCY: "1" });
        const errand = aClient(server.url);
        const running = await aRunning(errand);
        const future = await errand.submit("echo", { value: "its turn has come" });
        const { state, startedAt } = await future.task();
        assert.deepEqual([state.type, state.name, startedAt], ["PENDING", "Pending", null]);
        assert.equal(await future.running(), false);
        await running.cancel();
        assert.equal(await future.result(), "its turn has come");
      },
    },
    {
      promise: "TaskStatus.Running: it runs, and has not ended",
      source: ".NET docs, TaskStatus",
      test: async (errand) => {
        const future = await aRunning(errand);
        assert.deepEqual([await future.running(), await future.done()], [true, false]);
        await future.cancel();
      },
    },
    {
      promise: "TaskStatus.WaitingForChildrenToComplete: its children have not ended",
      by: "Running, as long as it waits for them; it takes no place of a worker meanwhile",
      source: ".NET docs, TaskStatus",
      test: async () => {
        await using server = await aServer({ CONCURRENCY: "1" });
        const errand = aClient(server.url);
        const parent = await errand.submit("family", aParent("sleep", { ms: 1_000, value: "child" }));
        const [child] = await childrenOf(errand, parent);
        await until(child, "RUNNING");
        assert.equal((await parent.state()).type, "RUNNING");
        assert.deepEqual(await parent.result({ timeoutMs: 60_000 }), ["child"]);
      },
    },
    {
      promise: "TaskStatus.RanToCompletion: its function returned",
      source: ".NET docs, TaskStatus",
      test: async (errand) => {
        assert.equal((await (await aCompleted(errand)).state()).type, "COMPLETED");
      },
    },
    {
      promise: "TaskStatus.Faulted: its function threw",
      source: ".NET docs, TaskStatus",
      test: async (errand) => {
        assert.equal((await (await aFailed(errand)).state()).type, "FAILED");
      },
    },
    {
      promise: "TaskStatus.Canceled: it was cancelled, before its start or while it ran",
      source: ".NET docs, TaskStatus",
      test: async (errand) => {
        assert.equal((await (await aCancelled(errand)).state()).type, "CANCELLED");
        const running = await aRunning(errand);
        await running.cancel();
        await running.wait();
        assert.equal((await running.state()).type, "CANCELLED");
      },
    },
    {
      promise: "Task.IsCompleted: true in any of the three final states, and only there",
      source: ".NET docs, Task.IsCompleted",
      test: async (errand) => {
        for (const future of [await aCompleted(errand), await aFailed(errand), await aCancelled(errand)]) {
          assert.equal(await errand.future(future.id).done(), true);
        }
        for (const future of [await aPending(errand), await aRunning(errand)]) {
          assert.equal(await future.done(), false);
          await future.cancel();
        }
      },
    },
    {
      promise: "A final state is never left by itself: a cancel comes too late",
      source: ".NET docs, TaskStatus",
      test: async (errand) => {
        for (const future of [await aCompleted(errand), await aFailed(errand)]) {
          const { state } = await future.task();
          await future.cancel();
          assert.deepEqual(await errand.future(future.id).state(), state);
        }
      },
    },
    {
      promise: "Task without a value: it ends all the same, and gives nothing",
      source: ".NET docs, Task",
      test: async (errand) => {
        const future = await errand.submit("nothing", {});
        assert.equal(await future.result(), null);
      },
    },
    {
      promise: "Task without a value: that it has ended is told by its state, not by what it gives",
      source: ".NET docs, Task.IsCompleted",
      test: async (errand) => {
        const [ended, open] = [await errand.submit("nothing", {}), await aPending(errand)];
        await ended.wait();
        const tasks = [await ended.task(), await open.task()];
        assert.deepEqual(tasks.map(({ result }) => result), [null, null]);
        assert.deepEqual(tasks.map(({ state }) => state.type), ["COMPLETED", "SCHEDULED"]);
        await open.cancel();
      },
    },
    {
      promise: "Task<TResult>: await gives the value",
      source: "C# reference, await",
      test: async (errand) => {
        const sum: number = await (await errand.submit("add", { a: 40, b: 2 })).result();
        assert.equal(sum, 42);
      },
    },
    {
      promise: "await rethrows what the function threw, as it is",
      source: "C# reference, await",
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "no such file", name: "IOException" });
        await assert.rejects(
          future.result(),
          (error) =>
            error instanceof TaskError && error.remoteName === "IOException" &&
            error.message === "no such file",
        );
      },
    },
    {
      promise: "await throws OperationCanceledException if the task was cancelled",
      source: "C# reference, await",
      test: async (errand) => {
        await assert.rejects((await aCancelled(errand)).result(), CancelledError);
      },
    },
    {
      promise: "Exception.InnerException: what the exception was caused by comes along",
      source: ".NET docs, Exception.InnerException",
      test: async (errand) => {
        const error = await (await errand.submit("caused", {})).exception();
        assert.equal(error?.message, "outer");
        assert.ok(error.cause instanceof Error);
        assert.deepEqual([error.cause.name, error.cause.message], ["TypeError", "inner"]);
      },
    },
    {
      promise: "Task.Exception: null unless it is faulted",
      source: ".NET docs, Task.Exception",
      test: async (errand) => {
        assert.equal((await (await aFailed(errand, "boom")).exception())?.message, "boom");
        assert.equal(await (await aCompleted(errand)).exception(), null);
        for (const future of [await aCancelled(errand), await aCompleted(errand)]) {
          assert.equal((await future.task()).error, null);
        }
      },
    },
    {
      promise: "Task.Wait(), Task.Result: throw an AggregateException around what the function threw",
      source: ".NET docs, Task.Wait",
      notYet: "Meant to stay so: a task has one error, which is thrown as it is, as by await. " +
        "There is no blocking wait in JavaScript that would need the other form.",
    },
    {
      promise: "Task.Wait(timeout): true if the task ends in time",
      source: ".NET docs, Task.Wait",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 100 });
        assert.equal(await future.wait({ timeoutMs: 60_000 }), true);
      },
    },
    {
      promise: "Task.Wait(timeout): false at the timeout, no exception",
      source: ".NET docs, Task.Wait",
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal(await future.wait({ timeoutMs: 50 }), false);
        assert.equal(await future.wait({ timeoutMs: 0 }), false);
        await future.cancel();
      },
    },
    {
      promise: "Task.Wait(timeout): throws if the task faulted or was cancelled in time",
      source: ".NET docs, Task.Wait",
      notYet:
        "Prefect promises the contrary of its future.wait(), and that is kept: wait() says only whether it " +
        "has ended, result() throws.",
    },
    {
      promise: "Task.Wait(timeout): does not cancel the work",
      source: ".NET docs, Task.Wait",
      test: async (errand) => {
        const future = await aRunning(errand);
        await future.wait({ timeoutMs: 50 });
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "Task.WaitAsync(timeout): gives the value if it is there in time",
      source: ".NET docs, Task.WaitAsync",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 100, value: "there" });
        assert.equal(await future.result({ timeoutMs: 60_000 }), "there");
      },
    },
    {
      promise: "Task.WaitAsync(timeout): TimeoutException at the timeout",
      source: ".NET docs, Task.WaitAsync",
      test: async (errand) => {
        const future = await aPending(errand);
        await assert.rejects(future.result({ timeoutMs: 50 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "Task.WaitAsync(token): ends with the token, although the task has not ended",
      source: ".NET docs, Task.WaitAsync",
      test: async (errand) => {
        const future = await aPending(errand);
        const abort = new AbortController();
        const reason = new Error("nobody waits any more");
        const waiting = assert.rejects(future.result({ signal: abort.signal }), (error) => error === reason);
        await pause(20);
        abort.abort(reason);
        await waiting;
        await assert.rejects(future.result({ signal: abort.signal }), (error) => error === reason);
        await future.cancel();
      },
    },
    {
      promise: "Task.WaitAsync(timeout, token): neither of them cancels the work",
      source: ".NET docs, Task.WaitAsync",
      test: async (errand) => {
        const future = await aRunning(errand);
        const abort = new AbortController();
        const waiting = assert.rejects(future.result({ timeoutMs: 60_000, signal: abort.signal }));
        await assert.rejects(future.result({ timeoutMs: 50, signal: abort.signal }), TimeoutError);
        abort.abort();
        await waiting;
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "Cancellation is cooperative: a running function is told, and ends by itself",
      source: ".NET docs, Cancellation in managed threads",
      test: async (errand) => {
        const future = await aTidying(errand, 50);
        await future.cancel("enough");
        const events = await Array.fromAsync(future.events());
        const said = events.map(({ event, data }) => event === "state" ? data.type : event);
        // What it says after it was told is kept, and comes before its end.
        assert.deepEqual(said, ["PENDING", "RUNNING", "progress", "CANCELLING", "log", "CANCELLED", "error"]);
      },
    },
    {
      promise: "A task that is cancelled before its start never runs",
      source: ".NET docs, Task.Run(Action, CancellationToken)",
      test: async (errand) => {
        const { attempt, startedAt } = await (await aCancelled(errand)).task();
        assert.deepEqual([attempt, startedAt], [0, null]);
      },
    },
    {
      promise: "Canceled if its function throws OperationCanceledException with its signalled token",
      source: ".NET docs, Task cancellation",
      test: async (errand) => {
        // It rejects with its signal's reason.
        const future = await aTidying(errand, 0);
        await future.cancel("enough");
        await assert.rejects(
          future.result(),
          (error) => error instanceof CancelledError && error.reason === "enough",
        );
      },
    },
    {
      promise: "Faulted if it throws OperationCanceledException without its token being signalled",
      source: ".NET docs, Task cancellation",
      test: async (errand) => {
        for (const name of ["CancelledError", "AbortError"]) {
          const future = await errand.submit("fail", { message: "not by a cancel", name });
          await assert.rejects(future.result(), TaskError);
          assert.equal((await future.state()).type, "FAILED");
        }
      },
    },
    {
      promise:
        "Faulted if it throws something else, RanToCompletion if it returns, after its token was signalled",
      source: ".NET docs, Task cancellation",
      notYet: "Here a cancel that was acknowledged holds: however the function ends then, the task ends " +
        "CANCELLED. With keepResult what it returned is kept, in a task that is cancelled all the same.",
    },
    {
      promise: "WhenAll: the results in the order of the tasks",
      source: ".NET docs, Task.WhenAll",
      test: async (errand) => {
        const { futures, end } = await held(errand, ["slow", "quick"]);
        const results = gather(futures);
        await end(1);
        await end(0);
        assert.deepEqual(await results, ["slow", "quick"]);
      },
    },
    {
      promise: "WhenAll: ends when all have, although one has failed before",
      source: ".NET docs, Task.WhenAll",
      by: "gather({ returnExceptions: true })",
      test: async (errand) => {
        const slow = await errand.submit("sleep", { ms: 300, value: "slow" });
        const [error, value] = await gather([await aFailed(errand), slow], {
          returnExceptions: true,
        });
        assert.ok(error instanceof TaskError);
        assert.equal(value, "slow");
      },
    },
    {
      promise: "WhenAll: the exceptions of all that failed",
      source: ".NET docs, Task.WhenAll",
      by: "gather({ returnExceptions: true }), or the errors of a group",
      test: async (errand) => {
        const futures = await errand.map("fail", [
          { message: "first" },
          { message: "none", untilAttempt: 1 },
          { message: "third" },
        ]);
        const [first, value, third] = await gather(futures, { returnExceptions: true });
        assert.ok(first instanceof TaskError && third instanceof TaskError);
        assert.deepEqual([first.message, value, third.message], ["first", 1, "third"]);
      },
    },
    {
      promise: "await WhenAll: throws the first exception in the order of the tasks",
      by:
        "results({ raiseOnFailure: false }), and the first error in it: without that option results() throw the " +
        "first failure in time, as Prefect promises",
      source: ".NET docs, Task.WhenAll",
      test: async (errand) => {
        const futures = await errand.map("fail", [
          { message: "fails late" },
          { message: "fails soon", retryable: false },
        ], { retry: { maxAttempts: 2, delayMs: 500, jitter: false } });
        const ended = await futures.results({ raiseOnFailure: false });
        const first = ended.find((one): one is TaskError => one instanceof TaskError);
        assert.equal(first?.message, "fails late");
        const [late, soon] = await endsOf(futures);
        assert.ok(soon < late);
      },
    },
    {
      promise: "WhenAll of none has ended at once",
      source: ".NET docs, Task.WhenAll",
      test: async () => {
        assert.deepEqual(await gather([]), []);
      },
    },
    {
      promise: "WhenAll is a task: Faulted if one failed, else Canceled if one was cancelled, else it has " +
        "their results",
      by: "GET /v1/groups/{id}/results: 424, 410, 200",
      source: ".NET docs, Task.WhenAll",
      test: async () => {
        await using server = await aServer();
        const errand = aClient(server.url);
        const resultsOf = async (messages: string[]) => {
          const tasks = messages.map((message) =>
            message === "cancelled"
              ? sig("nothing", {}, { delayMs: 60_000 })
              : sig("fail", { message, untilAttempt: message === "completed" ? 1 : 2 }, { delayMs: 50 })
          );
          const { groupId, futures } = await errand.run(group(tasks));
          await futures[messages.indexOf("cancelled")]?.cancel();
          await futures.wait();
          const { status, body } = await server.fetch(`/v1/groups/${groupId}/results`);
          return [status, body.results ?? futures.findIndex(({ id }) => id === body.taskId)];
        };
        // The one that failed did so behind the one that was cancelled.
        assert.deepEqual(await resultsOf(["cancelled", "completed", "failed"]), [424, 2]);
        assert.deepEqual(await resultsOf(["completed", "cancelled"]), [410, 1]);
        assert.deepEqual(await resultsOf(["completed", "completed"]), [200, [1, 1]]);
      },
    },
    {
      promise: "WhenAny: gives the first task that ends; the others go on",
      source: ".NET docs, Task.WhenAny",
      test: async (errand) => {
        const [slow, quick] = await errand.map("sleep", [{ ms: LONG_MS }, { ms: 100 }]);
        const { done } = await wait([slow, quick], { returnWhen: "FIRST_COMPLETED" });
        assert.deepEqual(done, [quick]);
        assert.equal(await slow.done(), false);
        await slow.cancel();
      },
    },
    {
      promise: "WhenAny: never throws by itself: a failed or cancelled task is an answer",
      source: ".NET docs, Task.WhenAny",
      test: async (errand) => {
        const slow = await aRunning(errand);
        for (const ended of [await aFailed(errand), await aCancelled(errand)]) {
          const { done } = await wait([slow, ended], { returnWhen: "FIRST_COMPLETED" });
          assert.deepEqual(idsOf(done), [ended.id]);
        }
        await slow.cancel();
      },
    },
    {
      promise: "WhenAny of none: ArgumentException",
      source: ".NET docs, Task.WhenAny",
      notYet: "concurrent.futures promises the contrary of its wait(), and that is kept: two empty lists.",
    },
    {
      promise: "Task.WaitAny(tasks, timeout): the index of the first that has ended; -1 at the timeout",
      source: ".NET docs, Task.WaitAny",
      by: "wait({ returnWhen: FIRST_COMPLETED }), and the place of its first",
      test: async (errand) => {
        const futures = [await aRunning(errand), await aFailed(errand)] as TaskFuture[];
        const options = { returnWhen: "FIRST_COMPLETED", timeoutMs: 50 } as const;
        assert.equal(futures.indexOf((await wait(futures, options)).done[0]), 1);
        assert.equal(futures.indexOf((await wait([futures[0]], options)).done[0]), -1);
        await futures[0].cancel();
      },
    },
    {
      promise: "WhenEach: the tasks in the order in which they end, those that have ended first",
      source: ".NET docs, Task.WhenEach",
      test: async (errand) => {
        const futures = await Promise.all(Array.from({ length: 3 }, () => aPending(errand)));
        const ended = await aCompleted(errand);
        const order = [futures[1], futures[2], futures[0]];
        const rest = [...order];
        const yielded: string[] = [];
        for await (const { id } of asCompleted([...futures, ended])) {
          yielded.push(id);
          await rest.shift()?.cancel();
        }
        assert.deepEqual(yielded, idsOf([ended, ...order]));
      },
    },
    {
      promise: "WhenEach: gives the tasks themselves: a failed or cancelled one does not end the iteration",
      source: ".NET docs, Task.WhenEach",
      test: async (errand) => {
        const futures = [await aFailed(errand), await aCancelled(errand), await aCompleted(errand)];
        const quick = await errand.submit("sleep", { ms: 50 });
        const yielded = await Array.fromAsync(asCompleted([...futures, quick]));
        assert.deepEqual(idsOf(yielded.slice(0, 3)).toSorted(), idsOf(futures).toSorted());
        assert.equal(yielded[3], quick);
      },
    },
    {
      promise: "WhenEach(...).WithCancellation(token): the token ends the iteration, not the tasks",
      source: ".NET docs, TaskAsyncEnumerableExtensions.WithCancellation",
      test: async (errand) => {
        const [ended, slow] = [await aCompleted(errand), await aRunning(errand)];
        const abort = new AbortController();
        await assert.rejects(
          async () => {
            for await (const _ of asCompleted([ended, slow], { signal: abort.signal })) {
              setTimeout(() => abort.abort(), 50);
            }
          },
          { name: "AbortError" },
        );
        assert.equal(await slow.done(), false);
        await slow.cancel();
      },
    },
    {
      promise: "ContinueWith: the continuation gets the task when it has ended, or at once if it has before",
      source: ".NET docs, Task.ContinueWith",
      test: async (errand) => {
        const [open, ended] = [await errand.submit("sleep", { ms: 100 }), await aCompleted(errand)];
        const continued: TaskFuture[] = [];
        open.addDoneCallback((task) => continued.push(task));
        ended.addDoneCallback((task) => continued.push(task));
        assert.deepEqual(continued, [ended]);
        await open.wait();
        assert.deepEqual(continued, [ended, open]);
      },
    },
    {
      promise: "ContinueWith: the continuation sees the outcome of its antecedent, whichever it is",
      source: ".NET docs, Task.ContinueWith",
      test: async (errand) => {
        const pending = await aPending(errand);
        const futures: TaskFuture[] = [
          await errand.submit("sleep", { ms: 50 }),
          await errand.submit("fail", { message: "boom" }, { delayMs: 50 }),
          pending,
        ];
        const seen = futures.map((future) =>
          new Promise((resolve) => future.addDoneCallback(async (task) => resolve((await task.state()).type)))
        );
        await pending.cancel();
        assert.deepEqual(await Promise.all(seen), ["COMPLETED", "FAILED", "CANCELLED"]);
      },
    },
    ...(Object.entries(CONTINUED_ON) as [string, End[]][]).map(([option, on]) => ({
      promise: option.startsWith("Only")
        ? `TaskContinuationOptions.${option}: the continuation runs for this outcome alone`
        : `TaskContinuationOptions.${option}: the continuation runs for all outcomes but this one`,
      source: ".NET docs, TaskContinuationOptions",
      test: async (errand: Errand) => {
        const [failing, stopped] = [{ message: "boom" }, await aPending(errand)];
        // Two have ended when they are continued, and two end after it.
        const antecedents: [End, TaskFuture][] = [
          ["COMPLETED", await aCompleted(errand)],
          ["FAILED", await aFailed(errand)],
          ["FAILED", await errand.submit("fail", failing, { delayMs: 50 })],
          ["CANCELLED", stopped],
        ];
        const continuations = await Promise.all(antecedents.map(([, task]) => {
          return errand.submit("echo", { value: allowFailure(task) }, { waitFor: [{ task, on }] });
        }));
        await stopped.cancel();
        for (const [i, [end]] of antecedents.entries()) {
          await continuations[i].wait();
          const { type, name } = await continuations[i].state();
          const wanted = on.includes(end) ? ["COMPLETED", "Completed"] : ["CANCELLED", "Skipped"];
          assert.deepEqual([type, name], wanted, `${option} after ${end}`);
        }
      },
    })),
    {
      promise: "ContinueWith: one for an outcome gets the antecedent: its value, or its exception",
      source: ".NET docs, Task.ContinueWith",
      test: async (errand) => {
        const into = sig("echo", undefined, { into: "value" });
        const value = await (await aCompleted(errand)).onCompleted<number>(into);
        const failure = await (await aFailed(errand, "boom")).onFailed<{ error: { message: string } }>(into);
        assert.deepEqual([await value.result(), (await failure.result()).error.message], [3, "boom"]);
      },
    },
    {
      promise: "ContinueWith: the continuation is a task of its own, with a value",
      source: ".NET docs, Task.ContinueWith",
      test: async (errand) => {
        const antecedent = await errand.submit("sleep", { ms: 100, value: 20 });
        const continuation = await errand.submit("add", { a: errand.future<number>(antecedent.id), b: 1 });
        assert.equal(await continuation.result(), 21);
        assert.equal(await antecedent.result(), 20);
      },
    },
    {
      promise: "ContinueWith: whatever the antecedent's outcome",
      source: ".NET docs, Task.ContinueWith",
      by: "allowFailure() around the antecedent",
      test: async (errand) => {
        const value = [await aCompleted(errand), await aFailed(errand, "boom"), await aCancelled(errand)];
        const continuation = await errand.submit("echo", { value: value.map((one) => allowFailure(one)) });
        const [completed, failed, cancelled] = await continuation.result() as [
          number,
          ...{ error: { name: string; message: string } }[],
        ];
        assert.deepEqual([completed, failed.error.message], [3, "boom"]);
        assert.equal(cancelled.error.name, "Cancelled");
      },
    },
    {
      promise:
        "ContinueWith: one that is not for the antecedent's outcome is Canceled, and so is what continues it",
      source: ".NET docs, TaskContinuationOptions",
      test: async (errand) => {
        const next = await (await aFailed(errand)).onCompleted(sig("echo", { value: "next" }));
        const last = await errand.submit("echo", { value: next });
        await last.wait();
        const states = await Promise.all([next, last].map((future) => future.state()));
        assert.deepEqual(states.map(({ type, name }) => `${type} ${name}`), [
          "CANCELLED Skipped",
          "CANCELLED Skipped",
        ]);
      },
    },
    {
      promise:
        "TaskFactory.ContinueWhenAll: a task that gets all of them when they have ended, however they did",
      source: ".NET docs, TaskFactory.ContinueWhenAll",
      by: "the option allowFailure of the continuation",
      test: async (errand) => {
        const slow = await errand.submit("sleep", { ms: 100, value: "slow" });
        const value = [await aFailed(errand, "boom"), slow];
        const continuation = await errand.submit("echo", { value }, { allowFailure: true });
        const [failed, last] = await continuation.result() as [{ error: { message: string } }, string];
        assert.deepEqual([failed.error.message, last], ["boom", "slow"]);
      },
    },
    {
      promise: "TaskFactory.ContinueWhenAny: a task that gets the first that has ended",
      source: ".NET docs, TaskFactory.ContinueWhenAny",
      test: async (errand) => {
        const slow = await aRunning(errand);
        for (const first of [await errand.submit("fail", { message: "boom" }), await aCompleted(errand)]) {
          const value = [slow, first].map((one) => allowFailure(one));
          const continuation = await errand.submit("echo", { value }, { waitFor: { anyOf: [slow, first] } });
          const [none, outcome] = await continuation.result() as {
            error?: { name: string; message: string };
          }[];
          assert.equal(none.error?.name, "NotAmongFirst");
          assert.ok(outcome as unknown === 3 || outcome.error?.message === "boom", JSON.stringify(outcome));
          assert.deepEqual((await continuation.task()).conditions, [
            {
              anyOf: [slow.id, first.id],
              count: 1,
              on: ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"],
              met: [first.id],
            },
          ]);
        }
        assert.equal(await slow.done(), false);
        await slow.cancel();
      },
    },
    {
      promise: "Unwrap: a task that gives a task stands for what that one gives",
      source: ".NET docs, TaskExtensions.Unwrap",
      test: async (errand) => {
        const inner = sig("replaced", { by: sig("echo", { value: "innermost" }) });
        const outer = await errand.submit("replaced", { by: inner });
        assert.equal(await outer.result(), "innermost");
        const failing = await errand.submit("replaced", { by: sig("fail", { message: "boom" }) });
        assert.equal((await failing.exception())?.message, "boom");
        const stopped = await errand.submit("replaced", { by: sig("sleep", { ms: LONG_MS }) });
        await until(stopped, "PAUSED");
        await stopped.cancel();
        await assert.rejects(stopped.result(), CancelledError);
      },
    },
    {
      promise: "CancellationTokenSource.CreateLinkedTokenSource: any of several tokens cancels",
      source: ".NET docs, CancellationTokenSource.CreateLinkedTokenSource",
      by: "AbortSignal.any() with cancelOnAbort",
      test: async (errand) => {
        for (const which of [0, 1]) {
          const tokens = [new AbortController(), new AbortController()];
          const future = await aRunning(errand);
          const signal = AbortSignal.any(tokens.map((token) => token.signal));
          const waiting = assert.rejects(future.result({ signal, cancelOnAbort: true }), {
            name: "AbortError",
          });
          tokens[which].abort();
          await waiting;
          await assert.rejects(errand.future(future.id).result(), CancelledError);
        }
      },
    },
    {
      promise: "AggregateException.InnerExceptions: all that were thrown together, each with its cause",
      source: ".NET docs, AggregateException.InnerExceptions",
      test: async (errand) => {
        const error = await (await errand.submit("several", { messages: ["a", ["b", "c"]] })).exception();
        assert.equal(error?.remoteName, "AggregateError");
        assert.deepEqual(error.errors?.map(({ name, message }) => [name, message]), [
          ["RangeError", "a"],
          ["AggregateError", "several"],
        ]);
        assert.equal((error.errors[0].cause as Error).message, "of a");
      },
    },
    {
      promise:
        "AggregateException.Flatten(), Handle(): those within each other as one list, and looked at one by one",
      source: ".NET docs, AggregateException.Flatten",
      by: "a walk through the lists that `errors` are",
      test: async (errand) => {
        const error = await (await errand.submit("several", { messages: ["a", ["b", ["c"]]] })).exception();
        const leavesOf = (one: { errors?: RemoteError[] } & Error): string[] =>
          one.errors ? one.errors.flatMap(leavesOf) : [one.message];
        assert.deepEqual(leavesOf(error!), ["a", "b", "c"]);
      },
    },
    {
      promise: "AttachedToParent: a parent has not ended until its children have",
      by: "if it waits for them",
      source: ".NET docs, Attached and detached child tasks",
      test: async (errand) => {
        const gate = crypto.randomUUID();
        const parent = await errand.submit("family", aParent("hold", { gate, value: "child" }));
        const [child] = await childrenOf(errand, parent);
        assert.equal(await parent.done(), false);
        await errand.submit("release", { gate });
        assert.deepEqual(await parent.result(), ["child"]);
        const [ofParent, ofChild] = [await parent.task(), await child.task()];
        assert.ok(ofParent.finishedAt! >= ofChild.finishedAt!);
        assert.equal(ofChild.parentId, parent.id);
      },
    },
    {
      promise: "AttachedToParent: a child's exception becomes its parent's",
      by: "the cause of ChildFailedError, if the parent waits for the child",
      source: ".NET docs, Attached and detached child tasks",
      test: async (errand) => {
        const parent = await errand.submit(
          "family",
          aParent("fail", { message: "boom", name: "IOException" }),
        );
        const [child] = await childrenOf(errand, parent);
        const error = await parent.exception();
        assert.equal(error?.remoteName, "ChildFailedError");
        assert.equal(error.message, `the task ${child.id} ended FAILED: IOException: boom`);
        assert.ok(error.cause instanceof RemoteError);
        assert.deepEqual([error.cause.name, error.cause.message], ["IOException", "boom"]);
      },
    },
    {
      promise: "A detached child goes on when its parent has ended, and is no part of its outcome",
      source: ".NET docs, Attached and detached child tasks",
      test: async (errand) => {
        const children = [{ task: "sleep", input: { ms: LONG_MS } }, {
          task: "fail",
          input: { message: "boom" },
        }];
        const parent = await errand.submit("family", { children });
        const [slow, failed] = await childrenOf(errand, parent);
        assert.deepEqual(await parent.result(), idsOf([slow, failed]));
        assert.equal((await failed.exception())?.message, "boom");
        assert.equal(await slow.done(), false);
        await slow.cancel();
      },
    },
    {
      promise:
        "TaskCompletionSource: a task that is ended from outside, by SetResult, SetException or SetCanceled",
      source: ".NET docs, TaskCompletionSource",
      notYet: "External completion is missing: a token with which somebody else ends a task.",
    },
    {
      promise: "TaskCompletionSource.Set*: InvalidOperationException if it has ended",
      source: ".NET docs, TaskCompletionSource.SetResult",
      notYet: "External completion has to come first; this is then its 409.",
    },
    {
      promise: "TaskCompletionSource.TrySet*: false if it has ended",
      source: ".NET docs, TaskCompletionSource.TrySetResult",
      notYet: "External completion has to come first; its answer says whether it was in time.",
    },
    {
      promise: "Task.FromResult, FromException, FromCanceled: a task that has ended without having run",
      source: ".NET docs, Task.FromResult",
      notYet: "External completion has to come first: no task here ends COMPLETED or FAILED without a run.",
    },
    {
      promise: "Task.Delay(ms): does not end before the time is over",
      source: ".NET docs, Task.Delay",
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 }, { delayMs: 200 });
        await future.wait();
        const { createdAt, startedAt } = await future.task();
        assert.ok(Date.parse(startedAt!) - Date.parse(createdAt) >= 200);
      },
    },
    {
      promise: "Task.Delay(ms, token): a cancel ends the delay",
      source: ".NET docs, Task.Delay",
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 }, { delayMs: 60_000 });
        const waiting = assert.rejects(errand.future(future.id).result(), CancelledError);
        await future.cancel();
        await waiting;
      },
    },
    {
      promise: "IProgress<T>.Report: whoever listens gets each report, in order, before the end",
      source: ".NET docs, IProgress<T>",
      test: async (errand) => {
        const future = await errand.submit("countdown", { from: 3, stepMs: 20 });
        const reports: Progress[] = [];
        const events: string[] = [];
        for await (const { event, data } of future.events()) {
          events.push(event);
          if (event === "progress") reports.push(data);
        }
        assert.deepEqual(reports.map(({ current, total }) => [current, total]), [[1, 3], [2, 3], [3, 3]]);
        assert.equal(events.at(-1), "result");
      },
    },
    {
      promise: "Parallel.ForEachAsync: at most MaxDegreeOfParallelism of them run at a time",
      source: ".NET docs, ParallelOptions.MaxDegreeOfParallelism",
      test: async (errand) => {
        assert.equal(await mostAtOnce(await fillAndEnd(errand, 6, 2)), 2);
      },
    },
    {
      promise:
        "Parallel.ForEachAsync: after a failure no more are begun, and those that run are told to stop",
      source: ".NET docs, Parallel.ForEachAsync",
      test: async (errand) => {
        const policy = { group: { onFailure: "cancel-rest" } } as const;
        const message = ["first", "second", "third"];
        const one = await errand.map("fail", { message }, {}, { maxConcurrent: 1, ...policy });
        const { state, counts } = await errand.group(one.groupId!).outcome();
        assert.deepEqual([state, counts], ["FAILED", { FAILED: 1, CANCELLED: 2 }]);
        assert.equal((await one[1].task()).startedAt, null);
        const gone = await errand.run(
          group(sig("sleep", { ms: LONG_MS }), sig("fail", { message: "m" })),
          policy,
        );
        assert.deepEqual((await gone.outcome()).counts, { FAILED: 1, CANCELLED: 1 });
      },
    },
    {
      promise: "Parallel.ForEachAsync: awaiting it gives an AggregateException with all that was thrown",
      source: ".NET docs, Parallel.ForEachAsync",
      test: async (errand) => {
        const { groupId } = await errand.map("fail", { message: ["one", "two"] });
        const error = await errand.group(groupId!).result().catch((error) => error);
        assert.ok(error instanceof GroupError);
        assert.deepEqual(error.errors.map(({ message }) => message).sort(), ["one", "two"]);
      },
    },
    {
      promise: "A task that failed and that nobody awaits does not end the process that made it",
      source: ".NET docs, TaskScheduler.UnobservedTaskException, since .NET 4.5",
      test: async (errand) => {
        const futures = await errand.map("fail", { message: ["first", "second", "third"] });
        for (const future of futures) future.addDoneCallback(() => {});
        // An unhandled rejection of those behind the first would fail this test.
        await assert.rejects(futures.results(), TaskError);
        await wait(futures);
      },
    },
    {
      promise: "TaskScheduler.UnobservedTaskException: told of failures that nobody looked at",
      source: ".NET docs, TaskScheduler.UnobservedTaskException",
      by: "the stream of all tasks' events, which tells every failure, looked at or not",
      test: async (errand) => {
        const tag = crypto.randomUUID();
        const told: string[] = [];
        const listening = (async () => {
          for await (const { event, data } of errand.events({ tag, state: "FAILED" })) {
            if (event === "state" && told.push(data.id) > 0) return;
          }
        })();
        // It tells what happens from when it is open.
        const failed: string[] = [];
        await eventually(async () => {
          failed.push((await errand.submit("fail", { message: "unobserved" }, { tags: [tag] })).id);
          return told.length > 0;
        }, "the stream tells of no failure");
        await listening;
        assert.ok(failed.includes(told[0]));
      },
    },
    {
      promise: "Task.AsyncState: what the caller gave along comes back as it was",
      source: ".NET docs, Task.AsyncState",
      test: async (errand) => {
        const metadata = { order: 17, customer: { name: "Ada" }, tags: ["a", null, 1.5] };
        const { id } = await errand.submit("add", { a: 1, b: 2 }, { metadata });
        assert.deepEqual((await errand.future(id).task()).metadata, metadata);
      },
    },
  ],
};

/** The input of a "family" that waits for its one child. */
function aParent(task: string, input: unknown) {
  return { children: [{ task, input }], awaits: true };
}
