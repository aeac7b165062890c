import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import { recountGroup } from "../../../runtime/maintenance/cut_off_calls.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { groupRecord, newGroup } from "../../../runtime/store/group_counters.ts";
import { aBench } from "../../support/builders.ts";

/** No call renews it. */
const timerOf = (group: string) => ({ key: keys.due("recount", 0, group), versionstamp: null });

Deno.test("a group is recounted rightly also while its tasks end", async () => {
  await using bench = await aBench();
  const { store, kv, clock } = bench;
  const group = bench.ids.id();
  await kv.writeBlind(newGroup({ id: group, total: 9 }, clock.now()), clock.now());
  const entries = await bench.submit(...Array.from({ length: 5 }, () => ({ groups: [group] })));
  // Three tasks end while the others are counted.
  const { list } = kv;
  kv.list = async (...args) => {
    kv.list = list;
    const page = await list.apply(kv, args);
    for (const { record: { id } } of entries.slice(0, 3)) {
      await store.update("settle", id, ({ record }) => {
        return { next: cancelled(record as TaskRecord, clock.now(), null) };
      });
    }
    return page as never;
  };
  await recountGroup(store, group, timerOf(group));
  const { total, ended } = (await groupRecord(kv, group))!;
  assert.deepEqual([total, ended], [5, { CANCELLED: 3 }]);
});

Deno.test("a group that is gone is not recounted", async () => {
  await using bench = await aBench();
  const group = bench.ids.id();
  await recountGroup(bench.store, group, timerOf(group));
  assert.deepEqual(await bench.all(), []);
});
