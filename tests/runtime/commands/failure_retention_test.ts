import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import type { SubmitOptions } from "../../../runtime/core/submission.ts";
import type { TaskRecord } from "../../../runtime/core/task.ts";
import { claimed, reclaimed, retried, settled } from "../../../runtime/core/transitions.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import { aBench, type Bench, keys } from "../../support/builders.ts";
import { aService } from "../../support/service.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;

const brief = define(
  { name: "brief", input: z.object({}), retentionMs: HOUR_MS, failureRetentionMs: 2 * HOUR_MS },
  () => {
    throw new Error("no");
  },
);

async function isKeptFor(
  ms: number,
  [task, input, options]: [string, unknown, SubmitOptions?],
  failureRetentionMs?: number,
): Promise<void> {
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({
    clock,
    leaseMs: HOUR_MS,
    repairMs: HOUR_MS,
    definitions: [brief],
    failureRetentionMs,
  });
  const { id, state } = await service.run(task, input, options);
  const what = `${task} ${state.type} ${JSON.stringify(options)}`;
  clock.jump(ms - 60_000);
  assert.equal((await service.get(`/v1/tasks/${id}`)).status, 200, `${what}: gone too early`);
  clock.jump(120_000);
  assert.equal((await service.get(`/v1/tasks/${id}`)).status, 404, `${what}: kept too long`);
}

Deno.test("a failed task is kept for 14 days, and one that completed for a day", async () => {
  await isKeptFor(14 * DAY_MS, ["fail", { message: "no" }]);
  await isKeptFor(DAY_MS, ["add", { a: 1, b: 2 }]);
});

Deno.test("failureRetentionMs of a submit wins over its definition's, and that over the service's", async () => {
  const failing: [string, unknown] = ["fail", { message: "no" }];
  await isKeptFor(3 * DAY_MS, failing, 3 * DAY_MS);
  await isKeptFor(2 * HOUR_MS, ["brief", {}], 3 * DAY_MS);
  await isKeptFor(5 * HOUR_MS, ["brief", {}, { failureRetentionMs: 5 * HOUR_MS }], 3 * DAY_MS);
  // The end says which one holds.
  const both = { retentionMs: 4 * HOUR_MS, failureRetentionMs: 6 * HOUR_MS };
  await isKeptFor(6 * HOUR_MS, [...failing, both]);
  await isKeptFor(4 * HOUR_MS, ["add", { a: 1, b: 2 }, both]);
});

const error = { name: "Error", message: "no", retryable: true };

async function move(bench: Bench, id: string, next: (record: TaskRecord, now: number) => TaskRecord) {
  await bench.store.update(
    "settle",
    id,
    ({ record }) => ({ next: next(record as TaskRecord, bench.clock.now()) }),
  );
}

const begins = (record: TaskRecord, now: number) => claimed(record, now, { worker: "w", token: "t" });
const fails = (record: TaskRecord, now: number) =>
  settled(record, now, { kind: "failed", error }, Math.random);
const completes = (record: TaskRecord, now: number) =>
  settled(record, now, { kind: "completed", result: { json: "1" } }, Math.random);

async function assertKeptFor(bench: Bench, id: string, ms: number): Promise<void> {
  const timers = new Timers(bench.store, bench.values);
  bench.clock.advance(ms - 1);
  await timers.tick();
  assert.ok(await bench.store.read(id), "gone too early");
  bench.clock.advance(1);
  assert.equal(await bench.store.read(id), null);
  await timers.tick();
  const left = (await bench.all()).map(({ key }) => key[0]);
  // Nothing has claimed it, so its block of the queue is there still.
  assert.deepEqual(left.filter((kind) => kind !== "task" && kind !== "ready"), []);
}

/** A task with a purge timer of its own. */
const patch = { retentionMs: HOUR_MS, hasEvents: true } as const;

Deno.test("a crashed task and all it has stored are kept for as long as a failed one", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({ ...patch, tags: ["t"], maxCrashes: 0 });
  await move(bench, id, begins);
  await move(bench, id, reclaimed);
  await assertKeptFor(bench, id, 14 * DAY_MS);
});

Deno.test("a task that failed, and completes after a retry, is kept for its retentionMs", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({ ...patch, tags: ["t"] });
  await move(bench, id, begins);
  await move(bench, id, fails);
  bench.clock.advance(10 * DAY_MS);
  await move(bench, id, (record, now) => retried(record, now, record.input));
  await move(bench, id, begins);
  await move(bench, id, completes);
  await assertKeptFor(bench, id, HOUR_MS);
});

Deno.test("a task that release 0.1 has stored is kept as long as it was promised, however it ends", async () => {
  await using bench = await aBench();
  const [{ record }] = await bench.submit({ ...patch, tags: ["t"] });
  const text = JSON.stringify(record);
  assert.equal(text.includes("failureRetentionMs"), false, "nor does a plain record of today say it");
  await bench.kv.writeBlind([{ key: keys.task(record.id), value: new TextEncoder().encode(text) }], 0);
  await move(bench, record.id, begins);
  await move(bench, record.id, fails);
  await assertKeptFor(bench, record.id, HOUR_MS);
});
