import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  GroupCounters,
  type GroupRecord,
  type GroupStep,
  groupWrite,
} from "../../../runtime/store/group_counters.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { aBench, type Bench, onEachBackend } from "../../support/builders.ts";

const ended = (id: string, patch: Partial<GroupStep> = {}): GroupStep => {
  return { group: "g", id, was: null, is: "COMPLETED", again: false, outside: 0, ...patch };
};

async function make({ kv, clock }: Bench, id: string, total: number): Promise<void> {
  const now = clock.now();
  await kv.writeBlind([groupWrite({ id, total, log: 0, ended: {}, createdAt: now })], now);
}

/** Commits steps as the store does. @returns false for a conflict. */
async function commit({ kv, clock }: Bench, log: GroupCounters, steps: GroupStep[]): Promise<boolean> {
  const merged = await log.merge(steps);
  const atomic = kv.atomic();
  for (const check of merged.checks) atomic.check(check);
  for (const write of merged.writes) kv.write(atomic, write, clock.now());
  const result = await atomic.commit();
  if (result.ok) merged.applied(result.versionstamp);
  else log.distrust();
  return result.ok;
}

const recordOf = async ({ kv }: Bench, group = "g") => (await kv.get<GroupRecord>(keys.group(group))).value!;

const logOf = async ({ kv }: Bench, group = "g") => {
  const page = await kv.list({ prefix: prefixes.groupDone(group) }, { limit: 999 });
  return page.map(({ key }) => [key[3], key[4]]);
};

onEachBackend("ends are counted by state and logged densely, over several commits", async (path) => {
  await using bench = await aBench({ path });
  await make(bench, "g", 4);
  const log = new GroupCounters(bench.kv, bench.clock);
  assert.ok(await commit(bench, log, [ended("a"), ended("b", { is: "FAILED" })]));
  assert.ok(await commit(bench, log, [ended("c")]));
  const { ended: counts, log: length } = await recordOf(bench);
  assert.deepEqual(counts, { COMPLETED: 2, FAILED: 1 });
  assert.equal(length, 3);
  assert.deepEqual(await logOf(bench), [[1, "a"], [2, "b"], [3, "c"]]);
});

Deno.test("an end that is taken back is uncounted and stays logged; the next one is logged as another", async () => {
  await using bench = await aBench();
  await make(bench, "g", 1);
  const log = new GroupCounters(bench.kv, bench.clock);
  await commit(bench, log, [ended("a", { is: "FAILED" })]);
  await commit(bench, log, [ended("a", { was: "FAILED", is: null, again: true })]);
  assert.equal((await recordOf(bench)).ended.FAILED, 0);
  await commit(bench, log, [ended("a", { again: true })]);
  const { ended: counts } = await recordOf(bench);
  assert.deepEqual([counts.FAILED, counts.COMPLETED], [0, 1]);
  assert.deepEqual(await logOf(bench), [[1, "a"], [2, "a"]]);
});

Deno.test("several groups in one commit are kept apart", async () => {
  await using bench = await aBench();
  await make(bench, "g", 1);
  await make(bench, "h", 1);
  const log = new GroupCounters(bench.kv, bench.clock);
  await commit(bench, log, [ended("a"), ended("a", { group: "h" }), ended("b", { group: "h" })]);
  assert.deepEqual(await logOf(bench, "g"), [[1, "a"]]);
  assert.deepEqual(await logOf(bench, "h"), [[1, "a"], [2, "b"]]);
});

Deno.test("two processes never write one place of the log: the slower one conflicts and counts anew", async () => {
  await using bench = await aBench();
  await make(bench, "g", 3);
  const [one, other] = [new GroupCounters(bench.kv, bench.clock), new GroupCounters(bench.kv, bench.clock)];
  assert.ok(await commit(bench, one, [ended("a")]));
  assert.ok(await commit(bench, other, [ended("b")]));
  assert.equal(await commit(bench, one, [ended("c")]), false, "it knows an old version");
  assert.ok(await commit(bench, one, [ended("c")]));
  assert.deepEqual(await logOf(bench), [[1, "a"], [2, "b"], [3, "c"]]);
  assert.equal((await recordOf(bench)).ended.COMPLETED, 3);
});

Deno.test("a group whose retention is over takes nothing along", async () => {
  await using bench = await aBench();
  const merged = await new GroupCounters(bench.kv, bench.clock).merge([ended("a")]);
  assert.deepEqual([merged.checks, merged.writes], [[], []]);
});
