import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { EdgeBlock } from "../../../runtime/dependencies/edges.ts";
import { ConflictError } from "../../../runtime/core/errors.ts";
import type { StoredEvent } from "../../../runtime/store/event_log.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import type { Entry } from "../../../runtime/core/task.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { released } from "../../../runtime/core/transitions.ts";
import { type Composing, composing, elsewhere, ownIds } from "../../support/composing.ts";
import { turn } from "../../support/waiting.ts";

const after = (...waitFor: string[]) => ({ options: { waitFor } });

/** Tasks of one call: each name with those that it waits for. */
async function graph(bench: Composing, wants: Record<string, string[]>): Promise<Record<string, string>> {
  const names = Object.keys(wants);
  const ids = ownIds(names.length);
  const idOf = Object.fromEntries(names.map((name, i) => [name, ids[i]]));
  await bench.call(
    names.map((name) => ({ id: idOf[name], ...after(...wants[name].map((one) => idOf[one])) })),
  );
  return idOf;
}

/** What each task does, by name. */
async function states(bench: Composing, idOf: Record<string, string>): Promise<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const [name, id] of Object.entries(idOf)) told[name] = await bench.state(id);
  return told;
}

/** The same graph, whose followers stand in records, or in blocks. */
function onBothWays(name: string, test: (bench: Composing) => Promise<void>): void {
  for (const [way, checks] of [["records", 100], ["blocks", 10]] as const) {
    Deno.test(`${name} (${way})`, async () => {
      await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, checks } });
      await test(bench);
    });
  }
}

onBothWays(
  "a task goes when the last one that it waits for has completed, and leaves nothing behind",
  async (bench) => {
    const idOf = await graph(bench, { a: [], b: ["a"], c: ["a"], d: ["b", "c"] });
    await bench.run(idOf.a);
    await bench.follow();
    assert.deepEqual(await states(bench, idOf), {
      a: "Completed",
      b: "Pending",
      c: "Pending",
      d: "AwaitingDependencies",
    });
    await bench.run(idOf.b);
    await bench.follow();
    assert.equal(await bench.state(idOf.d), "AwaitingDependencies");
    await bench.run(idOf.c);
    await bench.follow();
    const { deps, history, runAt, createdAt } = await bench.record(idOf.d);
    assert.equal(deps!.released, true);
    assert.deepEqual(history.map(({ name }) => name), ["AwaitingDependencies", "Pending"]);
    assert.equal(runAt, createdAt);
    assert.deepEqual(await bench.left("join", "outbox"), []);
  },
);

Deno.test("a task with a delay that is not over is scheduled when it is let go", async () => {
  await using bench = await composing();
  const [{ id: up }] = await bench.call([{}]);
  const [{ id }] = await bench.call([{ options: { waitFor: [up], delayMs: 5_000 } }]);
  assert.equal(await bench.state(id), "AwaitingDependencies");
  await bench.run(up);
  await bench.follow();
  assert.equal(await bench.state(id), "Scheduled");
  bench.clock.advance(5_000);
  await new Timers(bench.store, bench.values).tick();
  assert.equal(await bench.state(id), "Pending");
});

onBothWays("a failure cancels what waits for it, however far down, with the first error", async (bench) => {
  const idOf = await graph(bench, { a: [], b: ["a"], c: ["b"], other: [] });
  await bench.run(idOf.a, "fails");
  await bench.follow();
  assert.deepEqual(await states(bench, idOf), {
    a: "Failed",
    b: "UpstreamFailed",
    c: "UpstreamFailed",
    other: "Pending",
  });
  for (const id of [idOf.b, idOf.c]) {
    const { error, finishedAt, attempt } = await bench.record(id);
    assert.deepEqual(error, {
      name: "UpstreamFailed",
      message: `its upstream ${idOf.a} (work) ended FAILED: Error: no luck`,
      retryable: false,
      cause: { name: "Error", message: "no luck", retryable: false },
    });
    assert.ok(finishedAt !== null && attempt === 0);
  }
});

onBothWays("a task with allowFailure goes when all have ended, however they did", async (bench) => {
  const [a, b, c] = ownIds(3);
  await bench.call([{ id: a }, { id: b }, { id: c, options: { waitFor: [a, b], allowFailure: true } }]);
  await bench.run(a, "fails");
  await bench.follow();
  assert.equal(await bench.state(c), "AwaitingDependencies");
  await bench.cancel(b);
  await bench.follow();
  assert.equal(await bench.state(c), "Pending");
});

onBothWays("a retry of the one that failed puts back all that it had cancelled", async (bench) => {
  const idOf = await graph(bench, { a: [], b: ["a"], c: ["b"], d: ["c", "x"], x: [] });
  await bench.run(idOf.a, "fails");
  await bench.follow();
  const before = await bench.record(idOf.b);
  await bench.retry(idOf.a);
  await bench.follow();
  assert.deepEqual(await states(bench, idOf), {
    a: "Pending",
    b: "AwaitingDependencies",
    c: "AwaitingDependencies",
    d: "AwaitingDependencies",
    x: "Pending",
  });
  const { error, finishedAt, seq, hasEvents } = await bench.record(idOf.b);
  // Two events of the end that readers have seen, and the state.
  assert.deepEqual([error, finishedAt, seq, hasEvents], [null, null, before.seq + 3, true]);
  const events = await bench.kv.list<StoredEvent>({ prefix: prefixes.events(idOf.b) }, { limit: 9 });
  assert.deepEqual(events.map(({ value }) => [value.seq, value.kind]), [
    [before.seq + 1, "error"],
    [before.seq + 2, "log"],
  ]);
  for (const name of ["a", "x", "b", "c", "d"]) {
    await bench.run(idOf[name]);
    await bench.follow();
  }
  assert.deepEqual(new Set(Object.values(await states(bench, idOf))), new Set(["Completed"]));
  assert.deepEqual(await bench.left("join", "outbox"), []);
});

onBothWays("of two failures, both have to be mended", async (bench) => {
  const idOf = await graph(bench, { a: [], b: [], c: ["a", "b"] });
  await bench.run(idOf.a, "fails");
  await bench.run(idOf.b, "fails");
  await bench.follow();
  await bench.retry(idOf.a);
  await bench.follow();
  assert.equal(await bench.state(idOf.c), "UpstreamFailed");
  await bench.run(idOf.a);
  await bench.follow();
  assert.equal(await bench.state(idOf.c), "UpstreamFailed");
  await assert.rejects(bench.retry(idOf.c), ConflictError);
  await bench.retry(idOf.b);
  await bench.run(idOf.b);
  await bench.follow();
  assert.equal(await bench.state(idOf.c), "Pending");
});

Deno.test("what is cancelled on request stays so, also if its upstream had failed before", async () => {
  await using bench = await composing();
  const idOf = await graph(bench, { a: [], b: ["a"], c: ["a"] });
  await bench.cancel(idOf.c, "not this one");
  await bench.run(idOf.a, "fails");
  await bench.follow();
  assert.equal((await bench.cancel(idOf.b, "enough")).outcome, "cancelled");
  await bench.retry(idOf.a);
  await bench.run(idOf.a);
  await bench.follow();
  assert.deepEqual(await states(bench, idOf), { a: "Completed", b: "UpstreamFailed", c: "Cancelled" });
  // A retry of its own counts differently.
  for (const id of [idOf.b, idOf.c]) {
    await bench.retry(id);
    await bench.follow();
    assert.equal(await bench.state(id), "Pending");
  }
});

Deno.test("a task that was cancelled while it waited waits again after a retry", async () => {
  await using bench = await composing();
  const idOf = await graph(bench, { a: [], b: ["a"] });
  await bench.cancel(idOf.b);
  await bench.retry(idOf.b);
  await bench.follow();
  assert.equal(await bench.state(idOf.b), "AwaitingDependencies");
  await bench.run(idOf.a);
  await bench.follow();
  assert.equal(await bench.state(idOf.b), "Pending");
});

Deno.test("what another process leaves in the outbox is found and followed", async () => {
  await using bench = await composing();
  const idOf = await graph(bench, { a: [], b: ["a"] });
  await elsewhere(bench).run(idOf.a);
  assert.deepEqual(await bench.left("outbox"), [keys.outbox(idOf.b)]);
  await bench.follow();
  assert.equal(await bench.state(idOf.b), "Pending");
});

Deno.test("an outbox entry about no task, or about one that has moved on, is removed and changes nothing", async () => {
  await using bench = await composing();
  const idOf = await graph(bench, { a: [], b: ["a"], c: [] });
  await bench.run(idOf.c);
  const ids = [...Object.values(idOf), "nobody", "seal-nobody"];
  await bench.kv.writeBlind(ids.map((id) => ({ key: keys.outbox(id), value: true })), 0);
  const before = (await bench.all()).filter(({ key }) => key[0] !== "outbox");
  await bench.follow();
  assert.deepEqual(await bench.all(), before);
});

/** Does something just before the next commit that takes this note away, or tells this upstream's end. */
function justBefore(bench: Composing, work: () => Promise<void>): void {
  const { commit } = bench.kv;
  bench.kv.commit = async (...args) => {
    bench.kv.commit = commit;
    await work();
    return await commit.apply(bench.kv, args);
  };
}

Deno.test("an end that is taken back while it is told is told as what it has become", async () => {
  for (const ends of ["completes", "fails", "not"] as const) {
    await using bench = await composing();
    const [{ id }] = await bench.call([{}]);
    // In a call of its own, so it stands in a block.
    const [{ id: follower }] = await bench.call([after(id)]);
    await bench.run(id, "fails");
    const there = elsewhere(bench);
    justBefore(bench, async () => {
      await there.retry(id);
      if (ends !== "not") await there.run(id, ends);
      await there.follow();
    });
    await bench.follow();
    const [{ value }] = await bench.kv.list<EdgeBlock>({ prefix: ["edge", id] }, { limit: 1 });
    const told = { completes: "COMPLETED", fails: "FAILED", not: null }[ends];
    assert.equal(value.told, told);
    const state = { completes: "Pending", fails: "UpstreamFailed", not: "AwaitingDependencies" }[ends];
    assert.equal(await bench.state(follower), state);
  }
});

Deno.test("processed() resolves when the entries are gone, whoever has handled them, and not before", async () => {
  await using bench = await composing();
  const [{ id: upstream }] = await bench.call([{}]);
  const [{ id: dependent }] = await bench.call([after(upstream)]);
  await bench.run(upstream, "fails");
  await bench.follower.processed([upstream], 1_000);
  assert.equal(await bench.state(dependent), "AwaitingDependencies", "a stopped processor waits for nothing");
  bench.follower.start();
  await bench.follower.processed([upstream, dependent], 1_000);
  // The entry about the dependent was made while that about its upstream was handled.
  await bench.follower.processed([dependent], 1_000);
  assert.equal(await bench.state(dependent), "UpstreamFailed");
  assert.deepEqual(await bench.left("outbox"), []);
  const { getMany } = bench.kv;
  bench.kv.getMany = () => Promise.reject(new Error("no answer"));
  const waiting = bench.follower.processed([upstream], 1_000).then(() => "over");
  await turn();
  assert.equal(
    await Promise.race([waiting, turn().then(() => "waits")]),
    "waits",
    "a failed look tells nothing",
  );
  bench.kv.getMany = getMany;
  bench.clock.advance(1_000);
  assert.equal(await waiting, "over");
  const last = bench.follower.processed([upstream], 1_000);
  await bench.follower.stop();
  await last;
});

Deno.test("an upstream whose end has not been told cannot be forgotten or purged away", async () => {
  await using bench = await composing();
  const timers = new Timers(bench.store, bench.values);
  const [{ id: failed }, { id }] = await bench.call([{}, { options: { retentionMs: 1_000 } }]);
  const [{ id: follower }] = await bench.call([after(failed, id)]);
  await bench.run(failed, "fails");
  await bench.follow();
  await bench.run(id);
  // Its dependent has ended, so nobody needs it; but its end is not counted yet.
  assert.equal(await bench.state(follower), "UpstreamFailed");
  await bench.clock.run(assert.rejects(bench.forget(id), ConflictError));
  bench.clock.advance(1_000);
  await timers.tick();
  assert.equal(await bench.state(id), "Completed");
  await bench.follow();
  assert.equal((await bench.join(follower))!.left, 0);
  await timers.tick();
  assert.deepEqual((await bench.left("edge")).filter(([, upstream]) => upstream === id), []);
  await bench.retry(failed);
  await bench.run(failed);
  await bench.follow();
  assert.equal(await bench.state(follower), "Pending", "it waits for nobody who is not there");
});

Deno.test("an upstream that is needed is kept beyond its retention, and refuses to be forgotten", async () => {
  await using bench = await composing();
  const timers = new Timers(bench.store, bench.values);
  const [{ id }, { id: other }] = await bench.call([{ options: { retentionMs: 1_000 } }, {}]);
  const [{ id: follower }] = await bench.call([after(id, other)]);
  await bench.run(id);
  await bench.follow();
  for (let minutes = 0; minutes < 10; minutes++) {
    bench.clock.advance(60_000);
    await timers.tick();
    assert.equal(await bench.state(id), "Completed");
    await assert.rejects(bench.forget(id), ConflictError);
  }
  await bench.run(other);
  await bench.follow();
  await bench.run(follower);
  bench.clock.advance(60 * 60_000);
  await timers.tick();
  assert.equal(await bench.store.read(id), null);
  assert.deepEqual((await bench.left("edge", "index", "due")).filter((key) => key.includes(id)), []);
});

Deno.test("the reconciler finds a task that has what it waited for, and loses no step of its dependency counter", async () => {
  await using bench = await composing();
  const said: string[] = [];
  const reconciler = new Reconciler(bench.store, bench.values, (_, what) => said.push(what));
  const idOf = await graph(bench, { a: [], b: ["a"], c: ["a"], d: ["a", "b"] });
  assert.equal(await reconciler.tick(), 0);
  await bench.run(idOf.a);
  await bench.kv.writeBlind([{ key: keys.outbox(idOf.b) }, { key: keys.dependencyCounter(idOf.d) }], 0);
  assert.equal(await reconciler.tick(), 2);
  assert.deepEqual(said.toSorted(), ["had no dependency counter", "waited for no task"]);
  assert.deepEqual(await bench.join(idOf.d), {
    task: "work",
    left: 1,
    failed: 0,
    first: null,
    allowFailure: false,
  });
  await bench.follow();
  assert.deepEqual(await states(bench, idOf), {
    a: "Completed",
    b: "Pending",
    c: "Pending",
    d: "AwaitingDependencies",
  });
});

Deno.test("a dependency counter goes for good in the commit that releases its task, also if that commit takes an end back", async () => {
  await using bench = await composing();
  const [{ id: up }] = await bench.call([{}]);
  const [{ id }] = await bench.call([{ options: { waitFor: [up], allowFailure: true } }]);
  const { store, clock, kv } = bench;
  const before = (await store.read(id)) as Entry;
  const join = await kv.get(keys.dependencyCounter(id));
  const applied = await Promise.all([
    store.commit("outbox", [{ before, next: released(before.record, clock.now()) }], {
      checks: [{ key: join.key, versionstamp: join.versionstamp }],
      writes: [{ key: join.key }],
    }),
    store.commit("outbox", [], { counterSteps: [{ dependent: id, upstream: up, was: "FAILED", is: null }] }),
  ]);
  assert.ok(applied.every((each) => each !== null));
  assert.deepEqual(await bench.left("join", "outbox"), []);
});

Deno.test("an end that two looks would tell to the same block is told once", async () => {
  await using bench = await composing();
  const [{ id: up }] = await bench.call([{}]);
  const [{ id }] = await bench.call([after(up)]);
  const { store, kv } = bench;
  const [{ key, versionstamp, value }] = await kv.list<EdgeBlock>({ prefix: ["edge", up] }, { limit: 1 });
  const tell = () =>
    store.commit("outbox", [], {
      checks: [{ key, versionstamp }],
      writes: [{ key, value: { ...value, told: "COMPLETED" } }],
      counterSteps: [{ dependent: id, upstream: up, was: null, is: "COMPLETED" }],
    });
  const applied = await Promise.all([tell(), tell()]);
  assert.equal(applied.filter((each) => each !== null).length, 1);
  assert.equal((await bench.join(id))!.left, 0);
});

Deno.test("after a failed round no outbox entry is processed twice at once", async () => {
  const errors: unknown[] = [];
  await using bench = await composing({ log: { info: () => {}, error: (_, error) => errors.push(error) } });
  const idOf = await graph(bench, { a: [], b: ["a"], c: ["a"] });
  await bench.run(idOf.a);
  const { commit } = bench.store;
  let failures = 3;
  bench.store.commit = (...args) => {
    if (args[0] === "outbox" && failures-- > 0) return Promise.reject(new Error("the database is away"));
    return commit.apply(bench.store, args);
  };
  await bench.follow();
  assert.ok(errors.length > 0);
  assert.deepEqual(await states(bench, idOf), { a: "Completed", b: "Pending", c: "Pending" });
});

Deno.test("who tells the end of a task to many asks in between whether to stop, and the next one goes on", async () => {
  await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, checks: 10 } });
  const [{ id: up }] = await bench.call([{}]);
  const many = 400;
  await bench.call(Array.from({ length: many }, () => after(up)));
  await bench.run(up);
  const told = async () => {
    const blocks = await bench.kv.list<EdgeBlock>({ prefix: prefixes.edges(up) }, { limit: 1_000 });
    return blocks.filter(({ value }) => value.told !== null).length / blocks.length;
  };
  const { commit } = bench.store;
  const begun = Promise.withResolvers<void>();
  bench.store.commit = (lane, changes, options) => {
    // The barrier of the call tells its dependents too.
    if (options?.counterSteps?.some(({ upstream }) => upstream === up)) begun.resolve();
    return commit.call(bench.store, lane, changes, options);
  };
  bench.follower.start();
  bench.follower.ring([up]);
  await begun.promise;
  await bench.follower.stop();
  const share = await told();
  assert.ok(share > 0 && share < 0.5, `${share} of all blocks were told`);
  await bench.follow();
  assert.equal(await told(), 1);
  assert.deepEqual(await bench.left("outbox"), []);
});
