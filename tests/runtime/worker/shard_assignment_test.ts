import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys } from "../../../runtime/platform/keys.ts";
import { dealt, ShardAssignment } from "../../../runtime/worker/shard_assignment.ts";
import { aBench } from "../../support/builders.ts";
import { eventually } from "../../support/waiting.ts";

Deno.test("every shard is dealt to somebody, and nobody gets many more than another", () => {
  for (const count of [1, 2, 3, 5, 16, 20]) {
    const workers = Array.from({ length: count }, (_, i) => `w${i}`);
    const all = workers.map((worker) => dealt(worker, workers, 16));
    assert.equal(new Set(all.flatMap((shards) => [...shards])).size, 16);
    const sizes = all.map(({ size }) => size);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1 && Math.min(...sizes) > 0, `${sizes}`);
    if (count <= 16) assert.equal(sizes.reduce((a, b) => a + b), 16, "no two have the same one");
  }
});

Deno.test("a worker that the others do not know yet has shards too", () => {
  assert.ok(dealt("new", ["a", "b"], 16).size > 4);
});

Deno.test("a worker learns who else lives, and leaves them their shards", async () => {
  await using bench = await aBench({ shards: 4 });
  const assignment = new ShardAssignment(bench.store, 1_000);
  await assignment.start();
  assert.equal(assignment.ownShards("a").size, 4);
  await bench.kv.writeBlind([{ key: keys.worker("b"), value: {} }], 0);
  bench.clock.advance(500);
  assignment.refreshSoon();
  await eventually(() => assignment.ownShards("a").size === 2);
  await bench.kv.writeBlind([{ key: keys.worker("b") }], 0);
  bench.clock.advance(500);
  await eventually(() => assignment.ownShards("a").size === 4);
  await assignment.stop();
});
