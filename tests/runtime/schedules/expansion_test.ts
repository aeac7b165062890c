import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { loadCron } from "../../../runtime/schedules/cron.ts";
import type { SpecEntry, Times } from "../../../runtime/core/schedule_config.ts";
import { Expansion, expansionOf } from "../../../runtime/schedules/spec.ts";

await loadCron();

const NOW = Date.parse("2026-01-01T00:00:00Z");

/** The times behind an instant, in UTC, without what all of them end with. */
function timesOf(times: Times, after: string, count: number): string[] {
  const expansion = expansionOf(times);
  assert.ok(expansion instanceof Expansion, JSON.stringify(expansion));
  return expansion.upcoming(Date.parse(after), count).map((at) => new Date(at).toISOString());
}

function check(spec: SpecEntry | SpecEntry[], after: string, expected: string[], more: Partial<Times> = {}) {
  const found = timesOf({ spec: [spec].flat(), ...more }, after, expected.length);
  assert.deepEqual(found, expected.map((at) => new Date(at).toISOString()), JSON.stringify(spec));
}

/** What is wrong with these times. */
function faultsOf(times: Times, now: number | null = NOW) {
  const faults = expansionOf(times, now);
  assert.ok(Array.isArray(faults), `${JSON.stringify(times)} was taken`);
  return faults;
}

const berlin = (cron: string): SpecEntry => ({ cron, timezone: "Europe/Berlin" });
const lordHowe = (cron: string): SpecEntry => ({ cron, timezone: "Australia/Lord_Howe" });

Deno.test("a fixed time in the gap is once, at the first instant behind it", () => {
  check(berlin("30 2 * * *"), "2026-03-27T12:00Z", [
    "2026-03-28T01:30Z",
    "2026-03-29T01:00Z",
    "2026-03-30T00:30Z",
  ]);
  check(berlin("0,15,30,45 2 * * *"), "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:00Z"]);
  check(berlin("*/5 2 * * *"), "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:00Z"]);
  check(berlin("0 2,3 * * *"), "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:00Z"]);
  check(berlin("0 30 2 * * *"), "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]);
});

Deno.test("a fixed time in the repeated hour is once, the first time", () => {
  check(berlin("30 2 * * *"), "2026-10-24T12:00Z", ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]);
  check(berlin("0,30 1-3 * * *"), "2026-10-24T22:00Z", [
    "2026-10-24T23:00Z",
    "2026-10-24T23:30Z",
    "2026-10-25T00:00Z",
    "2026-10-25T00:30Z",
    "2026-10-25T02:00Z",
    "2026-10-25T02:30Z",
    "2026-10-26T00:00Z",
  ]);
  // Asked within the first and the second pass of the hour.
  for (const after of ["2026-10-25T00:30Z", "2026-10-25T00:45Z", "2026-10-25T01:15Z", "2026-10-25T01:45Z"]) {
    check(berlin("30 2 * * *"), after, ["2026-10-26T01:30Z"]);
    check(berlin("* * 2 * * *"), "2026-10-25T00:59:59Z", ["2026-10-26T01:00:00Z"]);
  }
});

Deno.test("* and / in the hour follow the time that passes, through the gap and the repeated hour", () => {
  check(berlin("*/30 * * * *"), "2026-03-29T00:00Z", [
    "2026-03-29T00:30Z",
    "2026-03-29T01:00Z",
    "2026-03-29T01:30Z",
    "2026-03-29T02:00Z",
  ]);
  check(berlin("*/30 * * * *"), "2026-10-25T00:00Z", [
    "2026-10-25T00:30Z",
    "2026-10-25T01:00Z",
    "2026-10-25T01:30Z",
    "2026-10-25T02:00Z",
    "2026-10-25T02:30Z",
  ]);
  check(berlin("@hourly"), "2026-10-24T23:00Z", [
    "2026-10-25T00:00Z",
    "2026-10-25T01:00Z",
    "2026-10-25T02:00Z",
  ]);
  check(berlin("0 0-23/2 * * *"), "2026-03-28T23:00Z", ["2026-03-29T02:00Z", "2026-03-29T04:00Z"]);
  check(berlin("0 */2 * * *"), "2026-10-24T22:00Z", [
    "2026-10-25T00:00Z",
    "2026-10-25T01:00Z",
    "2026-10-25T03:00Z",
  ]);
  check(berlin("* * * * * *"), "2026-03-29T00:59:58Z", ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"]);
});

Deno.test("clocks that are moved by half an hour, and offsets of a quarter, keep the same rules", () => {
  check(lordHowe("15 2 * * *"), "2026-10-02T20:00Z", ["2026-10-03T15:30Z", "2026-10-04T15:15Z"]);
  check(lordHowe("45 1 * * *"), "2026-04-03T20:00Z", ["2026-04-04T14:45Z", "2026-04-05T15:15Z"]);
  check(lordHowe("*/15 * * * *"), "2026-04-04T14:44Z", [
    "2026-04-04T14:45Z",
    "2026-04-04T15:00Z",
    "2026-04-04T15:15Z",
    "2026-04-04T15:30Z",
  ]);
  check({ cron: "0 9 * * *", timezone: "Asia/Kathmandu" }, "2026-04-03T12:00Z", ["2026-04-04T03:15Z"]);
  check({ cron: "0 9 * * *", timezone: "Asia/Kolkata" }, "2026-04-03T12:00Z", ["2026-04-04T03:30Z"]);
});

Deno.test("a gap at midnight, a day that did not happen, and a zone without changes", () => {
  const beirut = { cron: "@daily", timezone: "Asia/Beirut" };
  check(beirut, "2026-03-27T12:00Z", ["2026-03-27T22:00Z", "2026-03-28T22:00Z", "2026-03-29T21:00Z"]);
  const apia = { cron: "0 9 * * *", timezone: "Pacific/Apia" };
  check(apia, "2011-12-29T00:00Z", ["2011-12-29T19:00Z", "2011-12-30T10:00Z", "2011-12-30T19:00Z"]);
  const morocco = { cron: "0 12 * * *", timezone: "Africa/Casablanca" };
  check(morocco, "2026-02-13T12:00Z", ["2026-02-14T11:00Z", "2026-02-15T12:00Z"]);
  check({ cron: "0 9 * * *", timezone: "Etc/GMT-14" }, "2026-01-01T00:00Z", ["2026-01-01T19:00Z"]);
});

Deno.test("southern zones, where the gap is in October, keep the rules", () => {
  const sydney = (cron: string) => ({ cron, timezone: "Australia/Sydney" });
  check(sydney("30 2 * * *"), "2026-10-03T00:00Z", ["2026-10-03T16:00Z", "2026-10-04T15:30Z"]);
  check(sydney("30 2 * * *"), "2026-04-04T00:00Z", ["2026-04-04T15:30Z", "2026-04-05T16:30Z"]);
});

Deno.test("the leap day, the last day, the last and the n-th weekday, names, and nicknames", () => {
  const from = "2026-01-01T00:00Z";
  check({ cron: "0 0 29 2 *" }, from, ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]);
  check({ cron: "0 0 29 2 *" }, "2096-03-01T00:00Z", ["2104-02-29T00:00Z"]);
  check({ cron: "0 0 L * *" }, from, ["2026-01-31T00:00Z", "2026-02-28T00:00Z", "2026-03-31T00:00Z"]);
  check({ cron: "0 0 * * 5#3" }, from, ["2026-01-16T00:00Z", "2026-02-20T00:00Z"]);
  check({ cron: "0 0 * * FRI#L" }, from, ["2026-01-30T00:00Z", "2026-02-27T00:00Z"]);
  check({ cron: "0 0 * JAN,mar MON" }, from, ["2026-01-05T00:00Z", "2026-01-12T00:00Z"]);
  check({ cron: "0 0 * * 7" }, from, ["2026-01-04T00:00Z"]);
  check({ cron: "0 0 13 * 5" }, from, ["2026-01-02T00:00Z", "2026-01-09T00:00Z", "2026-01-13T00:00Z"]);
  check({ cron: "@daily" }, from, ["2026-01-02T00:00Z"]);
  check({ cron: "@midnight" }, from, ["2026-01-02T00:00Z"]);
  check({ cron: "@weekly" }, from, ["2026-01-04T00:00Z"]);
  check({ cron: "@monthly" }, from, ["2026-02-01T00:00Z"]);
  check({ cron: "@yearly" }, from, ["2027-01-01T00:00Z"]);
  check({ cron: "@annually" }, from, ["2027-01-01T00:00Z"]);
});

Deno.test("five fields are minutes, and six begin with seconds", () => {
  check({ cron: "30 9 * * *" }, "2026-01-01T09:29:59.999Z", ["2026-01-01T09:30Z", "2026-01-02T09:30Z"]);
  check({ cron: "30 9 * * *" }, "2026-01-01T09:30:00.000Z", ["2026-01-02T09:30Z"]);
  check({ cron: "15 30 9 * * *" }, "2026-01-01T00:00Z", ["2026-01-01T09:30:15Z", "2026-01-02T09:30:15Z"]);
});

Deno.test("an interval counts from 1970, so that it does not drift, whenever it is asked", () => {
  check({ everyMs: 90_000 }, "2026-01-01T00:00:10Z", ["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"]);
  check({ everyMs: 60_000, offsetMs: 250 }, "2026-01-01T00:00:00.250Z", ["2026-01-01T00:01:00.250Z"]);
  check({ everyMs: 60_000, offsetMs: 250 }, "2026-01-01T00:00:00.249Z", ["2026-01-01T00:00:00.250Z"]);
});

Deno.test("several entries are one row of times, in which none stands twice", () => {
  check(
    [{ cron: "0 * * * *" }, { everyMs: 1_800_000 }, { at: "2026-01-01T00:10:00Z" }],
    "2026-01-01T00:00Z",
    [
      "2026-01-01T00:10Z",
      "2026-01-01T00:30Z",
      "2026-01-01T01:00Z",
      "2026-01-01T01:30Z",
    ],
  );
  assert.deepEqual(timesOf({ spec: [{ at: "2026-01-01T00:10:00+02:00" }] }, "2025-12-01T00:00Z", 5), [
    "2025-12-31T22:10:00.000Z",
  ]);
});

Deno.test("times lie between startAt and endAt, both included", () => {
  const bounds = { startAt: "2026-02-01T00:00:00Z", endAt: "2026-02-03T00:00:00Z" };
  const found = timesOf({ spec: [{ cron: "@daily" }], ...bounds }, "2026-01-01T00:00Z", 9);
  assert.deepEqual(found, [
    "2026-02-01T00:00:00.000Z",
    "2026-02-02T00:00:00.000Z",
    "2026-02-03T00:00:00.000Z",
  ]);
});

Deno.test("what exclude names is left out: whole minutes, seconds, intervals, instants", () => {
  const exclude: SpecEntry[] = [berlin("* * 25,26 12 *"), { at: "2026-12-27T08:00:00Z" }];
  check(berlin("0 9 * * *"), "2026-12-24T00:00Z", ["2026-12-24T08:00Z", "2026-12-28T08:00Z"], { exclude });
  check({ cron: "*/20 * * * * *" }, "2026-01-01T00:00Z", ["2026-01-01T00:01:00Z", "2026-01-01T00:01:20Z"], {
    exclude: [{ cron: "0 0 * * *" }],
  });
  check({ everyMs: 1_000 }, "2026-01-01T00:00Z", ["2026-01-01T00:00:02Z", "2026-01-01T00:00:04Z"], {
    exclude: [{ everyMs: 2_000, offsetMs: 1_000 }],
  });
  check({ cron: "0 12 * * *" }, "2026-01-01T00:00Z", ["2026-01-02T12:00Z", "2026-01-04T12:00Z"], {
    exclude: [berlin("* * */2 * *")],
  });
  // The time in the gap is left out where it happens.
  check(berlin("30 2 * * *"), "2026-03-28T12:00Z", ["2026-03-30T00:30Z"], {
    exclude: [berlin("30 2 29 3 *")],
  });
});

Deno.test("a spec that is no spec is refused with its place, the rule and the value", () => {
  const wrong: [SpecEntry, string, RegExp][] = [
    [
      { cron: "0 0 0 * * * 2027" },
      "/spec/0/cron",
      /5 fields .* or 6 .*it has 7 \(got "0 0 0 \* \* \* 2027"\)/,
    ],
    [{ cron: "* * *" }, "/spec/0/cron", /it has 3/],
    [{ cron: "61 * * * *" }, "/spec/0/cron", /minute: 61/],
    [{ cron: "0 22-2 * * *" }, "/spec/0/cron", /22-2/],
    [{ cron: "*/0 * * * *" }, "/spec/0/cron", /stepping: 0/],
    [{ cron: "0 0 * * 5#6" }, "/spec/0/cron", /nth weekday/],
    [{ cron: "@reboot" }, "/spec/0/cron", /must be one of @yearly.*@hourly, or have 5 or 6 fields/],
    [{ cron: "2026-05-01T00:00:00" }, "/spec/0/cron", /it has 1/],
    [{ cron: "0 0 * * *", timezone: "Europ/Berlin" }, "/spec/0/timezone", /did you mean "Europe\/Berlin"\?/],
    [{ cron: "0 0 * * *", timezone: "Berlin" }, "/spec/0/timezone", /did you mean "Europe\/Berlin"\?/],
    [{ cron: "0 0 * * *", timezone: "CEST" }, "/spec/0/timezone", /such as "Europe\/Berlin" or "UTC"/],
    [{ cron: "0 0 * * *", timezone: "Mars/Phobos" }, "/spec/0/timezone", /such as "Europe\/Berlin"/],
    [{ cron: "0 0 * * *", timezone: "+02:00" }, "/spec/0/timezone", /IANA database/],
  ];
  for (const [entry, pointer, message] of wrong) {
    const faults = faultsOf({ spec: [entry] }, null);
    assert.deepEqual(faults.map((fault) => fault.pointer), [pointer], JSON.stringify(entry));
    assert.match(faults[0].message, message);
  }
});

Deno.test("a spec that never fires is refused: February 30th, the past, an end before the first time", () => {
  const never: [Times, string, RegExp][] = [
    [{ spec: [{ cron: "0 0 30 2 *" }] }, "/spec/0", /"0 0 30 2 \*" never has one/],
    [{ spec: [{ cron: "0 0 31 4,6 *" }] }, "/spec/0", /never/],
    [{ spec: [{ cron: "@daily" }, { at: "2025-12-31T23:59:59Z" }] }, "/spec/1", /must lie in the future/],
    [{ spec: [{ cron: "@yearly" }], endAt: "2026-06-01T00:00:00Z" }, "/spec", /none before endAt/],
    [{ spec: [{ cron: "@daily" }], exclude: [{ cron: "* * * * *" }] }, "/exclude", /must leave a time/],
    [
      { spec: [{ cron: "@daily" }], startAt: "2026-06-02T00:00:00Z", endAt: "2026-06-01T00:00:00Z" },
      "/endAt",
      /must not be before startAt/,
    ],
  ];
  for (const [times, pointer, message] of never) {
    const faults = faultsOf(times);
    assert.deepEqual(faults.map((fault) => fault.pointer), [pointer], JSON.stringify(times));
    assert.match(faults[0].message, message);
  }
});

Deno.test("a search among times that are all taken away ends, and says where it is to go on", () => {
  const expansion = expansionOf({
    spec: [{ everyMs: 1_000 }],
    exclude: [{ cron: "0-59 0-59 0 1 1 *" }],
  });
  assert.ok(expansion instanceof Expansion);
  const first = expansion.next(NOW);
  assert.deepEqual([first!.isExcluded, first!.at > NOW], [true, true]);
  let slot = first;
  while (slot!.isExcluded) slot = expansion.next(slot!.at);
  assert.equal(new Date(slot!.at).toISOString(), "2026-01-01T01:00:00.000Z");
});

Deno.test("days that are taken away do not refuse a schedule, however often it would fire on them", () => {
  const friday = Date.parse("2026-01-02T22:59:59Z");
  for (const spec of [[{ cron: "* * * * *" }], [{ cron: "* * * * * *" }], [{ everyMs: 1_000 }]]) {
    for (const days of ["* * * * SAT,SUN", "* * * * * SAT,SUN"]) {
      const expansion = expansionOf({ spec, exclude: [berlin(days)] }, friday);
      assert.ok(expansion instanceof Expansion, `${JSON.stringify(spec)}: ${JSON.stringify(expansion)}`);
      assert.equal(new Date(expansion.next(friday)!.at).toISOString(), "2026-01-04T23:00:00.000Z");
    }
  }
  const times = {
    spec: [{ everyMs: 1_000 }],
    exclude: [{ cron: "* * * 1-11 *" }, { cron: "* 0-22 * 12 *" }],
  };
  const expansion = expansionOf(times, NOW);
  assert.ok(expansion instanceof Expansion, JSON.stringify(expansion));
  assert.equal(new Date(expansion.next(NOW)!.at).toISOString(), "2026-12-01T23:00:00.000Z");
});

Deno.test("what exclude takes away is what the same entry names as a spec, also where clocks are changed", () => {
  const crons = [
    "* * * * *",
    "* 1 * * *",
    "* 2 * * *",
    "* 1,2 * * *",
    "* 2,3 * * *",
    "*/7 2 * * *",
    "* */2 * * *",
  ]
    .concat("* * 29 3 *", "* * 25 10 *", "* * * * SAT", "30 * * * * *", "* 15 * * * *", "* * 2 * * *");
  const changes: [string, string[]][] = [
    ["Europe/Berlin", ["2026-03-28T22:00Z", "2026-10-24T22:00Z"]],
    ["Australia/Lord_Howe", ["2026-04-04T12:00Z", "2026-10-03T13:00Z"]],
    ["Australia/Adelaide", ["2026-04-04T14:00Z", "2026-10-03T14:00Z"]],
    ["Pacific/Chatham", ["2026-04-04T12:00Z", "2026-09-26T12:00Z"]],
  ];
  const minute = 60_000;
  const hours = 8;
  for (const [timezone, nights] of changes) {
    for (const night of nights) {
      const from = Date.parse(night);
      for (const cron of crons) {
        const entry = { cron, timezone };
        const named = expansionOf({ spec: [entry] }) as Expansion;
        const left = expansionOf({ spec: [{ everyMs: minute }], exclude: [entry] }) as Expansion;
        const expected: number[] = [];
        for (let at = from; at < from + hours * 60 * minute; at += minute) {
          if (named.next(at - 1)?.at !== at) expected.push(at);
        }
        const found: number[] = [];
        for (let at = left.next(from - 1); at && at.at < from + hours * 60 * minute; at = left.next(at.at)) {
          if (!at.isExcluded) found.push(at.at);
        }
        assert.deepEqual(found, expected, `${cron} in ${timezone} from ${night}`);
      }
    }
  }
});
