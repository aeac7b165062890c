// A call of several commits that another process takes up, or gives up, while it still goes on itself.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError } from "../../../runtime/core/errors.ts";
import type { Barrier } from "../../../runtime/dependencies/barrier.ts";
import { abandonCall, recountGroup } from "../../../runtime/maintenance/cut_off_calls.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { barrierId } from "../../../runtime/platform/outbox_subject.ts";
import { EMBEDDED_LIMITS, type KvPort } from "../../../runtime/platform/kv.ts";
import { groupRecord } from "../../../runtime/store/group_counters.ts";
import { batchOf, type Composing, composing, elsewhere, ownIds } from "../../support/composing.ts";
import { eventually, turn } from "../../support/waiting.ts";

const TIGHT = { ...EMBEDDED_LIMITS, mutations: 60 };
const nameOf = (key: Deno.KvKey) => key.join("/");

/** Calls `meanwhile` after each read of this key, before the reader goes on with what it has read. */
function afterReads(kv: KvPort, key: Deno.KvKey, meanwhile: (times: number) => Promise<unknown>): void {
  const { get } = kv;
  let times = 0;
  kv.get = async (wanted) => {
    const found = await get.call(kv, wanted);
    if (nameOf(wanted) === nameOf(key)) await meanwhile(++times);
    return found as never;
  };
}

async function statesOf(bench: Composing, ids: string[]): Promise<string[]> {
  return [...new Set(await Promise.all(ids.map((id) => bench.state(id))))];
}

Deno.test("a call that is given up in the moment in which it opens its barrier is refused, and nothing of it runs", async () => {
  await using bench = await composing({ limits: TIGHT });
  const ids = ownIds(60);
  const barrier = barrierId(ids[0]);
  const { store, kv } = bench;
  let isGivenUp = false;
  afterReads(kv, keys.barrier(barrier), async () => {
    const stored = await kv.list({ prefix: prefixes.task }, { limit: 99 });
    if (isGivenUp || stored.length < 60) return;
    isGivenUp = true;
    const { value } = (await kv.getMany<Barrier>([keys.barrier(barrier)]))[0];
    assert.ok(await abandonCall(store, barrier, value!.until, () => false));
  });
  // The barrier is read by the call's last commit but one, too: to make sure that it is the call's own.
  const call = bench.call(ids.map((id) => ({ id })), { atomic: true });
  await assert.rejects(
    call,
    (error) => error instanceof ConflictError && /was given up/.test(error.message),
  );
  assert.ok(isGivenUp);
  await bench.follow();
  assert.deepEqual(await statesOf(bench, ids), ["Cancelled"]);
});

Deno.test("an upstream that has ended is counted once, also if two tries of a call attach to it at once", async () => {
  await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, mutations: 400 } });
  const { kv } = bench;
  const [{ id: outside }] = await bench.call([{}]);
  await bench.run(outside);
  // The first block has most of them.
  const ids = ownIds(150);
  const submissions = ids.map((id) => ({ id, options: { waitFor: [outside] } }));
  const options = { idempotency: { key: "k", fingerprint: "f" } };
  const looked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  // The first try has seen that its block is not there, and takes long to write it.
  afterReads(kv, keys.edge(outside, `${ids[0]}.0`), async (times) => {
    if (times > 1) return;
    looked.resolve();
    await goOn.promise;
  });
  const slow = bench.call(submissions, options);
  await looked.promise;
  const there = elsewhere(bench);
  const left =
    async () => [...new Set(await Promise.all(ids.map(async (id) => (await bench.join(id))?.left)))];
  // The second one has written the block, and is about to open the barrier: now the first one goes on.
  let isDone = false;
  const { commit } = kv;
  afterReads(kv, keys.barrier(barrierId(ids[0])), async () => {
    if (isDone || (await kv.list({ prefix: prefixes.edges(outside) }, { limit: 2 })).length < 2) return;
    isDone = true;
    let commits = 0;
    kv.commit = async (...args) => {
      const result = await commit.apply(kv, args);
      commits++;
      return result;
    };
    goOn.resolve();
    await eventually(() => commits > 0);
    // Without the checks of its commit it would try that again, with counters that it has read anew.
    for (let turns = 0; turns < 50; turns++) await turn();
    kv.commit = commit;
    assert.deepEqual(await left(), [1], "the barrier");
  });
  const again = await bench.clock.run(there.call(submissions, options));
  assert.deepEqual(again.map(({ id }) => id), ids);
  assert.deepEqual((await bench.clock.run(slow)).map(({ id }) => id), ids);
  assert.ok(isDone);
  await bench.follow();
  assert.deepEqual(await statesOf(bench, ids), ["Pending"]);
});

Deno.test("what a cut-off try has counted of an upstream is not counted again: its tasks wait for the other one", async () => {
  await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, mutations: 400 } });
  const { kv } = bench;
  const [{ id: ended }, { id: open }] = await bench.call([{}, {}]);
  await bench.run(ended);
  const ids = ownIds(150);
  const submissions = ids.map((id) => ({ id, options: { waitFor: [ended, open] } }));
  const options = { idempotency: { key: "k", fingerprint: "f" } };
  const [cut, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  // Also after a failed assertion its read must have an answer.
  using _ = { [Symbol.dispose]: over.resolve };
  let isCut = false;
  // The first try dies when all is stored, and the barrier not yet open.
  afterReads(kv, keys.barrier(barrierId(ids[0])), async () => {
    if (isCut || (await kv.list({ prefix: prefixes.edges(open) }, { limit: 2 })).length < 2) return;
    isCut = true;
    cut.resolve();
    await over.promise;
  });
  const first = bench.call(submissions, options);
  await cut.promise;
  await bench.clock.run(elsewhere(bench).call(submissions, options));
  await bench.follow();
  assert.deepEqual(await statesOf(bench, ids), ["AwaitingDependencies"]);
  await bench.run(open);
  await bench.follow();
  assert.deepEqual(await statesOf(bench, ids), ["Pending"]);
  over.resolve();
  await first;
});

Deno.test("a call that is taken up by a process whose commits take more has its total, also if it was counted meanwhile", async () => {
  const limits = { ...TIGHT };
  await using bench = await composing({ limits });
  const { kv, store } = bench;
  const submissions = Array.from({ length: 40 }, () => ({}));
  const options = { group: true, idempotency: { key: "k", fingerprint: "f" } };
  const { commit } = kv;
  let commits = 0;
  // The first process dies after its first commit.
  const over = Promise.withResolvers<void>();
  // Also after a failed assertion its commits must have an answer.
  using _ = { [Symbol.dispose]: over.resolve };
  kv.commit = async (...args) => {
    if (++commits === 1) return await commit.apply(kv, args);
    await over.promise;
    return { ok: false };
  };
  const cut = bench.call(submissions, options);
  await eventually(() => commits > 1);
  kv.commit = commit;
  const [timer] = await kv.list({ prefix: prefixes.due("recount") }, { limit: 1 });
  const group = timer.key[3] as string;
  await recountGroup(store, group, timer);
  await kv.writeBlind([{ key: timer.key }], 0);
  assert.notEqual((await groupRecord(kv, group))!.total, 40);
  Object.assign(limits, EMBEDDED_LIMITS);
  const { groupId } = await bench.clock.run(
    elsewhere(bench).submitter.submit({
      batch: { submissions: submissions.map((one) => ({ task: "work", ...one })), pointerOf: () => "" },
      ...options,
    }),
  );
  assert.equal(groupId, group);
  assert.equal((await groupRecord(kv, group))!.total, 40);
  over.resolve();
  await cut;
});

Deno.test("a group is not counted by the timer of a try whose call another process has taken up", async () => {
  for (const atomic of [false, true]) {
    await using bench = await composing({ limits: TIGHT });
    const { kv, store, clock } = bench;
    const batch = batchOf(Array.from({ length: 40 }, () => ({})));
    const call = { batch, atomic, group: true, idempotency: { key: "k", fingerprint: "f" } };
    const [cut, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    using _ = { [Symbol.dispose]: over.resolve };
    const { commit } = kv;
    let commits = 0;
    kv.commit = async (...args) => {
      if (++commits <= 1) return await commit.apply(kv, args);
      cut.resolve();
      await over.promise;
      return { ok: false };
    };
    const first = bench.submitter.submit(call);
    await cut.promise;
    const [timer] = await kv.list({ prefix: prefixes.due("recount") }, { limit: 1 });
    const group = timer.key[3] as string;
    // The clocks of the two differ; a third process finds the timer as it was, while the second one goes on.
    clock.advance(5_000);
    const totals: number[] = [];
    kv.commit = async (...args) => {
      const result = await commit.apply(kv, args);
      await recountGroup(store, group, timer);
      totals.push((await groupRecord(kv, group))!.total);
      return result;
    };
    await clock.run(elsewhere(bench).submitter.submit(call));
    assert.deepEqual([...new Set(totals)], [40], `${totals.length} commits, atomic: ${atomic}`);
    kv.commit = commit;
    assert.deepEqual((await bench.left("due")).filter(([, kind]) => kind === "recount"), []);
    over.resolve();
    await first.catch((error) => assert.ok(error instanceof ConflictError));
  }
});

Deno.test("a call that is taken up does not write anew what went with a task of it that is gone", async () => {
  await using bench = await composing({ limits: { ...TIGHT, checks: 10 } });
  const { kv } = bench;
  const ids = ownIds(60);
  // Many wait for the first one: its record cannot name them.
  const submissions = ids.map((id, n) => ({ id, options: { waitFor: n === 0 ? [] : [ids[0]] } }));
  const options = { idempotency: { key: "k", fingerprint: "f" } };
  const [cut, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  using _ = { [Symbol.dispose]: over.resolve };
  let isCut = false;
  afterReads(kv, keys.barrier(barrierId(ids[0])), async () => {
    if (isCut || (await kv.getMany([keys.task(ids[0])]))[0].versionstamp === null) return;
    isCut = true;
    cut.resolve();
    await over.promise;
  });
  const first = bench.call(submissions, options);
  await cut.promise;
  const edges = async () => (await bench.left("edge")).filter(([, upstream]) => upstream === ids[0]).length;
  assert.ok(await edges() > 0);
  await bench.cancel(ids[0]);
  await bench.follow();
  await bench.forget(ids[0]);
  await new Timers(bench.store, bench.values).tick();
  assert.equal(await edges(), 0);
  await bench.clock.run(elsewhere(bench).call(submissions, options));
  assert.equal(await edges(), 0);
  await bench.follow();
  assert.equal(await edges(), 0);
  over.resolve();
  await first.catch((error) => assert.ok(error instanceof ConflictError));
});
