import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ANYBODY } from "../../../runtime/core/caller.ts";
import { turnsOf } from "../../../runtime/core/fairness.ts";
import { type Entry, stateOf, type TaskRecord } from "../../../runtime/core/task.ts";
import { claimed, settled, submitted } from "../../../runtime/core/transitions.ts";
import { setLimitRule } from "../../../runtime/commands/limit_rules.ts";
import { EMBEDDED_LIMITS, REMOTE_LIMITS } from "../../../runtime/platform/kv.ts";
import type { LimitCounter } from "../../../runtime/store/limit_tally.ts";
import { Store } from "../../../runtime/store/store.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { aBench, aDraft, type Bench, keys, upTo } from "../../support/builders.ts";

const one = (key: string, onFull?: "reject") => ({ limits: [{ key, limit: 1, onFull }] });

async function counter({ kv }: Bench, key: string): Promise<LimitCounter | null> {
  return (await kv.get<LimitCounter>(keys.limit(`\n${key}`))).value;
}

/** The task runs, and its attempt ends so. */
async function runTo(bench: Bench, { record }: Entry, kind: "completed" | "released"): Promise<TaskRecord> {
  const now = bench.clock.now();
  const outcome = kind === "completed" ? { kind, result: { json: "1" } } : { kind };
  await bench.store.update("claim", record.id, (entry) => {
    return { next: claimed(entry.record as TaskRecord, now, { worker: "w", token: "t" }) };
  });
  await bench.store.update("settle", record.id, (entry) => {
    return { next: settled(entry.record as TaskRecord, now, outcome, () => 0) };
  });
  return await bench.record(record.id);
}

Deno.test("a new task does not overtake one that waits, though a slot is free", async () => {
  // Of a server: there another commit than the one that frees a slot gives it to who waits.
  await using bench = await aBench({ limits: REMOTE_LIMITS });
  const [first] = await bench.submit(one("k"), one("k"));
  await runTo(bench, first, "completed");
  const [third] = await bench.submit(one("k"));
  assert.ok(third.record.parked);
  const { held, waiting } = (await counter(bench, "k"))!;
  assert.deepEqual([held, waiting], [0, 2]);
});

Deno.test("a call that is refused takes no slot, also where others share its commit", async () => {
  await using bench = await aBench();
  await bench.submit(one("full"));
  const { store, clock } = bench;
  const unit = (...patches: Partial<TaskRecord>[]) => {
    const changes = patches.map((patch) => ({
      before: null,
      next: submitted(aDraft({ id: bench.ids.id(), ...patch }), clock.now()),
    }));
    return store.commit("submit", changes, { fresh: true });
  };
  const [refused, stored] = await Promise.all([unit(one("a"), one("full", "reject")), unit(one("b"))]);
  assert.deepEqual([refused, stored?.length], [null, 1]);
  assert.deepEqual([await counter(bench, "a"), (await counter(bench, "b"))?.held], [null, 1]);
});

Deno.test("a task that has to wait for its place in a rate gives its slots back meanwhile", async () => {
  await using bench = await aBench();
  const rates = [{ key: "r", limit: 1, periodMs: 60_000 }];
  const [entry] = await bench.submit({ ...one("k"), rates });
  assert.equal((await counter(bench, "k"))?.held, 1);
  const again = await runTo(bench, entry, "released");
  assert.deepEqual([stateOf(again).name, again.held], ["AwaitingRateLimit", undefined]);
  assert.equal((await counter(bench, "k"))?.held, 0);
});

Deno.test("a limit that begins beside a change of the rules begins with the new ones", async () => {
  await using bench = await aBench();
  const { kv, clock, ids, store } = bench;
  await store.limits.rules.known("");
  await setLimitRule(new Store({ kv, clock, ids }), ANYBODY, "k", { concurrency: 0 });
  const [{ record }] = await bench.submit(one("k"));
  assert.match(stateOf(record).message!, /at most 0 at once, by the rule "k"/);
});

Deno.test("a limit that was not there is full once another process has come to use it", async () => {
  await using bench = await aBench();
  const { kv, clock, ids, store } = bench;
  await store.limits.gate([{ changes: [], limitSteps: [], limitNames: ["\nk"], isGated: false }]);
  const next = submitted(aDraft({ id: ids.id(), ...one("k") }), clock.now());
  await new Store({ kv, clock, ids }).commit("submit", [{ before: null, next }], { fresh: true });
  const [{ record }] = await bench.submit(one("k"));
  assert.ok(record.parked);
  const { held, waiting } = (await counter(bench, "k"))!;
  assert.deepEqual([held, waiting], [1, 1]);
});

Deno.test("a claim takes no more tasks than its commit has checks for, with the turns that they give back", async () => {
  await using bench = await aBench({ limits: { ...EMBEDDED_LIMITS, checks: 10 } });
  const keyed = Array.from({ length: 12 }, (_, i) => ({ limits: [turnsOf({ key: `k${i}` }, 0)] }));
  for (const patch of keyed) await bench.submit(patch);
  const taken = [];
  for (let claims = 0; taken.length < 12 && claims < 12; claims++) {
    const { entries } = await claim(bench.store, { worker: "w", shard: 0, ...upTo(100) });
    assert.ok(entries.length <= 4, `${entries.length} at once`);
    taken.push(...entries);
  }
  assert.equal(taken.length, 12);
});
