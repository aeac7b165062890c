import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError } from "../../../runtime/core/errors.ts";
import { type Barrier, isBehindBarrier } from "../../../runtime/dependencies/barrier.ts";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { barrierId } from "../../../runtime/platform/outbox_subject.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import type { Submission } from "../../../runtime/core/submission.ts";
import { type Composing, composing, elsewhere, ownIds } from "../../support/composing.ts";

/** Few mutations, so that a handful of tasks takes several commits. */
const TIGHT = { ...EMBEDDED_LIMITS, checks: 10, mutations: 60 };

/** Lets `meanwhile` do something after each commit of the call but the last one. */
async function between(
  bench: Composing,
  submissions: Partial<Submission>[],
  meanwhile: (there: Composing) => Promise<unknown>,
): Promise<void> {
  const there = elsewhere(bench);
  const { commit } = bench.kv;
  let isInside = false;
  bench.kv.commit = async (...args) => {
    const result = await commit.apply(bench.kv, args);
    const { value } = await bench.kv.get<Barrier>(keys.barrier(barrierId(submissions[0].id!)));
    if (isInside || !value || value.sealed) return result;
    isInside = true;
    await meanwhile(there);
    isInside = false;
    return result;
  };
  await bench.call(submissions, { atomic: true });
  bench.kv.commit = commit;
}

const stored = async (bench: Composing, ids: string[]) =>
  (await bench.store.peekMany(ids)).flatMap((entry) => entry ? [entry.record.id] : []);

Deno.test("a task that was cancelled and retried does not start before its call is stored whole", async () => {
  const [head, ...others] = ownIds(60);
  const kinds: Record<string, [Partial<Submission>[], unknown]> = {
    "waits for nothing": [[head, ...others].map((id) => ({ id })), undefined],
    "waits for a task of the call, and gets an input of its own": [
      [{ id: head }, ...others.map((id) => ({ id, options: { waitFor: [head] } }))],
      "anew",
    ],
    "has more dependents than one commit puts back": [
      [...others.map((id) => ({ id, options: { waitFor: [head] } })), { id: head }],
      undefined,
    ],
  };
  for (const [kind, [submissions, input]] of Object.entries(kinds)) {
    await using bench = await composing({ limits: TIGHT });
    const ids = submissions.map(({ id }) => id!);
    const started = new Set<string>();
    const refused = new Set<string>();
    await between(bench, submissions, async (there) => {
      for (const id of await stored(there, ids)) {
        if (refused.size === 3 || refused.has(id)) continue;
        await there.cancel(id);
        await there.follow();
        await there.retry(id, input).catch((error) => {
          assert.ok(error instanceof ConflictError, String(error));
          refused.add(id);
        });
        await there.follow();
        if (await there.state(id) === "Pending") started.add(id);
      }
    });
    assert.deepEqual([...started], [], kind);
    assert.equal(refused.size, 3, kind);
    await bench.follow();
    for (const id of refused) await bench.retry(id, "anew");
    await bench.follow();
    for (const id of refused) assert.equal(await bench.state(id), "Pending", kind);
    assert.deepEqual(await bench.left("outbox", "due"), [], kind);
  }
});

Deno.test("a lost counter is not made anew while the barrier of its call holds the task back", async () => {
  await using bench = await composing({ limits: TIGHT });
  const [{ id: done }] = await bench.call([{}]);
  await bench.run(done);
  const submissions = ownIds(40).map((id) => ({ id, options: { waitFor: [done] } }));
  const ids = submissions.map(({ id }) => id);
  const early: string[] = [];
  let lost: string | null = null;
  await between(bench, submissions, async (there) => {
    if (lost !== null) return;
    [lost] = await stored(there, ids);
    assert.ok(await isBehindBarrier(there.store, lost));
    await there.kv.writeBlind([{ key: keys.dependencyCounter(lost) }], 0);
    await new Reconciler(there.store, there.values).tick();
    await there.follow();
    if (await there.state(lost) !== "AwaitingDependencies") early.push(lost);
  });
  assert.deepEqual(early, []);
  assert.ok(!await isBehindBarrier(bench.store, lost!));
  await new Reconciler(bench.store, bench.values).tick();
  await bench.follow();
  assert.equal(await bench.state(lost!), "Pending");
});
