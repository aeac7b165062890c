// What a call packs fits the commits that it makes, wherever the limits of a commit part it.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { batchOf, composing } from "../../support/composing.ts";

const ways = [false, true].flatMap((isUnique) => [false, true].map((hasKey) => ({ isUnique, hasKey })));

for (const { isUnique, hasKey } of ways) {
  const what = `${isUnique ? "unique" : "plain"} tasks, ${hasKey ? "with" : "without"} an idempotency key`;
  Deno.test(`a group of ${what}, is stored whatever a commit takes`, async () => {
    const submissions = Array.from({ length: 40 }, (_, n) => ({
      options: isUnique ? { unique: { key: `k${n}` } } : {},
    }));
    for (let mutations = 55; mutations < 90; mutations++) {
      await using bench = await composing({ limits: { ...EMBEDDED_LIMITS, mutations } });
      // Some of the keys are taken: the call gets those tasks in place of its own.
      const taken = isUnique ? submissions.filter((_, n) => n % 5 === 0) : [];
      if (isUnique) await bench.clock.run(bench.submitter.submit({ batch: batchOf(taken) }));
      const { groupId } = await bench.clock.run(bench.submitter.submit({
        batch: batchOf(submissions),
        group: true,
        policy: { onFailure: "continue" },
        idempotency: hasKey ? { key: "k", fingerprint: "f" } : undefined,
      }));
      assert.equal((await bench.left("task")).length, 40, `${mutations} mutations`);
      assert.ok(groupId);
    }
  });
}
