import assert from "node:assert/strict";
import {
  asCompleted,
  AsCompletedTimeoutError,
  CancelledError,
  chunks,
  CrashedError,
  gather,
  TaskError,
  type TaskFuture,
  TimeoutError,
  wait,
} from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { aDatabase } from "../support/server_process.ts";
import { eventually } from "../support/waiting.ts";
import { acrossCrash } from "./crash.ts";
import { anErrandHere } from "./in_process.ts";
import type { System } from "./row.ts";
import {
  aCancelled,
  aCompleted,
  aFailed,
  aPending,
  aRunning,
  endsOf,
  fillAndEnd,
  held,
  idsOf,
  LONG_MS,
  mostAtOnce,
  pathOf,
  saidDuring,
  until,
} from "./steps.ts";

export const concurrentFutures: System = {
  name: "concurrent.futures",
  rows: [
    {
      promise: "PENDING, RUNNING, FINISHED: a call goes through these, in this order",
      source: "CPython, concurrent/futures/_base.py, the states",
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 });
        await future.result();
        assert.deepEqual(await pathOf(future), ["PENDING", "RUNNING", "COMPLETED"]);
      },
    },
    {
      promise: "CANCELLED: a call cancelled before its start was never RUNNING",
      source: "CPython, concurrent/futures/_base.py, the states",
      test: async (errand) => {
        const future = await aCancelled(errand);
        const path = await pathOf(future);
        assert.equal(path.at(-1), "CANCELLED");
        assert.ok(!path.includes("RUNNING"), path.join());
      },
    },
    {
      promise: "CANCELLED_AND_NOTIFIED: who waits already is told of the cancel",
      source: "CPython, concurrent/futures/_base.py, the states",
      test: async (errand) => {
        const future = await aPending(errand);
        const waiting = errand.future(future.id).wait();
        await future.cancel();
        assert.equal(await waiting, true);
      },
    },
    {
      promise: "Executor.submit(): returns a Future before the call has ended",
      source: "Python docs, concurrent.futures.Executor.submit",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: LONG_MS });
        assert.equal(await future.done(), false);
        await future.cancel();
      },
    },
    {
      promise: "Future.result(): waits for the value that the call returns",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await errand.submit("sleep", { ms: 100, value: { deep: [1, "two", null] } });
        assert.deepEqual(await future.result(), { deep: [1, "two", null] });
      },
    },
    {
      promise: "Future.result(): None for a call that returns nothing",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await errand.submit("nothing", {});
        assert.equal(await future.result(), null);
        assert.equal(await future.done(), true);
      },
    },
    {
      promise: "Future.result(): raises what the call raised",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "no such row", name: "KeyError" });
        await assert.rejects(
          future.result(),
          (error) =>
            error instanceof TaskError && error.remoteName === "KeyError" &&
            error.message === "no such row" && error.id === future.id,
        );
      },
    },
    {
      promise: "Future.result(): CancelledError if the future is cancelled, also while it is waited for",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await aPending(errand);
        const waiting = assert.rejects(errand.future(future.id).result(), CancelledError);
        await future.cancel();
        await waiting;
        await assert.rejects(future.result(), CancelledError);
      },
    },
    {
      promise: "Future.result(timeout): TimeoutError if it is not done in time",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await aPending(errand);
        await assert.rejects(future.result({ timeoutMs: 100 }), TimeoutError);
        await future.cancel();
      },
    },
    {
      promise: "Future.result(timeout): the timeout does not cancel the call",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await aRunning(errand);
        await assert.rejects(future.result({ timeoutMs: 50 }), TimeoutError);
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "Future.result(0): the value if it is there, else TimeoutError",
      source: "CPython, concurrent/futures/_base.py, Future.result",
      test: async (errand) => {
        const there = await aCompleted(errand);
        assert.equal(await errand.future(there.id).result({ timeoutMs: 0 }), 3);
        const pending = await aPending(errand);
        await assert.rejects(pending.result({ timeoutMs: 0 }), TimeoutError);
        await pending.cancel();
      },
    },
    {
      promise: "Future.result(None): waits without limit",
      source: "Python docs, concurrent.futures.Future.result",
      test: async (errand) => {
        const future = await aPending(errand);
        const waiting = assert.rejects(future.result({ timeoutMs: undefined }), CancelledError);
        await assert.rejects(future.result({ timeoutMs: 300 }), TimeoutError);
        await future.cancel();
        await waiting;
      },
    },
    {
      promise: "Future.exception(): what the call raised, returned and not raised",
      source: "Python docs, concurrent.futures.Future.exception",
      test: async (errand) => {
        const future = await errand.submit("fail", { message: "boom", name: "ValueError" });
        const error = await future.exception();
        assert.ok(error instanceof TaskError);
        assert.equal(error.remoteName, "ValueError");
        assert.equal(error.message, "boom");
      },
    },
    {
      promise: "Future.exception(): None if the call ended without raising",
      source: "Python docs, concurrent.futures.Future.exception",
      test: async (errand) => {
        const future = await errand.submit("add", { a: 1, b: 2 });
        assert.equal(await future.exception(), null);
      },
    },
    {
      promise: "Future.exception(): CancelledError if the future is cancelled",
      source: "Python docs, concurrent.futures.Future.exception",
      test: async (errand) => {
        const future = await aPending(errand);
        const waiting = assert.rejects(errand.future(future.id).exception(), CancelledError);
        await future.cancel();
        await waiting;
        await assert.rejects(future.exception(), CancelledError);
      },
    },
    {
      promise: "Future.exception(timeout): TimeoutError if it is not done in time; the call goes on",
      source: "Python docs, concurrent.futures.Future.exception",
      test: async (errand) => {
        const future = await aRunning(errand);
        await assert.rejects(future.exception({ timeoutMs: 50 }), TimeoutError);
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "Future.cancel(): True for a pending call, which is then cancelled",
      source: "Python docs, concurrent.futures.Future.cancel",
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal(await future.cancel(), true);
        assert.equal(await future.cancelled(), true);
      },
    },
    {
      promise: "Future.cancel(): False for a finished call, however it ended; nothing changes",
      source: "Python docs, concurrent.futures.Future.cancel",
      test: async (errand) => {
        for (const future of [await aCompleted(errand), await aFailed(errand)]) {
          const before = await future.state();
          assert.equal(await future.cancel(), false);
          assert.deepEqual(await errand.future(future.id).state(), before);
        }
      },
    },
    {
      promise: "Future.cancel(): True again if it is already cancelled",
      source: "CPython, concurrent/futures/_base.py, Future.cancel",
      test: async (errand) => {
        const future = await aPending(errand);
        assert.equal(await future.cancel(), true);
        assert.equal(await future.cancel(), true);
        assert.equal(await errand.future(future.id).cancel(), true);
      },
    },
    {
      promise: "Future.cancel() of a running call: there False, it cannot be stopped",
      by: "True, it is asked to",
      source: "Python docs, concurrent.futures.Future.cancel",
      test: async (errand) => {
        const future = await aRunning(errand);
        assert.equal(await future.cancel(), true);
        await assert.rejects(future.result(), CancelledError);
        assert.deepEqual((await pathOf(future)).slice(-3), ["RUNNING", "CANCELLING", "CANCELLED"]);
      },
    },
    {
      promise: "Future.running(): True while the call is executed, not before and not after",
      source: "Python docs, concurrent.futures.Future.running",
      test: async (errand) => {
        const pending = await aPending(errand);
        assert.equal(await pending.running(), false);
        const future = await aRunning(errand);
        assert.equal(await future.running(), true);
        await Promise.all([pending.cancel(), future.cancel()]);
        await future.wait();
        assert.equal(await future.running(), false);
        assert.equal(await (await aCompleted(errand)).running(), false);
      },
    },
    {
      promise: "Future.done(): True if the call finished, raised or was cancelled, else False",
      source: "Python docs, concurrent.futures.Future.done",
      test: async (errand) => {
        const open = [await aPending(errand), await aRunning(errand)];
        for (const future of open) assert.equal(await future.done(), false);
        for (const future of [await aCompleted(errand), await aFailed(errand), await aCancelled(errand)]) {
          assert.equal(await errand.future(future.id).done(), true);
        }
        for (const future of open) await future.cancel();
      },
    },
    {
      promise: "Future.cancelled(): True only if it was cancelled",
      source: "Python docs, concurrent.futures.Future.cancelled",
      test: async (errand) => {
        const pending = await aPending(errand);
        for (const future of [pending, await aCompleted(errand), await aFailed(errand)]) {
          assert.equal(await future.cancelled(), false);
        }
        await pending.cancel();
        assert.equal(await pending.cancelled(), true);
      },
    },
    {
      promise: "add_done_callback(): called once, with the future, when it finishes, raises or is cancelled",
      source: "Python docs, concurrent.futures.Future.add_done_callback",
      test: async (errand) => {
        const futures = [
          await errand.submit("sleep", { ms: 50 }),
          await errand.submit("fail", { message: "boom" }, { delayMs: 50 }),
          await aPending(errand),
        ];
        const given: TaskFuture[] = [];
        const called = futures.map((future) =>
          new Promise<void>((resolve) =>
            future.addDoneCallback((future) => {
              given.push(future);
              resolve();
            })
          )
        );
        await futures[2].cancel();
        await Promise.all(called);
        assert.equal(given.length, 3);
        for (const future of futures) assert.ok(given.includes(future));
        await Promise.all(futures.map((future) => future.wait()));
        assert.equal(given.length, 3);
      },
    },
    {
      promise: "add_done_callback(): called at once if the future is done",
      source: "Python docs, concurrent.futures.Future.add_done_callback",
      test: async (errand) => {
        const future = await aCompleted(errand);
        const given: TaskFuture[] = [];
        future.addDoneCallback((future) => given.push(future));
        assert.deepEqual(given, [future]);
      },
    },
    {
      promise: "add_done_callback(): in the order in which they were added",
      source: "Python docs, concurrent.futures.Future.add_done_callback",
      test: async (errand) => {
        const future = await aPending(errand);
        const order: number[] = [];
        for (let i = 1; i <= 5; i++) future.addDoneCallback(() => order.push(i));
        await future.cancel();
        await future.wait();
        future.addDoneCallback(() => order.push(6));
        assert.deepEqual(order, [1, 2, 3, 4, 5, 6]);
      },
    },
    {
      promise: "add_done_callback(): what a callback raises is logged and ignored",
      source: "Python docs, concurrent.futures.Future.add_done_callback",
      test: async (errand) => {
        const called: string[] = [];
        const said = await saidDuring(async () => {
          const future = await aPending(errand);
          future.addDoneCallback(() => {
            throw new Error("the first is broken");
          });
          future.addDoneCallback(() => called.push("second"));
          await future.cancel();
          await assert.rejects(future.result(), CancelledError);
          future.addDoneCallback(() => {
            throw new Error("the last is broken");
          });
        });
        assert.deepEqual(called, ["second"]);
        assert.equal(said.length, 2, said.join("\n"));
        assert.match(said[0], /the first is broken/);
        assert.match(said[1], /the last is broken/);
      },
    },
    {
      promise: "Future.set_result(), set_exception(): end a future from outside",
      source: "Python docs, concurrent.futures.Future.set_result",
      notYet: "External completion is missing: a token with which somebody else ends a task.",
    },
    {
      promise: "Future.set_result(), set_exception(): InvalidStateError if it is done or cancelled",
      source: "Python docs, concurrent.futures.Future.set_result",
      notYet: "External completion has to come first; this is then its 409.",
    },
    {
      promise: "set_running_or_notify_cancel(): False if it was cancelled: the worker does not run it",
      source: "Python docs, concurrent.futures.Future.set_running_or_notify_cancel",
      test: async (errand) => {
        const { futures: [before], end } = await held(errand, [null]);
        const [cancelled, next] = await errand.map("sleep", [{ ms: 0 }, { ms: 0 }], { waitFor: [before] });
        await cancelled.cancel();
        await end(0);
        // It became ready with, and behind, the one that was cancelled.
        await next.result();
        const path = await pathOf(errand.future(cancelled.id));
        assert.equal(path.at(-1), "CANCELLED");
        assert.ok(!path.includes("RUNNING"), path.join());
      },
    },
    {
      promise: "set_running_or_notify_cancel(): else True, and the future is RUNNING",
      source: "Python docs, concurrent.futures.Future.set_running_or_notify_cancel",
      test: async (errand) => {
        const future = await aRunning(errand);
        const { state, attempt, startedAt } = await future.task();
        assert.deepEqual([state.type, attempt], ["RUNNING", 1]);
        assert.ok(startedAt !== null);
        await future.cancel();
      },
    },
    {
      promise: "set_running_or_notify_cancel(): an error if it runs already: no call is begun twice",
      source: "CPython, concurrent/futures/_base.py, Future.set_running_or_notify_cancel",
      by: "the commit with which a worker takes a task: of several processes one has it",
      test: async () => {
        await using database = await aDatabase();
        const env = { KV_PATH: database.path };
        await using one = await aServer(env);
        await using other = await aServer(env);
        const errand = aClient(one.url);
        const texts = Array.from({ length: 100 }, (_, i) => `called ${i}`);
        const futures = await errand.map("prints", { text: texts });
        await futures.wait();
        const lines = () => [one, other].flatMap(({ output }) => output.stderr.split("\n"));
        const called = () => lines().flatMap((line) => /"message":"(called \d+)"/.exec(line)?.[1] ?? []);
        // What a process writes comes a moment after its tasks have ended.
        await eventually(() => Promise.resolve(called().length >= texts.length), "not all were called");
        assert.deepEqual(called().toSorted(), texts.toSorted());
      },
    },
    {
      promise: "wait(): gives the done and the not done, with all of them in one or the other",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const open = [await aPending(errand), await aRunning(errand)];
        const ended = [await aCompleted(errand), await aFailed(errand), await aCancelled(errand)];
        const { done, notDone } = await wait([open[0], ended[0], ended[1], open[1], ended[2]], {
          timeoutMs: 0,
        });
        assert.deepEqual(idsOf(done), idsOf(ended));
        assert.deepEqual(idsOf(notDone), idsOf(open));
        for (const future of open) await future.cancel();
      },
    },
    {
      promise: "wait(timeout): no exception at the timeout, and nothing is cancelled",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const future = await aRunning(errand);
        for (const returnWhen of ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"] as const) {
          assert.deepEqual(await wait([future], { timeoutMs: 50, returnWhen }), {
            done: [],
            notDone: [future],
          });
        }
        assert.equal((await future.state()).type, "RUNNING");
        await future.cancel();
      },
    },
    {
      promise: "wait(): a future that is given twice is in the answer once",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const [ended, open] = [await aCompleted(errand), await aPending(errand)];
        const again = errand.future(ended.id);
        const { done, notDone } = await wait([ended, open, ended, open, again], { timeoutMs: 0 });
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[ended.id], [open.id]]);
        await open.cancel();
      },
    },
    {
      promise: "wait() of nothing: two empty sets",
      source: "CPython, concurrent/futures/_base.py, wait",
      test: async () => {
        assert.deepEqual(await wait([]), { done: [], notDone: [] });
        assert.deepEqual(await wait([], { returnWhen: "FIRST_COMPLETED" }), { done: [], notDone: [] });
      },
    },
    {
      promise: "wait(ALL_COMPLETED), the default: when every future has finished, raised or been cancelled",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const futures = [
          await errand.submit("sleep", { ms: 150 }),
          await errand.submit("fail", { message: "boom" }),
          await aPending(errand),
        ];
        await futures[2].cancel();
        const { done, notDone } = await wait(futures);
        assert.deepEqual([idsOf(done), notDone], [idsOf(futures), []]);
      },
    },
    {
      promise: "wait(FIRST_COMPLETED): when any future finishes",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const [slow, quick] = await errand.map("sleep", [{ ms: LONG_MS }, { ms: 100 }]);
        const { done, notDone } = await wait([slow, quick], { returnWhen: "FIRST_COMPLETED" });
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[quick.id], [slow.id]]);
        await slow.cancel();
      },
    },
    {
      promise: "wait(FIRST_COMPLETED): a cancelled future counts",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const [slow, other] = [await aRunning(errand), await aPending(errand)];
        const waiting = wait([slow, other], { returnWhen: "FIRST_COMPLETED" });
        await other.cancel();
        const { done, notDone } = await waiting;
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[other.id], [slow.id]]);
        await slow.cancel();
      },
    },
    {
      promise: "wait(FIRST_EXCEPTION): when any future raises; those that return do not count",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const returns = await aCompleted(errand);
        const [slow, fails] = [
          await errand.submit("sleep", { ms: LONG_MS }),
          await errand.submit("fail", { message: "boom" }, { delayMs: 200 }),
        ];
        const { done, notDone } = await wait([slow, returns, fails], { returnWhen: "FIRST_EXCEPTION" });
        assert.deepEqual([idsOf(done), idsOf(notDone)], [[returns.id, fails.id], [slow.id]]);
        await slow.cancel();
      },
    },
    {
      promise: "wait(FIRST_EXCEPTION): a cancelled future does not count",
      source: "CPython, concurrent/futures/_base.py, wait",
      test: async (errand) => {
        const cancelled = await aCancelled(errand);
        const [quick, pending] = [await errand.submit("sleep", { ms: 200 }), await aPending(errand)];
        const waiting = wait([cancelled, quick, pending], { returnWhen: "FIRST_EXCEPTION" });
        await pending.cancel();
        const { done, notDone } = await waiting;
        assert.deepEqual([idsOf(done), notDone], [[cancelled.id, quick.id, pending.id], []]);
      },
    },
    {
      promise: "wait(FIRST_EXCEPTION): the same as ALL_COMPLETED if none raises",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const futures = await errand.map("sleep", [{ ms: 50 }, { ms: 200 }, { ms: 0 }]);
        const { done, notDone } = await wait(futures, { returnWhen: "FIRST_EXCEPTION" });
        assert.deepEqual([idsOf(done), notDone], [idsOf(futures), []]);
      },
    },
    {
      promise: "wait(): ValueError for another return_when",
      source: "CPython, concurrent/futures/_base.py, wait",
      test: async (errand) => {
        const future = await aCompleted(errand);
        await assert.rejects(wait([future], { returnWhen: "SOME" as "ALL_COMPLETED" }), RangeError);
      },
    },
    {
      promise: "wait(): returns at once if the condition is true already",
      source: "CPython, concurrent/futures/_base.py, wait",
      test: async (errand) => {
        const slow = await aRunning(errand);
        const [completed, failed] = [await aCompleted(errand), await aFailed(errand)];
        const first = await wait([slow, completed], { returnWhen: "FIRST_COMPLETED" });
        assert.deepEqual(idsOf(first.notDone), [slow.id]);
        const raised = await wait([slow, failed], { returnWhen: "FIRST_EXCEPTION" });
        assert.deepEqual(idsOf(raised.notDone), [slow.id]);
        assert.equal((await wait([completed, failed])).done.length, 2);
        await slow.cancel();
      },
    },
    {
      promise: "as_completed(): those that are done come first",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        const slow = await aRunning(errand);
        const seen = await aCompleted(errand);
        // The service knows that it has ended; this future does not yet.
        const unseen = errand.future((await aFailed(errand)).id);
        const yielded: string[] = [];
        for await (const { id } of asCompleted([slow, unseen, seen])) {
          if (yielded.push(id) === 2) await slow.cancel();
        }
        assert.deepEqual(yielded.slice(0, 2).toSorted(), [seen.id, unseen.id].toSorted());
        assert.equal(yielded[2], slow.id);
      },
    },
    {
      promise: "as_completed(): then in the order in which they end",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        const futures = await Promise.all(Array.from({ length: 4 }, () => aPending(errand)));
        const order = [2, 0, 3, 1].map((i) => futures[i]);
        const [first, ...rest] = order;
        const yielded: string[] = [];
        await first.cancel();
        for await (const { id } of asCompleted(futures)) {
          yielded.push(id);
          await rest.shift()?.cancel();
        }
        assert.deepEqual(yielded, idsOf(order));
      },
    },
    {
      promise: "as_completed(): a future that is given twice is yielded once",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        const [seen, running] = [await aCompleted(errand), await errand.submit("sleep", { ms: 100 })];
        const again = [errand.future(running.id), errand.future(seen.id)];
        const yielded = await Array.fromAsync(
          asCompleted([running, seen, ...again, running, seen]),
        );
        assert.deepEqual(idsOf(yielded), [seen.id, running.id]);
      },
    },
    {
      promise: "as_completed(): cancelled futures are yielded too",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        const [before, during] = [await aCancelled(errand), await aPending(errand)];
        const yielded: string[] = [];
        for await (const { id } of asCompleted([during, before])) {
          yielded.push(id);
          await during.cancel();
        }
        assert.deepEqual(yielded, [before.id, during.id]);
      },
    },
    {
      promise: "as_completed(timeout): one deadline for the whole iteration",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        // Each ends well within the timeout after the one before it; all of them together do not.
        const futures = await errand.map("sleep", Array.from({ length: 16 }, (_, i) => ({ ms: i * 400 })));
        await assert.rejects(Array.fromAsync(asCompleted(futures, { timeoutMs: 500 })), TimeoutError);
        await futures.cancel();
      },
    },
    {
      promise: "as_completed(): raises '%d (of %d) futures unfinished' at the deadline",
      source: "CPython, concurrent/futures/_base.py, as_completed",
      test: async (errand) => {
        const slow = await errand.map("sleep", [{ ms: LONG_MS }, { ms: LONG_MS }]);
        const quick = await errand.map("add", { a: [1, 2, 3] }, { b: 1 });
        await wait(quick);
        const yielded: string[] = [];
        await assert.rejects(
          async () => {
            for await (const { id } of asCompleted([...slow, ...quick], { timeoutMs: 500 })) yielded.push(id);
          },
          (error) =>
            error instanceof AsCompletedTimeoutError && error.message === "2 (of 5) futures unfinished",
        );
        assert.deepEqual(yielded.toSorted(), idsOf(quick).toSorted());
        await slow.cancel();
      },
    },
    {
      promise: "Executor.map(): one call for each element of the iterables, side by side",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const futures = await errand.map("add", { a: [1, 2, 3], b: new Set([10, 20, 30]) });
        assert.deepEqual(await Array.fromAsync(futures.inOrder()), [11, 22, 33]);
      },
    },
    {
      promise: "Executor.map(): ends with the shortest of the iterables",
      source: "Python docs, concurrent.futures.Executor.map, which is like map()",
      notYet: "Prefect promises the contrary, and its promise is kept: different lengths are a " +
        "MappingLengthMismatchError, as they are mostly a mistake.",
    },
    {
      promise: "Executor.map(): all calls are submitted before the first value is asked for",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const futures = await errand.map("sleep", [{ ms: 0, value: "a" }, { ms: 0, value: "b" }]);
        const values = futures.inOrder();
        // Nobody has asked for a value, and yet all of them end.
        assert.deepEqual(idsOf((await wait(futures)).done), idsOf(futures));
        assert.deepEqual(await Array.fromAsync(values), ["a", "b"]);
      },
    },
    {
      promise: "Executor.map(): values in the order of the input, whatever the order of the ends",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const { futures, end } = await held(errand, ["slow", "quick"]);
        const results = Array.fromAsync(futures.inOrder());
        await end(1);
        await end(0);
        assert.deepEqual(await results, ["slow", "quick"]);
      },
    },
    {
      promise: "Executor.map(): the first call that raised does so when its value is asked for, not before",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const futures = await errand.map("fail", [
          { message: "not at first", untilAttempt: 2 },
          { message: "the second", retryable: false },
          { message: "the third", retryable: false },
        ], { retry: { maxAttempts: 2, delayMs: 500, jitter: false } });
        const values: number[] = [];
        await assert.rejects(
          async () => {
            for await (const value of futures.inOrder()) values.push(value);
          },
          (error) => error instanceof TaskError && error.message === "the second",
        );
        assert.deepEqual(values, [2]);
        const [first, second] = await endsOf(futures);
        assert.ok(second < first);
      },
    },
    {
      promise: "Executor.map(): after an error the calls that are left are cancelled",
      source: "CPython, concurrent/futures/_base.py, Executor.map",
      test: async (errand) => {
        // The second one waits long for its next attempt.
        const futures = await errand.map("fail", [
          { message: "now", retryable: false },
          { message: "not at first", untilAttempt: 2 },
        ], { retry: { maxAttempts: 2, delayMs: 10_000, jitter: false } });
        await assert.rejects(Array.fromAsync(futures.inOrder()), TaskError);
        await assert.rejects(futures[1].result(), CancelledError);
      },
    },
    {
      promise: "Executor.map(): leaving the iteration cancels the calls that are left",
      source: "CPython, concurrent/futures/_base.py, Executor.map",
      test: async (errand) => {
        const futures = await errand.map("sleep", [{ ms: 0 }, { ms: LONG_MS }, { ms: LONG_MS }]);
        for await (const _ of futures.inOrder()) break;
        assert.equal(await futures[0].cancelled(), false);
        for (const future of futures.slice(1)) await assert.rejects(future.result(), CancelledError);
      },
    },
    {
      promise: "Executor.map(timeout): one deadline for all values, from the call on",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const futures = await errand.map("sleep", Array.from({ length: 16 }, (_, i) => ({ ms: i * 400 })));
        await assert.rejects(Array.fromAsync(futures.inOrder({ timeoutMs: 500 })), TimeoutError);
        await wait(futures);
        assert.equal(await futures[15].cancelled(), true);
      },
    },
    {
      promise: "Executor.map(chunksize): several calls travel to a process at once",
      by: "chunks(): one task for several inputs",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const inputs = Array.from({ length: 5 }, (_, i) => ({ a: i, b: 10 }));
        const flow = await errand.run(chunks("add", inputs, 2));
        assert.deepEqual((await flow.result()).flat(), [10, 11, 12, 13, 14]);
        assert.deepEqual((await flow.results()).map((list) => (list as number[]).length), [2, 2, 1]);
      },
    },
    {
      promise: "Executor.map(buffersize): at most that many calls are in flight",
      by: "maxConcurrent, with all of them submitted",
      source: "Python docs, concurrent.futures.Executor.map",
      test: async (errand) => {
        const futures = await fillAndEnd(errand, 6, 3);
        assert.deepEqual(await Array.fromAsync(futures.inOrder()), [0, 1, 2, 3, 4, 5]);
        assert.equal(await mostAtOnce(futures), 3);
      },
    },
    {
      promise: "wait() and as_completed() take futures of several executors",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        await using server = await aServer();
        const other = aClient(server.url);
        const here = await errand.submit("echo", { value: "here" });
        const slow = await aRunning(other);
        const first = await wait([slow, here] as TaskFuture[], { returnWhen: "FIRST_COMPLETED" });
        assert.deepEqual([first.done, first.notDone], [[here], [slow]]);
        await slow.cancel();
        const there = await other.submit("echo", { value: "there" });
        const { done } = await wait([here, there, slow] as TaskFuture[]);
        assert.deepEqual(idsOf(done), idsOf([here, there, slow]));
        const ended = await Array.fromAsync(asCompleted([here, there] as TaskFuture[]));
        assert.deepEqual(
          await gather(ended),
          await gather(ended.map(({ id }) => (id === here.id ? errand : other).future(id))),
        );
      },
    },
    {
      promise: "with Executor() as executor: leaving it waits for its futures",
      source: "Python docs, concurrent.futures.Executor.shutdown",
      notYet:
        "A client owns no pool: what it has submitted goes on without it. In a program with an Errand of its own, " +
        "`await using` stops that, and hands back what runs.",
    },
    {
      promise: "Executor.shutdown(wait): returns when the pending calls are done",
      source: "Python docs, concurrent.futures.Executor.shutdown",
      by: "wait() of what was submitted: a client owns no pool, as the workers are the service's",
      test: async (errand) => {
        const { futures, end } = await held(errand, ["ran", "ran, too"]);
        const next = await errand.submit("echo", { value: "pending" }, { waitFor: [...futures] });
        const all = [...futures, next];
        const over = wait(all);
        assert.equal((await wait(all, { timeoutMs: 50 })).notDone.length, 3);
        await end(0);
        await end(1);
        assert.deepEqual(idsOf((await over).done), idsOf(all));
      },
    },
    {
      promise: "Executor.shutdown(cancel_futures): cancels what is pending, and only that",
      source: "Python docs, concurrent.futures.Executor.shutdown",
      by: "cancelTasks() with onlyWaiting: a client owns no pool, and says which tasks are meant",
      test: async (errand) => {
        const tags = [crypto.randomUUID()];
        const running = await errand.submit("sleep", { ms: 600_000 }, { tags });
        await until(running, "RUNNING");
        const pending = await errand.submit("sleep", { ms: 0 }, { delayMs: 60_000, tags });
        await errand.cancelTasks({ filter: { tag: tags[0] } }, "shut down", { onlyWaiting: true });
        assert.equal(await pending.cancelled(), true);
        assert.equal(await running.running(), true);
        await running.cancel();
      },
    },
    {
      promise: "Executor.submit(): RuntimeError after shutdown",
      source: "Python docs, concurrent.futures.Executor.shutdown",
      by: "stop() of an Errand in one's own program: a client of a service has nothing to shut down",
      test: async () => {
        const errand = await anErrandHere();
        const future = await errand.client.submit("add", { a: 1, b: 2 });
        assert.equal(await future.result(), 3);
        await errand.stop();
        await assert.rejects(errand.client.submit("add", { a: 1, b: 2 }), {
          message: "this Errand was stopped",
        });
      },
    },
    {
      promise: "BrokenExecutor: when a worker dies, its pool and all of its futures fail",
      source: "Python docs, concurrent.futures.BrokenExecutor",
      by: "maxCrashes: 0, for what ran there; what waited is run by another worker",
      test: () =>
        acrossCrash({ LEASE_MS: "1500", CONCURRENCY: "2" }, async (errand) => {
          const running = await errand.map("sleep", [{ ms: LONG_MS }, { ms: LONG_MS }], { maxCrashes: 0 });
          await Promise.all([...running].map((future) => until(future, "RUNNING")));
          const pending = await errand.submit("add", { a: 1, b: 2 }, { maxCrashes: 0 });
          return { running: idsOf(running), pending: pending.id };
        }, async (errand, { running, pending }) => {
          for (const id of running) await assert.rejects(errand.future(id).result(), CrashedError);
          assert.equal(await errand.future(pending).result(), 3);
        }),
    },
  ],
};
