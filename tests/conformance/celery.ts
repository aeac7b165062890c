// Celery's promises, area by area.

import assert from "node:assert/strict";
import {
  asCompleted,
  CancelledError,
  Client,
  ConflictError,
  ConnectionError,
  CrashedError,
  ForgottenError,
  NotFoundError,
  sig,
  TaskError,
  type TaskEvent,
  type TaskFuture,
  TimeoutError,
  UnknownDefinitionError,
  ValidationError,
} from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { beat } from "./celery_beat.ts";
import { rateLimitAtRuntime, rateLimits } from "./celery_rate_limits.ts";
import { canvas, linking, trees } from "./celery_canvas.ts";
import {
  chosenEnds,
  events,
  ignoredAtOnce,
  ignoredForOneCall,
  ignoredInConfiguration,
  inspections,
  purge,
  revokeByHeaders,
  shown,
  sparesRunning,
  steering,
  workerEvents,
  workerOfTask,
} from "./celery_operation.ts";
import { eventually } from "../support/waiting.ts";
import { acrossCrash } from "./crash.ts";
import { routing } from "./celery_routing.ts";
import { celeryHandlers, limitsCallOnFailure } from "./handlers.ts";
import { anErrandHere } from "./in_process.ts";
import { notYet } from "./not_yet.ts";
import { flower } from "./pages.ts";
import type { System } from "./row.ts";
import { LATER, namesOf, reached, retryPauseMs, stateOf } from "./states.ts";
import { aCancelled, aPending, aRunning, aTidying } from "./steps.ts";

const TASKS = "Celery docs, Tasks";
const STATES = `${TASKS}: States`;
const CUSTOM_STATES = `${TASKS}: Custom states`;
const RETRYING = `${TASKS}: Retrying`;
const AUTO_RETRY = `${TASKS}: Automatic retry`;
const PREDICATES = `${TASKS}: Semipredicates`;
const TASK_OPTIONS = `${TASKS}: List of options`;
const RESULT = "Celery docs, celery.result: AsyncResult";
const GET = `${RESULT}.get`;
const CALLING = "Celery docs, Calling Tasks";
const WORKERS = "Celery docs, Workers Guide";
const REVOKE = `${WORKERS}: revoke`;
const INSPECT = `${WORKERS}: Inspecting workers`;
const CONTROL = `${WORKERS}: Remote control`;
const LIMITS = `${WORKERS}: Time limits`;
const CONFIGURATION = "Celery docs, Configuration";
const ROUTING = "Celery docs, Routing Tasks";
const TASK_EVENTS = "Celery docs, Monitoring: Task events";

const EXCHANGES = "Needs exchanges: a submit names its queue, and nothing stands between the two.";
const OPERATIONS = "No call steers a worker: settings and signals to its process do, and limits of queues.";
const RETRY_LATER =
  "A function asks for a retry by what it throws, which ends its attempt; it gets no other error for that.";

export const celery: System = {
  name: "Celery",
  rows: [
    // States.
    {
      promise: "a task goes PENDING, STARTED, SUCCESS",
      source: STATES,
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 });
        assert.equal(await future.result(), 3);
        assert.deepEqual(await namesOf(future), ["Pending", "Running", "Completed"]);
      },
    },
    {
      promise: "PENDING: a task that waits for its start",
      source: STATES,
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal(await stateOf(future), "SCHEDULED Scheduled");
        assert.equal((await future.task()).startedAt, null);
        await future.cancel();
      },
    },
    {
      promise: "STARTED, without asking for track_started",
      source: STATES,
      test: async (errand) => {
        const future = await aRunning(errand);
        assert.equal(await stateOf(future), "RUNNING Running");
        assert.equal(await future.running(), true);
        await future.cancel();
      },
    },
    {
      promise: "FAILURE: the function raised",
      source: STATES,
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "boom" });
        assert.equal(await future.wait(), true);
        assert.equal(await stateOf(future), "FAILED Failed");
      },
    },
    {
      promise: "RETRY: failed, and to be tried again",
      source: STATES,
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "boom" }, {
          retry: { maxAttempts: 2, delayMs: 60_000, jitter: false },
        });
        await reached(future, "AwaitingRetry");
        assert.equal(await stateOf(future), "SCHEDULED AwaitingRetry");
        await future.cancel();
      },
    },
    {
      promise: "REVOKED",
      source: STATES,
      test: async (errand) => {
        const future = await aPending(errand);
        await future.cancel();
        assert.equal(await stateOf(future), "CANCELLED Cancelled");
      },
    },
    {
      promise: "RECEIVED: a worker holds it and has not started it",
      source: STATES,
      notYet: "Has no meaning here: a worker takes what it starts at once, and holds nothing back.",
    },
    ...chosenEnds,
    {
      promise: "READY_STATES: SUCCESS, FAILURE and REVOKED",
      source: "Celery docs, celery.states",
      test: async (errand) => {
        const completed = await errand.submit("nothing");
        const failed = await errand.submit("fail", { message: "boom" });
        const revoked = await aCancelled(errand);
        for (const future of [completed, failed, revoked] as TaskFuture[]) {
          assert.equal(await future.wait(), true);
          assert.equal(await future.done(), true);
        }
        const started = await errand.submit("sleep", { ms: 600_000 });
        const retry = { maxAttempts: 2, delayMs: 60_000, jitter: false };
        const retried = await errand.submit("fail", { message: "boom" }, { retry });
        await Promise.all([reached(started, "Running"), reached(retried, "AwaitingRetry")]);
        assert.deepEqual([await started.done(), await retried.done()], [false, false]);
        await Promise.all([started.cancel(), retried.cancel()]);
      },
    },
    {
      promise: "EXCEPTION_STATES: RETRY, FAILURE and REVOKED tell what was raised",
      source: "Celery docs, celery.states",
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 60_000, jitter: false };
        const retried = await errand.submit("fail", { message: "not yet", name: "Busy" }, { retry });
        await reached(retried, "AwaitingRetry");
        assert.equal((await retried.state()).message, "Busy: not yet");
        await retried.cancel();
        await assert.rejects(retried.result(), CancelledError);
        const failed = await errand.submit("fail", { message: "boom" });
        assert.equal((await failed.exception())?.message, "boom");
      },
    },
    {
      promise: "PROPAGATE_STATES: get() raises for FAILURE and REVOKED, and waits on through RETRY",
      source: "Celery docs, celery.states",
      test: async (errand) => {
        const failed = await errand.submit("fail", { message: "boom" });
        await assert.rejects(failed.result(), TaskError);
        const revoked = await aCancelled(errand);
        await assert.rejects(revoked.result(), CancelledError);
        const retry = { maxAttempts: 2, delayMs: 50, jitter: false };
        const retried = await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { retry });
        assert.equal(await retried.result(), 2);
        assert.ok((await namesOf(retried)).includes("AwaitingRetry"));
      },
    },
    {
      promise: "precedence: SUCCESS and FAILURE outrank REVOKED",
      source: "Celery docs, celery.states",
      test: async (errand) => {
        const completed = await errand.submit("nothing");
        const failed = await errand.submit("fail", { message: "boom" });
        for (const future of [completed, failed] as TaskFuture[]) {
          await future.wait();
          assert.equal(await future.cancel(), false);
        }
        const states = await Promise.all([completed, failed].map(({ id }) => stateOf(errand.future(id))));
        assert.deepEqual(states, ["COMPLETED Completed", "FAILED Failed"]);
      },
    },
    {
      promise: "precedence of the states before the end",
      source: "Celery docs, celery.states",
      notYet:
        "Has no meaning here: a task has one record with its states in order, so none has to be picked.",
    },

    // Custom states.
    {
      promise: "update_state(meta): what a running task says about itself can be seen",
      source: CUSTOM_STATES,
      test: async (errand) => {
        const future = await errand.submit("countdown", { from: 3, stepMs: 20_000 });
        for await (const { event } of future.events()) if (event === "progress") break;
        assert.equal(await future.running(), true);
        const { progress } = await future.task();
        assert.deepEqual(progress, { current: 1, total: 3, message: "T minus 3" });
        await future.cancel();
      },
    },
    {
      promise: "meta is any JSON",
      source: CUSTOM_STATES,
      by: "emit() and log(), whose data are any JSON and events of the task; progress has numbers and a text",
      test: async (errand) => {
        const metas = [{ current: 1, files: ["a", { b: null }] }, [1.5, true], "text", null];
        const future = await errand.submit("tells", { metas });
        const chunks: unknown[] = [];
        const logged: unknown[] = [];
        for await (const { event, data } of future.events()) {
          if (event === "chunk") chunks.push(data.chunk);
          if (event === "log") logged.push(data.data);
        }
        assert.deepEqual([chunks, logged], [metas, metas]);
      },
    },
    {
      promise: "a later update_state overwrites the one before",
      source: CUSTOM_STATES,
      test: async (errand) => {
        const future = await errand.submit("countdown", { from: 5, stepMs: 0 });
        await future.result();
        assert.deepEqual((await future.task()).progress, { current: 5, total: 5, message: "T minus 1" });
      },
    },
    {
      promise: "update_state(state): a name of one's own",
      source: CUSTOM_STATES,
      notYet:
        "Not here: names of states are a closed list that programs can rely on; progress() takes a text, " +
        "emit() any JSON. Names of one's own would need a place beside the state.",
    },

    // AsyncResult.
    {
      promise: "AsyncResult(id): all from the id alone",
      source: RESULT,
      test: async (errand) => {
        const { id } = await errand.submit("add", { a: 20, b: 22 });
        const future = errand.future<number>(id);
        assert.equal(await future.result(), 42);
        assert.equal(await errand.future(id).done(), true);
      },
    },
    {
      promise: "id",
      source: RESULT,
      test: async (errand) => {
        const future = await errand.submit("whoami");
        assert.equal((await future.result()).id, future.id);
      },
    },
    {
      promise: "state, also as status",
      source: RESULT,
      test: async (errand) => {
        const future = await errand.submit("nothing");
        await future.wait();
        const { id } = future;
        assert.deepEqual(await errand.future(id).state(), (await errand.future(id).task()).state);
      },
    },
    {
      promise: "result, also as info: the value, or the exception",
      source: RESULT,
      test: async (errand) => {
        const completed = await errand.submit("echo", { value: { deep: [1, null] } });
        await completed.wait();
        assert.deepEqual((await errand.future(completed.id).task()).result, { deep: [1, null] });
        const failed = await errand.submit("fail", { message: "boom", name: "Burst" });
        await failed.wait();
        const error = { name: "Burst", message: "boom", retryable: true };
        assert.deepEqual((await errand.future(failed.id).task()).error, error);
      },
    },
    {
      promise: "a function that returns nothing has the result None",
      source: RESULT,
      test: async (errand) => {
        const future = await errand.submit("nothing");
        assert.equal(await future.result(), null);
        assert.equal(await stateOf(future), "COMPLETED Completed");
      },
    },
    {
      promise: "traceback",
      source: RESULT,
      by: "remoteStack, where the operator has set SHOW_STACKS",
      test: async (errand) => {
        await using server = await aServer({ SHOW_STACKS: "true" });
        const shown = await (await aClient(server.url).submit("caused")).exception();
        assert.match(shown!.remoteStack!, /outer\n\s+at .*definitions\.ts/);
        const hidden = await (await errand.submit("caused")).exception();
        assert.equal(hidden!.remoteStack, undefined, "only where the operator asked for it");
      },
    },
    {
      promise: "args and kwargs (result_extended)",
      source: RESULT,
      test: async (errand) => {
        const { id } = await errand.submit("add", { a: 1, b: 2 });
        assert.deepEqual((await errand.future(id).task()).input, { a: 1, b: 2 });
      },
    },
    {
      promise: "name (result_extended)",
      source: RESULT,
      test: async (errand) => {
        const { id } = await errand.submit("add", { a: 1, b: 2 });
        assert.equal((await errand.future(id).task()).task, "add");
      },
    },
    {
      promise: "retries (result_extended)",
      source: RESULT,
      test: async (errand) => {
        const retry = { maxAttempts: 5, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", untilAttempt: 3 }, { retry });
        await future.wait();
        assert.equal((await future.task()).attempt, 3);
      },
    },
    {
      promise: "date_done",
      source: RESULT,
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 20 });
        await future.wait();
        const { finishedAt, startedAt, state } = await future.task();
        assert.equal(finishedAt, state.at);
        assert.ok(Date.parse(finishedAt) > Date.parse(startedAt!));
      },
    },
    workerOfTask,
    {
      promise: "queue (result_extended)",
      source: RESULT,
      async test(errand) {
        const future = await errand.submit("add", { a: 1, b: 2 }, { queue: "feeds" });
        await future.wait();
        assert.equal((await future.task()).queue, "feeds");
      },
    },

    // AsyncResult.get.
    {
      promise: "get() waits and gives the value",
      source: GET,
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 100, value: "rested" });
        assert.equal(await future.result(), "rested");
      },
    },
    {
      promise: "timeout raises TimeoutError",
      source: GET,
      test: async (errand) => {
        const future = await aPending(errand);
        await assert.rejects(future.result({ timeoutMs: 50 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "the timeout does not stop the task",
      source: GET,
      test: async (errand) => {
        const future = await aRunning(errand);
        await assert.rejects(future.result({ timeoutMs: 50 }), TimeoutError);
        assert.deepEqual(await namesOf(future), ["Pending", "Running"]);
        await future.cancel();
      },
    },
    {
      promise: "propagate=True raises what the task raised",
      source: GET,
      test: async (errand) => {
        const future = await errand.submit("caused");
        await assert.rejects(future.result(), (error) => {
          assert.ok(error instanceof TaskError && error.cause instanceof Error);
          assert.deepEqual([error.remoteName, error.message], ["RangeError", "outer"]);
          assert.deepEqual([error.cause.name, error.cause.message], ["TypeError", "inner"]);
          return true;
        });
      },
    },
    {
      promise: "propagate=False returns the exception",
      source: GET,
      test: async (errand) => {
        const failed = await errand.submit("fail", { message: "boom" });
        const revoked = await aCancelled(errand);
        const error = await failed.result({ raiseOnFailure: false });
        assert.ok(error instanceof TaskError);
        assert.equal(error.message, "boom");
        assert.ok(await revoked.result({ raiseOnFailure: false }) instanceof CancelledError);
      },
    },
    {
      promise: "propagate=False still raises TimeoutError",
      source: GET,
      test: async (errand) => {
        const future = await aPending(errand);
        await assert.rejects(future.result({ raiseOnFailure: false, timeoutMs: 20 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "callback: called with the result",
      source: GET,
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 });
        const called = Promise.withResolvers<[string, number]>();
        future.addDoneCallback(async (done) => called.resolve([done.id, await done.result()]));
        assert.deepEqual(await called.promise, [future.id, 3]);
      },
    },
    {
      promise: "on_message: every change of state",
      source: GET,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 20, jitter: false };
        const future = await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { retry });
        const told: string[] = [];
        for await (const { event, data } of future.events()) if (event === "state") told.push(data.name);
        assert.deepEqual(told, ["Pending", "Running", "AwaitingRetry", "Pending", "Retrying", "Completed"]);
      },
    },
    ...notYet(GET, "Has no meaning here: nothing is polled, the service tells the end by itself.", [
      "interval: the pause between polls",
      "on_interval: called at each poll",
    ]),
    ignoredAtOnce,

    // The rest of AsyncResult.
    {
      promise:
        "then(callback, on_error): the first is called when the task succeeds, the other when it fails",
      source: `${RESULT}.then`,
      by: "addDoneCallback(), and the two callbacks of the promise that result() is",
      test: async (errand) => {
        const called: unknown[] = [];
        const then = (future: TaskFuture) =>
          new Promise<void>((resolve) =>
            future.addDoneCallback((done) =>
              done.result()
                .then(
                  (value) => called.push(["callback", value]),
                  ({ message }) => called.push(["on_error", message]),
                )
                .then(() => resolve())
            )
          );
        await then(await errand.submit("sleep", { ms: 50, value: "done" }));
        await then(await errand.submit("fail", { message: "boom" }));
        assert.deepEqual(called, [["callback", "done"], ["on_error", "boom"]]);
      },
    },
    {
      promise: "Task.request: its id, group, parent, retries and time limit, for its function",
      source: `${TASKS}: Task Request`,
      test: async (errand) => {
        const options = { timeoutMs: 60_000, retry: { maxAttempts: 3 }, tags: ["t"] };
        const flow = await errand.run(sig("whoami", {}, { ...options, name: "self" }));
        const [seen] = await flow.results() as Record<string, unknown>[];
        const { id, task, attempt, maxAttempts, groupId, parentId, timeoutMs, retry, tags } = seen;
        assert.deepEqual([id, task, groupId, parentId], [flow.futures[0].id, "whoami", flow.groupId, null]);
        assert.deepEqual([attempt, maxAttempts, timeoutMs, tags], [1, 3, 60_000, ["t"]]);
        assert.equal((retry as { delayMs: number }).delayMs, 1_000);
        const parent = await errand.submit("family", { children: [{ task: "whoami" }], awaits: true });
        const [child] = await parent.result() as { parentId: string }[];
        assert.equal(child.parentId, parent.id);
      },
    },
    {
      promise: "AbortableTask: abort() asks it to stop, and is_aborted() tells its function",
      source: "Celery docs, celery.contrib.abortable",
      test: async (errand) => {
        const future = await aTidying(errand, 0);
        assert.equal(await future.cancel("stop it"), true);
        const events = await Array.fromAsync(future.events());
        const told = events.flatMap(({ event, data }) => event === "log" ? [data] : []);
        assert.deepEqual(told.map(({ message }) => message), ["stopping"]);
        assert.equal(await stateOf(future), "CANCELLED Cancelled");
      },
    },
    purge,
    {
      promise: "exists(): tells an unknown task from one that waits",
      source: `${RESULT}.exists`,
      test: async (errand) => {
        const waiting = await aPending(errand);
        assert.equal(await waiting.exists(), true);
        const unknown = errand.future(crypto.randomUUID());
        assert.equal(await unknown.exists(), false);
        await assert.rejects(unknown.state(), NotFoundError);
        await assert.rejects(unknown.result(), NotFoundError);
        await waiting.cancel();
      },
    },
    {
      promise: "ready()",
      source: RESULT,
      test: async (errand) => {
        const waiting = await aPending(errand);
        assert.equal(await waiting.done(), false);
        await waiting.cancel();
        assert.equal(await waiting.done(), true);
      },
    },
    {
      promise: "successful()",
      source: RESULT,
      by: "its state's type",
      test: async (errand) => {
        const completed = await errand.submit("nothing");
        assert.equal(await completed.exception(), null);
        assert.equal((await completed.state()).type, "COMPLETED");
      },
    },
    {
      promise: "failed()",
      source: RESULT,
      by: "its state's type",
      test: async (errand) => {
        const failed = await errand.submit("fail", { message: "boom" });
        assert.ok(await failed.exception() instanceof TaskError);
        assert.equal((await failed.state()).type, "FAILED");
        assert.equal(await failed.cancelled(), false);
      },
    },
    {
      promise: "forget(): the result is gone and takes no room",
      source: `${RESULT}.forget`,
      test: async (errand) => {
        const future = await errand.submit("echo", { value: "secret" });
        await future.result();
        await future.forget();
        assert.equal(await future.exists(), false);
        await assert.rejects(future.result(), ForgottenError);
        await assert.rejects(errand.future(future.id).state(), ForgottenError);
      },
    },
    {
      promise: "a result that nobody gets or forgets is freed nevertheless",
      source: RESULT,
      test: async (errand) => {
        const { id } = await errand.submit("nothing", {}, { retentionMs: 0 });
        while (await errand.future(id).exists()) await new Promise((resolve) => setTimeout(resolve, 10));
        await assert.rejects(errand.future(id).state(), NotFoundError);
      },
    },
    {
      promise: "forget() forgets the parents too",
      source: `${RESULT}.forget`,
      notYet:
        "Not here, on purpose: each task is forgotten by itself, as others may need what came before it. " +
        "What a task that has not ended takes cannot be forgotten.",
    },

    // Trees of tasks.
    ...trees,

    // Revoke.
    {
      promise: "a task that has not started never does",
      source: REVOKE,
      test: async (errand) => {
        const runAt = new Date(Date.now() + 1_000).toISOString();
        const revoked = await errand.submit("nothing", {}, { runAt });
        assert.equal(await revoked.cancel(), true);
        const untouched = await errand.submit("nothing", {}, { runAt });
        await untouched.result();
        const { startedAt, attempt } = await errand.future(revoked.id).task();
        assert.deepEqual([startedAt, attempt], [null, 0]);
      },
    },
    {
      promise: "the result is REVOKED at once",
      source: REVOKE,
      test: async (errand) => {
        const future = await aPending(errand);
        await future.cancel("not wanted");
        const { type, message } = await future.state();
        assert.deepEqual([type, message], ["CANCELLED", "not wanted"]);
        await assert.rejects(future.result(), (error) => {
          return error instanceof CancelledError && error.reason === "not wanted";
        });
      },
    },
    {
      promise: "terminate=True: a running task is stopped",
      source: REVOKE,
      test: async (errand) => {
        const future = await aTidying(errand, 0);
        assert.equal(await future.cancel("enough"), true);
        await assert.rejects(future.result(), CancelledError);
        const logged: unknown[] = [];
        for await (const { event, data } of future.events()) if (event === "log") logged.push(data.data);
        assert.deepEqual(logged, ["CancelledError: enough"]);
      },
    },
    {
      promise: "terminate=True: also a task that computes and never looks up",
      source: REVOKE,
      test: async (errand) => {
        const future = await errand.submit("primes", { limit: 1e9 });
        await reached(future, "Running");
        await future.cancel("enough", { graceMs: 60_000 });
        await assert.rejects(future.result(), CancelledError);
        const { progress } = await future.task();
        assert.ok((progress?.current ?? 0) < 1e9, "it went on computing");
      },
    },
    {
      promise: "a list of ids",
      source: REVOKE,
      test: async (errand) => {
        const futures = await errand.map("nothing", [{}, {}, {}], LATER);
        assert.deepEqual(await futures.cancel(), [true, true, true]);
        assert.deepEqual(await Promise.all(futures.map((future) => future.cancelled())), [true, true, true]);
      },
    },
    {
      promise: "wait=True: says whether it has arrived",
      source: REVOKE,
      test: async (errand) => {
        const running = await errand.submit("tidy", { ms: 50 });
        await reached(running, "Running");
        assert.equal(await running.cancel(), true);
        assert.match(await stateOf(running), /^CANCELL(ING|ED) /);
        const ended = await errand.submit("nothing");
        await ended.wait();
        assert.equal(await ended.cancel(), false);
        await running.wait();
      },
    },
    {
      promise: "revoked ids survive a restart",
      source: `${WORKERS}: Persistent revokes`,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          const future = await errand.submit("nothing", {}, { delayMs: 2_000 });
          assert.equal(await future.cancel("not wanted"), true);
          const due = await errand.submit("nothing", {}, { delayMs: 2_000 });
          return { revoked: future.id, due: due.id };
        }, async (errand, { revoked, due }) => {
          await errand.future(due).result();
          const { state, startedAt } = await errand.future(revoked).task();
          assert.deepEqual([state.name, state.message, startedAt], ["Cancelled", "not wanted", null]);
        }),
    },
    sparesRunning,
    {
      promise: "signal: another one than TERM",
      source: REVOKE,
      notYet: "Has no meaning here: a task has no process of its own. Its AbortSignal carries the reason.",
    },
    {
      promise:
        "CELERY_WORKER_REVOKES_MAX, CELERY_WORKER_REVOKE_EXPIRES: how many ids are remembered, and how long",
      source: `${WORKERS}: Persistent revokes`,
      notYet: "Has no meaning here: a revoke is a state of the task itself, and stays as long as the task.",
    },
    revokeByHeaders,

    // Calling.
    {
      promise: "delay(args)",
      source: `${CALLING}: Basics`,
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 });
        assert.equal(await future.result(), 3);
      },
    },
    {
      promise: "apply_async(args, options)",
      source: `${CALLING}: Basics`,
      test: async (errand) => {
        const options = { priority: 3, tags: ["nightly"], retry: { maxAttempts: 2 } };
        const future = await errand.submit("add", { a: 1, b: 2 }, options);
        assert.equal(await future.result(), 3);
        const { priority, tags, maxAttempts } = await future.task();
        assert.deepEqual({ priority, tags, maxAttempts }, { priority: 3, tags: ["nightly"], maxAttempts: 2 });
      },
    },
    {
      promise: "send_task: by name, without the task's code",
      source: `${CALLING}: Basics`,
      test: async (errand) => {
        const untyped = errand as unknown as Client;
        const future = await untyped.submit("add", { a: 1, b: 2 });
        assert.equal(await future.result(), 3);
        await assert.rejects(untyped.submit("addd", {}), (error) => {
          return error instanceof UnknownDefinitionError && error.nearest[0] === "add";
        });
      },
    },
    {
      promise: "the arguments are checked at the call (TypeError)",
      source: `${TASK_OPTIONS} (typing)`,
      test: async (errand) => {
        const untyped = errand as unknown as Client;
        const id = crypto.randomUUID();
        await assert.rejects(untyped.submit("add", { a: 1 }, { id }), (error) => {
          assert.ok(error instanceof ValidationError);
          assert.deepEqual(error.errors.map(({ pointer }) => pointer), ["/input/b"]);
          return true;
        });
        await assert.rejects(untyped.submit("add", { a: 1, b: 2, c: 3 }, { id }), ValidationError);
        assert.equal(await errand.future(id).exists(), false);
      },
    },
    {
      promise: "pydantic=True: arguments are checked against a model, also deep inside",
      source: `${TASKS}: Argument validation with Pydantic`,
      test: async (errand) => {
        const digests = [{ source: "x", bytes: 1, lines: 1, words: 1, top: "none", sha256: "" }];
        const refused = (errand as unknown as Client).submit("tally", { digests });
        await assert.rejects(refused, (error) => {
          assert.ok(error instanceof ValidationError);
          assert.ok(error.errors.some(({ pointer }) => pointer === "/input/digests/0/top"));
          return true;
        });
      },
    },
    {
      promise: "pydantic=True: a model is returned as plain JSON",
      source: `${TASKS}: Argument validation with Pydantic`,
      notYet:
        "Not here: a result has to be plain JSON. An instance of a class, as a date, is refused and not guessed at.",
    },
    {
      promise: "task_id of one's own",
      source: CALLING,
      by: "id, which must be a UUID",
      test: async (errand) => {
        const id = crypto.randomUUID();
        const future = await errand.submit("whoami", {}, { id });
        assert.equal(future.id, id);
        assert.equal((await future.result()).id, id);
        await assert.rejects(errand.submit("whoami", {}, { id }), ConflictError);
      },
    },
    {
      promise: "countdown: not before so many seconds",
      source: `${CALLING}: ETA and countdown`,
      test: async (errand) => {
        const future = await errand.submit("nothing", {}, { delayMs: 200 });
        await future.result();
        const { createdAt, startedAt } = await future.task();
        assert.ok(Date.parse(startedAt!) - Date.parse(createdAt) >= 200);
        assert.equal((await namesOf(future))[0], "Scheduled");
      },
    },
    {
      promise: "eta: not before that time",
      source: `${CALLING}: ETA and countdown`,
      test: async (errand) => {
        const at = Date.now() + 300;
        const future = await errand.submit("nothing", {}, { runAt: new Date(at).toISOString() });
        await future.result();
        const { runAt, startedAt } = await future.task();
        assert.equal(Date.parse(runAt), at);
        assert.ok(Date.parse(startedAt!) >= at);
      },
    },
    {
      promise: "eta may be far in the future",
      source: `${CALLING}: ETA and countdown`,
      test: async (errand) => {
        const runAt = new Date(Date.now() + 300 * 24 * 60 * 60 * 1000).toISOString();
        const future = await errand.submit("nothing", {}, { runAt });
        const { state, runAt: kept } = await future.task();
        assert.deepEqual([state.name, kept], ["Scheduled", runAt]);
        await future.cancel();
      },
    },
    {
      promise: "expires in seconds: REVOKED if it has not started by then",
      source: `${CALLING}: Expiration`,
      test: async (errand) => {
        const future = await errand.submit("nothing", {}, { ...LATER, ttlMs: 50 });
        await assert.rejects(future.result(), CancelledError);
        assert.equal(await stateOf(future), "CANCELLED Expired");
        assert.equal((await future.task()).startedAt, null);
      },
    },
    {
      promise: "expires at a date: REVOKED if it has not started by then",
      source: `${CALLING}: Expiration`,
      test: async (errand) => {
        const expiresAt = new Date(Date.now() + 50).toISOString();
        const future = await errand.submit("nothing", {}, { ...LATER, expiresAt });
        await future.wait();
        assert.equal(await stateOf(future), "CANCELLED Expired");
        assert.ok(Date.parse((await future.state()).at) >= Date.parse(expiresAt));
      },
    },
    {
      promise: "a task that has started does not expire",
      source: `${CALLING}: Expiration`,
      test: async (errand) => {
        const ttlMs = 1_500;
        const future = await errand.submit("sleep", { ms: 1_600, value: "late" }, { ttlMs });
        // Its second start is behind that time as well.
        const retried = await errand.submit("fail", { message: "not yet", untilAttempt: 2 }, {
          ttlMs,
          retry: { maxAttempts: 2, delayMs: 1_600, jitter: false },
        });
        assert.deepEqual([await future.result(), await retried.result()], ["late", 2]);
        assert.ok((await namesOf(retried)).includes("AwaitingRetry"));
        const { expiresAt, finishedAt } = await retried.task();
        assert.ok(finishedAt! > expiresAt!);
      },
    },
    {
      promise: "retry: a call that got no answer is sent again, and is one task",
      source: `${CALLING}: Message sending retry`,
      test: async () => {
        await using server = await aServer();
        let calls = 0;
        const errand = aClient(server.url, {
          fetch: async (input, init) => {
            const response = await fetch(input, init);
            if (++calls > 1) return response;
            await response.body?.cancel();
            throw new TypeError("the connection was cut");
          },
        });
        const { id } = await errand.submit("nothing");
        assert.equal(calls, 2);
        const { body } = await server.fetch("/v1/tasks");
        assert.deepEqual(body.tasks.map((task: { id: string }) => task.id), [id]);
      },
    },
    {
      promise: "retry_policy: how often and how fast; retry=False: not at all",
      source: `${CALLING}: Message sending retry`,
      test: async () => {
        let calls = 0;
        const cut = () => {
          calls++;
          return Promise.reject(new TypeError("the connection was cut"));
        };
        const url = "http://127.0.0.1:1";
        const once = new Client({ url, fetch: cut, retry: { forMs: 0 } });
        await assert.rejects(once.submit("add", {}), ConnectionError);
        assert.equal(calls, 1);
        const often = new Client({ url, fetch: cut, retry: { forMs: 1_000, delayMs: 10, maxDelayMs: 20 } });
        await assert.rejects(often.submit("add", {}), ConnectionError);
        assert.ok(calls >= 3, `${calls} calls`);
      },
    },
    {
      promise: "priority: the more urgent of those that wait starts first",
      source: `${CALLING}: Advanced options`,
      test: async (errand) => {
        const every = await errand.map("sleep", Array.from({ length: 20 }, () => ({ ms: 600_000 })));
        try {
          await Promise.all(every.map((future) => reached(future, "Running")));
          const low = await errand.submit("sleep", { ms: 50 }, { priority: -5 });
          const high = await errand.submit("sleep", { ms: 50 }, { priority: 5 });
          await every[0].cancel();
          const ended: string[] = [];
          for await (const { id } of asCompleted([low, high])) ended.push(id);
          assert.deepEqual(ended, [high.id, low.id]);
        } finally {
          await every.cancel();
        }
      },
    },
    {
      promise: "headers: data of the caller's, kept with the task and seen by its function",
      source: `${CALLING}: Advanced options`,
      test: async (errand) => {
        const metadata = { tenant: 7, trace: { id: "abc" } };
        const future = await errand.submit("whoami", {}, { metadata });
        assert.deepEqual((await future.result()).metadata, metadata);
        assert.deepEqual((await future.task()).metadata, metadata);
      },
    },
    {
      promise: "time_limit for the one call",
      source: CALLING,
      test: async (errand) => {
        const limited = await errand.submit("sleep", { ms: 600_000 }, { timeoutMs: 50 });
        const free = await errand.submit("sleep", { ms: 100, value: "free" });
        await limited.wait();
        assert.equal(await stateOf(limited), "FAILED TimedOut");
        assert.equal(await free.result(), "free");
      },
    },
    ...notYet(`${CALLING}: Serializers`, "Has no meaning here: all values are JSON.", ["serializer"]),
    ...notYet(
      `${CALLING}: Compression`,
      "Has no meaning here: what is large is stored compressed without asking.",
      [
        "compression of messages",
      ],
    ),
    {
      promise: "queue",
      source: `${CALLING}: Routing options`,
      async test(errand) {
        await errand.queues.pause("priority.high");
        const future = await errand.submit("add", { a: 1, b: 2 }, { queue: "priority.high" });
        assert.equal((await errand.queues.get("priority.high")).counts.ready, 1);
        await errand.queues.resume("priority.high");
        assert.equal(await future.result(), 3);
      },
    },
    ...notYet(`${CALLING}: Routing options`, EXCHANGES, ["exchange, routing_key"]),
    ...shown,
    ignoredForOneCall,
    ...linking,

    // Retries.
    {
      promise: "retry() keeps the id",
      source: RETRYING,
      test: async (errand) => {
        const id = crypto.randomUUID();
        const retry = { maxAttempts: 2, delayMs: 0 };
        await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { id, retry });
        assert.equal(await errand.future(id).result(), 2);
      },
    },
    {
      promise: "max_retries: so many after the first attempt",
      source: RETRYING,
      by: "maxAttempts, which counts the first one",
      test: async (errand) => {
        const retry = { maxAttempts: 3, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        await future.wait();
        assert.equal((await future.task()).attempt, 3);
        const starts = (await namesOf(future)).filter((name) => name === "Running" || name === "Retrying");
        assert.deepEqual(starts, ["Running", "Retrying", "Retrying"]);
      },
    },
    {
      promise: "exhausted: the last exception is raised again",
      source: RETRYING,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", name: "Burst" }, { retry });
        await assert.rejects(future.result(), (error) => {
          assert.ok(error instanceof TaskError);
          assert.deepEqual([error.remoteName, error.message], ["Burst", "boom"]);
          assert.equal(error.state.name, "RetriesExhausted");
          return true;
        });
      },
    },
    {
      promise: "default_retry_delay: a pause for those who name none",
      source: RETRYING,
      test: async (errand) => {
        const retry = { maxAttempts: 2, jitter: false };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        assert.equal(await retryPauseMs(future), 1_000);
        await future.cancel();
      },
    },
    {
      promise: "autoretry_for=(Exception,): whatever is raised is tried again",
      source: AUTO_RETRY,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", name: "Odd", untilAttempt: 2 }, {
          retry,
        });
        assert.equal(await future.result(), 2);
      },
    },
    {
      promise: "dont_autoretry_for: raised once, it is the end",
      source: AUTO_RETRY,
      test: async (errand) => {
        const retry = { maxAttempts: 5, delayMs: 0 };
        const future = await errand.submit("permanent", {}, { retry });
        const error = await future.exception();
        assert.equal(error?.retryable, false);
        assert.deepEqual(await namesOf(future), ["Pending", "Running", "Failed"]);
      },
    },
    {
      promise: "retry_backoff=True: each pause is twice as long as the last",
      source: AUTO_RETRY,
      test: async (errand) => {
        const retry = { maxAttempts: 4, delayMs: 40, jitter: false };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        await future.wait();
        const { history } = await future.task();
        const pauses = history.flatMap(({ name, at }, i) =>
          name === "AwaitingRetry" ? [Date.parse(history[i + 1].at) - Date.parse(at)] : []
        );
        assert.equal(pauses.length, 3);
        for (const [i, ms] of [40, 80, 160].entries()) assert.ok(pauses[i] >= ms, `${pauses}`);
      },
    },
    {
      promise: "retry_backoff=N: the first pause is N",
      source: AUTO_RETRY,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 45_000, jitter: false };
        const future = await errand.submit("fail", { message: "boom" }, { retry });
        assert.equal(await retryPauseMs(future), 45_000);
        await future.cancel();
      },
    },
    {
      promise: "retry_backoff_max: no pause is longer",
      source: AUTO_RETRY,
      test: async (errand) => {
        const retry = { maxAttempts: 3, delayMs: 200, factor: 100, jitter: false };
        const [below, above] = await Promise.all(
          [60_000, 15_000].map((maxDelayMs) =>
            errand.submit("fail", { message: "boom" }, { retry: { ...retry, maxDelayMs } })
          ),
        );
        assert.deepEqual(await Promise.all([retryPauseMs(below, 2), retryPauseMs(above, 2)]), [
          20_000,
          15_000,
        ]);
        await Promise.all([below.cancel(), above.cancel()]);
      },
    },
    {
      promise: "retry_jitter: a random part of the pause",
      source: AUTO_RETRY,
      test: async (errand) => {
        const message = Array.from({ length: 8 }, () => "boom");
        const retry = { maxAttempts: 2, delayMs: 60_000, jitter: true };
        const futures = await errand.map("fail", { message }, {}, { retry });
        const pauses = await Promise.all(futures.map((future) => retryPauseMs(future)));
        await futures.cancel();
        assert.ok(pauses.every((ms) => ms >= 0 && ms <= 60_000), `${pauses}`);
        assert.ok(new Set(pauses).size > 1, `${pauses}`);
      },
    },
    {
      promise: "retry(countdown, eta): a pause for this one retry",
      source: RETRYING,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 60_000 };
        const future = await errand.submit("directs", { how: "retry", ms: 321 }, { retry });
        assert.equal(await future.result(), 2);
        const { history } = await future.task();
        const message = history.find(({ name }) => name === "AwaitingRetry")!.message;
        assert.equal(message, "in 321 ms, as its function asked: RetryAfter: not yet");
      },
    },
    ...notYet(RETRYING, RETRY_LATER, ["retry(throw=False)"]),
    {
      promise: "MaxRetriesExceededError, where retry() was called without an exception",
      source: RETRYING,
      by: "the state RetriesExhausted; the error is the wish for another attempt, with its reason",
      test: async (errand) => {
        const retry = { maxAttempts: 3 };
        const future = await errand.submit("directs", { how: "retry", times: 9 }, { retry });
        const error = await future.exception();
        assert.deepEqual([error?.remoteName, error?.message], ["RetryAfter", "not yet"]);
        assert.equal(await stateOf(future), "FAILED RetriesExhausted");
        assert.equal((await future.task()).attempt, 3);
      },
    },
    {
      promise: "max_retries=None: for ever",
      source: RETRYING,
      notYet: "1000 attempts are the most, so that a task that can never succeed has an end.",
    },
    {
      promise: "max_retries is 3 where nobody says otherwise",
      source: RETRYING,
      notYet:
        "Not here: a task is tried once, unless its definition or its caller says more, as a second run " +
        "may do something twice.",
    },
    {
      promise: "autoretry_for: some exceptions only",
      source: AUTO_RETRY,
      by: "retry.on with the names of errors: classes are not known to another process",
      test: async (errand) => {
        const retry = { maxAttempts: 3, delayMs: 0, on: ["IOException"] };
        const attempts = async (name: string) => {
          const future = await errand.submit("fail", { message: "boom", name }, { retry });
          await future.wait();
          return (await future.task()).attempt;
        };
        assert.deepEqual([await attempts("IOException"), await attempts("ValueError")], [3, 1]);
      },
    },

    // Semipredicates.
    {
      promise: "Ignore: the task is done with, and has no result",
      source: PREDICATES,
      by: "a state of its own: COMPLETED Ignored",
      test: async (errand) => {
        const future = await errand.submit("directs", { how: "ignore" }, { retry: { maxAttempts: 3 } });
        assert.equal(await future.result(), null);
        assert.equal(await stateOf(future), "COMPLETED Ignored");
        assert.equal((await future.task()).attempt, 1);
      },
    },
    {
      promise: "Reject: the task ends FAILURE, and is not tried again",
      source: PREDICATES,
      test: async (errand) => {
        const future = await errand.submit("directs", { how: "reject" }, { retry: { maxAttempts: 3 } });
        assert.equal((await future.exception())?.message, "not wanted");
        assert.equal(await stateOf(future), "FAILED Rejected");
        assert.equal((await future.task()).attempt, 1);
      },
    },
    {
      promise: "Reject(requeue=True): it goes back into the queue, and is run again",
      source: PREDICATES,
      by: "retryAfter(0, { countAttempt: false })",
      test: async (errand) => {
        const future = await errand.submit("directs", { how: "snooze" });
        assert.equal(await future.result(), 1);
        assert.ok((await namesOf(future)).includes("AwaitingRetry"));
      },
    },
    {
      promise: "throws: expected errors are logged without a traceback",
      source: TASK_OPTIONS,
      by: "reject(): the log has a line without a stack; what else is thrown has one there",
      test: async () => {
        await using server = await aServer();
        const errand = aClient(server.url);
        const lineOf = async (future: TaskFuture) => {
          await future.wait();
          const find = () => {
            const lines = server.output.stderr.split("\n");
            return lines.find((line) => line.includes(future.id) && line.endsWith("}"));
          };
          await eventually(
            () => Promise.resolve(find() !== undefined),
            `the log has no line of ${future.id}`,
          );
          return find()!;
        };
        const expected = JSON.parse(await lineOf(await errand.submit("directs", { how: "reject" })));
        assert.deepEqual([expected.error, expected.stack], ["Rejected: not wanted", null]);
        const other = JSON.parse(await lineOf(await errand.submit("fail", { message: "boom" })));
        assert.match(other.stack, /fail\.ts/);
      },
    },

    // Limits.
    {
      promise: "time_limit: the task ends FAILURE, whatever its function does",
      source: LIMITS,
      test: async (errand) => {
        const future = await errand.submit("stubborn", { ms: 1_000 }, { timeoutMs: 50 });
        await assert.rejects(future.result(), (error) => {
          return error instanceof TaskError && error.remoteName === "TimeoutError";
        });
        assert.equal(await stateOf(future), "FAILED TimedOut");
      },
    },
    {
      promise: "time_limit: what computes is killed",
      source: LIMITS,
      test: async (errand) => {
        const future = await errand.submit("primes", { limit: 1e9 }, { timeoutMs: 100 });
        await future.wait();
        assert.equal(await stateOf(future), "FAILED TimedOut");
        const again = await errand.submit("primes", { limit: 100 });
        assert.equal(await again.result(), 25);
      },
    },
    {
      promise: "soft_time_limit: the function is told, and can clean up",
      source: LIMITS,
      test: async (errand) => {
        const future = await errand.submit("tidy", { ms: 0 }, { softTimeoutMs: 50 });
        const logged: string[] = [];
        for await (const { event, data } of future.events()) {
          if (event === "log") logged.push(`${data.message} ${data.data}`);
        }
        assert.equal(logged.length, 1);
        assert.match(logged[0], /^stopping SoftTimeLimitError: .* 50 ms$/);
      },
    },
    {
      promise: "soft_time_limit: caught, it can still return a value before time_limit",
      source: LIMITS,
      test: async (errand) => {
        const limits = { softTimeoutMs: 50, timeoutMs: 600_000 };
        const future = await errand.submit("windUp", {}, limits);
        assert.equal(await future.result(), "wound up by a SoftTimeLimitError");
        assert.equal(await stateOf(future), "COMPLETED Completed");
      },
    },
    limitsCallOnFailure,
    ...rateLimits(`${TASK_OPTIONS} (rate_limit)`),

    // Delivery.
    {
      promise: "acks_late with reject_on_worker_lost: a task whose worker died runs again",
      source: TASK_OPTIONS,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          const future = await errand.submit("sleep", { ms: 1_000, value: "ran again" });
          await reached(future, "Running");
          return future.id;
        }, async (errand, id) => {
          const future = errand.future(id);
          assert.equal(await future.result(), "ran again");
          const { history, attempt } = await future.task();
          assert.ok(history.some(({ name, message }) => name === "Pending" && message?.includes("died")));
          assert.equal(attempt, 1);
        }),
    },
    {
      promise: "without reject_on_worker_lost: FAILURE with WorkerLostError",
      source: TASK_OPTIONS,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          const future = await errand.submit("sleep", { ms: 600_000 }, { maxCrashes: 0 });
          await reached(future, "Running");
          return future.id;
        }, async (errand, id) => {
          await assert.rejects(errand.future(id).result(), CrashedError);
          assert.equal(await stateOf(errand.future(id)), "CRASHED Crashed");
        }),
    },
    {
      promise: "a task that waits survives the death of all workers",
      source: `${CALLING}: ETA and countdown`,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          return (await errand.submit("add", { a: 1, b: 2 }, { delayMs: 500 })).id;
        }, async (errand, id) => assert.equal(await errand.future(id).result(), 3)),
    },
    {
      promise: "acks_on_failure_or_timeout: a failed task is done with",
      source: TASK_OPTIONS,
      test: async (errand) => {
        const failed = await errand.submit("fail", { message: "boom" });
        const late = await errand.submit("sleep", { ms: 600_000 }, { timeoutMs: 20 });
        await Promise.all([failed.wait(), late.wait()]);
        await (await errand.submit("nothing")).wait();
        assert.deepEqual(await namesOf(errand.future(failed.id)), ["Pending", "Running", "Failed"]);
        assert.deepEqual(await namesOf(errand.future(late.id)), ["Pending", "Running", "TimedOut"]);
      },
    },
    {
      promise: "worker_deduplicate_successful_tasks: what has succeeded does not run again",
      source: CONFIGURATION,
      test: () =>
        acrossCrash({ LEASE_MS: "1500" }, async (errand) => {
          const future = await errand.submit("whoami");
          return { id: future.id, token: (await future.result()).token };
        }, async (errand, { id, token }) => {
          await (await errand.submit("nothing", {}, { delayMs: 600 })).result();
          const future = errand.future<{ token: string }>(id);
          assert.equal((await future.result()).token, token);
          assert.deepEqual(await namesOf(future), ["Pending", "Running", "Completed"]);
        }),
    },
    {
      promise: "visibility_timeout: a task that takes longer than that runs once all the same",
      source: "Celery docs, Using Redis: Visibility timeout",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 2_400, value: "once" });
        assert.equal(await future.result(), "once");
        assert.deepEqual(await namesOf(future), ["Pending", "Running", "Completed"]);
      },
    },
    {
      promise: "acks early: what has once been started is never run again",
      source: TASK_OPTIONS,
      notYet:
        "Half of it is here, with maxCrashes: 0 and one attempt. A stopping worker still hands back what " +
        "it could not finish; that would need an option.",
    },
    {
      promise: "worker_prefetch_multiplier",
      source: CONFIGURATION,
      notYet: "Has no meaning here: a worker takes what it starts at once, and holds nothing back.",
    },

    // Handlers.
    ...celeryHandlers,
    {
      promise: "Task base classes",
      source: `${TASKS}: Custom task classes`,
      notYet:
        "Has no meaning here: a definition is a plain function, and functions share code without classes.",
    },

    // Canvas.
    ...canvas,

    // Results.
    {
      promise: "result_expires: after that time the result is gone",
      source: CONFIGURATION,
      test: async (errand) => {
        const kept = await errand.submit("add", { a: 1, b: 2 });
        await kept.wait();
        const { id } = await errand.submit("add", { a: 1, b: 2 }, { retentionMs: 100 });
        while (await errand.future(id).exists()) await new Promise((resolve) => setTimeout(resolve, 20));
        await assert.rejects(errand.future(id).result(), NotFoundError);
        assert.equal(await errand.future(kept.id).result(), 3, "a day where nobody says otherwise");
      },
    },
    {
      promise: "result_compression: a large result comes back whole",
      source: CONFIGURATION,
      test: async (errand) => {
        const value = Array.from({ length: 40_000 }, (_, i) => `line ${i * 7919}`);
        const { id } = await errand.submit("echo", { value });
        assert.deepEqual(await errand.future(id).result(), value);
      },
    },
    {
      promise: "backend_cleanup at 04:00",
      source: CONFIGURATION,
      notYet: "Has no meaning here: each task has a timer of its own for the end of its retention.",
    },
    ...ignoredInConfiguration,
    {
      promise: "result_serializer",
      source: CONFIGURATION,
      notYet: "Has no meaning here: all values are JSON.",
    },

    // Beat.
    ...beat,

    // Routing.
    ...routing,

    {
      promise: "task_inherit_parent_priority",
      source: ROUTING,
      by: "submit(…, { priority: task.priority }) in the function",
      test: async (errand) => {
        const input = { children: [{ task: "whoami" }], awaits: true, inherits: true };
        const parent = await errand.submit("family", input, { priority: 7 });
        const [child] = await parent.result() as { id: string }[];
        assert.equal((await errand.future(child.id).task()).priority, 7);
      },
    },

    // Events.
    {
      promise: "task-sent",
      source: TASK_EVENTS,
      test: async (errand) => {
        const [sent] = await eventsOf(await errand.submit("nothing"));
        assert.ok(sent.event === "state");
        assert.deepEqual([sent.seq, sent.data.type], [1, "PENDING"]);
      },
    },
    {
      promise: "task-started",
      source: TASK_EVENTS,
      test: async (errand) => {
        const started = (await eventsOf(await errand.submit("nothing")))[1];
        assert.ok(started.event === "state");
        assert.deepEqual([started.data.type, started.data.attempt], ["RUNNING", 1]);
      },
    },
    {
      promise: "task-succeeded, with the result and the runtime",
      source: TASK_EVENTS,
      test: async (errand) => {
        const events = await eventsOf(await errand.submit("sleep", { ms: 50, value: "slept" }));
        const [, started, ended, result] = events;
        assert.ok(started.event === "state" && ended.event === "state" && result.event === "result");
        assert.equal(result.data.result, "slept");
        // Timers count in a monotonic clock, and states in the other one.
        assert.ok(Date.parse(ended.data.at) - Date.parse(started.data.at) >= 45);
      },
    },
    {
      promise: "task-failed, with the exception",
      source: TASK_EVENTS,
      test: async (errand) => {
        const last = (await eventsOf(await errand.submit("fail", { message: "boom", name: "Burst" }))).at(
          -1,
        )!;
        assert.ok(last.event === "error");
        assert.equal(last.data.state.type, "FAILED");
        assert.deepEqual([last.data.error?.name, last.data.error?.message], ["Burst", "boom"]);
      },
    },
    {
      promise: "task-retried, with the exception",
      source: TASK_EVENTS,
      test: async (errand) => {
        const retry = { maxAttempts: 2, delayMs: 0 };
        const future = await errand.submit("fail", { message: "boom", untilAttempt: 2 }, { retry });
        const retried = (await eventsOf(future)).flatMap(({ event, data }) =>
          event === "state" && data.name === "AwaitingRetry" ? [data.message] : []
        );
        assert.deepEqual(retried, ["Error: boom"]);
      },
    },
    {
      promise: "task-revoked, and whether it was terminated or has expired",
      source: TASK_EVENTS,
      test: async (errand) => {
        const running = await aRunning(errand);
        const expiring = await errand.submit("nothing", {}, { ...LATER, ttlMs: 20 });
        await running.cancel("enough");
        await Promise.all([running.wait(), expiring.wait()]);
        assert.deepEqual((await namesOf(running)).slice(-2), ["Cancelling", "Cancelled"]);
        assert.deepEqual((await namesOf(expiring)).slice(-1), ["Expired"]);
        const last = (await eventsOf(running)).at(-1)!;
        assert.ok(last.event === "error" && last.data.state.type === "CANCELLED");
      },
    },
    {
      promise: "task-received",
      source: TASK_EVENTS,
      notYet: "Has no meaning here: a worker takes what it starts at once, and holds nothing back.",
    },
    ...events,
    ...workerEvents,

    // Inspect and control.
    {
      promise: "query_task(id)",
      source: INSPECT,
      test: async (errand) => {
        const { id } = await errand.submit("sleep", { ms: 600_000 });
        const future = errand.future(id);
        await reached(future, "Running");
        const { task, state, input } = await future.task();
        assert.deepEqual([task, state.type, input], ["sleep", "RUNNING", { ms: 600_000 }]);
        await future.cancel();
      },
    },
    ...inspections,
    ...rateLimitAtRuntime(CONTROL),
    ...notYet(CONTROL, OPERATIONS, ["time_limit() at runtime", "autoscale"]),
    ...steering,
    {
      promise: "signals in the process",
      source: "Celery docs, Signals",
      notYet:
        "Not here: what a program does before and after is its own code, and the rest is events that any " +
        "process can read.",
    },
    {
      promise: "eager mode (EagerResult)",
      source: "Celery docs, Testing with Celery",
      by: "an Errand in the caller's own process and memory, with the same client",
      test: async () => {
        await using errand = await anErrandHere();
        const future = await errand.client.submit("add", { a: 1, b: 2 });
        assert.equal(await future.result(), 3);
        const failed = await errand.client.submit("fail", { message: "boom" });
        await assert.rejects(
          failed.result(),
          (error) => error instanceof TaskError && error.message === "boom",
        );
      },
    },
    flower,
  ],
};

async function eventsOf<Result>(future: TaskFuture<Result>): Promise<TaskEvent<Result>[]> {
  return await Array.fromAsync(future.events());
}
