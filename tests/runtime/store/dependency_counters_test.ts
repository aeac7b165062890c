import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  counterWrite,
  decisionOf,
  type DependencyCounter,
  DependencyCounters,
  isSkip,
  stepped,
} from "../../../runtime/store/dependency_counters.ts";
import { newTally } from "../../../runtime/core/conditions.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import type { StateType } from "../../../runtime/core/states.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const aCounter = (patch: Partial<DependencyCounter> = {}): DependencyCounter => ({
  task: "work",
  left: 2,
  failed: 0,
  first: null,
  allowFailure: false,
  ...patch,
});

Deno.test("a task waits as long as one is left, goes with the last one, and fails with the first failure", () => {
  assert.equal(decisionOf(aCounter()), "wait");
  assert.equal(decisionOf(aCounter({ left: 0 })), "go");
  assert.equal(decisionOf(aCounter({ left: 1, failed: 1 })), "fail");
  assert.equal(decisionOf(aCounter({ left: 0, failed: 1 })), "fail");
  assert.equal(decisionOf(aCounter({ left: 1, failed: 1, allowFailure: true })), "wait");
  assert.equal(decisionOf(aCounter({ left: 0, failed: 2, allowFailure: true })), "go");
});

Deno.test("a step counts an end, takes one back, or turns it into another", () => {
  const counter = aCounter();
  const done = stepped(counter, { upstream: "a", was: null, is: "COMPLETED" });
  assert.deepEqual(done, aCounter({ left: 1 }));
  assert.deepEqual(counter, aCounter(), "the counter itself is not changed");
  const failed = stepped(done, { upstream: "b", was: null, is: "FAILED" });
  assert.deepEqual(failed, aCounter({ left: 0, failed: 1, first: "b" }));
  assert.deepEqual(stepped(failed, { upstream: "b", was: "FAILED", is: null }), aCounter({ left: 1 }));
  assert.deepEqual(stepped(failed, { upstream: "b", was: "FAILED", is: "COMPLETED" }), aCounter({ left: 0 }));
  const crashed = stepped(failed, { upstream: "b", was: "FAILED", is: "CRASHED" });
  assert.deepEqual(crashed, aCounter({ left: 0, failed: 1, first: "b" }));
});

Deno.test("the first failure stays the first one", () => {
  const one = stepped(aCounter(), { upstream: "a", was: null, is: "CANCELLED" });
  const two = stepped(one, { upstream: "b", was: null, is: "FAILED" });
  assert.equal(two.first, "a");
  assert.equal(stepped(two, { upstream: "b", was: "FAILED", is: null }).first, "a");
  assert.equal(stepped(two, { upstream: "a", was: "CANCELLED", is: null }).first, null);
});

Deno.test("upstreams that were skipped skip, whoever ended before them; one that fails does not", () => {
  const tally = newTally({ each: { a: { on: ["COMPLETED"] } } });
  const missed = stepped(aCounter({ left: 3, tally }), { upstream: "a", was: null, is: "FAILED" });
  const skipped = stepped(missed, { upstream: "b", was: null, is: "SKIPPED" });
  assert.equal(decisionOf(skipped), "fail");
  assert.deepEqual([isSkip(missed), isSkip(skipped), skipped.first], [true, true, "a"]);
  const failed = stepped(skipped, { upstream: "c", was: null, is: "CANCELLED" });
  assert.deepEqual([isSkip(failed), failed.first], [false, "c"], "its error is the one to be told");
  const again = stepped(failed, { upstream: "c", was: "CANCELLED", is: "SKIPPED" });
  assert.equal(isSkip(again), true);
  const both = stepped(again, { upstream: "b", was: "SKIPPED", is: "FAILED" });
  assert.deepEqual([isSkip(both), both.failed, both.skipped], [false, 2, 1]);
});

Deno.test("however upstreams end and are run again, a counter says what follows from their ends", () => {
  const ends = fc.constantFrom<StateType | null>(null, "COMPLETED", "FAILED", "CRASHED", "CANCELLED");
  const steps = fc.array(fc.tuple(fc.nat(3), ends), { maxLength: 30 });
  fc.assert(fc.property(steps, (steps) => {
    const now: (StateType | null)[] = [null, null, null, null];
    let counter = aCounter({ left: 4 });
    for (const [place, is] of steps) {
      counter = stepped(counter, { upstream: `u${place}`, was: now[place], is });
      now[place] = is;
    }
    const failed = now.filter((end) => end !== null && end !== "COMPLETED").length;
    assert.deepEqual([counter.left, counter.failed], [now.filter((end) => end === null).length, failed]);
    if (failed === 0) assert.equal(counter.first, null);
    if (counter.first !== null) {
      const end = now[Number(counter.first[1])];
      assert.ok(end !== null && end !== "COMPLETED", "the first failure is one");
    }
  }));
});

async function put({ kv }: Bench, counters: Record<string, DependencyCounter>): Promise<void> {
  await kv.writeBlind(Object.entries(counters).map(([id, counter]) => counterWrite(id, counter)), 0);
}

const step = (dependent: string, upstream: string, is: StateType | null, was: StateType | null = null) => ({
  dependent,
  upstream,
  was,
  is,
});

/** Commits what was merged. @returns false if a check failed. */
async function commit(
  { kv }: Bench,
  counters: DependencyCounters,
  steps: ReturnType<typeof step>[],
): Promise<boolean> {
  const merged = await counters.merge(steps);
  const atomic = kv.atomic();
  for (const check of merged.checks) atomic.check(check);
  for (const write of merged.writes) kv.write(atomic, write, 0);
  const result = await kv.commit(atomic);
  if (result.ok) merged.applied(result.versionstamp);
  return result.ok;
}

const counterOf = async ({ kv }: Bench, id: string) =>
  (await kv.get<DependencyCounter>(keys.dependencyCounter(id))).value;
const hasNote = async ({ kv }: Bench, id: string) => (await kv.get(keys.outbox(id))).versionstamp !== null;

Deno.test("all steps of a commit are one write of each counter, and a new decision writes an outbox entry", async () => {
  await using bench = await aBench();
  const counters = new DependencyCounters(bench.kv);
  await put(bench, { a: aCounter({ left: 3 }), b: aCounter({ left: 1 }), c: aCounter() });
  const steps = [step("a", "x", "COMPLETED"), step("b", "x", "COMPLETED"), step("a", "y", "COMPLETED")];
  const merged = await counters.merge(steps);
  assert.deepEqual(merged.checks.map(({ key }) => key), [
    keys.dependencyCounter("a"),
    keys.dependencyCounter("b"),
  ]);
  assert.equal(merged.writes.filter(({ key }) => key[0] === "join").length, 2);
  assert.ok(await commit(bench, counters, steps));
  assert.deepEqual(await counterOf(bench, "a"), aCounter({ left: 1 }));
  assert.deepEqual(await counterOf(bench, "b"), aCounter({ left: 0 }));
  assert.deepEqual(await counterOf(bench, "c"), aCounter());
  assert.deepEqual([await hasNote(bench, "a"), await hasNote(bench, "b")], [false, true]);
});

Deno.test("a decision that is taken back writes an outbox entry, too", async () => {
  await using bench = await aBench();
  await put(bench, { a: aCounter({ left: 1, failed: 1, first: "x" }) });
  assert.ok(await commit(bench, new DependencyCounters(bench.kv), [step("a", "x", null, "FAILED")]));
  assert.deepEqual(await counterOf(bench, "a"), aCounter());
  assert.ok(await hasNote(bench, "a"));
});

Deno.test("a counter that is gone stays so", async () => {
  await using bench = await aBench();
  const merged = await new DependencyCounters(bench.kv).merge([step("a", "x", "COMPLETED")]);
  assert.deepEqual([merged.checks, merged.writes], [[], []]);
});

Deno.test("what another process wrote meanwhile is not written over", async () => {
  await using bench = await aBench();
  const [here, there] = [new DependencyCounters(bench.kv), new DependencyCounters(bench.kv)];
  await put(bench, { a: aCounter({ left: 3 }) });
  assert.ok(await commit(bench, here, [step("a", "x", "COMPLETED")]));
  assert.ok(await commit(bench, there, [step("a", "y", "COMPLETED")]));
  assert.equal(await commit(bench, here, [step("a", "z", "COMPLETED")]), false, "it remembers an old one");
  here.distrust();
  assert.equal(here.known("a"), undefined);
  assert.ok(await commit(bench, here, [step("a", "z", "COMPLETED")]));
  assert.equal((await counterOf(bench, "a"))!.left, 0);
  assert.equal(here.known("a")!.value.left, 0);
});

Deno.test("counters that are written of their own accord are remembered, and forgotten when they go", () => {
  const counters = new DependencyCounters({} as Bench["kv"]);
  counters.wrote("a", aCounter(), "1");
  assert.deepEqual(counters.known("a"), { value: aCounter(), versionstamp: "1" });
  assert.equal(counters.known("b"), undefined);
  counters.wrote("a", undefined, "2");
  assert.equal(counters.known("a"), undefined);
});
