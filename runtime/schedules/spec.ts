// When a schedule fires: what callers may say, and what it means.

import { z } from "zod";
import type { Fault } from "../core/errors.ts";
import { instantText } from "../core/instant.ts";
import { once } from "../core/once.ts";
import type { SpecEntry, Times } from "../core/schedule_config.ts";
import { strictObject } from "../core/strict_object.ts";
import { type CronExpression, nextOfCron, parseCron } from "./cron.ts";
import { isTimeZone, likelyTimeZones, type TimeZone, timeZoneOf } from "./time_zone.ts";

export const SHORTEST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 366 * 24 * 60 * 60 * 1000;
export const MOST_ENTRIES = 20;
/** Times, or stretches, that `exclude` takes away one after the other, before it is looked no further. */
const MOST_EXCLUDED = 1_000;
const MINUTE_MS = 60_000;

const entry = once((): z.ZodType<SpecEntry, SpecEntry> => {
  const cronEntry = strictObject({
    cron: z.string().min(1).describe(
      "5 fields (minute, hour, day of month, month, weekday) or 6 with seconds first, or @daily and the like; " +
        "L, # and names of days and months.",
    ),
    timezone: z.string().optional().describe(
      "A name of the IANA database, such as Europe/Berlin. Default UTC.",
    ),
  });
  const everyEntry = strictObject({
    everyMs: z.int().min(SHORTEST_INTERVAL_MS).max(LONGEST_INTERVAL_MS)
      .describe("Counted from 1970 in UTC, so that it never drifts."),
    offsetMs: z.int().min(0).max(LONGEST_INTERVAL_MS).optional()
      .describe("Moves all of its times. Default 0."),
  });
  const atEntry = strictObject({ at: instantText().describe("Once.") });

  return z.union([cronEntry, everyEntry, atEntry], {
    error: "must have cron, everyMs or at, and only one of them",
  }).meta({ id: "ScheduleSpec" });
});

export type TimesShape = {
  spec: z.ZodArray<z.ZodType<SpecEntry, SpecEntry>>;
  exclude: z.ZodOptional<z.ZodArray<z.ZodType<SpecEntry, SpecEntry>>>;
  startAt: z.ZodOptional<z.ZodType<string, string>>;
  endAt: z.ZodOptional<z.ZodType<string, string>>;
};

export const timesShape: () => TimesShape = once(() => ({
  spec: z.array(entry()).min(1).max(MOST_ENTRIES).describe("It fires at the times of each entry."),
  exclude: z.array(entry()).max(MOST_ENTRIES).optional().describe(
    "It does not fire at the times of these. An entry of 5 fields takes whole minutes away.",
  ),
  startAt: instantText().optional().describe("It does not fire before this."),
  endAt: instantText().optional().describe("It does not fire after this."),
}));

interface Entry {
  next(after: number): number | null;
  /** The end of a stretch that it names all of, or null if it does not name this instant, or its minute. */
  endOf(at: number): number | null;
}

/** A time of a schedule. `isExcluded`: the search ended here, and is to go on behind it. */
export interface Slot {
  at: number;
  isExcluded: boolean;
}

/** The times of a schedule, one after the other. */
export class Expansion {
  constructor(
    private readonly entries: Entry[],
    private readonly excluded: Entry[],
    private readonly startAt: number,
    private readonly endAt: number,
  ) {}

  /** The first time behind an instant; null if there is none. */
  next(after: number): Slot | null {
    let from = Math.max(after, this.startAt - 1);
    for (let passed = 0;; passed++) {
      const at = this.#candidate(from);
      if (at === null) return null;
      const end = Math.max(...this.excluded.map((entry) => entry.endOf(at) ?? at));
      const isExcluded = end > at;
      if (!isExcluded || passed >= MOST_EXCLUDED) return { at, isExcluded };
      from = end - 1;
    }
  }

  /** So many times behind an instant; fewer where it ends, or where `exclude` leaves too little. */
  upcoming(after: number, count: number): number[] {
    const times: number[] = [];
    for (let tries = 0; times.length < count && tries < 2 * count; tries++) {
      const slot = this.next(after);
      if (slot === null) break;
      if (!slot.isExcluded) times.push(slot.at);
      after = slot.at;
    }
    return times;
  }

  #candidate(after: number): number | null {
    let first: number | null = null;
    for (const entry of this.entries) {
      const at = entry.next(after);
      if (at !== null && (first === null || at < first)) first = at;
    }
    return first === null || first > this.endAt ? null : first;
  }
}

/**
 * The times that a spec means, or what is wrong with it. `loadCron` must have resolved.
 *
 * @param now a spec must have a time behind it; null: any spec will do that can be read
 */
export function expansionOf(times: Times, now: number | null = null): Expansion | Fault[] {
  const faults: Fault[] = [];
  const startAt = times.startAt === undefined ? -Infinity : Date.parse(times.startAt);
  const endAt = times.endAt === undefined ? Infinity : Date.parse(times.endAt);
  if (endAt < startAt) {
    faults.push({ pointer: "/endAt", message: `must not be before startAt (got "${times.endAt}")` });
  }
  const entriesOf = (field: "spec" | "exclude") =>
    (times[field] ?? []).flatMap((entry, i) => {
      const made = entryOf(entry, `/${field}/${i}`);
      if (!Array.isArray(made)) return [made];
      faults.push(...made);
      return [];
    });
  const entries = entriesOf("spec");
  const excluded = entriesOf("exclude");
  if (faults.length > 0) return faults;
  const expansion = new Expansion(entries, excluded, startAt, endAt);
  if (now === null) return expansion;
  entries.forEach((entry, i) => {
    const isOver = entry.next(Math.max(now, startAt - 1)) === null;
    if (isOver) faults.push({ pointer: `/spec/${i}`, message: neverOf(times.spec[i]) });
  });
  if (faults.length > 0) return faults;
  const first = expansion.next(now);
  if (first === null && new Expansion(entries, [], startAt, endAt).next(now) !== null) {
    return [{ pointer: "/exclude", message: "must leave a time: it takes all times of spec away" }];
  }
  if (first === null) {
    const bound = times.endAt === undefined ? "" : ` before endAt, ${times.endAt}`;
    return [{ pointer: "/spec", message: `must have a time in the future, and has none${bound}` }];
  }
  if (!first.isExcluded) return expansion;
  return [{
    pointer: "/exclude",
    message: `must leave a time: it takes all away until ${new Date(first.at).toISOString()}`,
  }];
}

function neverOf(entry: SpecEntry): string {
  if ("at" in entry) return `must lie in the future; at is ${entry.at}`;
  const text = "cron" in entry ? entry.cron : "it";
  return `must have a time in the future; "${text}" never has one: there is no such day`;
}

/** An entry, or what is wrong with it. */
function entryOf(entry: SpecEntry, pointer: string): Entry | Fault[] {
  if ("at" in entry) return instant(Date.parse(entry.at));
  if ("everyMs" in entry) return interval(entry.everyMs, entry.offsetMs ?? 0);
  const faults: Fault[] = [];
  const { cron, timezone = "UTC" } = entry;
  if (!isTimeZone(timezone)) faults.push({ pointer: `${pointer}/timezone`, message: unknownZone(timezone) });
  try {
    const expression = parseCron(cron);
    if (faults.length === 0) return ofCron(expression, timeZoneOf(timezone));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    faults.push({ pointer: `${pointer}/cron`, message: `${error.message} (got ${JSON.stringify(cron)})` });
  }
  return faults;
}

function unknownZone(name: string): string {
  const meant = likelyTimeZones(name).map((zone) => `"${zone}"`);
  const remedy = meant.length > 0
    ? `did you mean ${meant.join(" or ")}?`
    : 'such as "Europe/Berlin" or "UTC"';
  return `must be a time zone of the IANA database; ${remedy} (got ${JSON.stringify(name)})`;
}

function instant(at: number): Entry {
  return { next: (after) => at > after ? at : null, endOf: (other) => other === at ? at + 1 : null };
}

function interval(everyMs: number, offsetMs: number): Entry {
  return {
    next: (after) => (Math.floor((after - offsetMs) / everyMs) + 1) * everyMs + offsetMs,
    endOf: (at) => (at - offsetMs) % everyMs === 0 ? at + 1 : null,
  };
}

function ofCron(expression: CronExpression, zone: TimeZone): Entry {
  const next = (after: number) => nextOfCron(expression, zone, after);
  const unit = expression.hasSeconds ? 1_000 : MINUTE_MS;
  const startOf = (at: number, length: number) => Math.floor(at / length) * length;
  const names = (at: number) => next(startOf(at, unit) - 1) === startOf(at, unit);
  return {
    next,
    endOf(at) {
      if (!names(at)) return null;
      const ends = expression.blocks.map((length) => startOf(at, length) + length);
      return ends.find((end) => names(end - 1)) ?? startOf(at, unit) + unit;
    },
  };
}
