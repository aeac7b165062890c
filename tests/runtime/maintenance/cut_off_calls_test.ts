import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { cancelled } from "../../../runtime/core/transitions.ts";
import { recountGroup } from "../../../runtime/maintenance/cut_off_calls.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { groupRecord, newGroup } from "../../../runtime/store/group_counters.ts";
import { aBench } from "../../support/builders.ts";
import { unlessItHangs } from "../../support/waiting.ts";

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

Deno.test("a group is left as it is if its call stores more while it is counted, however late", async () => {
  for (const moment of ["list", "get", "commit"] as const) {
    await using bench = await aBench();
    const { kv, clock } = bench;
    const group = bench.ids.id();
    const timer = { key: keys.due("recount", 0, group), value: null };
    await kv.writeBlind([...newGroup({ id: group, total: 9 }, clock.now()), timer], clock.now());
    await bench.submit(...Array.from({ length: 5 }, () => ({ groups: [group] })));
    const [{ key, versionstamp }] = await kv.getMany([timer.key]);
    // The call goes on as soon as this has been read, or is about to be committed.
    // deno-lint-ignore no-explicit-any -- each of the three has its own shape
    const { [moment]: real } = kv as any;
    Object.assign(kv, {
      async [moment](...args: unknown[]) {
        Object.assign(kv, { [moment]: real });
        const answer = moment === "commit" ? null : await real.apply(kv, args);
        await bench.submit(...Array.from({ length: 4 }, () => ({ groups: [group] })));
        await kv.writeBlind([timer], clock.now());
        return answer ?? await real.apply(kv, args);
      },
    });
    await unlessItHangs(recountGroup(bench.store, group, { key, versionstamp }));
    assert.equal((await groupRecord(kv, group))!.total, 9, moment);
  }
});

Deno.test("a group that is gone is not recounted", async () => {
  await using bench = await aBench();
  const group = bench.ids.id();
  await recountGroup(bench.store, group, timerOf(group));
  assert.deepEqual(await bench.all(), []);
});
