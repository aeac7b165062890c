import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { letGo } from "../../../runtime/queues/held_tasks.ts";
import { pause, resume } from "../../../runtime/queues/pauses.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { aBench, type Bench, onEachBackend, upTo } from "../../support/builders.ts";
import { FreshControls } from "../../support/controls.ts";

const what = { kind: "definition", name: "held" } as const;

/** How many ids a claim has read in blocks of the queue, and what it got. */
async function claimed({ kv, store }: Bench, controls: FreshControls) {
  let read = 0;
  const { list } = kv;
  kv.list = async (...selected) => {
    const page = await list.apply(kv, selected);
    for (const { value } of page) read += (value as { ids?: string[] }).ids?.length ?? 0;
    // deno-lint-ignore no-explicit-any
    return page as any;
  };
  const { entries } = await claim(store, { worker: "w", shard: 0, controls, ...upTo(1) });
  kv.list = list;
  return { read, tasks: entries.map(({ record }) => record.task) };
}

onEachBackend(
  "claims meet tasks of a paused definition once, and they go back to where they stood",
  async (path) => {
    await using bench = await aBench({ path });
    const { store, kv } = bench;
    const controls = new FreshControls(kv, bench.clock);
    const held = await bench.submit(...Array.from({ length: 300 }, () => ({ task: "held" })));
    await bench.submit({ task: "free" }, { task: "free" });
    await pause(store, controls, { ...what, by: null }, {});
    assert.deepEqual((await claimed(bench, controls)).tasks, ["free"]);
    const again = await claimed(bench, controls);
    assert.deepEqual(again, { read: 1, tasks: ["free"] }, "nothing of what is held is read again");
    await resume(store, controls, what, () => {});
    for (let rounds = 0; rounds < 10; rounds++) {
      const { versionstamp } = await kv.get(keys.outbox("held-held"));
      if (versionstamp === null || await letGo(store, "held", versionstamp)) break;
    }
    assert.deepEqual(await kv.list({ prefix: prefixes.allHeld }, { limit: 1 }), []);
    const { entries } = await claim(store, { worker: "w", shard: 0, controls, ...upTo(50) });
    assert.deepEqual(
      entries.map(({ record }) => record.id),
      held.slice(0, 50).map(({ record }) => record.id),
    );
  },
);
