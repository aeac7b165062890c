import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { claimed, settled } from "../../../runtime/core/transitions.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { Reconciler } from "../../../runtime/maintenance/reconciler.ts";
import { parkedKey } from "../../../runtime/store/index_entries.ts";
import type { LimitCounter } from "../../../runtime/store/limit_tally.ts";
import { Store } from "../../../runtime/store/store.ts";
import { aBench, type Bench, keys } from "../../support/builders.ts";
import { rewrittenByNewer } from "../../support/newer_release.ts";

const NAME = "\nk";
const limited = { limits: [{ key: "k", limit: 1 }] };

async function counter({ kv }: Bench): Promise<LimitCounter> {
  return (await kv.get<LimitCounter>(keys.limit(NAME))).value!;
}

/** Of a process that remembers nothing. */
function aReconciler({ kv, clock, ids, values }: Bench) {
  const repaired: [string, string][] = [];
  const store = new Store({ kv, clock, ids });
  return { reconciler: new Reconciler(store, values, (...what) => repaired.push(what)), repaired };
}

Deno.test("a counter that is right is left alone", async () => {
  await using bench = await aBench();
  await bench.submit(limited, limited);
  const { reconciler, repaired } = aReconciler(bench);
  assert.equal(await reconciler.tick(), 0);
  assert.deepEqual(repaired, []);
  const { held, waiting } = await counter(bench);
  assert.deepEqual([held, waiting], [1, 1]);
});

Deno.test("a slot that nobody has is given back", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit(limited);
  // The end of a task, as a release that knows no limits writes it.
  const ended = settled(
    claimed(record, bench.clock.now(), { worker: "w", token: "t" }),
    bench.clock.now(),
    { kind: "completed", result: { json: "1" } },
    () => 0,
  );
  const { limits: _limits, held: _held, ...old } = ended;
  await bench.store.update("settle", record.id, () => ({ next: old as TaskRecord }));
  await bench.kv.writeBlind([{ key: keys.limit(NAME), value: { held: 1, waiting: 0, said: 1 } }], 0);
  const { reconciler, repaired } = aReconciler(bench);
  assert.equal(await reconciler.tick(), 1);
  assert.deepEqual(repaired, [["k", "was a limit that was counted wrong"]]);
  assert.equal((await counter(bench)).held, 0);
});

Deno.test("a free slot for which somebody waits is given to the first of them", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit({ limits: [{ key: "k", limit: 0 }] });
  assert.ok(record.parked);
  await bench.kv.writeBlind([{ key: keys.limit(NAME), value: { held: 0, waiting: 1, said: 1 } }], 0);
  const { reconciler } = aReconciler(bench);
  assert.equal(await reconciler.tick(), 1);
  const { parked, held } = await bench.record(record.id);
  assert.deepEqual([parked, held], [undefined, true]);
});

Deno.test("a task that waits at no limit any more stands there again", async () => {
  await using bench = await aBench();
  const [, { record }] = await bench.submit(limited, limited);
  const key = parkedKey(record);
  await bench.kv.writeBlind([{ key }], 0);
  const { reconciler, repaired } = aReconciler(bench);
  assert.equal(await reconciler.tick(), 1);
  assert.deepEqual(repaired, [[record.id, "waited for no limit"]]);
  assert.notEqual((await bench.kv.get(key)).versionstamp, null);
});

Deno.test("beside records of a newer release nothing is counted anew: they may hold slots", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit(limited);
  await rewrittenByNewer(bench, record.id);
  const { reconciler, repaired } = aReconciler(bench);
  assert.equal(await reconciler.tick(), 0);
  assert.deepEqual([repaired, (await counter(bench)).held], [[], 1]);
});
