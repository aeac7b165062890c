// Taking back what has completed of a group, whatever becomes of the answers of commits, and whoever does it.

import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { isForgotten, isTerminal, type TaskRecord } from "../../../../runtime/core/task.ts";
import { keys, prefixes } from "../../../../runtime/platform/keys.ts";
import type { GroupRecord } from "../../../../runtime/store/group_record.ts";
import { decode } from "../../../../runtime/store/record_codec.ts";
import { type Composing, composing, elsewhere } from "../../../support/composing.ts";
import { FaultyKv, type Mishap, MISHAPS } from "../../../support/faulty_kv.ts";

const compensate = { task: "work" };

interface Failed {
  bench: Composing;
  group: string;
  /** In the order in which they completed. */
  completed: string[];
}

/** A group whose last task has failed, and of which nothing is taken back yet. */
async function aFailedGroup(faulty = new FaultyKv()): Promise<Failed> {
  const bench = await composing({ wrap: faulty.wrap });
  const tasks = [{ options: { compensate } }, { options: { compensate } }, {}, {
    input: "x".repeat(20_000),
    options: { compensate },
  }, {}];
  const [a, b, plain, c, bad] = await bench.call(tasks, { group: true });
  const completed = [b.id, c.id, a.id];
  await bench.run(plain.id);
  for (const id of completed) await bench.run(id);
  await bench.run(bad.id, "fails");
  return { bench, group: a.groups[0], completed };
}

async function compensationsOf({ kv }: Composing): Promise<TaskRecord[]> {
  const rows = await kv.list<Uint8Array>({ prefix: prefixes.task }, { limit: 100 });
  return rows.map(({ value }) => decode(value)).filter((one): one is TaskRecord => {
    return !isForgotten(one) && one.compensates !== undefined;
  });
}

async function groupOf({ kv }: Composing, id: string): Promise<GroupRecord> {
  return (await kv.get<GroupRecord>(keys.group(id))).value!;
}

/** Follows, and runs what is submitted, until there is nothing more. @returns which were taken back */
async function takeBack(bench: Composing, follow: () => Promise<unknown>): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    await bench.clock.run(follow());
    const open = (await compensationsOf(bench)).filter((one) => !isTerminal(one));
    if (open.length === 0) return taken;
    assert.equal(open.length, 1, "one after the other");
    taken.push(open[0].compensates!);
    await bench.clock.run(bench.run(open[0].id));
  }
}

for (const mishap of MISHAPS) {
  Deno.test(`each is taken back once, whichever commit was ${mishap}`, async () => {
    for (let nth = 0;; nth++) {
      const faulty = new FaultyKv();
      const { bench, group, completed } = await aFailedGroup(faulty);
      await using _ = bench;
      faulty.next.push(...Array<Mishap>(nth), mishap);
      assert.deepEqual(await takeBack(bench, () => bench.follow()), completed.toReversed());
      const { outcome, compensation } = await groupOf(bench, group);
      assert.equal(outcome?.type, "FAILED");
      assert.deepEqual([compensation!.total, compensation!.started], [3, 3]);
      assert(compensation!.ended !== undefined);
      const own = await groupOf(bench, compensation!.group!);
      assert.deepEqual([own.total, own.ended], [3, { COMPLETED: 3 }]);
      // So many commits there are.
      if (faulty.next.length > 0) break;
    }
  });
}

Deno.test("two processes that take back at once make each task once", async () => {
  const { bench, group, completed } = await aFailedGroup();
  await using _ = bench;
  const other = elsewhere(bench);
  const both = () => Promise.all([bench.follow(), other.follow()]);
  assert.deepEqual(await takeBack(bench, both), completed.toReversed());
  assert.equal((await compensationsOf(bench)).length, 3);
  assert.equal((await groupOf(bench, group)).outcome?.type, "FAILED");
});

Deno.test("one that is retried while the next one's turn comes is waited for", async () => {
  const { bench, completed } = await aFailedGroup();
  await using _ = bench;
  await bench.follow();
  const [first] = await compensationsOf(bench);
  await bench.run(first.id, "fails");
  await bench.retry(first.id);
  await bench.follow();
  assert.equal((await compensationsOf(bench)).length, 1);
  await bench.run(first.id);
  assert.deepEqual(await takeBack(bench, () => bench.follow()), completed.toReversed().slice(1));
});

Deno.test("a group that completes takes nothing back, and a task of it without a compensation is none", async () => {
  await using bench = await composing();
  const [a, b] = await bench.call([{ options: { compensate } }, {}], { group: true });
  await bench.run(a.id);
  await bench.run(b.id);
  await bench.follow();
  const { outcome, compensation } = await groupOf(bench, a.groups[0]);
  assert.equal(outcome?.type, "COMPLETED");
  assert.deepEqual(compensation, { total: 1 });
  assert.deepEqual(await compensationsOf(bench), []);
});
