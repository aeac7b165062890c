import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError, ValidationError } from "../../../runtime/core/errors.ts";
import type { EdgeBlock } from "../../../runtime/dependencies/edges.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { barrierId } from "../../../runtime/platform/outbox_subject.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import {
  abandonBarrier,
  type Barrier,
  raiseBarrier,
  type RaisedBarrier,
} from "../../../runtime/dependencies/barrier.ts";
import { isForgotten } from "../../../runtime/core/task.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { batchOf, type Composing, composing, elsewhere, ownIds, resultOf } from "../../support/composing.ts";

/** Few mutations, so that a handful of tasks takes several commits. */
const TIGHT = { ...EMBEDDED_LIMITS, checks: 10, mutations: 60 };
const ABANDONED_AFTER_MS = 10 * 60 * 1000;

const after = (...waitFor: string[]) => ({ options: { waitFor } });

/**
 * Lets so many commits through, and then none: `reached` resolves when one hangs. After `mend` all others get
 * through, and after `goOn` those that hang.
 */
function cutAfter(bench: Composing, commits: number) {
  const { commit } = bench.kv;
  const { promise, resolve } = Promise.withResolvers<"cut">();
  const gate = Promise.withResolvers<void>();
  let left = commits;
  bench.kv.commit = async (...args) => {
    if (left-- <= 0) {
      resolve("cut");
      await gate.promise;
    }
    return await commit.apply(bench.kv, args);
  };
  return { reached: promise, mend: () => bench.kv.commit = commit, goOn: () => gate.resolve() };
}

/** A process sees for a minute that the call does nothing, and gives it up. */
async function giveUp(
  { clock, store, values }: Composing,
  timers = new Timers(store, values),
): Promise<void> {
  await timers.tick();
  for (let step = 0; step < 2; step++) {
    clock.advance(30_000);
    await timers.tick();
  }
}

/** Timers that give up calls. */
const unseals = async (bench: Composing) => (await bench.left("due")).filter(([, kind]) => kind === "unseal");

/** All that is there, by state. */
async function states(bench: Composing, ids: string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const entry of await bench.store.peekMany(ids)) {
    const name = !entry
      ? "none"
      : isForgotten(entry.record)
      ? "forgotten"
      : entry.record.history.at(-1)!.name;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

Deno.test("a small call is one commit: all that it needs is there at once, and no barrier", async () => {
  await using bench = await composing();
  const [{ id: outside }] = await bench.call([{}]);
  const [a, b, c] = ownIds(3);
  let commits = 0;
  const { commit } = bench.kv;
  bench.kv.commit = (...args) => {
    commits++;
    return commit.apply(bench.kv, args);
  };
  const told = await bench.call([
    { id: c, input: [resultOf(a), resultOf(outside)], ...after(b) },
    { id: a },
    { id: b, ...after(a, a) },
  ]);
  bench.kv.commit = commit;
  assert.equal(commits, 1);
  assert.deepEqual(told.map(({ id }) => id), [c, a, b], "in the order of the call");
  assert.deepEqual(
    await Promise.all([a, b, c].map(bench.state)),
    ["Pending", "AwaitingDependencies", "AwaitingDependencies"],
  );
  assert.deepEqual(await bench.join(c), {
    task: "work",
    left: 3,
    failed: 0,
    first: null,
    allowFailure: false,
  });
  assert.deepEqual(await bench.join(b), {
    task: "work",
    left: 1,
    failed: 0,
    first: null,
    allowFailure: false,
  });
  assert.equal(await bench.join(a), null);
  const { deps, special } = await bench.record(c);
  assert.deepEqual(deps, {
    upstreams: { json: JSON.stringify([b, a, outside]) },
    total: 3,
    waitFor: 1,
    allowFailure: false,
    released: false,
  });
  assert.equal(special, true);
  assert.deepEqual((await bench.record(a)).next?.toSorted(), [b, c].toSorted());
  assert.equal((await bench.record(outside)).followed, true);
  const { value } = await bench.kv.get<EdgeBlock>(keys.edge(outside, `${c}.0`));
  assert.deepEqual([value!.ids, value!.told], [[c], null]);
  assert.deepEqual(await bench.left("seal", "due", "outbox"), []);
});

Deno.test("what has ended already is counted at once", async () => {
  await using bench = await composing();
  const [done, failed, open] = (await bench.call([{}, {}, {}])).map(({ id }) => id);
  await bench.run(done);
  await bench.run(failed, "fails");
  const one = async (waitFor: string[], allowFailure = false) => {
    const [{ id }] = await bench.call([{ options: { waitFor, allowFailure } }]);
    return id;
  };
  assert.equal(await bench.state(await one([done])), "Pending");
  assert.equal(await bench.state(await one([done, failed], true)), "Pending");
  const waits = await one([done, open, failed], true);
  assert.deepEqual(await bench.join(waits), {
    task: "work",
    left: 1,
    failed: 1,
    first: failed,
    allowFailure: true,
  });
  // A new task cannot be terminal: it waits first, and the outbox processor cancels it.
  const never = await one([done, failed, open]);
  assert.equal(await bench.state(never), "AwaitingDependencies");
  await bench.follow();
  assert.equal(await bench.state(never), "UpstreamFailed");
  assert.equal(await bench.state(waits), "AwaitingDependencies");
});

Deno.test("a call that waits for what is not there stores nothing", async () => {
  await using bench = await composing();
  const [{ id: gone }] = await bench.call([{}]);
  await bench.run(gone);
  await bench.forget(gone);
  const before = await bench.all();
  const nobody = crypto.randomUUID();
  const call = bench.call([{}, { input: { a: [resultOf(nobody)] }, ...after(gone) }]);
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ValidationError);
    assert.deepEqual(
      error.faults.map(({ pointer }) => pointer),
      ["/tasks/1/options/waitFor/0", "/tasks/1/input/a/0/$task"],
    );
    assert.match(error.faults[0].message, /was forgotten/);
    assert.match(error.faults[1].message, /no task has the id/);
    return true;
  });
  assert.deepEqual(await bench.all(), before);
});

Deno.test("tasks that wait for each other in a circle are refused", async () => {
  await using bench = await composing();
  const [a, b] = ownIds(2);
  await assert.rejects(bench.call([{ id: a, ...after(b) }, { id: b, ...after(a) }]), ValidationError);
  await assert.rejects(bench.call([{ id: a, input: resultOf(a) }]), ValidationError);
  assert.deepEqual(await bench.all(), []);
});

Deno.test("an upstream that moves on while the call is stored is looked at again", async () => {
  for (const outcome of ["completes", "fails"] as const) {
    await using bench = await composing();
    const [{ id }] = await bench.call([{}]);
    const { commit } = bench.kv;
    bench.kv.commit = async (...args) => {
      bench.kv.commit = commit;
      await elsewhere(bench).run(id, outcome);
      return await commit.apply(bench.kv, args);
    };
    const [{ id: follower }] = await bench.call([after(id)]);
    await bench.follow();
    assert.equal(await bench.state(follower), outcome === "completes" ? "Pending" : "UpstreamFailed");
  }
});

Deno.test("an upstream that has ended cannot be deleted under a call that is just stored", async () => {
  await using bench = await composing();
  const [{ id }] = await bench.call([{}]);
  await bench.run(id);
  // It is followed already, by one that has ended.
  const [{ id: before }] = await bench.call([after(id)]);
  await bench.run(before);
  await bench.follow();
  const { commit } = bench.kv;
  let follower = "";
  bench.kv.commit = async (...args) => {
    bench.kv.commit = commit;
    [{ id: follower }] = await elsewhere(bench).call([after(id)]);
    return await commit.apply(bench.kv, args);
  };
  await bench.clock.run(assert.rejects(bench.forget(id), ConflictError));
  assert.equal(await bench.state(id), "Completed");
  assert.equal(await bench.state(follower), "Pending");
});

Deno.test("a large call releases no task before all are stored, and all of them afterwards", async () => {
  await using bench = await composing({ limits: TIGHT });
  const ids = ownIds(40);
  // Each of the second half waits for one of the first half; those stand behind them in the call.
  const submissions = [
    ...ids.slice(20).map((id, i) => ({ id, ...after(ids[i]) })),
    ...ids.slice(0, 20).map((id) => ({ id })),
  ];
  const { commit } = bench.kv;
  const seen: string[] = [];
  let commits = 0;
  bench.kv.commit = async (...args) => {
    const result = await commit.apply(bench.kv, args);
    commits++;
    if ((await bench.kv.get<Barrier>(keys.barrier(barrierId(submissions[0].id)))).value?.sealed) {
      return result;
    }
    for (const { key } of await bench.kv.list({ prefix: ["ready"] }, { limit: 99 })) seen.push(key.join("/"));
    return result;
  };
  const told = await bench.call(submissions);
  bench.kv.commit = commit;
  assert.ok(commits > 3, `${commits} commits`);
  assert.deepEqual(seen, []);
  assert.deepEqual(told.map(({ id }) => id), submissions.map(({ id }) => id));
  await bench.follow();
  assert.deepEqual(await states(bench, ids), { Pending: 20, AwaitingDependencies: 20 });
  for (const id of ids.slice(0, 20)) await bench.run(id);
  await bench.follow();
  assert.deepEqual(await states(bench, ids), { Completed: 20, Pending: 20 });
  assert.deepEqual(await bench.left("join", "outbox"), []);
  assert.deepEqual(await unseals(bench), []);
  const [seal, ...others] = await bench.left("seal");
  assert.deepEqual([seal, others], [keys.barrier(barrierId(submissions[0].id)), []]);
  assert.deepEqual(await bench.kv.list({ prefix: prefixes.edges(seal[1] as string) }, { limit: 9 }), []);
});

Deno.test("the tasks of an atomic call that wait for no task are released by the barrier alone", async () => {
  await using bench = await composing({ limits: TIGHT });
  const ids = (await bench.call(Array.from({ length: 50 }, () => ({})), { atomic: true })).map(({ id }) =>
    id
  );
  assert.deepEqual(await bench.left("join"), []);
  await bench.follow();
  assert.deepEqual(await states(bench, ids), { Pending: 50 });
  assert.deepEqual(await bench.left("edge", "outbox", "due"), []);
});

Deno.test("more blocks under a barrier than one commit could delete are processed", async () => {
  await using bench = await composing({ limits: TIGHT });
  const [{ id }] = await bench.call([{}]);
  const count = TIGHT.mutations * 6;
  const ids = (await bench.call(Array.from({ length: count }, () => after(id)))).map(({ id }) => id);
  await bench.follow();
  assert.deepEqual(await states(bench, ids), { AwaitingDependencies: count });
  await bench.run(id);
  await bench.follow();
  assert.deepEqual(await states(bench, ids), { Pending: count });
});

Deno.test("packs that fill a commit are stored together with what a call's first commit adds to them", async () => {
  for (const mutations of [60, 61, 62, 63, 64]) {
    await using bench = await composing({ limits: { ...TIGHT, mutations } });
    const [{ id }] = await bench.call([{}]);
    const submissions = Array.from({ length: 60 }, () => ({ ...after(id), input: 1 }));
    const idempotency = { key: "k", fingerprint: "f" };
    assert.equal((await bench.call(submissions, { group: true, idempotency })).length, 60);
  }
});

Deno.test("a call that is cut off is undone after a while, and none of it ever runs", async () => {
  for (const commits of [1, 2, 3]) {
    // Closed without waiting for its commits: they hang.
    const bench = await composing({ limits: TIGHT });
    const ids = ownIds(60);
    // Chains of three, the last one first; those behind go on after a failure.
    const submissions = ids.map((id, i) => {
      return i % 3 === 2 ? { id } : { id, options: { waitFor: [ids[i + 1]], allowFailure: true } };
    });
    const { reached, mend } = cutAfter(bench, commits);
    bench.call(submissions).catch(() => {});
    await reached;
    mend();
    const survivor = elsewhere(bench);
    const stored = await states(bench, ids);
    assert.equal(stored.Pending, undefined);
    const timers = new Timers(survivor.store, survivor.values);
    bench.clock.advance(ABANDONED_AFTER_MS - 1);
    await timers.tick();
    assert.deepEqual(await states(bench, ids), stored, "not before its time");
    bench.clock.advance(1);
    await giveUp(survivor, timers);
    await survivor.follow();
    const { AwaitingDependencies = 0, none = 0 } = stored;
    const undone = {
      ...(none && { none }),
      ...(AwaitingDependencies && { Cancelled: AwaitingDependencies }),
    };
    assert.deepEqual(await states(bench, ids), undone, `after ${commits} commits`);
    assert.deepEqual(await unseals(bench), []);
    assert.equal((await bench.left("edge")).filter(([, id]) => String(id).startsWith("seal")).length, 0);
    await bench.kv.close();
  }
});

Deno.test("a call that is resumed after any commit becomes the same tasks, once each", async () => {
  for (let commits = 1; commits < 20; commits++) {
    // Closed without waiting for its commits: they hang.
    const bench = await composing({ limits: TIGHT });
    const [{ id: outside }] = await bench.call([{}]);
    await bench.run(outside);
    const ids = ownIds(40);
    const submissions = ids.map((id, i) => ({ id, ...after(...(i % 2 === 0 ? [ids[i + 1]] : [outside])) }));
    const idempotency = { key: "k", fingerprint: "f" };
    const { reached, mend } = cutAfter(bench, commits);
    const first = await Promise.race([bench.call(submissions, { idempotency }), reached]);
    mend();
    if (first !== "cut") {
      await bench.kv.close();
      return assert.ok(commits > 5, `it took only ${commits} commits`);
    }
    const there = elsewhere(bench);
    const told = await bench.clock.run(there.call(submissions, { idempotency }));
    assert.deepEqual(told.map(({ id }) => id), ids);
    await there.follow();
    assert.deepEqual(await states(bench, ids), { Pending: 20, AwaitingDependencies: 20 }, `after ${commits}`);
    for (const [i, id] of ids.entries()) if (i % 2 === 1) await there.run(id);
    await there.follow();
    assert.deepEqual(await states(bench, ids), { Completed: 20, Pending: 20 });
    assert.deepEqual(await there.left("join", "outbox"), []);
    assert.deepEqual(await unseals(there), []);
    await bench.kv.close();
  }
  assert.fail("the call was never over");
});

Deno.test("a call whose ids are drawn for it draws the same ones when it is resumed", async () => {
  for (let commits = 1; commits < 20; commits++) {
    const bench = await composing({ limits: TIGHT });
    // As a flow: each task names the one before it.
    const chain = (newId: () => string) => {
      const ids = Array.from({ length: 40 }, newId);
      return batchOf(ids.map((id, i) => i === 0 ? { id } : { id, input: resultOf(ids[i - 1]) }));
    };
    const call = { batch: chain, group: true, atomic: true, idempotency: { key: "k", fingerprint: "f" } };
    const { reached, mend } = cutAfter(bench, commits);
    const first = await Promise.race([bench.submitter.submit(call), reached]);
    mend();
    if (first !== "cut") {
      await bench.kv.close();
      return assert.ok(commits > 3, `it took only ${commits} commits`);
    }
    const there = elsewhere(bench);
    const resumed = await bench.clock.run(there.submitter.submit(call));
    const replayed = await there.submitter.submit(call);
    // The last cut comes when all is stored.
    assert.ok(replayed.replayed && (!resumed.replayed || commits > 3));
    assert.deepEqual(resumed.ids, resumed.batch.submissions.map(({ id }) => id));
    assert.deepEqual(replayed.ids, resumed.ids);
    assert.deepEqual(replayed.batch.submissions, resumed.batch.submissions);
    assert.equal((await there.left("task")).length, 40, `after ${commits} commits`);
    for (const id of resumed.ids) {
      await there.follow();
      await there.run(id);
    }
    assert.deepEqual(await states(there, resumed.ids), { Completed: 40 });
    await bench.kv.close();
  }
  assert.fail("the call was never over");
});

Deno.test("a call whose guard no longer holds is refused, also if it waits for others", async () => {
  await using bench = await composing();
  const [{ id }] = await bench.call([{}]);
  const guard = { key: keys.task(id), versionstamp: (await bench.store.read(id))!.versionstamp };
  await bench.run(id);
  await assert.rejects(bench.call([{}], { guard }), ConflictError);
  await assert.rejects(bench.call([after(id)], { guard }), ConflictError);
});

/** Fifteen tasks, and for each of them two that wait for it: too many for its record to name them. */
function fans(): {
  ups: string[];
  downs: string[];
  submissions: { id: string; options?: { waitFor: string[] } }[];
} {
  const ups = ownIds(15);
  const downs = ownIds(30);
  const submissions = ups.flatMap((
    id,
    i,
  ) => [{ id }, ...[2 * i, 2 * i + 1].map((n) => ({ id: downs[n], ...after(id) }))]);
  return { ups, downs, submissions };
}

/** Cancels those of these tasks that are stored. */
async function cancelThose(bench: Composing, ids: string[]): Promise<void> {
  for (const [i, entry] of (await bench.store.peekMany(ids)).entries()) {
    if (entry) await bench.cancel(ids[i], "meanwhile");
  }
}

Deno.test("a task of a call may end before all of the call is there, and is counted by those that wait for it", async () => {
  await using bench = await composing({ limits: TIGHT });
  const { ups, downs, submissions } = fans();
  const there = elsewhere(bench);
  const { commit } = bench.kv;
  let inside = false;
  bench.kv.commit = async (...args) => {
    const result = await commit.apply(bench.kv, args);
    if (inside) return result;
    inside = true;
    await cancelThose(there, ups);
    await there.follow();
    inside = false;
    return result;
  };
  await bench.call(submissions);
  bench.kv.commit = commit;
  await bench.follow();
  assert.deepEqual(await states(bench, [...ups, ...downs]), { Cancelled: 15, UpstreamFailed: 30 });
});

Deno.test("an end that was counted while a call was cut off is not counted again when it is resumed", async () => {
  for (let commits = 1; commits < 30; commits++) {
    const bench = await composing({ limits: TIGHT });
    const { ups, downs, submissions } = fans();
    const idempotency = { key: "k", fingerprint: "f" };
    const { reached, mend } = cutAfter(bench, commits);
    const first = await Promise.race([bench.call(submissions, { idempotency }), reached]);
    mend();
    if (first !== "cut") {
      await bench.kv.close();
      return assert.ok(commits > 5, `it took only ${commits} commits`);
    }
    const there = elsewhere(bench);
    await cancelThose(there, ups);
    await there.follow();
    await bench.clock.run(there.call(submissions, { idempotency }));
    await cancelThose(there, ups);
    await there.follow();
    assert.deepEqual(await states(there, [...ups, ...downs]), { Cancelled: 15, UpstreamFailed: 30 });
    for (const id of ups) await there.retry(id);
    await there.follow();
    for (const id of downs) {
      const { left, failed } = (await there.join(id))!;
      assert.deepEqual([left, failed], [1, 0], `after ${commits} commits`);
    }
    await bench.kv.close();
  }
  assert.fail("the call was never over");
});

Deno.test("of two processes at one call, the first one changes nothing after the second has resumed it", async () => {
  for (let commits = 1; commits < 30; commits++) {
    await using bench = await composing({ limits: TIGHT });
    const [{ id: outside }] = await bench.call([{}]);
    const submissions = Array.from({ length: 60 }, () => after(outside));
    const idempotency = { key: "k", fingerprint: "f" };
    const { reached, mend, goOn } = cutAfter(bench, commits);
    // Also after a failed assertion the hanging commit must go on.
    using _ = { [Symbol.dispose]: goOn };
    const slow = bench.call(submissions, { idempotency });
    const first = await Promise.race([slow, reached]);
    mend();
    if (first !== "cut") return assert.ok(commits > 3, `it took only ${commits} commits`);
    const there = elsewhere(bench);
    const ids = (await bench.clock.run(there.call(submissions, { idempotency }))).map(({ id }) => id);
    await there.follow();
    assert.deepEqual(await states(bench, ids), { AwaitingDependencies: 60 }, `after ${commits} commits`);
    goOn();
    assert.deepEqual((await bench.clock.run(slow)).map(({ id }) => id), ids);
    await bench.follow();
    assert.ok(
      (await bench.submitter.submit({
        batch: batchOf(submissions),
        idempotency,
      })).replayed,
    );
    await bench.follow();
    assert.deepEqual(await states(bench, ids), { AwaitingDependencies: 60 }, `after ${commits} commits`);
    for (const id of ids) assert.equal((await bench.join(id))!.left, 1, `after ${commits} commits`);
    assert.deepEqual(await unseals(bench), []);
    assert.equal((await bench.left("edge")).filter(([, id]) => String(id).startsWith("seal")).length, 0);
  }
  assert.fail("the call was never over");
});

Deno.test("an abandoned call stays abandoned, however often it is repeated", async () => {
  const bench = await composing({ limits: TIGHT });
  const { ups, downs, submissions } = fans();
  const idempotency = { key: "k", fingerprint: "f" };
  // The blocks of the fifteen, and one pack.
  const { reached, mend } = cutAfter(bench, 16);
  bench.call(submissions, { idempotency }).catch(() => {});
  await reached;
  mend();
  const there = elsewhere(bench);
  bench.clock.advance(ABANDONED_AFTER_MS);
  await giveUp(there);
  await there.follow();
  const before = await there.all();
  for (let times = 0; times < 2; times++) {
    const again = bench.clock.run(there.call(submissions, { idempotency }));
    await assert.rejects(
      again,
      (error) => error instanceof ConflictError && /was given up/.test(error.message),
    );
    assert.deepEqual(await there.all(), before);
  }
  const { Cancelled, UpstreamFailed = 0, none = 0, ...others } = await states(there, [...ups, ...downs]);
  assert.deepEqual([Cancelled + UpstreamFailed + none, others], [45, {}]);
  await bench.kv.close();
});

Deno.test("a barrier belongs to the process that raised it last, until it is abandoned", async () => {
  await using bench = await composing();
  const { store, kv, clock } = bench;
  const now = clock.now();
  const write = async ({ writes, timer }: RaisedBarrier) => await kv.writeBlind([...writes, timer], now);
  const first = await raiseBarrier(store, "seal-a", now);
  await write(first);
  const { key, versionstamp } = await first.confirm();
  assert.deepEqual(key, keys.barrier("seal-a"));
  assert.equal(versionstamp, (await kv.get(key)).versionstamp);
  const second = await raiseBarrier(store, "seal-a", now + 1_000);
  await write(second);
  await assert.rejects(first.confirm(), ConflictError);
  assert.notEqual((await second.confirm()).versionstamp, versionstamp);
  // Its timer is the last one's.
  assert.deepEqual(await unseals(bench), [keys.due("unseal", now + 1_000 + ABANDONED_AFTER_MS, "seal-a")]);
  await kv.writeBlind([abandonBarrier("seal-a", (await kv.get<Barrier>(key)).value!, now)], now);
  await assert.rejects(raiseBarrier(store, "seal-a", now), ConflictError);
});

Deno.test("all tasks of a call whose ids were drawn are undone, also if it was resumed once and cut off again", async () => {
  for (let commits = 1; commits < 30; commits++) {
    const bench = await composing({ limits: TIGHT });
    const submissions = Array.from({ length: 60 }, () => ({}));
    const idempotency = { key: "k", fingerprint: "f" };
    const first = cutAfter(bench, commits);
    const cut = await Promise.race([bench.call(submissions, { idempotency, atomic: true }), first.reached]);
    first.mend();
    if (cut !== "cut") {
      await bench.kv.close();
      return assert.ok(commits > 2, `it took only ${commits} commits`);
    }
    const there = elsewhere(bench);
    const second = cutAfter(bench, 1);
    const again = there.call(submissions, { idempotency, atomic: true }).then(() => "done", String);
    await bench.clock.run(Promise.race([again, second.reached]));
    second.mend();
    bench.clock.advance(ABANDONED_AFTER_MS);
    const last = elsewhere(bench);
    await giveUp(last);
    await last.follow();
    const ids = (await last.left("task")).map((key) => key[1] as string);
    assert.deepEqual(await states(last, ids), { Cancelled: ids.length }, `after ${commits} commits`);
    await bench.kv.close();
  }
  assert.fail("the call was never over");
});

Deno.test("behind a raised barrier no task is released, also with allowFailure", async () => {
  await using bench = await composing({ limits: TIGHT });
  const { ups, downs, submissions } = fans();
  const bold = submissions.map(({ id, options }) => ({
    id,
    options: options && { ...options, allowFailure: true },
  }));
  const there = elsewhere(bench);
  const { commit } = bench.kv;
  let inside = false;
  const seen: string[] = [];
  bench.kv.commit = async (...args) => {
    const result = await commit.apply(bench.kv, args);
    const { value } = await bench.kv.get<Barrier>(keys.barrier(barrierId(bold[0].id)));
    if (inside || value?.sealed) return result;
    inside = true;
    await cancelThose(there, ups);
    await there.follow();
    for (const [i, entry] of (await bench.store.peekMany(downs)).entries()) {
      if (entry && await bench.state(downs[i]) !== "AwaitingDependencies") seen.push(downs[i]);
    }
    inside = false;
    return result;
  };
  await bench.call(bold);
  bench.kv.commit = commit;
  await bench.follow();
  assert.deepEqual(seen, []);
  assert.deepEqual(await states(bench, ups), { Cancelled: 15 });
  assert.deepEqual(await states(bench, downs), { Pending: 30 });
});
