import assert from "node:assert/strict";
import { asCompleted, AsCompletedTimeoutError } from "../../client/mod.ts";
import type { System } from "./row.ts";

export const concurrentFutures: System = {
  name: "concurrent.futures",
  rows: [
    {
      promise: "as_completed: one deadline for the whole iteration; raises '%d (of %d) futures unfinished'",
      source: "Python docs, concurrent.futures.as_completed",
      test: async (errand) => {
        const slow = await errand.map("sleep", [{ ms: 20_000 }, { ms: 20_000 }]);
        const quick = await errand.map("add", { a: [1, 2, 3] }, { b: 1 });
        const yielded: string[] = [];
        await assert.rejects(
          async () => {
            for await (const { id } of asCompleted([...slow, ...quick], { timeoutMs: 500 })) yielded.push(id);
          },
          (error) =>
            error instanceof AsCompletedTimeoutError && error.message === "2 (of 5) futures unfinished",
        );
        assert.deepEqual(yielded.toSorted(), quick.map(({ id }) => id).toSorted());
        await slow.cancel();
      },
    },
  ],
};
