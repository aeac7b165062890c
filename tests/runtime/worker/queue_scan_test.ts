import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { RunnerKind } from "../../../runtime/core/define.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { queueKeyOf, type ReadyBlock } from "../../../runtime/store/ready_queue.ts";
import { claim, type Claimed } from "../../../runtime/worker/claim.ts";
import type { Budgets, Hints } from "../../../runtime/worker/queue_scan.ts";
import { ShardStates } from "../../../runtime/worker/shard_states.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const runnerOf = (task: string): RunnerKind | null => {
  return task === "crunch" ? "thread" : task === "work" ? "inline" : null;
};

const take = (bench: Bench, budgets: Partial<Budgets>, hints?: Hints) => {
  const all = { inline: 0, thread: 0, ...budgets };
  return claim(bench.store, { worker: "w", shard: 0, budgets: all, runnerOf, hints });
};

const idsOf = ({ entries }: Claimed) => entries.map(({ record }) => record.id);

/** Blocks of one task each, as single submits leave them. */
async function many(bench: Bench, count: number, task: string): Promise<void> {
  const writes = Array.from({ length: count }, (_, i) => {
    const value: ReadyBlock = { ids: [`${task}-${i}`], tasks: [task] };
    return { key: keys.ready(0, 0, i, "b"), value };
  });
  for (let at = 0; at < count; at += 100) await bench.kv.writeBlind(writes.slice(at, at + 100), 0);
}

/** Counts the blocks that are read. */
function countReads(bench: Bench) {
  const reads = { blocks: 0 };
  const { list } = bench.kv;
  bench.kv.list = (async (...args: Parameters<typeof list>) => {
    const found = await list.apply(bench.kv, args);
    reads.blocks += found.length;
    return found;
  }) as typeof list;
  return reads;
}

Deno.test("a claim takes of each kind as many as have a slot, each in the order of the queue", async () => {
  await using bench = await aBench();
  const entries = await bench.submit(
    ...["crunch", "crunch", "work", "crunch", "work", "work"].map((task) => ({ task })),
  );
  const ids = entries.map(({ record }) => record.id);
  const first = await take(bench, { inline: 2, thread: 1 });
  assert.deepEqual(idsOf(first), [ids[0], ids[2], ids[4]]);
  assert.deepEqual(first.more, { inline: true, thread: true });
  const second = await take(bench, { inline: 2 });
  assert.deepEqual([idsOf(second), second.more], [[ids[5]], { inline: false, thread: true }]);
  const third = await take(bench, { inline: 2, thread: 5 });
  assert.deepEqual([idsOf(third), third.more], [[ids[1], ids[3]], { inline: false, thread: false }]);
});

Deno.test("tasks that wait for a thread are read once, and then passed over, however many they are", async () => {
  await using bench = await aBench();
  await many(bench, 3_000, "crunch");
  const reads = countReads(bench);
  const empty = await take(bench, { inline: 5 });
  assert.deepEqual([idsOf(empty), empty.more], [[], { inline: false, thread: true }]);
  assert.ok(reads.blocks >= 3_000);
  let { hints } = empty;
  for (let round = 0; round < 3; round++) {
    const [{ record }] = await bench.submit({});
    reads.blocks = 0;
    const found = await take(bench, { inline: 5 }, hints);
    assert.deepEqual([idsOf(found), found.more.inline], [[record.id], false]);
    assert.ok(reads.blocks <= 100, `${reads.blocks} blocks were read`);
    hints = found.hints;
  }
  const both = await take(bench, { inline: 5, thread: 2 }, hints);
  assert.equal(both.more.thread, true);
});

Deno.test("a larger priority is found ahead of what is passed over", async () => {
  await using bench = await aBench();
  await many(bench, 500, "crunch");
  const { hints } = await take(bench, { inline: 5 });
  const [low, high] = await bench.submit({}, { priority: 5 });
  assert.deepEqual(idsOf(await take(bench, { inline: 5 }, hints)), [high.record.id, low.record.id]);
});

Deno.test("a claim that loses a task ahead of what it passes over looks at all again", async () => {
  await using bench = await aBench();
  await many(bench, 500, "crunch");
  const { hints } = await take(bench, { inline: 1 });
  await bench.submit({ priority: 5 }, { priority: 5 });
  const { hints: after } = await take(bench, { inline: 1 }, hints);
  assert.equal(after.skips.inline, undefined);
});

Deno.test("a queue that names what no longer waits is cleared many names at a time, also for a single slot", async () => {
  await using bench = await aBench();
  const entries = await bench.submit(...Array(60).fill({ task: "crunch" }));
  for (const entry of entries.slice(0, 59)) {
    await bench.store.commit("settle", [{ before: entry, next: cancelled(entry.record, 0, null) }]);
  }
  const taken: string[] = [];
  let hints: Hints | undefined, claims = 0;
  for (let more: boolean | undefined = true; more; claims++) {
    const found = await take(bench, { thread: 1 }, hints);
    taken.push(...idsOf(found));
    ({ hints, more: { thread: more } } = found);
  }
  assert.deepEqual(taken, [entries[59].record.id]);
  assert.ok(claims <= 3, `${claims} claims`);
});

Deno.test("no more than a commit takes is claimed, whatever the kinds", async () => {
  await using bench = await aBench();
  await bench.submit(...Array(80).fill({}), ...Array(80).fill({ task: "crunch" }));
  const first = await take(bench, { inline: 80, thread: 80 });
  assert.deepEqual([first.entries.length, first.more.thread], [100, true]);
  assert.equal((await take(bench, { inline: 80, thread: 80 }, first.hints)).entries.length, 60);
});

const skipsOf = (states: ShardStates) => states.next(new Set([0]), ["inline"])!.hints.skips;

/** The states of a queue in which a claim has passed over many tasks. */
async function somePassed(bench: Bench) {
  await many(bench, 50, "crunch");
  const states = new ShardStates(bench.store);
  states.wantAll();
  const state = states.next(new Set([0]), ["inline"])!;
  const round = async () => {
    states.begin(state, ["inline"]);
    const result = await take(bench, { inline: 1 }, state.hints);
    return () => states.end(state, { ...result, more: { inline: true } });
  };
  (await round())();
  assert.deepEqual(skipsOf(states).inline, keys.ready(0, 0, 49, "b"));
  return { states, round };
}

Deno.test("what this process puts where claims skip is not skipped, also while a claim is under way", async () => {
  await using bench = await aBench();
  const { states, round } = await somePassed(bench);
  const behind: TaskRecord = (await bench.submit({}))[0].record;
  states.added("inline", queueKeyOf(behind, 1));
  assert.ok(skipsOf(states).inline);
  states.added("inline", keys.ready(0, 0, 7.5, "b"));
  assert.equal(skipsOf(states).inline, undefined);
  const end = await round();
  states.added("inline", keys.ready(0, 0, 7.5, "b"));
  end();
  assert.equal(skipsOf(states).inline, undefined);
});

Deno.test("now and then a claim skips nothing: another clock may have put a task there", async () => {
  await using bench = await aBench();
  const { states } = await somePassed(bench);
  const state = states.next(new Set([0]), ["inline"])!;
  bench.clock.advance(9_999);
  states.begin(state, ["inline"]);
  assert.ok(state.hints.skips.inline);
  bench.clock.advance(1);
  states.begin(state, ["inline"]);
  assert.equal(state.hints.skips.inline, undefined);
});
