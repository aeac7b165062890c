import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys } from "../../../runtime/platform/keys.ts";
import { nearPendingWork, pendingWork } from "../../../runtime/queries/pending_work.ts";
import { aBench, type Bench } from "../../support/builders.ts";

const AHEAD_MS = 60_000;
const look = ({ kv, clock }: Bench, knows = (_: string) => true) =>
  pendingWork(kv, { now: clock.now(), aheadMs: AHEAD_MS, knows });

Deno.test("an empty database needs nobody", async () => {
  await using bench = await aBench();
  assert.equal(await look(bench), null);
});

Deno.test("a task that waits is work, unless nobody knows its definition", async () => {
  await using bench = await aBench({ shards: 4 });
  await bench.submit({ task: "known" });
  assert.equal(await look(bench), "tasks wait for a worker");
  assert.equal(await look(bench, (task) => task !== "known"), null);
});

Deno.test("behind many tasks that nobody knows there may be others", async () => {
  await using bench = await aBench();
  for (let i = 0; i < 50; i++) {
    const value = { ids: [bench.ids.id()], tasks: ["gone"] };
    await bench.kv.writeBlind([{ key: keys.ready(0, 0, i, "b"), value }], 0);
  }
  assert.equal(await look(bench, () => false), "tasks wait for a worker");
});

Deno.test("a lease is work: whoever holds it may be dead", async () => {
  await using bench = await aBench();
  await bench.kv.writeBlind([{ key: keys.lease("w", "b"), value: ["id"] }], 0);
  assert.equal(await look(bench), "tasks are under a lease");
});

Deno.test("what starts or expires within the time ahead is work, and what comes later is not", async () => {
  for (const kind of ["start", "expire"] as const) {
    await using bench = await aBench();
    const key = keys.due(kind, bench.clock.now() + AHEAD_MS, "id");
    await bench.kv.writeBlind([{ key, value: null }], 0);
    assert.equal(await look(bench), "a timer is due");
    bench.clock.jump(-1);
    assert.equal(await look(bench), null);
  }
});

Deno.test("what only tidies up is work when it is due", async () => {
  for (const kind of ["purge", "unseal", "recount"] as const) {
    await using bench = await aBench();
    await bench.kv.writeBlind([{ key: keys.due(kind, bench.clock.now() + 1, "id"), value: null }], 0);
    assert.equal(await look(bench), null);
    bench.clock.jump(1);
    assert.equal(await look(bench), "a timer is due");
    assert.equal(await nearPendingWork(bench.kv, { now: bench.clock.now(), aheadMs: 0 }), "a timer is due");
  }
});

Deno.test("follow-ups are work", async () => {
  await using bench = await aBench();
  await bench.kv.writeBlind([{ key: keys.outbox("id"), value: true }], 0);
  assert.equal(await look(bench), "follow-ups wait in the outbox");
});
