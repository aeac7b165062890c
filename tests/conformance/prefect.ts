// Prefect's promises, area by area.

import assert from "node:assert/strict";
import {
  asCompleted,
  AsCompletedTimeoutError,
  CancelledError,
  Client,
  CrashedError,
  ForgottenError,
  group,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  NotFoundError,
  sig,
  TaskError,
  type TaskFuture,
  TimeoutError,
  unmapped,
  wait,
} from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { aDatabase } from "../support/server_process.ts";
import { eventually } from "../support/waiting.ts";
import { acrossCrash } from "./crash.ts";
import { notYet } from "./not_yet.ts";
import { pages } from "./pages.ts";
import { dependencies, finalStates, mapping, nesting, retries, states } from "./prefect_composition.ts";
import { caching } from "./prefect_caching.ts";
import { limits } from "./prefect_limits.ts";
import { schedules } from "./prefect_schedules.ts";
import { prefectHooks } from "./handlers.ts";
import { anErrandHere, withDefaults } from "./in_process.ts";
import { TRANSACTIONS, transactions } from "./prefect_transactions.ts";
import type { System } from "./row.ts";
import { LATER, namesOf, reached, retryPauseMs, stateOf } from "./states.ts";
import { aCancelled, aCompleted, aFailed, aPending, aRunning, idsOf, LONG_MS } from "./steps.ts";

const STATES = "Prefect docs, States";
const TASKS = "Prefect docs, Tasks";
const RUN_TASKS = "Prefect docs, Run work concurrently";
const BACKGROUND = "Prefect docs, Background tasks";
const FUTURES = "Prefect API reference, prefect.futures";
const FUTURE = `${FUTURES}: PrefectFuture`;
const FUTURE_LIST = `${FUTURES}: PrefectFutureList`;
const EXCEPTIONS = "Prefect API reference, prefect.exceptions";
const MAP = `${RUN_TASKS}: Task.map`;
const RETRIES = "Prefect docs, Retries";
const TIMEOUTS = "Prefect docs, Timeouts";
const CANCEL = "Prefect docs, Cancel workflow runs";
const FINAL_STATE = "Prefect docs, Flows: Final state determination";
const RESULTS = "Prefect docs, Results";
const HOOKS = "Prefect docs, State change hooks";
const RUNNERS = "Prefect docs, Task runners";
const INPUT = "Prefect docs, Interactive workflows";
const ARTIFACTS = "Prefect docs, Artifacts";
const AUTOMATIONS = "Prefect docs, Automations";
const OPERATIONS = "Prefect docs, Prefect UI and API";

const NEEDS_TRANSACTIONS =
  "Needs transactions within a function: here what is taken back is a task of a group.";
const NEEDS_PAUSE = "Needs PAUSED: a task that waits for a person or a signal.";
const NEEDS_WEBHOOKS =
  "Needs webhooks, and rules that are stored. A program can read the stream of all events and act on it.";
const NO_STORAGE = "Has no meaning here: results are JSON, and stand in the one database with their tasks.";

export const prefect: System = {
  name: "Prefect 3",
  rows: [
    // States.
    {
      promise: "SCHEDULED Scheduled",
      source: STATES,
      test: async (errand) => {
        const future = await errand.submit("nothing", {}, LATER);
        assert.equal(await stateOf(future), "SCHEDULED Scheduled");
        await future.cancel();
      },
    },
    {
      promise: "SCHEDULED AwaitingRetry",
      source: STATES,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 60_000, jitter: false };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        await reached(future, "AwaitingRetry");
        assert.equal(await stateOf(future), "SCHEDULED AwaitingRetry");
        await future.cancel();
      },
    },
    {
      promise: "PENDING Pending",
      source: STATES,
      test: async (errand) => {
        const { history } = await (await aCompleted(errand)).task();
        assert.deepEqual([history[0].type, history[0].name], ["PENDING", "Pending"]);
      },
    },
    {
      promise: "RUNNING Running",
      source: STATES,
      test: async (errand) => {
        const future = await aRunning(errand);
        assert.equal(await stateOf(future), "RUNNING Running");
        await future.cancel();
      },
    },
    {
      promise: "RUNNING Retrying",
      source: STATES,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { retry });
        await future.wait();
        const { history } = await future.task();
        const starts = history.filter(({ type }) => type === "RUNNING").map(({ name }) => name);
        assert.deepEqual(starts, ["Running", "Retrying"]);
      },
    },
    {
      promise: "CANCELLING Cancelling",
      source: STATES,
      test: async (errand) => {
        const future = await errand.submit("tidy", { ms: 100 });
        await reached(future, "Running");
        await future.cancel("enough", { graceMs: 60_000 });
        await future.wait();
        const { type, name, message } = (await future.task()).history.at(-2)!;
        assert.deepEqual([type, name, message], ["CANCELLING", "Cancelling", "enough"]);
      },
    },
    {
      promise: "COMPLETED Completed",
      source: STATES,
      test: async (errand) => assert.equal(await stateOf(await aCompleted(errand)), "COMPLETED Completed"),
    },
    {
      promise: "FAILED Failed",
      source: STATES,
      test: async (errand) => assert.equal(await stateOf(await aFailed(errand)), "FAILED Failed"),
    },
    {
      promise: "FAILED TimedOut",
      source: STATES,
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 600_000 }, { timeoutMs: 20 });
        await future.wait();
        assert.equal(await stateOf(future), "FAILED TimedOut");
      },
    },
    {
      promise: "CANCELLED Cancelled",
      source: STATES,
      test: async (errand) => assert.equal(await stateOf(await aCancelled(errand)), "CANCELLED Cancelled"),
    },
    {
      promise: "CRASHED Crashed",
      source: STATES,
      test: () => crash(async (future) => assert.equal(await stateOf(future), "CRASHED Crashed")),
    },
    {
      promise: "SCHEDULED Late, 15 s after its time",
      source: STATES,
      notYet:
        "Half of it is here: a start that was over 15 s late has Late in its history. A task that still " +
        "waits does not show it; its state would have to be computed when it is read.",
    },
    ...states,
    ...notYet(STATES, NEEDS_PAUSE, ["SCHEDULED Resuming", "PAUSED Paused", "PAUSED Suspended"]),
    ...notYet(STATES, "Has no meaning here: a task has no infrastructure of its own to be made first.", [
      "PENDING Submitting",
      "PENDING InfrastructurePending",
    ]),
    { promise: "COMPLETED RolledBack", source: STATES, notYet: NEEDS_TRANSACTIONS },
    {
      promise: "the type drives logic, the name is for people",
      source: STATES,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const futures = [
          await errand.submit("fail", { message: "boom" }),
          await errand.submit("fail", { message: "boom" }, { retry }),
          await errand.submit("sleep", { ms: 600_000 }, { timeoutMs: 20 }),
        ] as TaskFuture[];
        const names: string[] = [];
        for (const future of futures) {
          assert.ok(await future.exception() instanceof TaskError);
          assert.equal(await future.done(), true);
          const { type, name } = await future.state();
          assert.equal(type, "FAILED");
          names.push(name);
        }
        assert.deepEqual(names, ["Failed", "RetriesExhausted", "TimedOut"]);
      },
    },
    {
      promise: "each state has an id",
      source: STATES,
      by: "its number within its task",
      test: async (errand) => {
        const { history } = await (await aCompleted(errand)).task();
        assert.deepEqual(history.map(({ seq }) => seq), [1, 2, 3]);
      },
    },
    {
      promise: "each state has a timestamp",
      source: STATES,
      test: async (errand) => {
        const { history, createdAt } = await (await aCompleted(errand)).task();
        const times = [createdAt, ...history.map(({ at }) => at)].map((at) => Date.parse(at));
        assert.deepEqual(times, times.toSorted((a, b) => a - b));
      },
    },
    {
      promise: "each state has a message",
      source: STATES,
      test: async (errand) => {
        const failed = await errand.submit("fail", { message: "no such file", name: "Missing" });
        await failed.wait();
        assert.equal((await failed.state()).message, "Missing: no such file");
        const cancelled = await aPending(errand);
        await cancelled.cancel("not wanted");
        assert.equal((await cancelled.state()).message, "not wanted");
      },
    },
    {
      promise: "each state has its data: the value or the error",
      source: STATES,
      test: async (errand) => {
        const completed = await (await aCompleted(errand)).task();
        assert.deepEqual([completed.result, completed.error], [3, null]);
        const failed = await (await aFailed(errand)).task();
        assert.deepEqual([failed.result, failed.error?.message], [null, "boom"]);
      },
    },
    {
      promise: "each state has state_details: which run of the task it belongs to",
      source: STATES,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { retry });
        await future.wait();
        const { history } = await future.task();
        assert.deepEqual(history.map(({ attempt }) => attempt), [0, 1, 1, 1, 2, 2]);
      },
    },
    {
      promise: "the full history is kept",
      source: STATES,
      test: async (errand) => {
        const retry = { maxAttempts: 30, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", untilAttempt: 30 }, { retry });
        assert.equal(await future.result(), 30);
        const told: string[] = [];
        for await (const { event, data } of future.events()) if (event === "state") told.push(data.name);
        const retries = Array.from({ length: 29 }, () => ["AwaitingRetry", "Pending", "Retrying"]);
        assert.deepEqual(told, ["Pending", "Running", ...retries.flat(), "Completed"]);
      },
    },

    // Submit.
    {
      promise: "task(…): called directly, it gives the value",
      source: TASKS,
      by: "submit() and result()",
      test: async (errand) => {
        assert.equal(await (await errand.submit("add", { a: 1, b: 2 })).result(), 3);
      },
    },
    {
      promise: "task.with_options(): the same function with other options",
      source: TASKS,
      by: "the options of each submit, or of sig()",
      test: async (errand) => {
        const quick = errand.sig("whoami", {}, {
          retry: { maxAttempts: 5 },
          timeoutMs: 60_000,
          tags: ["quick"],
        });
        const [other, plain] = await (await errand.run(group(quick, errand.sig("whoami")))).result();
        assert.deepEqual([other.maxAttempts, other.timeoutMs, other.tags], [5, 60_000, ["quick"]]);
        assert.deepEqual([plain.maxAttempts, plain.timeoutMs, plain.tags], [1, null, []]);
      },
    },
    {
      promise: "submit(): a future at once, before the task has run",
      source: RUN_TASKS,
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 }, LATER);
        assert.equal(await future.done(), false);
        await future.cancel();
      },
    },
    {
      promise: "a future cannot be awaited",
      source: RUN_TASKS,
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal("then" in future, false);
        assert.equal(await future, future);
        await future.cancel();
      },
    },
    {
      promise: "delay(): can be resolved anywhere by its id",
      source: BACKGROUND,
      test: async (errand) => {
        const { id } = await errand.submit("add", { a: 1, b: 2 }, { delayMs: 100 });
        assert.equal(await errand.future(id).result(), 3);
      },
    },
    {
      promise: "delay(): is kept until it runs, whatever dies in between",
      source: BACKGROUND,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          return (await errand.submit("add", { a: 1, b: 2 }, { delayMs: 300 })).id;
        }, async (errand, id) => assert.equal(await errand.future(id).result(), 3)),
    },
    {
      promise: "return_state=True: the State in place of the value",
      source: STATES,
      by: "state() of the future",
      test: async (errand) => {
        const state = await (await aFailed(errand)).state();
        assert.deepEqual([state.type, state.name, state.message], ["FAILED", "Failed", "Error: boom"]);
      },
    },
    {
      promise: "parameters are checked against the function's types",
      source: "Prefect docs, Flows: Parameters",
      test: async (errand) => {
        const refused = (errand as unknown as Client).submit("add", { a: "one", b: 2 });
        await assert.rejects(refused, { name: "ValidationError" });
      },
    },

    // Futures.
    {
      promise: "task_run_id",
      source: FUTURE,
      test: async (errand) => {
        const future = await errand.submit("whoami");
        assert.equal(future.id, (await future.result()).id);
      },
    },
    {
      promise: "state",
      source: FUTURE,
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal((await future.state()).type, "SCHEDULED");
        await future.cancel();
        assert.equal((await future.state()).type, "CANCELLED");
      },
    },
    {
      promise: "wait(): returns when the task has ended, and raises nothing if it failed",
      source: FUTURE,
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "boom" });
        assert.equal(await future.wait(), true);
        assert.equal(await future.done(), true);
      },
    },
    {
      promise: "wait(timeout): returns silently",
      source: FUTURE,
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal(await future.wait({ timeoutMs: 30 }), false);
        assert.equal((await future.state()).type, "SCHEDULED");
        await future.cancel();
      },
    },
    {
      promise: "result()",
      source: FUTURE,
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 50, value: { a: [1] } });
        assert.deepEqual(await future.result(), { a: [1] });
      },
    },
    {
      promise: "result(timeout): 'Task run … did not complete within … seconds'",
      source: FUTURE,
      test: async (errand) => {
        const future = await aRunning(errand);
        await assert.rejects(future.result({ timeoutMs: 30 }), (error) => {
          assert.ok(error instanceof TimeoutError);
          assert.equal(error.message, `task ${future.id} has not ended within 30 ms`);
          return true;
        });
        assert.deepEqual(await namesOf(future), ["Pending", "Running"]);
        await future.cancel();
      },
    },
    {
      promise: "result(raise_on_failure=True) raises",
      source: FUTURE,
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "boom" });
        await assert.rejects(
          future.result(),
          (error) => error instanceof TaskError && error.message === "boom",
        );
      },
    },
    {
      promise: "result(raise_on_failure=False) returns the exception",
      source: FUTURE,
      test: async (errand) => {
        const error = await (await aFailed(errand)).result({ raiseOnFailure: false });
        assert.ok(error instanceof TaskError && error.message === "boom");
      },
    },
    {
      promise: "add_done_callback(): called with the future when the task ends",
      source: FUTURE,
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 50 });
        const called = Promise.withResolvers<TaskFuture>();
        future.addDoneCallback(called.resolve);
        assert.equal(await called.promise, future);
        assert.equal(await future.done(), true);
      },
    },
    {
      promise: "add_done_callback(): at once if it has ended",
      source: FUTURE,
      test: async (errand) => {
        const future = await aCompleted(errand);
        let called = 0;
        future.addDoneCallback(() => called++);
        assert.equal(called, 1);
      },
    },
    {
      promise: "a run that is not found is taken for Pending",
      source: FUTURE,
      notYet:
        "Not here, on purpose: an unknown id is told as such at once, and waiting for it would never end.",
    },
    {
      promise: "wait() of a list: all have ended",
      source: FUTURE_LIST,
      test: async (errand) => {
        const futures = await errand.map("sleep", { ms: [0, 50, 100] });
        const { notDone } = await futures.wait();
        assert.deepEqual(notDone, []);
        assert.deepEqual(await Promise.all(futures.map((future) => future.done())), [true, true, true]);
      },
    },
    {
      promise: "result() of a list: in the order of the input",
      source: FUTURE_LIST,
      test: async (errand) => {
        const futures = await errand.map("sleep", { ms: [150, 0, 75], value: ["a", "b", "c"] });
        assert.deepEqual(await futures.results(), ["a", "b", "c"]);
      },
    },
    {
      promise: "result() of a list: raises the first failure in time, whatever its place",
      source: FUTURE_LIST,
      test: async (errand) => {
        const { futures } = await errand.run(
          group(sig("sleep", { ms: LONG_MS }), sig("fail", { message: "boom" })),
        );
        await assert.rejects(futures.results(), (error) => {
          return error instanceof TaskError && error.id === futures[1].id;
        });
        assert.equal(await futures[0].done(), false);
        await futures[0].cancel();
      },
    },
    {
      promise: "result(raise_on_failure=False) of a list: exceptions among the values",
      source: FUTURE_LIST,
      test: async (errand) => {
        const futures = await errand.map("fail", { untilAttempt: [1, 2, 1] }, { message: "boom" });
        const results = await futures.results({ raiseOnFailure: false });
        assert.deepEqual([results[0], results[2]], [1, 1]);
        assert.ok(results[1] instanceof TaskError);
      },
    },
    {
      promise: "result(timeout) of a list: one for all together",
      source: FUTURE_LIST,
      test: async (errand) => {
        const futures = await errand.map("sleep", { ms: [0, 600_000, 600_000] });
        await assert.rejects(futures.results({ timeoutMs: 200 }), TimeoutError);
        await futures.cancel();
      },
    },
    {
      promise: "wait(futures): (done, not_done)",
      source: `${FUTURES}: wait`,
      test: async (errand) => {
        const [ended, pending] = [await aFailed(errand), await aPending(errand)];
        const { done, notDone } = await wait([pending, ended], { timeoutMs: 30 });
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[ended.id], [pending.id]]);
        await pending.cancel();
      },
    },
    {
      promise: "wait(futures) without a timeout: until all have ended",
      source: `${FUTURES}: wait`,
      test: async (errand) => {
        const futures = await errand.map("sleep", { ms: [50, 100] });
        const { done, notDone } = await wait(futures);
        assert.deepEqual([done.length, notDone.length], [2, 0]);
      },
    },
    {
      promise: "wait(futures): never raises, neither for a failure nor at the timeout",
      source: `${FUTURES}: wait`,
      test: async (errand) => {
        const futures = [await aFailed(errand), await aCancelled(errand), await aPending(errand)];
        const { done, notDone } = await wait(futures as TaskFuture[], { timeoutMs: 20 });
        assert.deepEqual([done.length, notDone.length], [2, 1]);
        await futures[2].cancel();
      },
    },
    {
      promise: "as_completed: in the order in which they end",
      source: `${FUTURES}: as_completed`,
      test: async (errand) => {
        const [first, second, third] = await errand.map("nothing", [{}, {}, {}], LATER);
        const yielded: TaskFuture[] = [];
        await third.cancel();
        for await (const future of asCompleted([first, second, third])) {
          yielded.push(future);
          if (yielded.length === 1) await second.cancel();
          if (yielded.length === 2) await first.cancel();
        }
        assert.deepEqual(yielded, [third, second, first]);
      },
    },
    {
      promise: "as_completed: a negative timeout is a ValueError",
      source: `${FUTURES}: as_completed`,
      test: async (errand) => {
        const future = await aPending(errand);
        assert.throws(() => asCompleted([future], { timeoutMs: -1 }), RangeError);
        await future.cancel();
      },
    },
    {
      promise: "as_completed: TimeoutError '%d (of %d) futures unfinished'",
      source: `${FUTURES}: as_completed`,
      test: async (errand) => {
        const futures = [await aCompleted(errand), await aPending(errand), await aFailed(errand)];
        const yielded: string[] = [];
        await assert.rejects(
          async () => {
            for await (const { id } of asCompleted(futures as TaskFuture[], { timeoutMs: 300 })) {
              yielded.push(id);
            }
          },
          (error) => {
            assert.ok(error instanceof AsCompletedTimeoutError);
            assert.equal(error.message, "1 (of 3) futures unfinished");
            assert.deepEqual(error.pending, [futures[1]]);
            return true;
          },
        );
        assert.deepEqual(yielded.toSorted(), [futures[0].id, futures[2].id].toSorted());
        await futures[1].cancel();
      },
    },

    // Errors of results.
    {
      promise: "UnfinishedRun: the result of a run that has not ended",
      source: EXCEPTIONS,
      by: "result() with timeoutMs: 0",
      test: async (errand) => {
        const future = await aRunning(errand);
        await assert.rejects(future.result({ timeoutMs: 0 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "FailedRun",
      source: EXCEPTIONS,
      test: async (errand) => {
        await assert.rejects((await aFailed(errand)).result(), (error) => {
          return error instanceof TaskError && !(error instanceof CrashedError) &&
            error.state.type === "FAILED";
        });
      },
    },
    {
      promise: "CrashedRun",
      source: EXCEPTIONS,
      test: () => crash((future) => assert.rejects(future.result(), CrashedError)),
    },
    {
      promise: "CancelledRun",
      source: EXCEPTIONS,
      test: async (errand) => {
        await assert.rejects((await aCancelled(errand)).result(), CancelledError);
      },
    },
    {
      promise: "MissingResult: there was one, and it is not kept any more",
      source: EXCEPTIONS,
      test: async (errand) => {
        const forgotten = await aCompleted(errand);
        await forgotten.forget();
        await assert.rejects(errand.future(forgotten.id).result(), ForgottenError);
        const { id } = await errand.submit("nothing", {}, { retentionMs: 0 });
        while (await errand.future(id).exists()) await new Promise((resolve) => setTimeout(resolve, 10));
        await assert.rejects(errand.future(id).result(), NotFoundError);
      },
    },
    { promise: "PausedRun", source: EXCEPTIONS, notYet: NEEDS_PAUSE },

    // Dependencies.
    ...dependencies,

    // Map.
    {
      promise: "one run for each element",
      source: MAP,
      test: async (errand) => {
        const futures = await errand.map("add", { a: [1, 2, 3], b: [10, 20, 30] });
        assert.deepEqual(await futures.results(), [11, 22, 33]);
      },
    },
    {
      promise: "MappingMissingIterable: there has to be at least one iterable",
      source: MAP,
      test: async (errand) => {
        await assert.rejects(errand.map("add", { a: 1, b: 2 }), MappingMissingIterableError);
        await assert.rejects(errand.map("add", {}), MappingMissingIterableError);
      },
    },
    {
      promise: "MappingLengthMismatch: iterables have one length",
      source: MAP,
      test: async (errand) => {
        await assert.rejects(errand.map("add", { a: [1, 2], b: [1, 2, 3] }), MappingLengthMismatchError);
      },
    },
    {
      promise: "what is no iterable, or is a text, goes to every run",
      source: MAP,
      test: async (errand) => {
        const futures = await errand.map("sleep", { ms: new Set([0, 1]), value: "text" });
        assert.deepEqual(await futures.results(), ["text", "text"]);
      },
    },
    {
      promise: "unmapped(x): an iterable that goes to every run as a whole",
      source: MAP,
      test: async (errand) => {
        const futures = await errand.map("sleep", { ms: [0, 1] }, { value: unmapped(["as", "a", "whole"]) });
        assert.deepEqual(await futures.results(), [["as", "a", "whole"], ["as", "a", "whole"]]);
      },
    },
    {
      promise: "map(deferred=True): in the background, each by its id",
      source: MAP,
      test: async (errand) => {
        const futures = await errand.map("add", { a: [1, 2] }, { b: 1 }, { delayMs: 100 });
        const results = await Promise.all(idsOf(futures).map((id) => errand.future(id).result()));
        assert.deepEqual(results, [2, 3]);
      },
    },
    ...mapping,

    // How a flow ends.
    {
      promise: "an exception makes the run Failed",
      source: FINAL_STATE,
      test: async (errand) => {
        const future = await errand.submit("caused");
        await future.wait();
        assert.deepEqual(await stateOf(future), "FAILED Failed");
        assert.equal((await future.task()).error?.cause?.message, "inner");
      },
    },
    ...finalStates,

    // Retries.
    {
      promise: "retries=N: so many after the first run",
      source: RETRIES,
      by: "maxAttempts: N + 1, as it counts the first run",
      test: async (errand) => {
        const retry = { maxAttempts: 3, delayMs: 0 };
        const mended = await errand.submit("fail", { message: "boom", untilAttempt: 3 }, { retry });
        assert.equal(await mended.result(), 3);
        const exhausted = await errand.submit("fail", { message: "boom", untilAttempt: 4 }, { retry });
        await assert.rejects(exhausted.result(), TaskError);
        assert.equal((await exhausted.task()).attempt, 3);
      },
    },
    {
      promise: "retry_delay_seconds: a number",
      source: RETRIES,
      test: async (errand) => {
        const retry = { maxAttempts: 3, delayMs: 300, factor: 1, jitter: false };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        await future.wait();
        const { history } = await future.task();
        const pauses = history.flatMap(({ name, at }, i) =>
          name === "AwaitingRetry" ? [Date.parse(history[i + 1].at) - Date.parse(at)] : []
        );
        assert.ok(pauses.length === 2 && pauses.every((ms) => ms >= 300), `${pauses}`);
      },
    },
    {
      promise: "exponential_backoff(f): f * 2 ** r",
      source: RETRIES,
      test: async (errand) => {
        const retry = { maxAttempts: 3, delayMs: 700, factor: 2, jitter: false };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        assert.equal(await retryPauseMs(future, 2), 1_400);
        await future.cancel();
      },
    },
    {
      promise: "retry_jitter_factor: pauses that are spread",
      source: RETRIES,
      test: async (errand) => {
        const inputs = Array.from({ length: 8 }, () => ({ message: "boom" }));
        const retry = { maxAttempts: 2, delayMs: 60_000, jitter: true };
        const futures = await errand.map("fail", inputs, { retry });
        const pauses = await Promise.all(futures.map((future) => retryPauseMs(future)));
        await futures.cancel();
        assert.ok(new Set(pauses).size > 1, `${pauses}`);
      },
    },
    {
      promise: "retry_condition_fn: an error that shall not be tried again is the end",
      source: RETRIES,
      test: async (errand) => {
        const retry = { maxAttempts: 4, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", retryable: false }, { retry });
        assert.equal((await future.exception())?.retryable, false);
        assert.deepEqual(await namesOf(future), ["Pending", "Running", "Failed"]);
      },
    },
    {
      promise: "retry_delay_seconds: a list, one for each retry",
      source: RETRIES,
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "boom" }, {
          retry: { delaysMs: [10, 30, 20] },
        });
        await future.wait();
        const { attempt, history } = await future.task();
        assert.equal(attempt, 4);
        const pauses = history.flatMap(({ name, at }, i) =>
          name === "AwaitingRetry" ? [Date.parse(history[i + 1].at) - Date.parse(at)] : []
        );
        for (const [i, least] of [10, 30, 20].entries()) assert.ok(pauses[i] >= least, `${pauses}`);
      },
    },
    {
      promise: "retry_delay_seconds: a function",
      source: RETRIES,
      by: "the function itself, which throws retryAfter() with the pause that it has computed",
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 60_000, jitter: false };
        const future = await errand.submit("directs", { how: "retry", ms: 123 }, { retry });
        assert.equal(await retryPauseMs(future), 123);
        assert.equal(await future.result(), 2);
      },
    },
    ...retries,
    {
      promise: "task_default_retries: a default for all tasks",
      source: RETRIES,
      by: "code that goes through the definitions and gives each this default",
      test: async () => {
        const retry = { maxAttempts: 3, delayMs: 0 };
        await using errand = await anErrandHere(withDefaults(() => ({ retry })));
        const future = await errand.client.submit("fail", { message: "boom" });
        await future.wait();
        assert.equal((await future.task()).attempt, 3);
        const own = await errand.client.submit("fail", { message: "boom" }, { retry: { maxAttempts: 1 } });
        await own.wait();
        assert.equal((await own.task()).attempt, 1);
      },
    },

    // Timeouts.
    {
      promise: "timeout_seconds: 'Task run exceeded timeout of … second(s)'",
      source: TIMEOUTS,
      by: "timeoutMs of each attempt, with a message of its own",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 600_000 }, { timeoutMs: 40 });
        const error = await future.exception();
        assert.equal(error?.state.name, "TimedOut");
        assert.equal(error?.message, "the attempt took longer than timeoutMs, 40 ms");
      },
    },
    {
      promise: "timeout_seconds: counts for each try",
      source: TIMEOUTS,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const future = await errand.submit("sleep", { ms: 600_000 }, { timeoutMs: 40, retry });
        await future.wait();
        const names = ["Pending", "Running", "AwaitingRetry", "Pending", "Retrying", "TimedOut"];
        assert.deepEqual(await namesOf(future), names);
      },
    },

    // Caching.
    ...caching,

    // Results.
    {
      promise: "persist_result: kept when the process has ended",
      source: RESULTS,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          const future = await errand.submit("echo", { value: { kept: "x".repeat(50_000) } });
          await future.wait();
          return future.id;
        }, async (errand, id) => {
          assert.deepEqual(await errand.future(id).result(), { kept: "x".repeat(50_000) });
        }),
    },
    {
      promise: "cache_result_in_memory: a value that was fetched once is not fetched again",
      source: RESULTS,
      test: async (errand) => {
        const future = await aCompleted(errand);
        await errand.future(future.id).forget();
        assert.equal(await future.result(), 3);
      },
    },
    ...notYet(RESULTS, NO_STORAGE, [
      "result_storage",
      "result_serializer",
      "result_storage_key",
    ]),

    // Limits.
    ...limits,
    {
      promise: "priorities of work queues",
      source: "Prefect docs, Work pools: Work queues",
      by:
        "slots of a queue's own: no other queue's backlog holds it up; priorities order tasks within a queue",
      async test() {
        await using server = await aServer({ QUEUES: "high:1,low", CONCURRENCY: "1" }, { stderr: "null" });
        const errand = aClient(server.url);
        const backlog = [await errand.submit("sleep", { ms: 600_000 }, { queue: "low" })];
        await reached(backlog[0], "Running");
        backlog.push(await errand.submit("sleep", { ms: 600_000 }, { queue: "low" }));
        const high = await errand.submit("add", { a: 1, b: 2 }, { queue: "high" });
        assert.equal(await high.result(), 3);
        assert.equal((await backlog[1].state()).type, "PENDING");
        for (const future of backlog.toReversed()) await future.cancel();
      },
    },

    // Hooks.
    ...prefectHooks,
    ...notYet(HOOKS, NEEDS_TRANSACTIONS, ["on_commit"]),

    // Transactions.
    ...transactions,
    ...notYet(TRANSACTIONS, NEEDS_TRANSACTIONS, [
      "a key: runs at most once, is_committed()",
      "commit mode EAGER, LAZY or OFF",
      "get(), set()",
    ]),

    // Names and what belongs to a run.
    {
      promise: "tags",
      source: TASKS,
      test: async (errand) => {
        const future = await errand.submit("whoami", {}, { tags: ["nightly", "eu"] });
        assert.deepEqual((await future.result()).tags, ["nightly", "eu"]);
        assert.deepEqual((await future.task()).tags, ["nightly", "eu"]);
      },
    },
    {
      promise: "runtime context: a function knows its run",
      source: "Prefect docs, Access runtime context",
      test: async (errand) => {
        const retry = { maxAttempts: 4 };
        const future = await errand.submit("whoami", {}, { retry, metadata: { by: "me" } });
        const { id, attempt, task, maxAttempts, metadata } = await future.result();
        assert.deepEqual({ id, attempt, task, maxAttempts, metadata }, {
          id: future.id,
          attempt: 1,
          task: "whoami",
          maxAttempts: 4,
          metadata: { by: "me" },
        });
      },
    },
    {
      promise: "get_run_logger(): lines that are kept with the run",
      source: "Prefect docs, Logging",
      test: async (errand) => {
        const future = await errand.submit("countdown", { from: 3, stepMs: 0 });
        await future.wait();
        const lines: string[] = [];
        for await (const { event, data } of errand.future(future.id).events()) {
          if (event === "log") lines.push(data.message);
        }
        assert.deepEqual(lines, ["T minus 3", "T minus 2", "T minus 1"]);
      },
    },
    {
      promise: "log_prints: what a function prints is logged",
      source: "Prefect docs, Logging",
      by: "the service's log, with the id of the task",
      test: async () => {
        await using server = await aServer();
        const future = await aClient(server.url).submit("prints", { text: "printed by a function" });
        await future.result();
        const find = () => server.output.stderr.split("\n").find((line) => line.includes("printed by"));
        await eventually(() => Promise.resolve(find()?.endsWith("}")), "it is not logged");
        const { level, message, task, id, attempt } = JSON.parse(find()!);
        assert.deepEqual({ level, message, task, id, attempt }, {
          level: "info",
          message: "printed by a function",
          task: "prints",
          id: future.id,
          attempt: 1,
        });
      },
    },
    {
      promise: "task_run_name: a template or a function",
      source: TASKS,
      test: async (errand) => {
        const named = await errand.submit("pays", { card: "4111 1111", cents: 500 });
        assert.equal((await named.task()).displayName, "payment of 500 cents");
        const own = await errand.submit("pays", { card: "4111 1111", cents: 1 }, { displayName: "a tip" });
        assert.equal((await own.task()).displayName, "a tip");
      },
    },
    {
      promise: "description",
      source: TASKS,
      test: async (errand) => {
        const found = (await errand.definitions.list()).find(({ name }) => name === "add");
        assert.match(found!.description!, /\w/);
      },
    },
    {
      promise: "version",
      source: TASKS,
      test: async (errand) => {
        const future = await errand.submit("pays", { card: "4111 1111", cents: 500 });
        assert.equal((await future.task()).version, "2026-11");
        const found = (await errand.definitions.list()).find(({ name }) => name === "pays");
        assert.equal(found!.version, "2026-11");
      },
    },

    // Nesting and runners.
    ...nesting,
    {
      promise: "a task runner of one's own for each flow",
      source: RUNNERS,
      notYet:
        "Not here, on purpose: a definition says where it runs, inline or on a thread, and a flow may have " +
        "tasks of both kinds.",
    },
    {
      promise: "ThreadPoolTaskRunner: computing does not hold up the others",
      source: RUNNERS,
      test: async (errand) => {
        const computing = await errand.submit("primes", { limit: 1e9 });
        await reached(computing, "Running");
        const futures = await errand.map("add", { a: [1, 2, 3] }, { b: 1 });
        assert.deepEqual(await futures.results(), [2, 3, 4]);
        assert.equal(await computing.running(), true);
        await computing.cancel();
        await computing.wait();
      },
    },
    {
      promise: "ProcessPoolTaskRunner",
      source: RUNNERS,
      by: "several service processes that share one database",
      test: async () => {
        await using database = await aDatabase();
        const env = { KV_PATH: database.path, CONCURRENCY: "1" };
        await using one = await aServer(env);
        await using _other = await aServer(env);
        const futures = await aClient(one.url).map("sleep", [{ ms: LONG_MS }, { ms: LONG_MS }]);
        await Promise.all([...futures].map((future) => reached(future, "Running")));
        assert.deepEqual(await Promise.all([...futures].map((future) => future.running())), [true, true]);
        await futures.cancel();
      },
    },
    {
      promise: "DaskTaskRunner, RayTaskRunner",
      source: RUNNERS,
      notYet: "Has no meaning here: the service is its own cluster.",
    },
    {
      promise: "PrefectTaskRunner: tasks run where a worker serves them",
      source: RUNNERS,
      test: async () => {
        await using database = await aDatabase();
        const env = { KV_PATH: database.path };
        await using web = await aServer({ ...env, ROLE: "web" });
        const future = await aClient(web.url).submit("add", { a: 1, b: 2 });
        assert.equal(await stateOf(future), "PENDING Pending");
        await using _worker = await aServer({ ...env, ROLE: "worker" });
        assert.equal(await future.result(), 3);
      },
    },

    // People.
    ...notYet(INPUT, NEEDS_PAUSE, [
      "pause_flow_run(): stays in its process",
      "suspend_flow_run(): leaves it",
      "wait_for_input: a typed model",
      "the timeout of a pause",
      "resume with input",
      "send_input(), receive_input() while running",
    ]),

    // Schedules, and cancelling.
    {
      promise: "idempotency_key: the same key makes no second run",
      source: "Prefect API reference, create_flow_run",
      test: async (errand) => {
        const idempotencyKey = crypto.randomUUID();
        const first = await errand.submit("whoami", {}, { idempotencyKey });
        const second = await errand.submit("whoami", {}, { idempotencyKey });
        assert.equal(second.id, first.id);
        assert.equal((await second.result()).token, (await first.result()).token);
        const other = await errand.submit("whoami", {}, { idempotencyKey: crypto.randomUUID() });
        assert.notEqual(other.id, first.id);
      },
    },
    {
      promise: "cancel of a run that waits: Cancelled, and it never starts",
      source: CANCEL,
      test: async (errand) => {
        const future = await aCancelled(errand);
        assert.deepEqual(await namesOf(future), ["Scheduled", "Cancelled"]);
        assert.equal((await future.task()).startedAt, null);
      },
    },
    {
      promise: "cancel of a run that runs: Cancelling, then Cancelled",
      source: CANCEL,
      test: async (errand) => {
        const future = await errand.submit("tidy", { ms: 50 });
        await reached(future, "Running");
        assert.equal(await future.cancel("enough"), true);
        await future.wait();
        assert.deepEqual(await namesOf(future), ["Pending", "Running", "Cancelling", "Cancelled"]);
      },
    },
    {
      promise: "cancel: a run that does not stop is ended when its grace is over",
      source: CANCEL,
      test: async (errand) => {
        const future = await errand.submit("stubborn", { ms: 30_000 });
        await reached(future, "Running");
        assert.equal(await future.cancel("enough", { graceMs: 100 }), true);
        await assert.rejects(future.result(), CancelledError);
        const [cancelling, cancelled] = (await future.task()).history.slice(-2);
        assert.deepEqual([cancelling.name, cancelled.name], ["Cancelling", "Cancelled"]);
      },
    },
    ...schedules,

    // Operations.
    {
      promise: "state history",
      source: OPERATIONS,
      test: async (errand) => {
        assert.deepEqual(await namesOf(await aFailed(errand)), ["Pending", "Running", "Failed"]);
      },
    },
    {
      promise: "progress artifacts",
      source: ARTIFACTS,
      test: async (errand) => {
        const future = await errand.submit("countdown", { from: 4, stepMs: 0 });
        await future.wait();
        const { progress } = await errand.future(future.id).task();
        assert.deepEqual(progress, { current: 4, total: 4, message: "T minus 1" });
      },
    },
    {
      promise: "zombies: a run whose process has died is found by its missing heartbeat",
      source: "Prefect docs, Detect zombie flows",
      test: () =>
        crash(async (future) => {
          assert.match((await future.state()).message!, /its workers died/);
        }),
    },
    ...notYet(ARTIFACTS, "Needs artifacts: a result is JSON, and files have no place beside it.", [
      "link artifacts",
      "markdown artifacts",
      "image artifacts",
      "table artifacts",
    ]),
    ...pages,
    ...notYet(AUTOMATIONS, NEEDS_WEBHOOKS, [
      "an event that comes: cancel, suspend, notify, call a webhook, run",
      "an event that does not come",
      "SLAs",
    ]),
    ...notYet(
      OPERATIONS,
      "Has no meaning here: definitions are code, and read their settings where they run.",
      [
        "variables",
        "blocks",
      ],
    ),
    {
      promise: "bulk filter API",
      source: OPERATIONS,
      test: async (errand) => {
        const filter = { tag: crypto.randomUUID(), state: ["SCHEDULED" as const] };
        const options = { ...LATER, tags: [filter.tag] };
        const futures = await errand.map("add", [{ a: 1, b: 1 }, { a: 1, b: 2 }], options);
        const found = await Array.fromAsync(errand.tasks.list(filter));
        assert.deepEqual(found.map(({ id }) => id).sort(), futures.map(({ id }) => id).sort());
        assert.equal((await errand.cancelTasks({ filter }, "not wanted")).cancelled, 2);
        for (const future of futures) assert.equal((await future.state()).message, "not wanted");
      },
    },
  ],
};

/** A task that ended CRASHED, seen by the service that found it. */
function crash(check: (future: TaskFuture) => Promise<void>): Promise<void> {
  return acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
    const future = await errand.submit("sleep", { ms: 600_000 }, { maxCrashes: 0 });
    await reached(future, "Running");
    return future.id;
  }, async (errand, id) => {
    const future = errand.future(id);
    assert.equal(await future.wait(), true);
    await check(future);
  });
}
