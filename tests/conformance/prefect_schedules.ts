// Prefect's promises about schedules.

import assert from "node:assert/strict";
import { aName, firedTimes } from "./celery_beat.ts";
import type { Row } from "./row.ts";

const SCHEDULES = "Prefect docs, Schedules";

export const schedules: Row[] = [
  {
    promise: "cron, with timezone and day_or",
    source: SCHEDULES,
    test: async ({ schedules }) => {
      const startAt = "2030-09-01T00:00:00Z";
      const preview = (cron: string) =>
        schedules.preview({ spec: [{ cron, timezone: "America/New_York" }], startAt }, { count: 2 });
      assert.deepEqual(await preview("0 0 13 * 5"), ["2030-09-06T04:00:00.000Z", "2030-09-13T04:00:00.000Z"]);
      // day_or=False.
      assert.deepEqual(await preview("0 0 13 * +5"), [
        "2030-09-13T04:00:00.000Z",
        "2030-12-13T05:00:00.000Z",
      ]);
    },
  },
  {
    promise: "interval, with an anchor",
    source: SCHEDULES,
    test: async ({ schedules }) => {
      const spec = [{ everyMs: 3_600_000, offsetMs: 5 * 60_000 }];
      const times = await schedules.preview({ spec, startAt: "2030-01-01T00:30:00Z" }, { count: 2 });
      assert.deepEqual(times, ["2030-01-01T01:05:00.000Z", "2030-01-01T02:05:00.000Z"]);
    },
  },
  {
    promise: "RRule",
    source: SCHEDULES,
    by: "cron with L and #, intervals, startAt, endAt, exclude and remaining, which say what most rules say",
    test: async (errand) => {
      const { schedules } = errand;
      const startAt = "2030-01-07T09:00:00Z";
      const day = (...days: string[]) => days.map((each) => `2030-${each}T09:00:00.000Z`);
      const preview = (times: Omit<Parameters<typeof schedules.preview>[0], "startAt">) =>
        schedules.preview({ startAt, ...times }, { count: 3 });
      // FREQ=MONTHLY;BYDAY=-1FR, and 2TU, and BYMONTHDAY=-1
      assert.deepEqual(await preview({ spec: [{ cron: "0 9 * * 5L" }] }), day("01-25", "02-22", "03-29"));
      assert.deepEqual(await preview({ spec: [{ cron: "0 9 * * 2#2" }] }), day("01-08", "02-12", "03-12"));
      assert.deepEqual(await preview({ spec: [{ cron: "0 9 L * *" }] }), day("01-31", "02-28", "03-31"));
      // FREQ=WEEKLY;INTERVAL=2, from the start on
      const everyMs = 14 * 24 * 60 * 60_000;
      const fortnight = [{ everyMs, offsetMs: Date.parse(startAt) % everyMs }];
      assert.deepEqual(await preview({ spec: fortnight }), day("01-07", "01-21", "02-04"));
      // EXDATE, UNTIL
      const exclude = [{ at: "2030-01-21T09:00:00Z" }];
      const endAt = "2030-02-10T00:00:00Z";
      assert.deepEqual(await preview({ spec: fortnight, exclude, endAt }), day("01-07", "02-04"));
      // COUNT
      const name = aName("counted");
      const config = { task: "add", input: { a: 1, b: 2 } } as const;
      await schedules.put(name, { ...config, spec: [{ everyMs: 1_000 }], remaining: 1 });
      await firedTimes(errand, name, 1);
      const { remaining, next } = await schedules.get(name);
      assert.deepEqual([remaining, next], [0, []]);
      await schedules.delete(name);
    },
  },
  {
    promise: "several for one deployment",
    source: SCHEDULES,
    test: async (errand) => {
      const names = [aName("one"), aName("two")];
      const config = { task: "add", input: { a: 1, b: 2 }, spec: [{ everyMs: 1_000 }] } as const;
      for (const name of names) await errand.schedules.put(name, { ...config, spec: [...config.spec] });
      for (const name of names) {
        const { last } = await firedTimes(errand, name, 1);
        assert.equal((await errand.future(last!.taskId).task()).schedule?.name, name);
        await errand.schedules.delete(name);
      }
    },
  },
  {
    promise: "active: switched on and off",
    source: SCHEDULES,
    test: async (errand) => {
      const name = aName("switched");
      const spec = [{ everyMs: 1_000 }];
      await errand.schedules.put(name, { task: "add", input: { a: 1, b: 2 }, spec, paused: true });
      const off = await errand.schedules.get(name);
      assert.deepEqual([off.paused !== null, off.next], [true, []]);
      await errand.schedules.resume(name);
      await firedTimes(errand, name, 1);
      await errand.schedules.pause(name);
      const { fired } = await errand.schedules.get(name);
      // One whose times are the same has fired since, and this one has not.
      const witness = aName("witness");
      await errand.schedules.put(witness, { task: "add", input: { a: 1, b: 2 }, spec });
      await firedTimes(errand, witness, 2);
      assert.equal((await errand.schedules.get(name)).fired, fired);
      for (const each of [name, witness]) await errand.schedules.delete(each);
    },
  },
];
