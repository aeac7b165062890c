import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decisionOf,
  DependencyCounters,
  type Join,
  joinWrite,
  stepped,
} from "../../../runtime/store/dependency_counters.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import type { StateType } from "../../../runtime/core/task.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const aJoin = (patch: Partial<Join> = {}): Join => ({
  task: "work",
  left: 2,
  failed: 0,
  first: null,
  allowFailure: false,
  ...patch,
});

Deno.test("a task waits as long as one is left, goes with the last one, and fails with the first failure", () => {
  assert.equal(decisionOf(aJoin()), "wait");
  assert.equal(decisionOf(aJoin({ left: 0 })), "go");
  assert.equal(decisionOf(aJoin({ left: 1, failed: 1 })), "fail");
  assert.equal(decisionOf(aJoin({ left: 0, failed: 1 })), "fail");
  assert.equal(decisionOf(aJoin({ left: 1, failed: 1, allowFailure: true })), "wait");
  assert.equal(decisionOf(aJoin({ left: 0, failed: 2, allowFailure: true })), "go");
});

Deno.test("a step counts an end, takes one back, or turns it into another", () => {
  const join = aJoin();
  const done = stepped(join, { upstream: "a", was: null, is: "COMPLETED" });
  assert.deepEqual(done, aJoin({ left: 1 }));
  assert.deepEqual(join, aJoin(), "the join itself is not changed");
  const failed = stepped(done, { upstream: "b", was: null, is: "FAILED" });
  assert.deepEqual(failed, aJoin({ left: 0, failed: 1, first: "b" }));
  assert.deepEqual(stepped(failed, { upstream: "b", was: "FAILED", is: null }), aJoin({ left: 1 }));
  assert.deepEqual(stepped(failed, { upstream: "b", was: "FAILED", is: "COMPLETED" }), aJoin({ left: 0 }));
  const crashed = stepped(failed, { upstream: "b", was: "FAILED", is: "CRASHED" });
  assert.deepEqual(crashed, aJoin({ left: 0, failed: 1, first: "b" }));
});

Deno.test("the first failure stays the first one", () => {
  const one = stepped(aJoin(), { upstream: "a", was: null, is: "CANCELLED" });
  const two = stepped(one, { upstream: "b", was: null, is: "FAILED" });
  assert.equal(two.first, "a");
  assert.equal(stepped(two, { upstream: "b", was: "FAILED", is: null }).first, "a");
  assert.equal(stepped(two, { upstream: "a", was: "CANCELLED", is: null }).first, null);
});

Deno.test("however upstreams end and are run again, a join says what follows from their ends", () => {
  const ends = fc.constantFrom<StateType | null>(null, "COMPLETED", "FAILED", "CRASHED", "CANCELLED");
  const steps = fc.array(fc.tuple(fc.nat(3), ends), { maxLength: 30 });
  fc.assert(fc.property(steps, (steps) => {
    const now: (StateType | null)[] = [null, null, null, null];
    let join = aJoin({ left: 4 });
    for (const [place, is] of steps) {
      join = stepped(join, { upstream: `u${place}`, was: now[place], is });
      now[place] = is;
    }
    const failed = now.filter((end) => end !== null && end !== "COMPLETED").length;
    assert.deepEqual([join.left, join.failed], [now.filter((end) => end === null).length, failed]);
    if (failed === 0) assert.equal(join.first, null);
    if (join.first !== null) {
      const end = now[Number(join.first[1])];
      assert.ok(end !== null && end !== "COMPLETED", "the first failure is one");
    }
  }));
});

async function put({ kv }: Bench, joins: Record<string, Join>): Promise<void> {
  await kv.writeBlind(Object.entries(joins).map(([id, join]) => joinWrite(id, join)), 0);
}

const step = (join: string, upstream: string, is: StateType | null, was: StateType | null = null) => ({
  join,
  upstream,
  was,
  is,
});

/** Commits what was merged. @returns false if a check failed. */
async function commit(
  { kv }: Bench,
  joins: DependencyCounters,
  steps: ReturnType<typeof step>[],
): Promise<boolean> {
  const merged = await joins.merge(steps);
  const atomic = kv.atomic();
  for (const check of merged.checks) atomic.check(check);
  for (const write of merged.writes) kv.write(atomic, write, 0);
  const result = await kv.commit(atomic);
  if (result.ok) merged.applied(result.versionstamp);
  return result.ok;
}

const joinOf = async ({ kv }: Bench, id: string) => (await kv.get<Join>(keys.join(id))).value;
const hasNote = async ({ kv }: Bench, id: string) => (await kv.get(keys.outbox(id))).versionstamp !== null;

Deno.test("all steps of a commit are one write of each join, and a new decision leaves a note", async () => {
  await using bench = await aBench();
  const joins = new DependencyCounters(bench.kv);
  await put(bench, { a: aJoin({ left: 3 }), b: aJoin({ left: 1 }), c: aJoin() });
  const steps = [step("a", "x", "COMPLETED"), step("b", "x", "COMPLETED"), step("a", "y", "COMPLETED")];
  const merged = await joins.merge(steps);
  assert.deepEqual(merged.checks.map(({ key }) => key), [keys.join("a"), keys.join("b")]);
  assert.equal(merged.writes.filter(({ key }) => key[0] === "join").length, 2);
  assert.ok(await commit(bench, joins, steps));
  assert.deepEqual(await joinOf(bench, "a"), aJoin({ left: 1 }));
  assert.deepEqual(await joinOf(bench, "b"), aJoin({ left: 0 }));
  assert.deepEqual(await joinOf(bench, "c"), aJoin());
  assert.deepEqual([await hasNote(bench, "a"), await hasNote(bench, "b")], [false, true]);
});

Deno.test("a decision that is taken back leaves a note, too", async () => {
  await using bench = await aBench();
  await put(bench, { a: aJoin({ left: 1, failed: 1, first: "x" }) });
  assert.ok(await commit(bench, new DependencyCounters(bench.kv), [step("a", "x", null, "FAILED")]));
  assert.deepEqual(await joinOf(bench, "a"), aJoin());
  assert.ok(await hasNote(bench, "a"));
});

Deno.test("a join that is gone stays so", async () => {
  await using bench = await aBench();
  const merged = await new DependencyCounters(bench.kv).merge([step("a", "x", "COMPLETED")]);
  assert.deepEqual([merged.checks, merged.writes], [[], []]);
});

Deno.test("what another process wrote meanwhile is not written over", async () => {
  await using bench = await aBench();
  const [here, there] = [new DependencyCounters(bench.kv), new DependencyCounters(bench.kv)];
  await put(bench, { a: aJoin({ left: 3 }) });
  assert.ok(await commit(bench, here, [step("a", "x", "COMPLETED")]));
  assert.ok(await commit(bench, there, [step("a", "y", "COMPLETED")]));
  assert.equal(await commit(bench, here, [step("a", "z", "COMPLETED")]), false, "it remembers an old one");
  here.distrust();
  assert.equal(here.known("a"), undefined);
  assert.ok(await commit(bench, here, [step("a", "z", "COMPLETED")]));
  assert.equal((await joinOf(bench, "a"))!.left, 0);
  assert.equal(here.known("a")!.value.left, 0);
});

Deno.test("joins that are written of their own accord are remembered, and forgotten when they go", () => {
  const joins = new DependencyCounters({} as Bench["kv"]);
  joins.wrote("a", aJoin(), "1");
  assert.deepEqual(joins.known("a"), { value: aJoin(), versionstamp: "1" });
  assert.equal(joins.known("b"), undefined);
  joins.wrote("a", undefined, "2");
  assert.equal(joins.known("a"), undefined);
});
