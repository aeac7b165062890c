// A call of several commits whose group another process has counted, because the call stood still.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError } from "../../../runtime/core/errors.ts";
import type { GroupOptions } from "../../../runtime/core/group_policy.ts";
import { recountGroup } from "../../../runtime/maintenance/cut_off_calls.ts";
import { prefixes } from "../../../runtime/platform/keys.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { type GroupRecord, groupRecord } from "../../../runtime/store/group_counters.ts";
import { endOfGroup } from "../../../runtime/store/group_record.ts";
import { batchOf, type Composing, composing, elsewhere } from "../../support/composing.ts";

const LIMITS = { ...EMBEDDED_LIMITS, mutations: 60 };
const isGivenUp = (error: unknown) => error instanceof ConflictError && /was given up/.test(error.message);

/** Calls `meanwhile` once, after the first commit, or before the second one reaches KV. */
function between({ kv }: Composing, moment: "after" | "before", meanwhile: () => Promise<void>): void {
  const { commit } = kv;
  let commits = 0;
  kv.commit = async (...args) => {
    commits++;
    if (moment === "before" && commits === 1) return await commit.apply(kv, args);
    kv.commit = commit;
    if (moment === "before") await meanwhile();
    const result = await commit.apply(kv, args);
    if (moment === "after") await meanwhile();
    return result;
  };
}

/** Runs all tasks that are stored, and counts their group. @returns the group after that */
async function runAndCount(bench: Composing, outcome: "completes" | "fails"): Promise<GroupRecord> {
  const there = elsewhere(bench);
  for (const [, id] of await there.left("task")) await there.run(id as string, outcome);
  const [timer] = await there.kv.list({ prefix: prefixes.due("recount") }, { limit: 1 });
  const group = timer.key[3] as string;
  await recountGroup(there.store, group, timer);
  await there.follow();
  return (await groupRecord(there.kv, group))!;
}

const submissionsOf = (isUnique: boolean) =>
  Array.from({ length: 40 }, (_, n) => ({
    options: isUnique ? { unique: { key: `k${n}` } } : {},
    compensate: { task: "work" },
  }));

const ways = (["after", "before"] as const).flatMap((moment) =>
  (["completes", "fails"] as const).flatMap((outcome) =>
    [false, true].flatMap((isUnique) =>
      [false, true].map((hasKey) => ({ moment, outcome, isUnique, hasKey }))
    )
  )
);

Deno.test("a call whose group was counted, and has ended, stores no more in it", async () => {
  for (const { moment, outcome, isUnique, hasKey } of ways) {
    const name = JSON.stringify({ moment, outcome, isUnique, hasKey });
    await using bench = await composing({ limits: LIMITS });
    const { kv } = bench;
    let ended: GroupRecord | null = null;
    between(bench, moment, async () => void (ended = await runAndCount(bench, outcome)));
    const policy: GroupOptions = { onFailure: "continue" };
    const idempotency = hasKey ? { key: "k", fingerprint: "f" } : undefined;
    const call = { batch: batchOf(submissionsOf(isUnique)), group: true, policy, idempotency };
    await assert.rejects(bench.clock.run(bench.submitter.submit(call)), isGivenUp, name);
    const { id, total } = ended!;
    assert.ok(total > 0 && total < 40, `${total}`);
    assert.equal(endOfGroup(ended!), outcome === "completes" ? "COMPLETED" : "FAILED");
    if (hasKey) {
      const again = bench.clock.run(elsewhere(bench).submitter.submit(call));
      await assert.rejects(again, isGivenUp, `${name}: a repeat`);
    }
    assert.equal((await bench.left("task")).length, total, name);
    const left = await groupRecord(kv, id);
    assert.deepEqual([left!.total, left!.outcome], [total, ended!.outcome], name);
    assert.deepEqual(await kv.list({ prefix: prefixes.due("recount") }, { limit: 1 }), []);
  }
});

Deno.test("a call that is taken up before its group is counted goes on", async () => {
  await using bench = await composing({ limits: LIMITS });
  const { kv, store } = bench;
  const batch = batchOf(submissionsOf(false));
  const call = { batch, group: true, policy: {}, idempotency: { key: "k", fingerprint: "f" } };
  const [cut, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  using _ = { [Symbol.dispose]: over.resolve };
  const { commit } = kv;
  let commits = 0;
  kv.commit = async (...args) => {
    if (++commits === 1) return await commit.apply(kv, args);
    cut.resolve();
    await over.promise;
    return { ok: false };
  };
  const first = bench.submitter.submit(call);
  await cut.promise;
  kv.commit = commit;
  const [timer] = await kv.list({ prefix: prefixes.due("recount") }, { limit: 1 });
  bench.clock.advance(5_000);
  const { groupId } = await bench.clock.run(elsewhere(bench).submitter.submit(call));
  // That timer is not the call's any more.
  await recountGroup(store, groupId!, timer);
  assert.equal((await groupRecord(kv, groupId!))!.total, 40);
  assert.equal((await bench.left("task")).length, 40);
  over.resolve();
  assert.equal((await bench.clock.run(first)).groupId, groupId);
});
