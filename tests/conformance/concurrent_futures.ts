import assert from "node:assert/strict";
import {
  asCompleted,
  AsCompletedTimeoutError,
  CancelledError,
  TaskError,
  type TaskFuture,
  TimeoutError,
  wait,
} from "../../client/mod.ts";
import type { System } from "./row.ts";
import {
  aCancelled,
  aCompleted,
  aFailed,
  aPending,
  aRunning,
  endsOf,
  idsOf,
  LONG_MS,
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
        const future = await errand.submit("nothing");
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
        const future = await errand.submit("sleep", { ms: 600, value: "late" });
        const waiting = future.result({ timeoutMs: undefined });
        await assert.rejects(future.result({ timeoutMs: 50 }), TimeoutError);
        assert.equal(await waiting, "late");
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
      promise: "Future.cancel() of a running call: there False, it cannot be stopped; here True, it is asked to",
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
        const [cancelled, next] = await errand.map("sleep", [{ ms: 0 }, { ms: 0 }], { delayMs: 200 });
        await cancelled.cancel();
        // It becomes due with, and behind, the one that was cancelled.
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
      notYet: "It is a step between workers, which no client can call. To show it, rows need a service with " +
        "several worker processes of its own.",
    },
    {
      promise: "wait(): gives the done and the not done, with all of them in one or the other",
      source: "Python docs, concurrent.futures.wait",
      test: async (errand) => {
        const open = [await aPending(errand), await aRunning(errand)];
        const ended = [await aCompleted(errand), await aFailed(errand), await aCancelled(errand)];
        const { done, notDone } = await wait([open[0], ended[0], ended[1], open[1], ended[2]], { timeoutMs: 0 });
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
        const quick = await errand.submit("sleep", { ms: 100 });
        const ended = [await aCompleted(errand), await aFailed(errand)];
        // Two futures that have not seen the end yet: only the service knows it.
        const again = ended.map(({ id }) => errand.future(id));
        const next = await errand.submit("sleep", { ms: 300 });
        const yielded = idsOf(await Array.fromAsync(asCompleted([next, quick, ...again])));
        assert.ok(yielded.indexOf(next.id) === 3, yielded.join());
        const open = await aRunning(errand);
        for await (const { id } of asCompleted([open, ...ended])) {
          if (id === ended[0].id) await open.cancel();
          yielded.push(id);
        }
        assert.deepEqual(yielded.slice(4), [...idsOf(ended), open.id]);
      },
    },
    {
      promise: "as_completed(): then in the order in which they end",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        const futures = await Promise.all(Array.from({ length: 4 }, () => aPending(errand)));
        const order = [2, 0, 3, 1].map((i) => futures[i]);
        const yielded: string[] = [];
        const [first, ...rest] = order;
        await first.cancel();
        for await (const { id } of asCompleted(futures)) {
          yielded.push(id);
          await rest.shift()?.cancel();
        }
        assert.deepEqual(yielded, idsOf(order));
      },
    },
    {
      promise: "as_completed(): the order of the ends, also of those that ended before the call",
      source: "CPython, concurrent/futures/_base.py, as_completed",
      notYet: "",
    },
  ],
};
