import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { leaseBlocksOf } from "../../../runtime/store/leases.ts";
import { type AnyDefinition, define, type TaskContext } from "../../../runtime/core/define.ts";
import type { ChildTasks } from "../../../runtime/worker/task_context.ts";
import { InputResolver } from "../../../runtime/worker/input_resolver.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { Registry } from "../../../runtime/core/registry.ts";
import { Runners } from "../../../runtime/worker/runners/runners.ts";
import { type Entry, isTerminal, stateOf, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { becameReady, cancelRequested, submitted } from "../../../runtime/core/transitions.ts";
import { Store } from "../../../runtime/store/store.ts";
import { Worker } from "../../../runtime/worker/worker.ts";
import { aBench, aDraft, type Bench, type BenchOptions, onEachBackend } from "../../support/builders.ts";
import { FaultyKv, MISHAPS } from "../../support/faulty_kv.ts";
import { FreshControls } from "../../support/controls.ts";
import { eventually, turn } from "../../support/waiting.ts";

const LEASE_MS = 9_000;
/** A commit that nobody can read back is tried for ten seconds. */
const GIVEN_UP_MS = 12_000;

interface Handling {
  context: TaskContext<unknown>;
  gate: PromiseWithResolvers<unknown>;
}

/** The functions of these tests submit nothing. */
const noChildren: ChildTasks = {
  submit: () => Promise.reject(new Error("not here")),
  result: () => Promise.reject(new Error("not here")),
};

/** A worker whose one function, "work", goes on when the test says so. */
async function aWorker(concurrency: number, options: BenchOptions = {}, startsNew = false) {
  const bench = await aBench({ ...options, starter: () => startsNew ? worker : null });
  const handling: Handling[] = [];
  let most = 0, now = 0;
  const work = define({ name: "work", input: z.unknown() }, async (context) => {
    most = Math.max(most, ++now);
    const gate = Promise.withResolvers<unknown>();
    handling.push({ context, gate });
    try {
      return await gate.promise;
    } finally {
      now--;
    }
  }) as AnyDefinition;
  const errors: unknown[] = [];
  const worker: Worker = new Worker(bench.store, {
    registry: new Registry([work]),
    runners: new Runners(1),
    values: bench.values,
    inputs: new InputResolver(bench.store, bench.values),
    children: noChildren,
    controls: new FreshControls(bench.kv, bench.clock),
    maxResultBytes: 2 ** 24,
    keepStacks: false,
    concurrency,
    leaseMs: LEASE_MS,
    log: { info: () => {}, error: (_, error, attempt) => attempt || errors.push(error) },
  });
  const stopChanges = bench.store.subscribe({ applied: (entry) => worker.changed(entry) });
  const stopRings = bench.store.subscribe({
    applied: ({ record }) => {
      if (typeOf(record as TaskRecord) === "PENDING") worker.ring();
    },
  });
  return {
    bench,
    /** New tasks ring no more: what is queued stays there. */
    stopRings,
    /** From now on it hears nothing of commits. */
    stopHearing() {
      stopChanges();
      stopRings();
    },
    worker,
    handling,
    most: () => most,
    errors,
    [Symbol.asyncDispose]: async () => {
      await bench.clock.run(worker.stop(0));
      await bench[Symbol.asyncDispose]();
      assert.deepEqual(errors, []);
    },
  };
}

const states = async (bench: Bench, entries: Entry[]) =>
  await Promise.all(entries.map(async ({ record }) => typeOf(await bench.record(record.id))));

onEachBackend("more ready tasks than the concurrency all run, and never more at once", async (path) => {
  await using setup = await aWorker(3, { path });
  const { bench, worker, handling } = setup;
  const entries = await bench.submit(...Array(20).fill({}));
  await worker.start();
  for (let i = 0; i < 20; i++) {
    await eventually(() => handling.length > i, `start ${i}`);
    assert.ok(worker.running <= 3);
    handling[i].gate.resolve(i);
    // The next one starts in its slot before another comes free.
    await eventually(() => handling.length >= Math.min(20, i + 4), `the start after end ${i}`);
  }
  await eventually(async () => (await states(bench, entries)).every((type) => type === "COMPLETED"));
  assert.equal(setup.most(), 3);
  assert.equal(handling.length, 20);
});

Deno.test("a worker claims only as many as there are free slots", async () => {
  await using setup = await aWorker(2);
  const { bench, worker, handling } = setup;
  const entries = await bench.submit({}, {}, {});
  await worker.start();
  await eventually(() => handling.length === 2);
  await turn();
  assert.equal(worker.running, 2);
  assert.deepEqual(await states(bench, entries), ["RUNNING", "RUNNING", "PENDING"]);
});

Deno.test("stop() hands running tasks back without counting an attempt or a crash, and signs off", async () => {
  const setup = await aWorker(2);
  const { bench, worker, handling } = setup;
  const entries = await bench.submit({}, {}, {});
  await worker.start();
  await eventually(() => handling.length === 2);
  const { signal } = handling[0].context;
  await bench.clock.run(worker.stop(0));
  assert.equal((signal.reason as Error).name, "WorkerStoppingError");
  for (const { record: { id } } of entries) {
    const { attempt, crashes, history } = await bench.record(id);
    assert.deepEqual([attempt, crashes, history.at(-1)!.type], [0, 0, "PENDING"]);
  }
  assert.equal((await bench.kv.get(keys.worker(worker.id))).value, null);
  assert.deepEqual(await bench.kv.list({ prefix: prefixes.leases }, { limit: 9 }), []);
  assert.equal(bench.clock.timers, 0);
  await bench[Symbol.asyncDispose]();
});

Deno.test("stop() gives functions their grace to finish, and claims no more meanwhile", async () => {
  const setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const entries = await bench.submit({}, {});
  await worker.start();
  await eventually(() => handling.length === 1);
  const stopped = bench.clock.run(worker.stop(3_600_000));
  await turn();
  handling[0].gate.resolve("done");
  await stopped;
  assert.deepEqual((await states(bench, entries)).sort(), ["COMPLETED", "PENDING"]);
  assert.equal(handling.length, 1);
  await bench[Symbol.asyncDispose]();
});

Deno.test("a worker goes on beating while it stops", async () => {
  const setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  const rev = async () => (await bench.kv.get<{ rev: string }>(keys.worker(worker.id))).value?.rev;
  const first = await rev();
  const stopped = worker.stop(60_000);
  await turn();
  bench.clock.advance(LEASE_MS / 3);
  await eventually(async () => await rev() !== first);
  handling[0].gate.resolve(1);
  await bench.clock.run(stopped);
  await bench[Symbol.asyncDispose]();
});

Deno.test("a cancel by another process reaches the function at the next beat", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const [{ record: { id } }] = await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  setup.stopHearing();
  await bench.store.update("settle", id, ({ record }) => {
    return { next: cancelRequested(record as TaskRecord, bench.clock.now(), "enough", 1_000) };
  });
  const { signal } = handling[0].context;
  assert.equal(signal.aborted, false);
  await worker.beat();
  assert.equal((signal.reason as Error).message, "enough");
  handling[0].gate.resolve("too late");
  await eventually(async () => isTerminal(await bench.record(id)));
  const { type, message } = stateOf(await bench.record(id));
  assert.deepEqual([type, message], ["CANCELLED", "enough"]);
});

Deno.test("a function that does not heed a cancel is left behind after its grace", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const [{ record: { id } }] = await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  await bench.store.update("settle", id, ({ record }) => {
    return { next: cancelRequested(record as TaskRecord, bench.clock.now(), null, 1_000) };
  });
  bench.clock.advance(999);
  await turn();
  assert.equal(typeOf(await bench.record(id)), "CANCELLING");
  bench.clock.advance(1);
  await eventually(async () => typeOf(await bench.record(id)) === "CANCELLED");
});

Deno.test("an attempt that takes longer than timeoutMs ends TimedOut, heeded or not", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const [{ record: { id } }] = await bench.submit({ timeoutMs: 500 });
  await worker.start();
  await eventually(() => handling.length === 1);
  bench.clock.advance(500);
  await eventually(async () => isTerminal(await bench.record(id)));
  assert.equal(stateOf(await bench.record(id)).name, "TimedOut");
  assert.equal((handling[0].context.signal.reason as Error).name, "TimeoutError");
});

Deno.test("a worker that was declared dead gives up the tasks that are another's, and beats again", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const [{ record: { id } }] = await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  setup.stopHearing();
  await bench.kv.writeBlind([{ key: keys.worker(worker.id) }], 0);
  const lease = { worker: "other", token: "other" };
  const after = await bench.store.update("settle", id, ({ record }) => {
    return { next: { ...record as TaskRecord, lease } };
  });
  await worker.beat();
  assert.equal((handling[0].context.signal.reason as Error).name, "LeaseLostError");
  await eventually(() => worker.running === 0);
  assert.deepEqual(await bench.record(id), after!.record);
  await worker.beat();
  assert.ok((await bench.kv.get(keys.worker(worker.id))).value);
});

Deno.test("a task whose claim is answered after a lease's time begins only if it is still the worker's", async () => {
  await using setup = await aWorker(2);
  const { bench, worker, handling } = setup;
  await worker.start();
  await bench.clock.run(bench.store.idle());
  const { commit } = bench.store;
  let taken = "";
  bench.store.commit = async (lane, changes, options) => {
    const applied = await commit.call(bench.store, lane, changes, options);
    if (lane !== "claim") return applied;
    bench.store.commit = commit;
    // It was stopped, taken for dead, and one of its two tasks was handed on.
    await bench.kv.writeBlind([{ key: keys.worker(worker.id) }], 0);
    taken = changes[0].next.id;
    await bench.store.update("settle", taken, ({ record }) => {
      return { next: { ...record as TaskRecord, lease: { worker: "other", token: "other" } } };
    });
    bench.clock.advance(LEASE_MS);
    return applied;
  };
  await bench.submit({}, {});
  await eventually(() => handling.length === 1);
  await turn();
  assert.deepEqual(handling.map(({ context }) => context.task.id !== taken), [true]);
  handling[0].gate.resolve(1);
  await eventually(() => worker.running === 0);
});

Deno.test("a claim that was applied but reported as failed for good is handed back by the beats that follow", async () => {
  const faulty = new FaultyKv();
  await using setup = await aWorker(1, { wrap: faulty.wrap });
  const { bench, worker, errors } = setup;
  setup.stopHearing();
  await worker.start();
  await turn();
  const [{ record: { id } }] = await bench.submit({});
  const { getMany } = bench.kv;
  bench.kv.getMany = () => Promise.reject(new Error("no reads either"));
  faulty.next.push("applied, throws");
  worker.ring();
  await eventually(() => faulty.next.length === 0);
  await bench.clock.run(eventually(() => bench.clock.monotonic() > GIVEN_UP_MS));
  assert.ok(errors.splice(0).length > 0);
  bench.kv.getMany = getMany;
  await bench.clock.run(eventually(async () => typeOf(await bench.record(id)) === "PENDING"));
  const { attempt, crashes } = await bench.record(id);
  assert.deepEqual([attempt, crashes], [0, 0]);
  await bench.clock.run(
    eventually(async () => (await leaseBlocksOf(bench.store, worker.id, 9)).length === 0),
  );
  assert.deepEqual(errors, []);
});

Deno.test("what a function throws ends its task, and the slot is free again", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const entries = await bench.submit({}, {});
  await worker.start();
  for (let i = 0; i < 2; i++) {
    await eventually(() => handling.length > i);
    handling[i].gate.reject(i ? new RangeError("no") : { toString: null });
  }
  await eventually(async () => (await states(bench, entries)).every((type) => type === "FAILED"));
  assert.equal((await bench.record(entries[1].record.id)).error!.name, "RangeError");
});

Deno.test("used-up lease blocks leave KV with the next claim", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const [first] = await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  handling[0].gate.resolve(1);
  await eventually(async () => isTerminal(await bench.record(first.record.id)));
  const [second] = await bench.submit({});
  await eventually(() => handling.length === 2);
  const blocks = await leaseBlocksOf(bench.store, worker.id, 9);
  assert.deepEqual(blocks.map(({ ids }) => ids), [[second.record.id]]);
});

/** A worker that may begin new tasks in the commit that stores them, and has seen that nothing waits. */
async function aStarter(concurrency: number, options: BenchOptions = {}) {
  const setup = await aWorker(concurrency, options, true);
  await setup.worker.start();
  for (let i = 0; i < 5; i++) await turn();
  return setup;
}

onEachBackend("a new task begins in the commit that stores it, and ends like any other", async (path) => {
  await using setup = await aStarter(3, { path });
  const { bench, worker, handling } = setup;
  await eventually(async () => {
    const [{ record: { id } }] = await bench.submit({});
    return (await bench.record(id)).rev === 1 && typeOf(await bench.record(id)) === "RUNNING";
  }, "a start without a claim");
  const { id } = handling.at(-1)!.context.task;
  const { history, lease, attempt, queued } = await bench.record(id);
  assert.deepEqual(history.map(({ seq, type }) => [seq, type]), [[1, "PENDING"], [2, "RUNNING"]]);
  assert.deepEqual([lease?.worker, attempt, queued], [worker.id, 1, undefined]);
  assert.ok((await leaseBlocksOf(bench.store, worker.id, 9)).some(({ ids }) => ids.includes(id)));
  assert.deepEqual(await bench.kv.list({ prefix: ["ready"] }, { limit: 9 }), []);
  for (const { gate } of handling) gate.resolve("done");
  await eventually(async () => typeOf(await bench.record(id)) === "COMPLETED");
});

Deno.test("new tasks beyond the free slots wait in the queue, larger priority first, and are not overtaken", async () => {
  await using setup = await aStarter(2);
  const { bench, handling } = setup;
  const [low, high, none, some] = await bench.submit({}, { priority: 5 }, { priority: -5 }, { priority: 1 });
  await eventually(() => handling.length === 2);
  assert.deepEqual(await states(bench, [low, high, none, some]), [
    "PENDING",
    "RUNNING",
    "PENDING",
    "RUNNING",
  ]);
  const [later] = await bench.submit({});
  for (let i = 0; i < 5; i++) {
    handling[i].gate.resolve(i);
    if (i < 3) await eventually(() => handling.length === i + 3);
  }
  const started = handling.map(({ context }) => context.task.id);
  assert.deepEqual(started.slice(2), [low, later, none].map(({ record }) => record.id));
});

for (const mishap of MISHAPS) {
  Deno.test(`tasks that begin in a commit that is ${mishap} begin once, and their slots come free`, async () => {
    const faulty = new FaultyKv();
    await using setup = await aStarter(3, { wrap: faulty.wrap });
    const { bench, worker, handling } = setup;
    for (let round = 0; round < 3; round++) {
      faulty.next.push(mishap);
      const entries = await bench.clock.run(bench.submit({}, {}));
      await eventually(() => handling.length === 2 * (round + 1), "both begin");
      for (const { gate } of handling) gate.resolve("done");
      await eventually(async () => (await states(bench, entries)).every((type) => type === "COMPLETED"));
      for (const { record: { id } } of entries) assert.equal((await bench.record(id)).attempt, 1);
    }
    assert.equal(worker.running, 0);
    assert.equal(handling.length, 6);
  });
}

Deno.test("a task that two commits of a process make ready at once begins once, and its slot comes free", async () => {
  await using setup = await aWorker(2, {}, true);
  const { bench, worker, handling } = setup;
  const { store, clock } = bench;
  await worker.start();
  const runAt = clock.now() + 1_000;
  const draft = aDraft({ id: bench.ids.id(), runAt });
  const [before] = (await store.commit("submit", [{ before: null, next: submitted(draft, clock.now()) }]))!;
  clock.advance(1_000);
  const next = becameReady(before.record as TaskRecord, clock.now());
  // As the outbox and the end of another task do that let in the same one.
  const outcomes = await Promise.all(
    (["submit", "outbox"] as const).map((lane) => store.commit(lane, [{ before, next }])),
  );
  assert.equal(outcomes.filter((outcome) => outcome !== null).length, 1);
  await eventually(() => handling.length === 1, "it does not begin");
  handling[0].gate.resolve(1);
  await eventually(async () => typeOf(await bench.record(draft.id)) === "COMPLETED");
  await bench.submit({}, {});
  await eventually(() => handling.length === 3, "a slot does not come free");
  for (const { gate } of handling) gate.resolve(1);
});

Deno.test("a worker that is stopping begins no new tasks", async () => {
  const setup = await aStarter(2);
  const { bench, worker, handling } = setup;
  await bench.clock.run(worker.stop(0));
  const entries = await bench.submit({});
  assert.deepEqual(await states(bench, entries), ["PENDING"]);
  assert.equal(handling.length, 0);
  await bench[Symbol.asyncDispose]();
});

Deno.test("a new task does not take the slot of one that waits in the queue", async () => {
  await using setup = await aStarter(1);
  const { bench, worker, handling } = setup;
  setup.stopRings();
  const [queued] = await bench.submit({ expiresAt: Number.MAX_SAFE_INTEGER });
  const [later] = await bench.submit({});
  assert.deepEqual(await states(bench, [queued, later]), ["PENDING", "PENDING"]);
  assert.equal(handling.length, 0);
  worker.ring();
  await eventually(() => handling.length === 1);
  assert.equal(handling[0].context.task.id, queued.record.id);
});

Deno.test("lease blocks of tasks that began with their submit are deleted when these have ended", async () => {
  const setup = await aStarter(3);
  const { bench, worker, handling } = setup;
  const entries = await bench.submit({}, {}, {});
  await eventually(() => handling.length === 3);
  assert.equal((await leaseBlocksOf(bench.store, worker.id, 9)).length, 1);
  for (const { gate } of handling) gate.resolve("done");
  await eventually(async () => (await states(bench, entries)).every((type) => type === "COMPLETED"));
  await bench.clock.run(worker.stop(0));
  assert.deepEqual(await bench.kv.list({ prefix: prefixes.leases }, { limit: 9 }), []);
  await bench[Symbol.asyncDispose]();
});

for (const mishap of MISHAPS) {
  Deno.test(`a large result is kept when the commit that ends its task is ${mishap}`, async () => {
    const faulty = new FaultyKv();
    await using setup = await aWorker(1, { wrap: faulty.wrap });
    const { bench, worker, handling, errors } = setup;
    const entries = await bench.submit({});
    await worker.start();
    await eventually(() => handling.length === 1, "it begins");
    const store = bench.values.store.bind(bench.values);
    // Not the chunks: the commit after them.
    bench.values.store = async (...args) => {
      const value = await store(...args);
      faulty.next.push(mishap);
      return value;
    };
    handling[0].gate.resolve("x".repeat(50_000));
    await eventually(async () => {
      bench.clock.advance(50);
      return (await states(bench, entries))[0] === "COMPLETED";
    }, "it ends");
    for (let i = 0; i < 20; i++) await turn();
    const { id, result } = await bench.record(entries[0].record.id);
    assert.equal((await bench.values.load(id, result!)).length, 50_002);
    assert.deepEqual(errors, []);
  });
}

Deno.test("reports of a task are written together, 100 ms after the ones before", async () => {
  const kv = new FaultyKv();
  await using setup = await aWorker(1, { wrap: kv.wrap });
  const { bench, worker, handling } = setup;
  const [{ record: { id } }] = await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  const { emit } = handling[0].context;
  const written = async () => (await bench.kv.list({ prefix: prefixes.events(id) }, { limit: 99 })).length;
  emit(0);
  bench.clock.advance(0);
  await eventually(async () => await written() === 1 && kv.answers === kv.commits);
  for (let i = 0; i < 20; i++) await turn();
  const before = kv.commits;
  for (let i = 1; i <= 20; i++) emit(i);
  bench.clock.advance(99);
  await turn();
  assert.deepEqual([await written(), kv.commits], [1, before]);
  bench.clock.advance(1);
  await eventually(async () => await written() === 21);
  assert.equal(kv.commits, before + 1);
});

Deno.test("what a function has reported is written before its end, however long the write takes", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  const [{ record: { id } }] = await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  const { update } = bench.store;
  const gate = Promise.withResolvers<void>();
  let isHeld = false;
  // The write has met another one, say, and reads the record again.
  bench.store.update = async (...args) => {
    bench.store.update = update;
    isHeld = true;
    await gate.promise;
    return await update.apply(bench.store, args);
  };
  handling[0].context.emit("first");
  bench.clock.advance(0);
  await eventually(() => isHeld);
  handling[0].context.emit("last");
  handling[0].gate.resolve("done");
  for (let i = 0; i < 10; i++) await turn();
  assert.equal(typeOf(await bench.record(id)), "RUNNING");
  gate.resolve();
  await eventually(async () => isTerminal(await bench.record(id)));
  const events = await bench.kv.list<{ kind: string; chunk: string }>({ prefix: prefixes.events(id) }, {
    limit: 9,
  });
  assert.deepEqual(events.map(({ value }) => value.chunk), ['"first"', '"last"']);
});

Deno.test("a slot that a refused submit gives back is taken at once by a task that waits", async () => {
  await using setup = await aStarter(1);
  const { bench, worker, handling } = setup;
  const { kv, clock, ids } = bench;
  const [{ record: { id } }] = await bench.submit({});
  await eventually(() => handling.length === 1);
  handling[0].gate.resolve("done");
  await eventually(async () => isTerminal(await bench.record(id)));
  await eventually(() => !worker.isBusy);
  const { commit } = kv;
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  kv.commit = async (...args) => {
    kv.commit = commit;
    asked.resolve();
    await gate.promise;
    return await commit.apply(kv, args);
  };
  const next = submitted(aDraft({ id }), clock.now());
  const refused = bench.store.commit("submit", [{ before: null, next }]);
  await asked.promise;
  // Another process puts a task into the queue meanwhile. The one slot is for the submit.
  const other = new Store({ kv, clock, ids });
  const waiting = submitted(aDraft({ id: ids.id() }), clock.now());
  await other.commit("submit", [{ before: null, next: waiting }]);
  worker.ring();
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(handling.length, 1);
  gate.resolve();
  assert.equal(await clock.run(refused), null);
  await eventually(() => handling.length === 2);
  assert.equal(handling[1].context.task.id, waiting.id);
});

Deno.test("of tasks whose next deaths would end them a worker runs one at a time, beside all others", async () => {
  await using setup = await aWorker(9);
  const { bench, worker, handling } = setup;
  await worker.start();
  const suspects = await bench.submit({ crashes: 2 }, { crashes: 2 }, { crashes: 1, maxCrashes: 2 });
  const others = await bench.submit({}, { crashes: 1 });
  const running = (entries: Entry[]) =>
    handling.map(({ context }) => context.task.id).filter((id) =>
      entries.some(({ record }) => record.id === id)
    );
  for (let ended = 0; ended < suspects.length; ended++) {
    await eventually(() => running(suspects).length === ended + 1, `suspect ${ended}`);
    await eventually(() => running(others).length === 2);
    // The worker looks for more, and takes none.
    const newer = await bench.submit({});
    await eventually(() => running(newer).length === 1);
    bench.clock.advance(LEASE_MS / 3);
    await turn();
    assert.equal(running(suspects).length, ended + 1);
    const id = running(suspects)[ended];
    handling.find(({ context }) => context.task.id === id)!.gate.resolve(null);
  }
  assert.equal(new Set(running(suspects)).size, 3);
});

Deno.test("a suspect needs a slot like any other, and takes the next one that comes free", async () => {
  await using setup = await aWorker(1);
  const { bench, worker, handling } = setup;
  await bench.submit({});
  await worker.start();
  await eventually(() => handling.length === 1);
  const [{ record: { id } }] = await bench.submit({ crashes: 2 });
  await turn();
  assert.equal(worker.running, 1);
  handling[0].gate.resolve(null);
  await eventually(() => handling.length === 2);
  assert.equal(handling[1].context.task.id, id);
});
