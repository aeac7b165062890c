import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Entry, TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled, submitted } from "../../../runtime/core/transitions.ts";
import { shardOf } from "../../../runtime/platform/shard.ts";
import { ReadyCache } from "../../../runtime/store/ready_cache.ts";
import { aDraft } from "../../support/builders.ts";
import { START } from "../../support/manual_clock.ts";

const aReady = (patch: Partial<TaskRecord> = {}): Entry => {
  return { record: submitted(aDraft(patch), START), versionstamp: "1" };
};

const runnerOf = (task: string) => task === "crunch" ? "thread" : "inline";

Deno.test("a task is remembered while it is ready, and counted if it is large", () => {
  const cache = new ReadyCache({ shards: 4, runnerOf });
  const small = aReady();
  const large = aReady({ input: { json: JSON.stringify("x".repeat(2_000)) } });
  const later = aReady({ runAt: START + 1_000 });
  for (const entry of [small, large, later]) cache.update(entry);
  assert.deepEqual([cache.get(small.record.id), cache.get(large.record.id)], [small, null]);
  assert.equal(cache.size("inline"), 2);
  cache.update({ record: cancelled(small.record, START, null), versionstamp: "2" });
  cache.forget(large.record.id);
  assert.deepEqual([cache.get(small.record.id), cache.size("inline")], [null, 0]);
});

Deno.test("a look to the end of a shard drops what became ready before it there, and nothing else", () => {
  const cache = new ReadyCache({ shards: 2, runnerOf });
  const of = (shard: number) => {
    let entry = aReady();
    while (shardOf(entry.record.id, 2) !== shard) entry = aReady();
    cache.update(entry);
    return entry.record.id;
  };
  const [before, elsewhere] = [of(0), of(1)];
  const look = cache.nextLook();
  const since = of(0);
  cache.forgetBefore(look, 0, "inline");
  assert.equal(cache.get(before), null);
  assert.ok(cache.get(elsewhere) && cache.get(since));
  cache.forgetBefore(cache.nextLook(), 0, "inline");
  assert.equal(cache.get(since), null);
});

Deno.test("tasks of the main thread and those of worker threads are counted and forgotten apart", () => {
  const cache = new ReadyCache({ shards: 1, runnerOf });
  const [inline, thread] = [aReady(), aReady({ task: "crunch" })];
  for (const entry of [inline, thread]) cache.update(entry);
  assert.deepEqual([cache.size("inline"), cache.size("thread")], [1, 1]);
  cache.forgetBefore(cache.nextLook(), 0, "inline");
  assert.deepEqual([cache.get(inline.record.id), cache.get(thread.record.id)], [null, thread]);
  cache.update({ record: cancelled(thread.record, START, null), versionstamp: "2" });
  assert.deepEqual([cache.size("inline"), cache.size("thread")], [0, 0]);
});
