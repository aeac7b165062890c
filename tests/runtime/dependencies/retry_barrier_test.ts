import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { stateOf, type TaskRecord } from "../../../runtime/core/task.ts";
import { mostInlineDependents } from "../../../runtime/dependencies/edges.ts";
import { releaseBarrier } from "../../../runtime/dependencies/release_barrier.ts";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { retryBarrierId } from "../../../runtime/platform/outbox_subject.ts";
import { EMBEDDED_LIMITS, REMOTE_LIMITS } from "../../../runtime/platform/kv.ts";
import { doneOf, groupRecord, mostGroupsOf, newGroup } from "../../../runtime/store/group_counters.ts";
import { type Composing, composing, elsewhere, ownIds } from "../../support/composing.ts";
import { turn } from "../../support/waiting.ts";

interface Flow {
  head: string;
  /** All of them wait for the head, and the last one for all of them. */
  middle: string[];
  last: string;
  group: string;
}

/** A head with so many dependents, and one behind these; all in one group. */
async function flow(bench: Composing, count: number, head = {}): Promise<Flow> {
  const [first, last, ...middle] = ownIds(count + 2);
  const { groupId } = await bench.submitter.submit({
    batch: {
      submissions: [
        { task: "work", id: first, options: head },
        ...middle.map((id) => ({ task: "work", id, options: { waitFor: [first], ttlMs: 1_000 } })),
        { task: "work", id: last, options: { waitFor: middle } },
      ],
      pointerOf: () => "",
    },
    group: true,
  });
  await bench.follow();
  return { head: first, middle, last, group: groupId! };
}

async function failed(bench: Composing, count: number): Promise<Flow> {
  const made = await flow(bench, count);
  await bench.run(made.head, "fails");
  await bench.follow();
  assert.equal(await bench.state(made.last), "UpstreamFailed");
  const { ended, total } = (await groupRecord(bench.kv, made.group))!;
  assert.equal(doneOf({ ended }), total);
  return made;
}

async function statesOf(bench: Composing, ids: string[]): Promise<string[]> {
  return [...new Set(await Promise.all(ids.map((id) => bench.state(id))))];
}

/** Looks at the group after each commit, as a reader may. */
function watchGroup({ kv }: Composing, group: string): { done: number[] } {
  const seen = { done: [] as number[] };
  const { commit } = kv;
  kv.commit = async (...args) => {
    const result = await commit.apply(kv, args);
    seen.done.push(doneOf((await groupRecord(kv, group))!));
    return result;
  };
  return seen;
}

for (
  const [where, limits, count] of [["a file", EMBEDDED_LIMITS, 250], ["a server", REMOTE_LIMITS, 25]] as const
) {
  Deno.test(`a retried task goes when all that its failure had cancelled wait again: no group counts them as ended (${where})`, async () => {
    await using bench = await composing({ limits });
    const { head, middle, last, group } = await failed(bench, count);
    const seen = watchGroup(bench, group);
    await bench.retry(head);
    assert.equal(await bench.state(head), "AwaitingDependencies", "it cannot end before they wait");
    await bench.follow();
    assert.deepEqual(await statesOf(bench, [...middle, last]), ["AwaitingDependencies"]);
    assert.equal(await bench.state(head), "Pending");
    await bench.run(head);
    await bench.follow();
    for (const id of middle) await bench.run(id);
    await bench.follow();
    assert.deepEqual(seen.done.filter((done) => done >= count + 2), [], "one task has not run");
    await bench.run(last);
    assert.equal(seen.done.at(-1), count + 2);
    assert.deepEqual(await bench.left("outbox", "join"), []);
    assert.deepEqual((await bench.left("edge")).filter(([, upstream]) => upstream !== head), []);
  });
}

Deno.test("few dependents are put back by the commit of the retry, and its task goes at once", async () => {
  await using bench = await composing();
  const { head, middle, last } = await failed(bench, 5);
  await bench.retry(head);
  assert.deepEqual(await statesOf(bench, [head]), ["Pending"]);
  assert.deepEqual(await statesOf(bench, [...middle, last]), ["AwaitingDependencies"]);
});

Deno.test("dependents in blocks further down are put back before the retried task goes", async () => {
  await using bench = await composing();
  const [head, next, ...many] = ownIds(82);
  await bench.call([
    { id: head },
    { id: next, options: { waitFor: [head] } },
    ...many.map((id) => ({ id, options: { waitFor: [next] } })),
  ]);
  await bench.run(head, "fails");
  await bench.follow();
  assert.deepEqual(await statesOf(bench, many), ["UpstreamFailed"]);
  await bench.retry(head);
  assert.deepEqual(await statesOf(bench, [head]), ["AwaitingDependencies"]);
  await bench.follow();
  assert.deepEqual(await statesOf(bench, [next, ...many]), ["AwaitingDependencies"]);
  assert.deepEqual(await statesOf(bench, [head]), ["Pending"]);
});

Deno.test("of two failed upstreams that are retried at once neither ends before their dependent waits", async () => {
  await using bench = await composing();
  const [a, b, c] = ownIds(3);
  const { groupId } = await bench.submitter.submit({
    batch: {
      submissions: [{ task: "work", id: a }, { task: "work", id: b }, {
        task: "work",
        id: c,
        options: { waitFor: [a, b] },
      }],
      pointerOf: () => "",
    },
    group: true,
  });
  await bench.run(a, "fails");
  await bench.run(b, "fails");
  await bench.follow();
  const seen = watchGroup(bench, groupId!);
  await Promise.all([bench.retry(a), bench.retry(b)]);
  const held = [a, b].map((id) => bench.state(id));
  assert.ok((await Promise.all(held)).includes("AwaitingDependencies"), "both may end before it waits");
  await bench.follow();
  assert.deepEqual(await statesOf(bench, [a, b]), ["Pending"]);
  assert.equal(await bench.state(c), "AwaitingDependencies");
  await bench.run(a);
  await bench.run(b);
  await bench.follow();
  assert.deepEqual(seen.done.filter((done) => done === 3), []);
  assert.equal(await bench.state(c), "Pending");
});

Deno.test("dependents that a retry puts back after their ttl wait, and run", async () => {
  for (const count of [5, 60]) {
    await using bench = await composing();
    const { head, middle } = await failed(bench, count);
    bench.clock.advance(3_600_000);
    await bench.retry(head);
    await bench.follow();
    await bench.run(head);
    await bench.follow();
    const { expiresAt } = await bench.record(middle[0]);
    assert.equal(expiresAt, null);
    assert.deepEqual(await statesOf(bench, middle), ["Pending"]);
    assert.deepEqual((await bench.left("due")).filter(([, kind]) => kind === "expire"), []);
  }
});

Deno.test("another process goes on where one has stopped, wherever that was", async () => {
  for (let commits = 1, isOver = false; !isOver; commits += 3) {
    await using bench = await composing();
    const { head, middle, last } = await failed(bench, 120);
    await bench.retry(head);
    const there = elsewhere(bench);
    let left = commits;
    const { commit } = bench.kv;
    const stopped = Promise.withResolvers<boolean>();
    const over = Promise.withResolvers<void>();
    bench.kv.commit = async (...args) => {
      if (left-- > 0) return await commit.apply(bench.kv, args);
      stopped.resolve(false);
      // The first process has stopped: it learns nothing before all is over.
      await over.promise;
      return { ok: false };
    };
    bench.follower.start();
    const subjects = [retryBarrierId(head), head];
    isOver = await Promise.race([stopped.promise, bench.follower.processed(subjects, 60_000)]);
    bench.kv.commit = commit;
    await there.follow();
    assert.deepEqual(await statesOf(there, [...middle, last]), ["AwaitingDependencies"]);
    assert.equal(await there.state(head), "Pending");
    assert.deepEqual(await there.left("outbox"), []);
    over.resolve();
    await bench.follower.stop();
  }
});

Deno.test("a retried task that is cancelled while it is held back, and retried again, goes once", async () => {
  for (const isBetween of [false, true]) {
    await using bench = await composing();
    const { head, middle, last } = await failed(bench, 60);
    await bench.retry(head);
    await bench.cancel(head);
    if (isBetween) await bench.follow();
    await bench.retry(head);
    await bench.follow();
    assert.equal(await bench.state(head), "Pending");
    assert.deepEqual(await statesOf(bench, [...middle, last]), ["AwaitingDependencies"]);
    await bench.run(head);
    await bench.follow();
    assert.deepEqual(await statesOf(bench, middle), ["Pending"]);
    assert.deepEqual((await bench.left("join")).length, 1, "that of the last one");
  }
});

Deno.test("one that is cancelled for good while it is held back cancels its dependents again", async () => {
  await using bench = await composing();
  const { head, middle, last } = await failed(bench, 60);
  await bench.retry(head);
  await bench.cancel(head);
  await bench.follow();
  assert.deepEqual(await statesOf(bench, [...middle, last]), ["UpstreamFailed"]);
  assert.equal(await bench.state(head), "Cancelled");
  assert.deepEqual(await bench.left("outbox"), []);
});

Deno.test("a retried task that waits for others goes after them, and after its dependents wait", async () => {
  for (const order of ["upstream first", "dependents first"]) {
    await using bench = await composing();
    const [{ id: upstream }] = await bench.call([{}]);
    const { head, middle } = await flow(bench, 60, { waitFor: [upstream] });
    await bench.cancel(head);
    await bench.follow();
    await bench.retry(head);
    if (order === "dependents first") await bench.follow();
    assert.equal(await bench.state(head), "AwaitingDependencies");
    await bench.run(upstream);
    if (order === "upstream first") assert.equal(await bench.state(head), "AwaitingDependencies");
    await bench.follow();
    assert.equal(await bench.state(head), "Pending");
    assert.deepEqual(await statesOf(bench, middle), ["AwaitingDependencies"]);
    assert.equal((await bench.record(head)).deps!.released, true);
  }
});

Deno.test("one that an input of its own has freed heeds no upstream while it is held back", async () => {
  await using bench = await composing();
  const [{ id: upstream }] = await bench.call([{}]);
  const { head, middle } = await flow(bench, 60, { waitFor: [upstream] });
  await bench.run(upstream, "fails");
  await bench.follow();
  assert.deepEqual(await statesOf(bench, [head, ...middle]), ["UpstreamFailed"]);
  await bench.retry(head, { mine: true });
  assert.equal(await bench.state(head), "AwaitingDependencies");
  await bench.retry(upstream);
  await bench.run(upstream, "fails");
  await bench.follow();
  assert.equal(await bench.state(head), "Pending");
  assert.deepEqual((await bench.record(head)).input, { json: '{"mine":true}' });
  assert.deepEqual(await statesOf(bench, middle), ["AwaitingDependencies"]);
});

Deno.test("one commit holds back a retried task of as many groups as there may be, on any backend", async () => {
  for (const limits of [EMBEDDED_LIMITS, REMOTE_LIMITS]) {
    for (const waits of [false, true]) {
      await using bench = await composing({ limits });
      const [{ id: upstream }] = await bench.call([{}]);
      const count = mostInlineDependents(limits, 0);
      const { head, last } = await flow(bench, count, waits ? { waitFor: [upstream] } : {});
      if (waits) await bench.cancel(head);
      else await bench.run(head, "fails");
      await bench.follow();
      const { kv, store, ids, clock } = bench;
      const groups = Array.from({ length: mostGroupsOf(limits, 0) - 1 }, () => ids.id());
      for (const id of groups) await kv.writeBlind(newGroup({ id, total: 1 }, clock.now()), clock.now());
      await store.update("settle", head, ({ record }) => {
        const { groups: before, places } = record as TaskRecord;
        const next = { groups: [...before, ...groups], places: [...places!, ...groups.map(() => 0)] };
        return { next: { ...record as TaskRecord, ...next } };
      });
      // It is behind the last one, too: so one commit cannot be sure to take all.
      await bench.call([{ options: { waitFor: [last] } }]);
      await bench.retry(head);
      assert.equal(await bench.state(head), "AwaitingDependencies");
      if (waits) await bench.run(upstream);
      await bench.follow();
      assert.deepEqual(await statesOf(bench, [head, last]), ["Pending", "AwaitingDependencies"]);
      for (const id of groups) assert.equal(doneOf((await groupRecord(kv, id))!), 0);
    }
  }
});

Deno.test("a process of release 0.1, to which it is a barrier of any kind, lets the retried task go", async () => {
  await using bench = await composing();
  const { head, middle } = await failed(bench, 60);
  await bench.retry(head);
  const barrier = retryBarrierId(head);
  const { versionstamp } = await bench.kv.get(keys.outbox(barrier));
  assert.ok(await releaseBarrier(bench.store, barrier, versionstamp!, () => false));
  await bench.follow();
  assert.equal(await bench.state(head), "Pending");
  assert.deepEqual(await statesOf(bench, middle), ["AwaitingDependencies"]);
});

Deno.test("the reconciler finds a retried task that nothing releases", async () => {
  for (const lost of ["outbox", "join"]) {
    await using bench = await composing();
    const { head, middle } = await failed(bench, 60);
    const told: string[] = [];
    const reconciler = new Reconciler(bench.store, bench.values, (_, what) => told.push(what));
    await bench.retry(head);
    assert.equal(await reconciler.tick(), 0);
    const key = lost === "outbox" ? keys.outbox(retryBarrierId(head)) : keys.dependencyCounter(head);
    await bench.kv.writeBlind([{ key }], 0);
    bench.store.dependencies.distrust();
    if (lost === "outbox") await bench.follow();
    assert.equal(await bench.state(head), "AwaitingDependencies");
    assert.equal(await reconciler.tick(), 1);
    assert.deepEqual(told, ["was held back for good after its retry"]);
    await bench.follow();
    assert.equal(await bench.state(head), "Pending");
    assert.deepEqual(await statesOf(bench, middle), ["AwaitingDependencies"]);
    assert.equal(await reconciler.tick(), 0);
  }
});

Deno.test("stopping does not wait until all are put back", async () => {
  await using bench = await composing();
  const { head } = await failed(bench, 250);
  await bench.retry(head);
  bench.follower.start();
  await turn();
  await bench.follower.stop();
  assert.equal((await bench.kv.list({ prefix: prefixes.outbox }, { limit: 1 })).length, 1);
  assert.equal(stateOf(await bench.record(head)).name, "AwaitingDependencies");
});
