// Celery's promises about results that nobody wants, secrets in arguments, purges, and looking at workers.

import assert from "node:assert/strict";
import type { Transition } from "../../client/mod.ts";
import type { Errand } from "../support/client_service.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { anErrandHere, withDefaults } from "./in_process.ts";
import type { Kept, Row } from "./row.ts";
import { aDatabase } from "../support/server_process.ts";
import { eventually } from "../support/waiting.ts";
import { LATER, namesOf, reached, stateOf } from "./states.ts";
import { aPending, aRunning, LONG_MS, until } from "./steps.ts";

const TASKS = "Celery docs, Tasks";
const CALLING = "Celery docs, Calling Tasks";
const WORKERS = "Celery docs, Workers Guide";
const REVOKE = `${WORKERS}: revoke`;
const INSPECT = `${WORKERS}: Inspecting workers`;
const CONTROL = `${WORKERS}: Remote control`;
const GET = "Celery docs, celery.result: AsyncResult.get";
const EVENTS = "Celery docs, Monitoring: Task events";

const unwanted = { ignoreResult: true };

export const chosenEnds: Row[] = [
  {
    promise: "REJECTED",
    source: `${TASKS}: States`,
    test: async (errand) => {
      const future = await errand.submit("directs", { how: "reject" }, { retry: { maxAttempts: 3 } });
      await future.wait();
      assert.equal(await stateOf(future), "FAILED Rejected");
      assert.equal((await future.task()).attempt, 1);
    },
  },
  {
    promise: "IGNORED",
    source: `${TASKS}: States`,
    test: async (errand) => {
      const future = await errand.submit("directs", { how: "ignore" });
      assert.equal(await future.result(), null);
      assert.equal(await stateOf(future), "COMPLETED Ignored");
    },
  },
];

export const ignoredAtOnce: Kept = {
  promise: "ignore_result: None at once",
  source: GET,
  by: "result(), which is null when the task has ended, and not before",
  test: async (errand) => {
    const future = await errand.submit("add", { a: 1, b: 2 }, unwanted);
    assert.equal(await future.result(), null);
    assert.equal((await future.task()).resultIgnored, true);
  },
};

export const ignoredForOneCall: Kept = {
  promise: "ignore_result for the one call",
  source: `${CALLING}: Results options`,
  test: async (errand) => {
    const dropped = await errand.submit("echo", { value: "dear" }, unwanted);
    const kept = await errand.submit("echo", { value: "dear" });
    assert.deepEqual([await dropped.result(), await kept.result()], [null, "dear"]);
    const { resultIgnored, result } = await dropped.task();
    assert.deepEqual([resultIgnored, result, await stateOf(dropped)], [true, null, "COMPLETED Completed"]);
    // Who would need it is refused, and who only waits for it is not.
    await assert.rejects(errand.submit("echo", { value: dropped }), /is not kept \(ignoreResult\)/);
    const after = await errand.submit("echo", { value: 1 }, { waitFor: [dropped] });
    assert.equal(await after.result(), 1);
  },
};

export const ignoredInConfiguration: Row[] = [
  {
    promise: "task_ignore_result",
    source: "Celery docs, Configuration",
    by: "code that goes through the definitions and gives each this default",
    test: async () => {
      await using errand = await anErrandHere(withDefaults(() => ({ ignoreResult: true })));
      const future = await errand.client.submit("echo", { value: "dear" });
      assert.equal(await future.result(), null);
      assert.equal((await future.task()).resultIgnored, true);
      const kept = await errand.client.submit("echo", { value: "dear" }, { ignoreResult: false });
      assert.equal(await kept.result(), "dear");
    },
  },
  {
    promise: "task_store_errors_even_if_ignored",
    source: "Celery docs, Configuration",
    test: async (errand) => {
      const future = await errand.submit("fail", { message: "boom", name: "ValueError" }, unwanted);
      await future.wait();
      const { error, resultIgnored } = await future.task();
      assert.deepEqual([error!.name, error!.message, resultIgnored], ["ValueError", "boom", true]);
    },
  },
];

export const purge: Kept = {
  promise: "purge: all tasks that wait are discarded",
  source: `${WORKERS}: purge`,
  test: async (errand) => {
    const queue = "purged";
    const running = await errand.submit("sleep", { ms: 600_000 }, { queue });
    await reached(running, "Running");
    await errand.queues.pause(queue);
    const waiting = [
      await errand.submit("add", { a: 1, b: 2 }, { queue }),
      await errand.submit("add", { a: 1, b: 2 }, { queue, ...LATER }),
    ];
    const counts = await errand.cancelTasks({ filter: { queue } }, "purged", { onlyWaiting: true });
    assert.deepEqual(counts, { cancelled: 2, requested: 0, tooLate: 1, notFound: 0 });
    for (const future of waiting) {
      assert.equal(await stateOf(future), "CANCELLED Cancelled");
      assert.equal((await future.task()).startedAt, null);
    }
    assert.equal((await running.state()).type, "RUNNING");
    await running.cancel();
    await errand.queues.resume(queue);
  },
};

export const sparesRunning: Kept = {
  promise: "terminate=False: a running task is left alone",
  source: REVOKE,
  by: "onlyWaiting: true; without it a cancel asks a running task to stop",
  test: async (errand) => {
    const [running, pending] = [await aRunning(errand), await aPending(errand)];
    assert.equal(await running.cancel("revoked", { onlyWaiting: true }), false);
    assert.equal(await pending.cancel("revoked", { onlyWaiting: true }), true);
    assert.deepEqual(await namesOf(running), ["Pending", "Running"]);
    assert.equal(await stateOf(pending), "CANCELLED Cancelled");
    await running.cancel();
  },
};

export const revokeByHeaders: Kept = {
  promise: "revoke_by_stamped_headers",
  source: REVOKE,
  by: "a tag, which a cancel by a filter finds",
  test: async (errand) => {
    const tagged = (tags: string[]) => errand.submit("add", { a: 1, b: 2 }, { ...LATER, tags });
    const [one, other, spared] = [
      await tagged(["monitoring:7"]),
      await tagged(["monitoring:7", "x"]),
      await tagged(["monitoring:8"]),
    ];
    const { cancelled } = await errand.cancelTasks({ filter: { tag: "monitoring:7" } });
    assert.equal(cancelled, 2);
    for (const future of [one, other]) assert.equal((await future.state()).type, "CANCELLED");
    assert.equal((await spared.state()).type, "SCHEDULED");
    await spared.cancel();
  },
};

export const shown: Row[] = [
  {
    promise: "shadow: another name in logs",
    source: CALLING,
    by: "displayName, which the task and lists show; log lines have its id",
    test: async (errand) => {
      const tags = ["shadowed"];
      const future = await errand.submit("add", { a: 1, b: 2 }, { displayName: "invoice 7", tags });
      assert.equal((await future.task()).displayName, "invoice 7");
      const [row] = await Array.fromAsync(errand.tasks.list({ tag: "shadowed" }));
      assert.deepEqual([row.displayName, row.task], ["invoice 7", "add"]);
    },
  },
  {
    promise: "argsrepr, kwargsrepr: hide secrets from logs and monitors",
    source: `${TASKS}: Hiding sensitive information in arguments`,
    test: async (errand) => {
      const input = { card: "4111 1111 1111 1111", cents: 500 };
      const future = await errand.submit("pays", input, { tags: ["paid"] });
      await future.wait();
      const { error, ...task } = await future.task();
      assert.equal(error!.message, "refused: [redacted]");
      const rows = await Array.fromAsync(errand.tasks.list({ tag: "paid" }));
      assert.equal(rows[0].argsRepr, '{"card":"[redacted]","cents":500}');
      const events = await Array.fromAsync(future.events());
      for (const each of [task, rows, events]) assert.doesNotMatch(JSON.stringify(each), /4111/);
    },
  },
];

/** The states of tasks with a tag, until one completes, as the stream of all tasks' events tells them. */
async function transitionsOf(errand: Errand, tag: string, work: () => Promise<void>): Promise<Transition[]> {
  const seen: Transition[] = [];
  const reading = (async () => {
    for await (const { event, data } of errand.events({ tag })) {
      if (event === "state") seen.push(data);
      if (event === "state" && data.state.type === "COMPLETED") return;
    }
  })();
  // It tells what happens from when it is open.
  await eventually(async () => {
    await (await errand.submit("nothing", {}, { ...LATER, tags: [tag] })).cancel();
    return seen.length > 0;
  });
  await work();
  await reading;
  return seen;
}

export const events: Row[] = [
  {
    promise: "task-rejected(requeue)",
    source: EVENTS,
    test: async (errand) => {
      const future = await errand.submit("directs", { how: "reject" });
      const told = await Array.fromAsync(future.events());
      const names = told.flatMap(({ event, data }) => event === "state" ? [data.name] : []);
      assert.deepEqual(names, ["Pending", "Running", "Rejected"]);
      // Requeued: it comes again, and this was no try of it.
      const again = await errand.submit("directs", { how: "snooze" });
      assert.equal(await again.result(), 1);
      assert.ok((await namesOf(again)).includes("AwaitingRetry"));
    },
  },
  {
    promise: "the events of all tasks in one place",
    source: EVENTS,
    test: async (errand) => {
      let ids: string[] = [];
      const seen = await transitionsOf(errand, "observed", async () => {
        const one = await errand.submit("add", { a: 1, b: 2 }, { ...LATER, tags: ["observed"] });
        await one.cancel();
        const other = await errand.submit("add", { a: 1, b: 2 }, { tags: ["observed"] });
        ids = [one.id, other.id];
      });
      const of = (id: string) => seen.filter((each) => each.id === id).map(({ state }) => state.name);
      assert.deepEqual(ids.map(of), [["Scheduled", "Cancelled"], ["Pending", "Running", "Completed"]]);
    },
  },
];

export const inspections: Row[] = [
  {
    promise: "active()",
    source: INSPECT,
    test: async (errand) => {
      const running = await aRunning(errand);
      const found = await Array.fromAsync(errand.tasks.list({ state: "RUNNING" }));
      assert.ok(found.some(({ id, task }) => id === running.id && task === "sleep"));
      assert.ok(found.every(({ state }) => state.type === "RUNNING"));
      await running.cancel();
    },
  },
  {
    promise: "scheduled()",
    source: INSPECT,
    test: async (errand) => {
      const pending = await aPending(errand);
      const found = await Array.fromAsync(errand.tasks.list({ state: "SCHEDULED" }));
      const { runAt } = found.find(({ id }) => id === pending.id)!;
      assert.equal(runAt, (await pending.task()).runAt);
      await pending.cancel();
    },
  },
  {
    promise: "revoked()",
    source: INSPECT,
    test: async (errand) => {
      const pending = await aPending(errand);
      await pending.cancel("not wanted");
      const found = await Array.fromAsync(errand.tasks.list({ state: "CANCELLED" }));
      assert.equal(found.find(({ id }) => id === pending.id)!.state.message, "not wanted");
    },
  },
  {
    promise: "registered()",
    source: INSPECT,
    test: async (errand) => {
      const names = (await errand.definitions.list()).map(({ name }) => name);
      for (const name of ["add", "sleep", "directs"]) assert.ok(names.includes(name), name);
    },
  },
  {
    promise: "reserved()",
    source: INSPECT,
    notYet: "Has no meaning here: a worker takes what it starts at once, and holds nothing back.",
  },
  {
    promise: "stats()",
    source: INSPECT,
    test: async (errand) => {
      const running = await aRunning(errand);
      const workers = await errand.workers.list();
      assert.ok(workers.some(({ tasks }) => tasks.some(({ id }) => id === running.id)));
      for (const { concurrency, startedAt, release } of workers) {
        assert.ok(concurrency > 0 && Date.parse(startedAt) <= Date.now() && /^\d/.test(release!));
      }
      await running.cancel();
    },
  },
  {
    promise: "conf()",
    source: INSPECT,
    notYet:
      "Not here, on purpose: settings may hold secrets. What a worker does by them it tells: its slots, " +
      "queues and release.",
  },
  {
    promise: "ping()",
    source: INSPECT,
    by: "the last heartbeat of each worker",
    test: async (errand) => {
      const workers = await errand.workers.list();
      assert.ok(workers.length > 0);
      for (const { lastSeenAt } of workers) assert.ok(Date.now() - Date.parse(lastSeenAt!) < 60_000);
    },
  },
  {
    promise: "active_queues()",
    source: INSPECT,
    test: async (errand) => {
      assert.ok((await errand.workers.list()).every(({ queues }) => queues === null), "these take from all");
      await using server = await aServer({ QUEUES: "gpu,default:3" }, { stderr: "null" });
      // It listens before its worker has sent its first heartbeat.
      const [{ queues }] = await eventually(async () => {
        const { workers } = (await server.fetch("/v1/workers")).body;
        return workers.length > 0 && workers;
      });
      assert.deepEqual(queues, ["gpu", "default"]);
    },
  },
];

export const workerOfTask: Kept = {
  promise: "worker (result_extended)",
  source: "Celery docs, celery.result: AsyncResult",
  by: "the list of workers, while the task runs",
  test: async (errand) => {
    const running = await aRunning(errand);
    const workers = await errand.workers.list();
    const owner = workers.filter(({ tasks }) => tasks.some(({ id }) => id === running.id));
    assert.equal(owner.length, 1);
    assert.match(owner[0].id, /\S/);
    await running.cancel();
  },
};

/** What is said to all workers: which have a queue, and how much of it they take at once. */
export const steering: Row[] = [
  {
    promise: "pool_grow(), pool_shrink()",
    source: CONTROL,
    by: "how many of a queue run at once, over all workers, changed while they run",
    test: async (errand) => {
      const queue = `pool-${crypto.randomUUID().slice(0, 8)}`;
      await errand.queues.limit(queue, 1);
      const futures = await errand.map("sleep", [1, 2, 3].map(() => ({ ms: LONG_MS })), { queue });
      const [first, second, third] = [...futures];
      await until(first, "RUNNING");
      assert.equal(await stateOf(second), "PENDING AwaitingConcurrencySlot");
      await errand.queues.limit(queue, 2);
      await until(second, "RUNNING");
      await errand.queues.limit(queue, 1);
      await first.cancel();
      await first.wait();
      assert.equal(await stateOf(third), "PENDING AwaitingConcurrencySlot", "two were one too many");
      await second.cancel();
      await until(third, "RUNNING");
      await third.cancel();
      await errand.queues.limit(queue, null);
    },
  },
  {
    promise: "shutdown(): warm, soft, cold, hard",
    source: CONTROL,
    by: "signals to the process: the first lets functions finish, the second gives back what runs at once",
    test: async () => {
      await using database = await aDatabase();
      const env = { KV_PATH: database.path, STOP_GRACE_MS: "600000" };
      await using web = await aServer({ ...env, ROLE: "web" });
      await using worker = await aServer({ ...env, ROLE: "worker" });
      const errand = aClient(web.url);
      const finishes = await errand.submit("sleep", { ms: 500, value: "finished" });
      const lasts = await errand.submit("sleep", { ms: LONG_MS });
      await Promise.all([until(finishes, "RUNNING"), until(lasts, "RUNNING")]);
      worker.signal("SIGTERM");
      assert.equal(await finishes.result(), "finished");
      const begun = await errand.submit("nothing");
      assert.deepEqual([worker.isOver, await stateOf(lasts)], [false, "RUNNING Running"]);
      assert.equal((await worker.end("SIGTERM")).code, 0);
      assert.equal((await lasts.state()).message, "handed back by a stopping worker");
      assert.deepEqual(await namesOf(begun), ["Pending"]);
    },
  },
  {
    promise: "add_consumer(), cancel_consumer()",
    source: CONTROL,
    by: "resume and pause of a queue, for all workers",
    test: async (errand) => {
      const queue = `consumed-${crypto.randomUUID().slice(0, 8)}`;
      await errand.queues.pause(queue, { note: "cancel_consumer" });
      const future = await errand.submit("add", { a: 1, b: 2 }, { queue });
      await (await errand.submit("nothing")).result();
      assert.equal((await future.state()).type, "PENDING");
      await errand.queues.resume(queue);
      assert.equal(await future.result(), 3);
    },
  },
];

/** A worker that comes, is seen again and again, and goes, as another process is told. */
export const workerEvents: Row[] = ["worker-online", "worker-heartbeat", "worker-offline"].map((promise) => ({
  promise,
  source: "Celery docs, Monitoring: Worker events",
  by: "the list of workers, with the last heartbeat of each",
  test: async () => {
    await using database = await aDatabase();
    const env = { KV_PATH: database.path, LEASE_MS: "1000" };
    await using web = await aServer({ ...env, ROLE: "web" });
    const errand = aClient(web.url);
    assert.deepEqual(await errand.workers.list(), []);
    await using worker = await aServer({ ...env, ROLE: "worker" });
    const seen = async () => (await errand.workers.list()).map(({ lastSeenAt }) => lastSeenAt!);
    const [online] = await eventually(async () => {
      const times = await seen();
      return times.length === 1 && times;
    }, "it does not come online");
    if (promise === "worker-online") return;
    if (promise === "worker-heartbeat") {
      return void await eventually(async () => (await seen())[0] > online, "it is not heard of again");
    }
    await worker.end("SIGTERM");
    await eventually(async () => (await seen()).length === 0, "it does not go offline");
  },
}));
