import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError, ValidationError } from "../../../runtime/core/errors.ts";
import { stateOf } from "../../../runtime/core/task.ts";
import type { ScheduleConfig } from "../../../runtime/core/schedule_config.ts";
import { START } from "../../support/manual_clock.ts";
import { Scheduling } from "../../support/scheduling.ts";

const MINUTE = 60_000;
const EACH_MINUTE = [{ everyMs: MINUTE }];

/** A schedule that has been there for ten minutes, paused. */
async function aPausedOne(world: Scheduling, config: Partial<ScheduleConfig> = {}): Promise<void> {
  await world.put("s", { spec: EACH_MINUTE, paused: true, ...config });
  await world.advance(10 * MINUTE);
}

const range = (from: number, to: number) => ({ from: START + from * MINUTE, to: START + to * MINUTE });

Deno.test("backfill submits the tasks of passed times, each once, however often it is asked", async () => {
  await using world = await Scheduling.open();
  await aPausedOne(world, { overlap: "allow-all" });
  const schedules = world.schedulesOf();
  const { tasks, existing } = await schedules.backfill("s", range(2, 5));
  assert.deepEqual([tasks.map(({ scheduledFor }) => (scheduledFor - START) / MINUTE), existing], [[
    2,
    3,
    4,
    5,
  ], 0]);
  assert.deepEqual((await world.tasks()).map(({ id }) => id), tasks.map(({ id }) => id));
  assert.deepEqual(await schedules.backfill("s", range(2, 5)), { tasks: [], existing: 4 });
  const more = await schedules.backfill("s", range(4, 7));
  assert.deepEqual([more.tasks.length, more.existing], [2, 2]);
  assert.deepEqual(await world.minutes(START), [2, 3, 4, 5, 6, 7]);
});

Deno.test("a time that was fired is not backfilled, and one that was backfilled is not fired", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all" });
  await world.advance(MINUTE);
  world.bench.clock.advance(2 * MINUTE);
  const { tasks, existing } = await world.schedulesOf().backfill("s", range(1, 3));
  assert.deepEqual([tasks.length, existing], [2, 1]);
  await world.fire();
  assert.deepEqual(await world.minutes(START), [1, 2, 3]);
  assert.equal((await world.record("s")).next?.at, START + 4 * MINUTE);
});

Deno.test("where tasks may not overlap, those of a backfill run one after the other, behind what runs", async () => {
  await using world = await Scheduling.open();
  await aPausedOne(world);
  const schedules = world.schedulesOf();
  const { ids: [triggered] } = await schedules.trigger("s");
  await schedules.backfill("s", range(1, 3));
  const tasks = (await world.tasks()).filter(({ id }) => id !== triggered);
  assert.deepEqual(tasks.map((task) => stateOf(task).name), Array(3).fill("AwaitingDependencies"));
  assert.deepEqual(
    tasks.map(({ deps }) => (deps!.upstreams as { json: string }).json),
    [triggered, tasks[0].id, tasks[1].id].map((id) => JSON.stringify([id])),
  );
  // The next time finds them.
  await schedules.resume("s");
  await world.advance(MINUTE);
  assert.equal((await world.tasks()).length, 4);
  assert.equal((await world.record("s")).skipped, 1);
});

Deno.test("a thousand times are backfilled in one call, and more are refused with where to stop", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: [{ everyMs: 1_000 }], paused: true });
  await world.advance(60 * MINUTE);
  const schedules = world.schedulesOf();
  await assert.rejects(schedules.backfill("s", range(0, 60)), (error: ValidationError) => {
    assert.deepEqual(error.faults.map(({ pointer }) => pointer), ["/to"]);
    assert.match(error.faults[0].message, /more than 1000 times .* up to 2030-01-01T00:16:39.000Z at first/);
    return true;
  });
  const { tasks } = await schedules.backfill("s", { from: START, to: START + 999_000 });
  assert.equal(tasks.length, 1_000);
  assert.equal((await world.tasks()).length, 1_000);
});

Deno.test("a range in the future, or one that ends before it begins, is refused", async () => {
  await using world = await Scheduling.open();
  await aPausedOne(world);
  for (const wrong of [range(1, 11), range(5, 4)]) {
    await assert.rejects(world.schedulesOf().backfill("s", wrong), (error: ValidationError) => {
      assert.equal(error.faults[0].pointer, "/to");
      return true;
    });
  }
});

Deno.test("two backfills at once make no task twice", async () => {
  await using world = await Scheduling.open();
  await aPausedOne(world, { overlap: "allow-all" });
  const both = await Promise.allSettled(
    [range(1, 6), range(4, 9)].map((one) => world.schedulesOf().backfill("s", one)),
  );
  for (const one of both) {
    if (one.status === "rejected") assert.ok(one.reason instanceof ConflictError, one.reason);
  }
  const minutes = await world.minutes(START);
  assert.deepEqual(minutes, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
