// A call of many commits and the total of its group.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { recountGroup } from "../../../runtime/maintenance/cut_off_calls.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import type { GroupRecord } from "../../../runtime/store/group_counters.ts";
import { batchOf, composing, elsewhere } from "../../support/composing.ts";

Deno.test("the total of a group is right when its call has ended, also if it was counted on the way", async () => {
  for (const atomic of [false, true]) {
    await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, mutations: 100 } });
    const { commit } = bench.kv;
    let counts = 0;
    bench.kv.commit = async (...args) => {
      const result = await commit.apply(bench.kv, args);
      bench.kv.commit = commit;
      const [timer] = await bench.kv.list({ prefix: prefixes.due("recount") }, { limit: 1 });
      if (timer) {
        // Another process takes the call for cut off.
        counts++;
        await recountGroup(bench.store, timer.key[3] as string, timer);
      }
      return result;
    };
    const submissions = Array.from({ length: 300 }, () => ({}));
    const { groupId } = await bench.submitter.submit({ batch: batchOf(submissions), group: true, atomic });
    assert.equal(counts, 1);
    const { value } = await bench.kv.get<GroupRecord>(keys.group(groupId!));
    assert.equal(value!.total, 300);
    assert.deepEqual((await bench.left("due")).filter(([, kind]) => kind === "recount"), []);
  }
});

Deno.test("tasks of a cut-off call that have ended and are gone are not made again when it is resumed", async () => {
  for (const atomic of [false, true]) {
    const bench = await composing({ limits: { ...EMBEDDED_LIMITS, checks: 10, mutations: 30 } });
    const submissions = Array.from({ length: 120 }, () => ({ options: { retentionMs: 1_000 } }));
    const call = { batch: batchOf(submissions), atomic, idempotency: { key: "k", fingerprint: "f" } };
    const { commit } = bench.kv;
    const cut = Promise.withResolvers<"cut">();
    let commits = 0;
    bench.kv.commit = (...args) => {
      if (commits++ < 1) return commit.apply(bench.kv, args);
      cut.resolve("cut");
      return new Promise(() => {});
    };
    assert.equal(await Promise.race([bench.submitter.submit(call), cut.promise]), "cut");
    bench.kv.commit = commit;
    const there = elsewhere(bench);
    const ended = (await there.left("task")).map(([, id]) => id as string);
    for (const id of ended) await (atomic ? there.cancel(id) : there.run(id));
    bench.clock.advance(2_000);
    await new Timers(there.store, there.values).tick();
    // KV lets what is left of them expire.
    await there.kv.writeBlind(ended.map((id) => ({ key: keys.task(id) })), 0);
    const { ids, entries } = await bench.clock.run(there.submitter.submit(call));
    assert.deepEqual(entries.map(({ record }) => record.id), ids);
    const stored = (await there.left("task")).map(([, id]) => id as string);
    assert.deepEqual(stored.filter((id) => ended.includes(id)), []);
    assert.equal(ended.length + stored.length, 120);
    assert.ok(ended.length > 0 && stored.length > 0);
    await bench.kv.close();
  }
});

Deno.test("a long call holds few records at a time, and each of its commits but the last is full", async () => {
  await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, mutations: 400 } });
  const { commit } = bench.kv;
  const storedAfter: number[] = [];
  let made = 0;
  let mostHeld = 0;
  const { store: storeValue } = bench.values;
  bench.values.store = async (...args) => {
    made++;
    return await storeValue.apply(bench.values, args);
  };
  bench.kv.commit = async (...args) => {
    mostHeld = Math.max(mostHeld, made - (storedAfter.at(-1) ?? 0));
    const result = await commit.apply(bench.kv, args);
    storedAfter.push((await bench.left("task")).length);
    return result;
  };
  const submissions = Array.from({ length: 1_700 }, () => ({}));
  const { ids } = await bench.submitter.submit({ batch: batchOf(submissions), group: true });
  assert.equal(ids.length, 1_700);
  const sizes = storedAfter.map((stored, n) => stored - (storedAfter[n - 1] ?? 0)).filter((size) => size > 0);
  assert.equal(storedAfter.at(-1), 1_700);
  const fullest = Math.max(...sizes);
  assert.ok(fullest < 500, `${fullest} tasks in a commit: this test needs commits smaller than a slice`);
  assert.deepEqual(sizes.slice(1, -1).filter((size) => size < fullest - 2), [], `${sizes}`);
  assert.ok(mostHeld <= 500, `${mostHeld} records were held at once`);
});
