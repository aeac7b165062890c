import assert from "node:assert/strict";
import { pause } from "../support/waiting.ts";
import {
  asCompleted,
  AsCompletedTimeoutError,
  CancelledError,
  gather,
  group,
  GroupError,
  sig,
  TaskError,
  type TaskFuture,
  TimeoutError,
  wait,
} from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { notYet } from "./not_yet.ts";
import type { System } from "./row.ts";
import {
  aCancelled,
  aCompleted,
  aFailed,
  aPending,
  aRunning,
  aTidying,
  held,
  idsOf,
  LONG_MS,
  withFetch,
} from "./steps.ts";

const LONG_SLEEP = sig("sleep", { ms: LONG_MS });
/** What a TaskGroup does. */
const TASK_GROUP = { group: { onFailure: "cancel-rest" } } as const;

export const asyncio: System = {
  name: "asyncio",
  rows: [
    {
      promise: "Task.result(): the value; None if the coroutine returned nothing",
      source: "Python docs, asyncio.Task.result",
      test: async (errand) => {
        assert.equal(await (await aCompleted(errand)).result(), 3);
        assert.equal(await (await errand.submit("nothing", {})).result(), null);
      },
    },
    {
      promise: "Task.result(): raises what the coroutine raised",
      source: "Python docs, asyncio.Task.result",
      test: async (errand) => {
        await assert.rejects(
          (await aFailed(errand, "boom")).result(),
          (error) => error instanceof TaskError && error.message === "boom",
        );
      },
    },
    {
      promise: "Task.result() before the end is an error and no wait",
      by: "with timeoutMs: 0",
      source: "Python docs, asyncio.Task.result, InvalidStateError",
      test: async (errand) => {
        const future = await aPending(errand);
        await assert.rejects(future.result({ timeoutMs: 0 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "Task.result(): CancelledError if it was cancelled",
      source: "Python docs, asyncio.Task.result",
      test: async (errand) => {
        await assert.rejects((await aCancelled(errand)).result(), CancelledError);
      },
    },
    {
      promise: "Task.exception(): what the coroutine raised, else None",
      source: "Python docs, asyncio.Task.exception",
      test: async (errand) => {
        const error = await (await aFailed(errand, "boom")).exception();
        assert.ok(error instanceof TaskError);
        assert.equal(error.message, "boom");
        assert.equal(await (await aCompleted(errand)).exception(), null);
      },
    },
    {
      promise: "Task.exception(): CancelledError if it was cancelled",
      source: "Python docs, asyncio.Task.exception",
      test: async (errand) => {
        await assert.rejects((await aCancelled(errand)).exception(), CancelledError);
      },
    },
    {
      promise: "Task.exception() before the end is an error and no wait",
      by: "with timeoutMs: 0",
      source: "Python docs, asyncio.Task.exception, InvalidStateError",
      test: async (errand) => {
        const future = await aPending(errand);
        await assert.rejects(future.exception({ timeoutMs: 0 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "Task.done(): True if it returned, raised or was cancelled",
      source: "Python docs, asyncio.Task.done",
      test: async (errand) => {
        for (const future of [await aCompleted(errand), await aFailed(errand), await aCancelled(errand)]) {
          assert.equal(await errand.future(future.id).done(), true);
        }
        const running = await aRunning(errand);
        assert.equal(await running.done(), false);
        await running.cancel();
      },
    },
    {
      promise: "Task.add_done_callback(): called with the task when it is done",
      source: "Python docs, asyncio.Task.add_done_callback",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 50 });
        assert.equal(await new Promise<TaskFuture>((resolve) => future.addDoneCallback(resolve)), future);
      },
    },
    {
      promise: "Task.remove_done_callback(): takes away all of it, and says how many there were",
      source: "Python docs, asyncio.Task.remove_done_callback",
      test: async (errand) => {
        const future = await aPending(errand);
        const called: string[] = [];
        const unwanted = () => called.push("unwanted");
        future.addDoneCallback(unwanted);
        future.addDoneCallback(() => called.push("wanted"));
        future.addDoneCallback(unwanted);
        assert.equal(future.removeDoneCallback(unwanted), 2);
        assert.equal(future.removeDoneCallback(unwanted), 0);
        await future.cancel();
        await future.wait();
        assert.deepEqual(called, ["wanted"]);
      },
    },
    {
      promise: "wait() of an empty set: ValueError",
      source: "Python docs, asyncio.wait",
      notYet: "concurrent.futures promises the contrary of its wait(), and that is kept: two empty lists.",
    },
    {
      promise: "wait(): gives (done, pending), and raises nothing of what the tasks raised",
      source: "Python docs, asyncio.wait",
      test: async (errand) => {
        const [failed, cancelled] = [await aFailed(errand), await aCancelled(errand)];
        const pending = await aPending(errand);
        const { done, notDone } = await wait([failed, cancelled, pending], { timeoutMs: 0 });
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[failed.id, cancelled.id], [pending.id]]);
        await pending.cancel();
      },
    },
    {
      promise: "wait(timeout): no TimeoutError; what is not done is in the second set",
      source: "Python docs, asyncio.wait",
      test: async (errand) => {
        const futures = [await aCompleted(errand), await aPending(errand)];
        const { done, notDone } = await wait(futures, { timeoutMs: 100 });
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[futures[0].id], [futures[1].id]]);
        await futures[1].cancel();
      },
    },
    {
      promise: "wait(timeout): does not cancel",
      source: "Python docs, asyncio.wait",
      test: async (errand) => {
        const future = await aRunning(errand);
        await wait([future], { timeoutMs: 50 });
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "wait(): cancelling it cancels none of the tasks",
      source: "Python docs, asyncio.wait",
      test: async (errand) => {
        const future = await aRunning(errand);
        const abort = new AbortController();
        const waiting = assert.rejects(wait([future], { signal: abort.signal }), { name: "AbortError" });
        await pause(20);
        abort.abort();
        await waiting;
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "wait(return_when): FIRST_COMPLETED, FIRST_EXCEPTION and ALL_COMPLETED differ",
      source: "Python docs, asyncio.wait",
      test: async (errand) => {
        const [completed, slow] = [await aCompleted(errand), await aRunning(errand)];
        const first = await wait([slow, completed], { returnWhen: "FIRST_COMPLETED" });
        assert.deepEqual(idsOf(first.done), [completed.id]);
        const fails = await errand.submit("fail", { message: "boom" }, { delayMs: 100 });
        const raised = await wait([slow, completed, fails], { returnWhen: "FIRST_EXCEPTION" });
        assert.deepEqual(idsOf(raised.done), [completed.id, fails.id]);
        const waiting = wait([slow, completed, fails], { returnWhen: "ALL_COMPLETED" });
        await slow.cancel();
        assert.deepEqual((await waiting).notDone, []);
      },
    },
    {
      promise: "wait_for(): gives the value if it is there in time",
      source: "Python docs, asyncio.wait_for",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 50, value: "in time" });
        assert.equal(await future.result({ timeoutMs: 60_000, cancelOnTimeout: true }), "in time");
      },
    },
    {
      promise: "wait_for(): at the timeout it cancels the task and raises TimeoutError",
      source: "Python docs, asyncio.wait_for",
      test: async (errand) => {
        for (const future of [await aRunning(errand), await aPending(errand)]) {
          await assert.rejects(future.result({ timeoutMs: 50, cancelOnTimeout: true }), TimeoutError);
          assert.equal(await errand.future(future.id).cancelled(), true);
        }
      },
    },
    {
      promise: "wait_for(): waits until the task has really stopped, also beyond the timeout",
      source: "Python docs, asyncio.wait_for",
      test: async (errand) => {
        const future = await aTidying(errand, 300);
        await assert.rejects(future.result({ timeoutMs: 50, cancelOnTimeout: true }), TimeoutError);
        const { state, history } = await errand.future(future.id).task();
        assert.equal(state.type, "CANCELLED");
        const asked = history.find(({ type }) => type === "CANCELLING")!;
        assert.ok(Date.parse(state.at) - Date.parse(asked.at) >= 290);
      },
    },
    {
      promise: "wait_for(): a result that came while it was being cancelled is returned",
      source: "CPython, asyncio/tasks.py, wait_for",
      test: async (errand) => {
        const { futures: [future], end } = await held(errand, ["just in time"]);
        // The cancel takes so long that the task ends before it arrives.
        let tooLate = false;
        const slowCancel = (real: typeof fetch): typeof fetch => async (input, init) => {
          if (String(input).endsWith("/cancel")) {
            await end(0);
            tooLate = true;
          }
          return await real(input, init);
        };
        const waiting = () => future.result({ timeoutMs: 0, cancelOnTimeout: true });
        assert.equal(await withFetch(slowCancel, waiting), "just in time");
        assert.ok(tooLate);
      },
    },
    {
      promise: "wait_for(timeout <= 0): a task that is done gives its result, another one is cancelled",
      by: "timeoutMs: 0; below 0 is a RangeError that cancels nothing, as Prefect promises an error for it",
      source: "CPython, asyncio/tasks.py, wait_for",
      test: async (errand) => {
        const { id } = await aCompleted(errand);
        assert.equal(await errand.future(id).result({ timeoutMs: 0, cancelOnTimeout: true }), 3);
        for (const open of [await aPending(errand), await aRunning(errand)]) {
          await assert.rejects(open.result({ timeoutMs: -1, cancelOnTimeout: true }), RangeError);
          assert.equal(await open.done(), false);
          await assert.rejects(open.result({ timeoutMs: 0, cancelOnTimeout: true }), TimeoutError);
          assert.equal(await open.cancelled(), true);
        }
      },
    },
    {
      promise: "wait_for(): when it is cancelled itself, the task is cancelled too",
      source: "Python docs, asyncio.wait_for",
      test: async (errand) => {
        const abort = new AbortController();
        const future = await aRunning(errand);
        const waited = future.result({ signal: abort.signal, cancelOnAbort: true });
        abort.abort(new Error("its caller has gone"));
        await assert.rejects(waited, { message: "its caller has gone" });
        await assert.rejects(errand.future(future.id).result(), CancelledError);
      },
    },
    {
      promise: "gather(): results in the order of the arguments, whatever the order of the ends",
      source: "Python docs, asyncio.gather",
      test: async (errand) => {
        const { futures, end } = await held(errand, ["slow", "quick"]);
        const results = gather(futures);
        await end(1);
        await end(0);
        assert.deepEqual(await results, ["slow", "quick"]);
      },
    },
    {
      promise: "gather(): a task that is given twice gives its result in both places",
      source: "CPython, asyncio/tasks.py, gather",
      test: async (errand) => {
        const [three, value] = [await aCompleted(errand), await errand.submit("echo", { value: "x" })];
        assert.deepEqual(await gather([three, value, three]), [3, "x", 3]);
      },
    },
    {
      promise: "gather() of nothing: an empty list",
      source: "CPython, asyncio/tasks.py, gather",
      test: async () => {
        assert.deepEqual(await gather([]), []);
      },
    },
    {
      promise: "gather(return_exceptions=True): exceptions in their places among the results",
      source: "Python docs, asyncio.gather",
      test: async (errand) => {
        const slow = await errand.submit("sleep", { ms: 200, value: "slow" });
        const [failed, value, cancelled, last] = await gather(
          [await aFailed(errand, "boom"), slow, await aCancelled(errand), await aCompleted(errand)],
          { returnExceptions: true },
        );
        assert.ok(failed instanceof TaskError && failed.message === "boom");
        assert.ok(cancelled instanceof CancelledError);
        assert.deepEqual([value, last], ["slow", 3]);
      },
    },
    {
      promise: "gather(): else the first exception in time is raised at once",
      source: "Python docs, asyncio.gather",
      test: async (errand) => {
        const slow = await aRunning(errand);
        const later = await errand.submit("fail", { message: "later" }, { delayMs: 60_000 });
        const soon = await errand.submit("fail", { message: "soon" }, { delayMs: 50 });
        await assert.rejects(
          gather([slow, later, soon]),
          (error) => error instanceof TaskError && error.message === "soon",
        );
        assert.deepEqual([await slow.done(), await later.done()], [false, false]);
        await Promise.all([slow.cancel(), later.cancel()]);
      },
    },
    {
      promise: "gather(): the siblings of one that raised go on",
      source: "Python docs, asyncio.gather",
      test: async (errand) => {
        const sibling = await aRunning(errand);
        await assert.rejects(gather([sibling, await aFailed(errand)]), TaskError);
        // A cancel would be on its way by now.
        await pause(100);
        assert.equal((await sibling.state()).type, "RUNNING");
        await sibling.cancel();
      },
    },
    {
      promise: "gather(): cancelling it cancels the children that are not done",
      by: "with cancelOnAbort",
      source: "Python docs, asyncio.gather",
      test: async (errand) => {
        const done = await aCompleted(errand);
        const children = [await aRunning(errand), await aPending(errand)];
        const abort = new AbortController();
        const reason = new Error("enough");
        const gathering = assert.rejects(
          gather([...children, done], { signal: abort.signal, cancelOnAbort: true }),
          (error) => error === reason,
        );
        await pause(20);
        abort.abort(reason);
        await gathering;
        for (const child of children) await assert.rejects(child.result(), CancelledError);
        assert.equal((await done.state()).type, "COMPLETED");
      },
    },
    {
      promise: "gather(): cancelling a child does not cancel its siblings",
      source: "Python docs, asyncio.gather",
      test: async (errand) => {
        const [child, sibling] = [await aPending(errand), await aRunning(errand)];
        const gathering = assert.rejects(gather([sibling, child]), CancelledError);
        await child.cancel();
        await gathering;
        // A cancel of the other would be on its way by now.
        await pause(100);
        assert.equal((await sibling.state()).type, "RUNNING");
        await sibling.cancel();
      },
    },
    {
      promise: "as_completed(): in the order in which they end",
      source: "Python docs, asyncio.as_completed",
      test: async (errand) => {
        const futures = [await aPending(errand), await aPending(errand), await aPending(errand)];
        const order = [futures[1], futures[2], futures[0]];
        const rest = order.slice(1);
        const yielded: string[] = [];
        await order[0].cancel();
        for await (const { id } of asCompleted(futures)) {
          yielded.push(id);
          await rest.shift()?.cancel();
        }
        assert.deepEqual(yielded, idsOf(order));
      },
    },
    {
      promise: "as_completed() as an async iterator gives the tasks themselves (3.13)",
      source: "Python docs, asyncio.as_completed",
      test: async (errand) => {
        const futures = [await aFailed(errand), await errand.submit("sleep", { ms: 50 })];
        const yielded = await Array.fromAsync(asCompleted(futures));
        assert.ok(yielded[0] === futures[0] && yielded[1] === futures[1]);
      },
    },
    {
      promise: "as_completed(timeout): TimeoutError if not all are done in time; nothing is cancelled",
      source: "Python docs, asyncio.as_completed",
      test: async (errand) => {
        const [done, slow] = [await aCompleted(errand), await aRunning(errand)];
        const yielded: string[] = [];
        await assert.rejects(async () => {
          for await (const { id } of asCompleted([slow, done], { timeoutMs: 100 })) yielded.push(id);
        }, AsCompletedTimeoutError);
        assert.deepEqual(yielded, [done.id]);
        assert.equal((await slow.state()).type, "RUNNING");
        await slow.cancel();
      },
    },
    {
      promise: "as_completed() as a plain iterator gives awaitables, each for the next one that is done",
      source: "Python docs, asyncio.as_completed",
      notYet:
        "Not meant to come: it hides which task has ended. asyncio itself has the async iterator for that " +
        "since 3.13, which is kept.",
    },
    {
      promise: "Task.cancel(): the running coroutine gets the request at its next await",
      source: "Python docs, asyncio.Task.cancel",
      test: async (errand) => {
        const future = await aRunning(errand);
        assert.equal(await future.cancel(), true);
        await assert.rejects(future.result({ timeoutMs: 60_000 }), CancelledError);
      },
    },
    {
      promise: "Task.cancel(): the coroutine can clean up before it ends",
      source: "Python docs, Task cancellation",
      test: async (errand) => {
        const future = await aTidying(errand, 100);
        await future.cancel();
        const events = await Array.fromAsync(future.events());
        const logs = events.filter(({ event }) => event === "log");
        assert.equal(logs.length, 1);
        assert.ok(logs[0].seq < events.find(({ event }) => event === "error")!.seq);
      },
    },
    {
      promise: "Task.cancel(msg): the coroutine is told the message",
      source: "Python docs, asyncio.Task.cancel",
      test: async (errand) => {
        const future = await aTidying(errand, 0);
        await future.cancel("we close at five");
        const told: unknown[] = [];
        for await (const { event, data } of future.events()) if (event === "log") told.push(data.data);
        assert.equal(told.length, 1);
        assert.match(String(told[0]), /we close at five/);
      },
    },
    {
      promise: "Task.cancel(msg): who awaits it gets the message with the CancelledError",
      source: "Python docs, asyncio.Task.cancel",
      test: async (errand) => {
        for (const future of [await aPending(errand), await aRunning(errand)]) {
          await future.cancel("we close at five");
          await assert.rejects(
            future.result(),
            (error) => error instanceof CancelledError && error.reason === "we close at five",
          );
        }
      },
    },
    {
      promise: "Task.cancel(): False if it is done",
      source: "CPython, asyncio/tasks.py, Task.cancel",
      test: async (errand) => {
        for (const future of [await aCompleted(errand), await aFailed(errand)]) {
          assert.equal(await future.cancel(), false);
        }
      },
    },
    {
      promise: "Task.cancel() of one that is cancelled already: False",
      source: "CPython, asyncio/tasks.py, Task.cancel",
      notYet: "concurrent.futures promises the contrary, and that is kept: True again.",
    },
    {
      promise: "Task.cancel(): True is no promise that it is cancelled(): that it is when it has stopped",
      source: "Python docs, asyncio.Task.cancel",
      test: async (errand) => {
        const future = await aTidying(errand, 800);
        assert.equal(await future.cancel(), true);
        const { type } = await future.state();
        assert.equal(type, "CANCELLING");
        await future.wait();
        assert.equal(await future.cancelled(), true);
      },
    },
    {
      promise: "Task.cancel(): the coroutine may suppress it and return: then the task is not cancelled()",
      source: "Python docs, asyncio.Task.cancel",
      notYet:
        "Here a cancel that was acknowledged holds: the function may go on for graceMs, but the task ends " +
        "CANCELLED. With keepResult what it returned is kept, in a task that is cancelled all the same.",
    },
    {
      promise: "shield(): cancelling who waits leaves the task running",
      source: "Python docs, asyncio.shield",
      test: async (errand) => {
        const future = await aRunning(errand);
        const abort = new AbortController();
        const waiting = assert.rejects(future.result({ signal: abort.signal }), { name: "AbortError" });
        const gathering = assert.rejects(gather([future], { signal: abort.signal }), { name: "AbortError" });
        await pause(20);
        abort.abort();
        await Promise.all([waiting, gathering]);
        await pause(100);
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "shield(): a cancel of the task itself is seen by who waits",
      source: "Python docs, asyncio.shield",
      test: async (errand) => {
        const future = await aRunning(errand);
        const waiting = assert.rejects(
          errand.future(future.id).result(),
          CancelledError,
        );
        await future.cancel();
        await waiting;
      },
    },
    {
      promise: "timeout(): at the deadline what is awaited is cancelled, and it is a TimeoutError",
      source: "Python docs, asyncio.timeout",
      test: async (errand) => {
        const futures = await errand.map("sleep", [{ ms: LONG_MS }, { ms: LONG_MS }]);
        await assert.rejects(
          gather(futures, { signal: AbortSignal.timeout(100), cancelOnAbort: true }),
          { name: "TimeoutError" },
        );
        for (const future of futures) await assert.rejects(future.result(), CancelledError);
      },
    },
    ...notYet(
      "Python docs, asyncio.timeout",
      "A scope with a deadline of its own is the caller's: an AbortSignal, and JavaScript's cannot be moved.",
      ["Timeout.reschedule(): moves the deadline"],
    ),
    {
      promise: "Timeout.expired(): whether it was that one of several scopes",
      source: "Python docs, asyncio.timeout",
      by: "the signal of each scope, and its `aborted`",
      test: async (errand) => {
        const future = await aRunning(errand);
        const [outer, inner] = [AbortSignal.timeout(LONG_MS), AbortSignal.timeout(50)];
        await assert.rejects(future.result({ signal: AbortSignal.any([outer, inner]) }), (error) => {
          return error === inner.reason;
        });
        assert.deepEqual([outer.aborted, inner.aborted, await future.running()], [false, true, true]);
        await future.cancel();
      },
    },
    {
      promise: "create_task(name=…), Task.get_name(): a name for people",
      by: "of a task in a flow",
      source: "Python docs, asyncio.Task.get_name",
      test: async (errand) => {
        const flow = await errand.run(group(
          sig("nothing", {}, { name: "the nightly report" }),
          sig("nothing"),
        ));
        const [named, unnamed] = await Promise.all(idsOf(flow.futures).map((id) => errand.future(id).task()));
        assert.deepEqual([named.node, named.task], ["the nightly report", "nothing"]);
        assert.equal(unnamed.node, "1", "else its place");
        assert.equal(flow.future("the nightly report").id, named.id);
        await flow.wait();
      },
    },
    {
      promise: "Task.set_name(): another name, at any time",
      source: "Python docs, asyncio.Task.set_name",
      notYet:
        "Not here: other tasks, and programs, find a task of a flow by its name, which therefore stays.",
    },
    {
      promise: "TaskGroup: when one task fails, the others are cancelled",
      source: "Python docs, asyncio.TaskGroup",
      test: async (errand) => {
        const flow = await errand.run(
          group(sig("fail", { message: "boom" }), LONG_SLEEP, LONG_SLEEP),
          TASK_GROUP,
        );
        const { state, counts } = await flow.outcome();
        assert.deepEqual([state, counts], ["FAILED", { FAILED: 1, CANCELLED: 2 }]);
      },
    },
    {
      promise: "TaskGroup: an ExceptionGroup has what all of them raised",
      source: "Python docs, asyncio.TaskGroup",
      test: async (errand) => {
        const fails = ["first", "second"].map((message) => sig("fail", { message, name: "ValueError" }));
        // Both run when the first one fails: what was cancelled raises nothing.
        const { groupId } = await errand.run(group(...fails), {
          group: { ...TASK_GROUP.group, maxFailures: 1 },
        });
        const { errors } = await errand.group(groupId).outcome();
        assert.deepEqual(errors.map(({ message }) => message).sort(), ["first", "second"]);
        const one = await errand.run(group(fails[0], LONG_SLEEP), TASK_GROUP);
        const error = await errand.group(one.groupId).result().catch((error) => error);
        assert.ok(error instanceof GroupError);
        assert.deepEqual(error.errors.map((each) => (each as TaskError).remoteName), ["ValueError"]);
      },
    },
    {
      promise: "TaskGroup: leaving the block waits for all of its tasks",
      by: "wait() of a group",
      source: "Python docs, asyncio.TaskGroup",
      test: async (errand) => {
        const sleeps = [0, 150].map((ms) => sig("sleep", { ms }));
        const { groupId, futures } = await errand.run(group(...sleeps, sig("fail", { message: "boom" })));
        const { done, notDone } = await errand.group(groupId).wait();
        assert.deepEqual([idsOf(done), notDone], [idsOf(futures), []]);
        const { counts } = await errand.group(groupId).counts();
        assert.deepEqual(counts, { COMPLETED: 2, FAILED: 1 });
      },
    },
    {
      promise: "TaskGroup.create_task(): a task may add to its group, which then waits for that one too",
      source: "Python docs, asyncio.TaskGroup.create_task",
      test: async (errand) => {
        const children = [{ task: "sleep", input: { ms: 150 } }, { task: "add", input: { a: 1, b: 2 } }];
        const flow = await errand.run(group(sig("family", { children, joins: true })), TASK_GROUP);
        const { state, total, counts } = await flow.outcome();
        assert.deepEqual([state, total, counts], ["COMPLETED", 3, { COMPLETED: 3 }]);
        const { groupId } = await errand.run(
          group(
            sig("family", { children: [{ task: "fail", input: { message: "boom" } }], joins: true }),
            LONG_SLEEP,
          ),
          TASK_GROUP,
        );
        const { errors } = await errand.group(groupId).outcome();
        assert.deepEqual(errors.map(({ message }) => message), ["boom"]);
      },
    },
    {
      promise:
        "TaskGroup within a TaskGroup: a failure ends the inner one, and is a failure of the outer one",
      source: "Python docs, asyncio.TaskGroup",
      by: "a task of the outer group that puts a group with a policy of its own in its place",
      test: async (errand) => {
        const gate = crypto.randomUUID();
        const sibling = sig("hold", { gate });
        const inner = {
          group: [sig("hold", { gate: "never" }), sig("fail", { message: "boom" })],
          options: TASK_GROUP,
        };
        const outer = await errand.run(group(sig("replaced", { by: inner }), sibling), TASK_GROUP);
        const { state, errors, counts } = await outer.outcome();
        assert.deepEqual([state, counts], ["FAILED", { FAILED: 1, CANCELLED: 1 }]);
        assert.deepEqual(errors.map(({ message }) => message), ["boom"]);
        const [parentId] = idsOf(outer.futures);
        const tasks = await Array.fromAsync(errand.tasks.list({ task: "hold", state: "CANCELLED" }));
        assert.equal(tasks.filter((task) => task.parentId === parentId).length, 1, "the inner sibling");
      },
    },
    ...notYet(
      "Python docs, asyncio.Future",
      "External completion has to come first: a task without a function, which somebody ends from outside.",
      [
        "Future: set_result() and set_exception() end it, and wake who awaits it",
        "Future.set_result(): InvalidStateError if it is done",
      ],
    ),
    {
      promise: "all_tasks(): those that have not ended",
      source: "Python docs, asyncio.all_tasks",
      by: "GET /v1/tasks with the states that are no end",
      test: async () => {
        await using server = await aServer();
        const errand = aClient(server.url);
        const [running, pending, ended] = [
          await aRunning(errand),
          await aPending(errand),
          await aFailed(errand),
        ];
        const open = "SCHEDULED,PENDING,RUNNING,PAUSED,CANCELLING";
        const { body } = await server.fetch(`/v1/tasks?state=${open}`);
        const found = body.tasks.map(({ id }: { id: string }) => id);
        assert.deepEqual(found.toSorted(), idsOf([running, pending]).toSorted());
        assert.ok(!found.includes(ended.id));
        await Promise.all([running.cancel(), pending.cancel()]);
      },
    },
    {
      promise: "Task.cancelling(), uncancel(): requests are counted, and can be taken back",
      source: "Python docs, asyncio.Task.uncancel",
      notYet:
        "A cancel is written down and told to the function once; asking again changes nothing, and nobody " +
        "can take it back. That keeps 'cancelled' from being a lie; no issue waits for it.",
    },
    {
      promise: "create_task(context=…): the task sees the context variables of its caller",
      source: "Python docs, asyncio.create_task",
      notYet:
        "Context variables are references inside one process; a task runs in another one. What it is to " +
        "know goes into its input or metadata.",
    },
  ],
};
