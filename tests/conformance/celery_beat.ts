// Celery's promises about beat.

import assert from "node:assert/strict";
import { Folder } from "../support/folder.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { START } from "../support/manual_clock.ts";
import { Scheduling } from "../support/scheduling.ts";
import { eventually } from "../support/waiting.ts";
import type { Row } from "./row.ts";

const BEAT = "Celery docs, Periodic Tasks";

/** A name that no other row uses. */
export function aName(what: string): string {
  return `${what}-${crypto.randomUUID().slice(0, 8)}`;
}

/** The schedule once it has fired so often. */
export async function firedTimes({ schedules }: Errand, name: string, times: number) {
  return await eventually(async () => {
    const schedule = await schedules.get(name);
    return schedule.fired >= times && schedule;
  }, `${name} has not fired ${times} times`);
}

const utc = (...days: string[]) => days.map((day) => `${day}:00.000Z`);

export const beat: Row[] = [
  {
    promise: "entries: task, schedule, arguments, options",
    source: BEAT,
    test: async (errand) => {
      const name = aName("entry");
      await errand.schedules.put(name, {
        task: "add",
        input: { a: 16, b: 16 },
        options: { tags: [name], priority: 5 },
        spec: [{ everyMs: 1_000 }],
      });
      const { last } = await firedTimes(errand, name, 1);
      const future = errand.future<number>(last!.taskId);
      assert.equal(await future.result(), 32);
      const { tags, priority, schedule } = await future.task();
      assert.deepEqual([tags, priority, schedule], [[name], 5, { name, scheduledFor: last!.scheduledFor }]);
      await errand.schedules.delete(name);
    },
  },
  {
    promise: "every so many seconds",
    source: BEAT,
    test: async (errand) => {
      const name = aName("every");
      const spec = [{ everyMs: 1_000 }];
      await errand.schedules.put(name, { task: "add", input: { a: 1, b: 1 }, spec, overlap: "allow-all" });
      const first = await firedTimes(errand, name, 1);
      const later = await firedTimes(errand, name, first.fired + 1);
      const passedMs = Date.parse(later.last!.scheduledFor) - Date.parse(first.last!.scheduledFor);
      assert.equal(passedMs, 1_000 * (later.fired + later.skipped - first.fired - first.skipped));
      await errand.schedules.delete(name);
    },
  },
  {
    promise: "relative: rounded to the clock",
    source: BEAT,
    test: async ({ schedules }) => {
      const spec = [{ everyMs: 10 * 60_000 }];
      const times = await schedules.preview({ spec, startAt: "2030-01-01T10:03:04Z" }, { count: 2 });
      assert.deepEqual(times, utc("2030-01-01T10:10", "2030-01-01T10:20"));
    },
  },
  {
    promise: "crontab",
    source: BEAT,
    test: async ({ schedules }) => {
      const startAt = "2030-01-01T00:00:00Z";
      const crontabs: [string, string[]][] = [
        ["* * * * *", ["2030-01-01T00:00", "2030-01-01T00:01"]],
        ["0 0 * * *", ["2030-01-01T00:00", "2030-01-02T00:00"]],
        ["0 0,3,6,9,12,15,18,21 * * *", ["2030-01-01T00:00", "2030-01-01T03:00"]],
        ["*/15 * * * *", ["2030-01-01T00:00", "2030-01-01T00:15"]],
        ["* * * * sunday", ["2030-01-06T00:00", "2030-01-06T00:01"]],
        ["*/10 3,17,22 * * thu,fri", ["2030-01-03T03:00", "2030-01-03T03:10"]],
        ["0 */2,*/3 * * *", ["2030-01-01T00:00", "2030-01-01T02:00"]],
        ["0 0 2 * *", ["2030-01-02T00:00", "2030-02-02T00:00"]],
        ["0 0 11 5 *", ["2030-05-11T00:00", "2031-05-11T00:00"]],
      ];
      for (const [cron, expected] of crontabs) {
        const spec = [{ cron: cron.replace("sunday", "sun") }];
        assert.deepEqual(await schedules.preview({ spec, startAt }, { count: 2 }), utc(...expected), cron);
      }
    },
  },
  {
    promise: "solar",
    source: BEAT,
    notYet: "Needs the times of the sun at a place; a spec has cron, intervals and instants.",
  },
  {
    promise: "timezone",
    source: BEAT,
    test: async ({ schedules }) => {
      const spec = [{ cron: "0 9 * * *", timezone: "Europe/London" }];
      const times = await schedules.preview({ spec, startAt: "2030-03-30T00:00:00Z" }, { count: 2 });
      assert.deepEqual(times, utc("2030-03-30T09:00", "2030-03-31T08:00"));
    },
  },
  {
    promise: "only one beat may run",
    source: BEAT,
    // Here any number may: a time has one task all the same.
    test: async () => {
      await using folder = await Folder.with();
      const env = { KV_PATH: folder.at("beats.db") };
      await using one = await aServer(env);
      await using other = await aServer(env);
      const [errand, same] = [aClient(one.url), aClient(other.url)];
      const spec = [{ everyMs: 1_000 }];
      const options = { tags: ["beat"] };
      await errand.schedules.put("s", {
        task: "add",
        input: { a: 1, b: 1 },
        options,
        spec,
        overlap: "allow-all",
      });
      await firedTimes(same, "s", 3);
      await errand.schedules.pause("s");
      const { fired } = await same.schedules.get("s");
      const tasks = await Array.fromAsync(same.tasks.list({ tag: "beat" }));
      const times = tasks.map(({ schedule }) => schedule!.scheduledFor);
      assert.deepEqual([times.length, new Set(times).size], [fired, fired]);
    },
  },
  {
    promise: "runs may overlap, unless a lock is taken",
    source: BEAT,
    test: async (errand) => {
      const gate = aName("gate");
      const [free, locked] = [aName("free"), aName("locked")];
      const hold = { task: "hold", input: { gate }, spec: [{ everyMs: 1_000 }] } as const;
      const config = { ...hold, spec: [...hold.spec] };
      await errand.schedules.put(free, { ...config, overlap: "allow-all" });
      await errand.schedules.put(locked, { ...config, overlap: "skip" });
      const { running } = await firedTimes(errand, free, 2);
      assert.ok(running.length >= 2);
      const alone = await eventually(async () => {
        const schedule = await errand.schedules.get(locked);
        return schedule.skipped > 0 && schedule;
      }, "no time was passed over");
      assert.deepEqual([alone.fired, alone.running.length], [1, 1]);
      for (const name of [free, locked]) await errand.schedules.delete(name);
      await (await errand.submit("release", { gate })).result();
    },
  },
  {
    promise: "beat_cron_starting_deadline",
    source: BEAT,
    test: async () => {
      await using world = await Scheduling.open();
      const spec = [{ cron: "* * * * *" }];
      await world.put("s", { spec, overlap: "allow-all", catchupMs: 3 * 60_000 });
      // Nobody is there for a while.
      await world.advance(10 * 60_000 + 1);
      assert.deepEqual(await world.minutes(START), [8, 9, 10]);
    },
  },
];
