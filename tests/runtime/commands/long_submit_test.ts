// A call of many commits and the total of its group.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { recountGroup } from "../../../runtime/maintenance/cut_off_calls.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import type { GroupRecord } from "../../../runtime/store/group_counters.ts";
import { batchOf, composing } from "../../support/composing.ts";

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
