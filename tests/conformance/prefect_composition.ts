// Prefect's promises about tasks that are made of tasks: dependencies, maps over futures, and runs inside of
// runs.

import assert from "node:assert/strict";
import {
  allowFailure,
  CancelledError,
  chain,
  group,
  quote,
  RemoteError,
  sig,
  TaskError,
  type TaskFuture,
  unmapped,
} from "../../client/mod.ts";
import type { Row } from "./row.ts";
import { namesOf, reached, stateOf } from "./states.ts";
import { aCompleted, aFailed, aRunning, childrenOf, edgesOf, idsOf, LONG_MS, until } from "./steps.ts";

const STATES = "Prefect docs, States";
const TASKS = "Prefect docs, Tasks";
const DEPENDENCIES = "Prefect docs, Task dependencies";
const MAP = "Prefect docs, Run work concurrently: Task.map";
const FINAL_STATE = "Prefect docs, Flows: Final state determination";
const RETRIES = "Prefect docs, Retries";
const NESTED = "Prefect docs, Flows: Nesting";
const CANCEL = "Prefect docs, Cancel workflow runs";
const OPERATIONS = "Prefect docs, Prefect UI and API";

export const states: Row[] = [
  {
    promise: "SCHEDULED AwaitingConcurrencySlot",
    by: "PENDING, as its time has come",
    source: STATES,
    test: async (errand) => {
      const ms = [LONG_MS, LONG_MS, 0];
      const [first, second, third] = await errand.map("sleep", { ms }, {}, { maxConcurrent: 2 });
      await Promise.all([reached(first, "Running"), reached(second, "Running")]);
      assert.equal(await stateOf(third), "PENDING AwaitingConcurrencySlot");
      await first.cancel();
      assert.equal(await third.result(), null);
      assert.equal(await second.running(), true);
      const [cancelled, started] = [await first.task(), await third.task()];
      assert.ok(started.startedAt! >= cancelled.finishedAt!);
      await second.cancel();
    },
  },
  {
    promise:
      "PENDING NotReady: a task that it needs did not complete. Here it ends, CANCELLED UpstreamFailed",
    source: STATES,
    test: async (errand) => {
      const future = await errand.submit("echo", { value: await aFailed(errand) });
      assert.equal(await future.wait({ timeoutMs: 60_000 }), true);
      assert.equal(await stateOf(future), "CANCELLED UpstreamFailed");
      assert.equal((await future.task()).startedAt, null);
    },
  },
];

export const dependencies: Row[] = [
  {
    promise: "a future as an argument stands for its value",
    source: DEPENDENCIES,
    test: async (errand) => {
      const first = await errand.submit("sleep", { ms: 150, value: 20 });
      const second = await errand.submit("add", { a: errand.future<number>(first.id), b: 1 });
      assert.equal(await stateOf(second), "PENDING AwaitingDependencies");
      assert.equal(await second.result(), 21);
      const [upstream, downstream] = [await first.task(), await second.task()];
      assert.ok(downstream.startedAt! >= upstream.finishedAt!);
    },
  },
  {
    promise: "also deep inside of lists and objects",
    source: DEPENDENCIES,
    test: async (errand) => {
      const three = await errand.submit("add", { a: 1, b: 2 });
      const value = { list: [three, { deep: [[three]] }], plain: "three" };
      const future = await errand.submit("echo", { value });
      assert.deepEqual(await future.result(), { list: [3, { deep: [[3]] }], plain: "three" });
    },
  },
  {
    promise: "a State as an argument stands for its value",
    source: DEPENDENCIES,
    notYet:
      "Not here, on purpose: a state says how a task stands and has no value; its future stands for that.",
  },
  {
    promise: "quote(x): not resolved and not looked into",
    source: DEPENDENCIES,
    test: async (errand) => {
      const running = await aRunning(errand);
      const value = [quote({ deep: [running] }), quote({ $task: "laundry" }), await aCompleted(errand)];
      const future = await errand.submit("echo", { value });
      // It does not wait for what is quoted.
      assert.deepEqual(await future.result({ timeoutMs: 60_000 }), [
        { deep: [{ $task: running.id }] },
        { $task: "laundry" },
        3,
      ]);
      await running.cancel();
    },
  },
  {
    promise: "opaque(x): resolved and not looked into",
    by: "so is the value of every future",
    source: DEPENDENCIES,
    test: async (errand) => {
      const running = await aRunning(errand);
      const first = await errand.submit("echo", { value: quote([running, { $quote: 1 }]) });
      const second = await errand.submit("echo", { value: first });
      assert.deepEqual(await second.result({ timeoutMs: 60_000 }), [{ $task: running.id }, { $quote: 1 }]);
      await running.cancel();
    },
  },
  {
    promise: "wait_for=[…]: order only",
    source: DEPENDENCIES,
    test: async (errand) => {
      const [first, second] = await errand.map("sleep", { ms: [100, 150], value: "not handed over" });
      const third = await errand.submit("labelled", { count: 1 }, { waitFor: [first, second.id] });
      assert.deepEqual(await third.result(), { count: 1, labels: ["a", "b"] });
      const { startedAt, input } = await third.task();
      assert.deepEqual(input, { count: 1 });
      for (const future of [first, second]) assert.ok(startedAt! >= (await future.task()).finishedAt!);
    },
  },
  {
    promise: "wait_for=[…]: it does not run if one of them fails",
    source: DEPENDENCIES,
    test: async (errand) => {
      const future = await errand.submit("nothing", {}, { waitFor: [await aFailed(errand)] });
      await assert.rejects(future.result(), CancelledError);
      assert.deepEqual((await future.task()).startedAt, null);
    },
  },
  {
    promise: "an upstream that did not complete: NotReady (UpstreamTaskError), which says which one, and why",
    source: DEPENDENCIES,
    by: "CANCELLED UpstreamFailed, and the causes of its error",
    test: async (errand) => {
      const failed = await errand.submit("fail", { message: "boom", name: "Burst" });
      const future = await errand.submit("echo", { value: [failed] });
      await assert.rejects(future.result(), (error) => {
        assert.ok(error instanceof CancelledError && error.cause instanceof RemoteError);
        assert.equal(error.state.name, "UpstreamFailed");
        assert.match(error.cause.message, new RegExp(`${failed.id} .* FAILED: Burst: boom`));
        const { name, message } = error.cause.cause as RemoteError;
        assert.deepEqual([name, message], ["Burst", "boom"]);
        return true;
      });
    },
  },
  {
    promise: "allow_failure(x): the exception is passed on",
    source: DEPENDENCIES,
    test: async (errand) => {
      const value = { failed: allowFailure(await aFailed(errand)), completed: await aCompleted(errand) };
      const future = await errand.submit("echo", { value });
      const strict = await errand.submit("echo", { value: await aFailed(errand) });
      await strict.wait();
      assert.equal((await strict.state()).name, "UpstreamFailed");
      const { failed, completed } = await future.result() as {
        failed: { error: { name: string; message: string } };
        completed: number;
      };
      assert.deepEqual([failed.error.name, failed.error.message, completed], ["Error", "boom", 3]);
    },
  },
  {
    promise: "freeze: a parameter that nobody can change any more",
    source: DEPENDENCIES,
    notYet: "Has no meaning here: an input is stored as JSON at the submit, and nothing changes that.",
  },
];

export const mapping: Row[] = [
  {
    promise: "an iterable that is a parameter's default is not mapped",
    source: MAP,
    test: async (errand) => {
      const futures = await errand.map("labelled", { count: [1, 2, 3] });
      assert.deepEqual(
        await futures.results(),
        [1, 2, 3].map((count) => ({ count, labels: ["a", "b"] })),
      );
    },
  },
  {
    promise: "futures as the iterable: a run for each of them, with its value",
    source: MAP,
    test: async (errand) => {
      const shared = await errand.submit("sleep", { ms: 100, value: 100 });
      const first = await errand.map("add", { a: [1, 2, 3] }, { b: 10 });
      const b = unmapped(errand.future<number>(shared.id));
      const second = await errand.map("add", { a: first, b });
      assert.deepEqual(await second.results(), [111, 112, 113]);
      const { input } = await second[1].task();
      assert.deepEqual(input, { a: { $task: first[1].id }, b: { $task: shared.id } });
    },
  },
  {
    promise: "a future of a list as the iterable",
    source: MAP,
    notYet:
      "Not here, on purpose: a map is stored with all its runs, and nobody knows how many such a list would " +
      "make. Such a future goes to every run as a whole; to map over its value, result() has to come first.",
  },
];

export const finalStates: Row[] = [
  {
    promise: "a run inside of it that failed, and was waited for, makes the run Failed",
    source: FINAL_STATE,
    test: async (errand) => {
      const child = { task: "fail", input: { message: "boom", name: "Burst" } };
      const parent = await errand.submit("family", { children: [child], awaits: true });
      const [{ id }] = await childrenOf(errand, parent);
      const error = await parent.exception();
      assert.deepEqual([error?.state.type, error?.remoteName], ["FAILED", "ChildFailedError"]);
      assert.match(error!.message, new RegExp(`${id} ended FAILED: Burst: boom`));
    },
  },
  {
    promise: "a run inside of it that failed, and was not waited for, does not",
    source: FINAL_STATE,
    test: async (errand) => {
      const parent = await errand.submit("family", {
        children: [{ task: "fail", input: { message: "boom" } }],
      });
      const [child] = await childrenOf(errand, parent);
      assert.deepEqual(await parent.result(), [child.id]);
      assert.ok(await child.exception() instanceof TaskError);
    },
  },
  {
    promise: "a returned State is the flow's state",
    source: FINAL_STATE,
    notYet:
      "Not here, on purpose: what a function returns is its result, whatever it looks like; it fails by " +
      "throwing.",
  },
  {
    promise: "returned states: Completed if all are, else Cancelled before Paused before Failed",
    source: FINAL_STATE,
    notYet:
      "Not here, on purpose: C# promises the contrary of its WhenAll, and that is kept for the results of a " +
      "group: a failure comes before a cancel.",
  },
  {
    promise: "'k/n states failed.'",
    by: "the counts of a group",
    source: FINAL_STATE,
    test: async (errand) => {
      const fails = [1, 2, 2].map((untilAttempt) => sig("fail", { message: "boom", untilAttempt }));
      const flow = await errand.run(group(fails));
      await flow.wait();
      const counts = { total: 3, done: 3, counts: { COMPLETED: 1, FAILED: 2 } };
      assert.deepEqual(await flow.counts(), counts);
    },
  },
];

export const retries: Row[] = [
  {
    promise: "retries of a flow: tasks that have completed are not run again",
    source: RETRIES,
    test: async (errand) => {
      const children = [{ task: "whoami" }, { task: "add", input: { a: 1, b: 2 } }];
      const retry = { maxAttempts: 3, delayMs: 0 };
      const parent = await errand.submit("family", { children, awaits: true, fails: 2 }, { retry });
      const [who, sum] = await parent.result() as [{ attempt: number }, number];
      assert.deepEqual([who.attempt, sum, (await parent.task()).attempt], [1, 3, 3]);
      const told: unknown[] = [];
      for await (const { event, data } of parent.events()) if (event === "chunk") told.push(data.chunk);
      // Each of the three attempts has submitted them, and found those of the first.
      const submitted = await childrenOf(errand, parent);
      assert.deepEqual(told, Array(3).fill(idsOf(submitted)));
      for (const child of submitted) {
        assert.deepEqual(await namesOf(child), ["Pending", "Running", "Completed"]);
      }
    },
  },
  {
    promise: "a failed flow run that is retried goes on from what failed",
    source: OPERATIONS,
    test: async (errand) => {
      const flow = await errand.run(chain(
        sig("add", { a: 1, b: 2 }),
        sig("fail", { message: "not at first", untilAttempt: 2 }, { immutable: true }),
        sig("add", { a: 10 }, { into: "b" }),
      ));
      await flow.wait();
      assert.deepEqual(await Promise.all(flow.futures.map(stateOf)), [
        "COMPLETED Completed",
        "FAILED Failed",
        "CANCELLED UpstreamFailed",
      ]);
      const [first, failed, last] = flow.futures;
      await failed.retry();
      await until(last, "COMPLETED");
      assert.equal(await flow.result(), 12);
      assert.deepEqual(await namesOf(first), ["Pending", "Running", "Completed"]);
      assert.deepEqual((await namesOf(failed)).slice(-1), ["Completed"]);
      assert.ok((await namesOf(last)).includes("UpstreamFailed"), "it had ended");
    },
  },
];

export const nesting: Row[] = [
  {
    promise: "flows in flows",
    source: NESTED,
    test: async (errand) => {
      const inner = { children: [{ task: "add", input: { a: 1, b: 2 } }], awaits: true };
      const outer = { children: [{ task: "family", input: inner }], awaits: true };
      const parent = await errand.submit("family", outer);
      assert.deepEqual(await parent.result(), [[3]]);
      const [child] = await childrenOf(errand, parent);
      const [grandchild] = await childrenOf(errand, child);
      assert.deepEqual([(await child.task()).parentId, (await grandchild.task()).parentId], [
        parent.id,
        child.id,
      ]);
      // And a canvas in a canvas.
      const part = chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 10 }, { into: "b" }));
      const flow = await errand.run(group(part, part));
      assert.deepEqual(await flow.result(), [13, 13]);
      assert.deepEqual(await edgesOf(flow), ["0.0 → 0.1", "1.0 → 1.1"]);
    },
  },
  {
    promise: "tasks in tasks",
    source: NESTED,
    test: async (errand) => {
      const children = [{ task: "whoami" }, { task: "sleep", input: { ms: 50, value: "slept" } }];
      const parent = await errand.submit("family", { children, awaits: true });
      const [who, slept] = await parent.result() as [{ parentId: string }, string];
      assert.deepEqual([who.parentId, slept], [parent.id, "slept"]);
      assert.equal((await parent.task()).parentId, null);
    },
  },
  {
    promise: "cancel of a run: those inside of it are cancelled too",
    by: "with children: true, or as a flow",
    source: CANCEL,
    test: async (errand) => {
      const inner = { children: [{ task: "sleep", input: { ms: LONG_MS } }], ms: LONG_MS };
      const outer = { children: [{ task: "family", input: inner }], ms: LONG_MS };
      const flow = await errand.run(sig("family", outer));
      const alone = await errand.submit("family", outer);
      const all: TaskFuture[] = [];
      for (const parent of [flow.futures[0], alone]) {
        const [child] = await childrenOf(errand, parent);
        all.push(parent, child, ...await childrenOf(errand, child));
      }
      await flow.cancel("enough");
      await alone.cancel("enough", { children: true });
      for (const future of all) {
        await assert.rejects(
          future.result({ timeoutMs: 60_000 }),
          (error) => error instanceof CancelledError && error.reason === "enough",
        );
      }
      assert.equal(all.length, 6);
    },
  },
  {
    promise: "tags from the context around the call",
    by: "an option of run(), for all its tasks",
    source: TASKS,
    test: async (errand) => {
      const flow = await errand.run(chain(sig("whoami"), sig("whoami", {}, { immutable: true })), {
        tags: ["nightly", "eu"],
      });
      const seen = await Promise.all(flow.futures.map((future) => future.result()));
      assert.deepEqual(
        (seen as { tags: string[] }[]).map(({ tags }) => tags),
        Array(2).fill(["nightly", "eu"]),
      );
    },
  },
  {
    promise: "tags of the context are added to those of the task",
    source: TASKS,
    by: "an option of run()",
    test: async (errand) => {
      const canvas = group(sig("whoami", {}, { tags: ["own", "eu"] }), sig("whoami"));
      const [tagged, plain] = await (await errand.run(canvas, { tags: ["nightly", "eu"] })).results() as {
        tags: string[];
      }[];
      assert.deepEqual([tagged.tags, plain.tags], [["own", "eu", "nightly"], ["nightly", "eu"]]);
    },
  },
  {
    promise: "timeout_seconds of a flow: a run that takes longer is TimedOut, with all of its tasks",
    source: TASKS,
    by: "timeoutMs of the group: it is FAILED with a TimeoutError, and what had not ended is CANCELLED",
    test: async (errand) => {
      const sleep = sig("sleep", { ms: LONG_MS }, { immutable: true });
      const flow = await errand.run(group(chain(sleep, sleep), sleep), { group: { timeoutMs: 100 } });
      const { state, errors, counts } = await flow.outcome();
      assert.deepEqual([state, errors.map(({ name }) => name)], ["FAILED", ["TimeoutError"]]);
      assert.deepEqual(counts, { CANCELLED: 3 });
      assert.equal((await flow.futures[1].state()).message, "its group did not end in time");
    },
  },
];
