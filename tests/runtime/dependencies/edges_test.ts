import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  edgeBlocks,
  edgesOf,
  edgeWrite,
  isNeeded,
  mostInlineDependents,
} from "../../../runtime/dependencies/edges.ts";
import { mostGroupsOf } from "../../../runtime/store/group_counters.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const REMOTE_LIMITS = { ...EMBEDDED_LIMITS, checks: 10 };
const names = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);

Deno.test("blocks hold every id once and in order, and each can be told in one commit", () => {
  for (const limits of [EMBEDDED_LIMITS, REMOTE_LIMITS]) {
    for (const count of [0, 1, 4, 5, 6, 95, 96, 1_000]) {
      const blocks = edgeBlocks(limits, names(count));
      assert.deepEqual(blocks.flat(), names(count));
      // The block, its upstream and a barrier are checked with the dependency counters.
      for (const block of blocks) assert.ok(block.length > 0 && block.length + 3 <= limits.checks);
    }
    assert.equal(edgeBlocks(limits, names(5)).length, 1);
  }
});

Deno.test("a record names no more dependents than a commit can tell beside all that it may check", () => {
  assert.equal(mostInlineDependents(EMBEDDED_LIMITS, 0), 50);
  for (let checks = 10; checks <= 100; checks++) {
    const limits = { ...EMBEDDED_LIMITS, checks };
    for (let limited = 0; limited <= 4; limited++) {
      const [most, groups] = [mostInlineDependents(limits, limited), mostGroupsOf(limits, limited)];
      assert.ok(most >= 0 && most <= 50);
      const sum = most + groups + limited;
      assert.ok(sum + 3 <= checks, `with ${checks} and ${limited}: ${most}, ${groups}`);
      // The record, the rules of its limits, and the limits of its queue and its definition.
      assert.ok(sum + 1 + Number(limited > 0) + 2 <= checks, `with ${checks} and ${limited}: its end`);
    }
  }
});

Deno.test("edgesOf() has all blocks of one upstream, however many, and none of another", async () => {
  await using bench = await aBench();
  const wanted = Array.from({ length: 250 }, (_, i) => `b${String(i).padStart(3, "0")}`);
  for (let at = 0; at < wanted.length; at += 50) {
    const writes = wanted.slice(at, at + 50).map((block) => edgeWrite("up", block, [block], null));
    await bench.kv.writeBlind(writes, 0);
  }
  await bench.kv.writeBlind([edgeWrite("up2", "x", ["x"], null), edgeWrite("u", "x", ["x"], null)], 0);
  const pages = await Array.fromAsync(edgesOf(bench.kv, "up"));
  assert.deepEqual(pages.map((page) => page.length), [100, 100, 50]);
  assert.deepEqual(pages.flat().map(({ key }) => key[2]), wanted);
  assert.deepEqual(await Array.fromAsync(edgesOf(bench.kv, "nobody")), []);
});

Deno.test("a block says what it was told, and one of a barrier how its tasks are released", () => {
  assert.deepEqual(edgeWrite("up", "b", ["x"], "FAILED"), {
    key: keys.edge("up", "b"),
    value: { ids: ["x"], told: "FAILED", kind: undefined },
  });
  assert.deepEqual(edgeWrite("seal-x", "b", ["x"], null, "direct").value, {
    ids: ["x"],
    told: null,
    kind: "direct",
  });
});

const cancel = ({ store, clock }: Bench, id: string) =>
  store.update("settle", id, ({ record }) => {
    if ("forgottenAt" in record) return null;
    return { next: cancelled(record, clock.now(), null) };
  });

Deno.test("a task is needed as long as one that it names, or that stands in its blocks, has not ended", async () => {
  await using bench = await aBench();
  const [near, far, other] = (await bench.submit({}, {}, {})).map(({ record }) => record.id);
  const [{ record }] = await bench.submit({ next: [near], followed: true });
  await bench.kv.writeBlind([edgeWrite(record.id, far, [far, "nobody"], null)], 0);
  assert.equal(await isNeeded(bench.store, record, []), true);
  await cancel(bench, near);
  assert.equal(await isNeeded(bench.store, record, []), true, "for the sake of the block");
  await cancel(bench, far);
  assert.equal(await isNeeded(bench.store, record, []), false);
  assert.equal(await isNeeded(bench.store, { ...record, next: [other] }, []), true);
  // Without the mark nobody looks for blocks.
  await bench.kv.writeBlind([edgeWrite(record.id, other, [other], null)], 0);
  assert.equal(await isNeeded(bench.store, { ...record, next: undefined, followed: undefined }, []), false);
  assert.equal(await isNeeded(bench.store, { ...record, next: undefined }, []), true);
});
