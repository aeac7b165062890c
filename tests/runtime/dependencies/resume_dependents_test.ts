import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { composing, elsewhere, ownIds } from "../../support/composing.ts";

Deno.test("a dependent that is cancelled while its upstream is being retried is put back with it", async () => {
  await using bench = await composing();
  const [upstream, dependent] = ownIds(2);
  await bench.call([{ id: upstream }, { id: dependent, options: { waitFor: [upstream] } }]);
  // Nobody has told the dependent yet.
  await bench.run(upstream, "fails");
  assert.equal(await bench.state(dependent), "AwaitingDependencies");
  const there = elsewhere(bench);
  const { commit } = bench.kv;
  bench.kv.commit = async (...args) => {
    bench.kv.commit = commit;
    await there.follow();
    assert.equal(await bench.state(dependent), "UpstreamFailed");
    return await commit.apply(bench.kv, args);
  };
  await bench.retry(upstream);
  assert.deepEqual(await Promise.all([upstream, dependent].map(bench.state)), [
    "Pending",
    "AwaitingDependencies",
  ]);
});
