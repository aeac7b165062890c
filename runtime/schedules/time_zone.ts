// Offsets of a time zone. A wall time is written as the instant at which a clock in UTC would show it: so it
// is compared, and calculated with, as a number.

import { likely } from "../core/nearest.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A time without changes is known in parts of this length at the most. */
const LONGEST_DAYS = 400;
/** No zone is further ahead of UTC. */
const EAST_MS = 14 * 60 * 60 * 1000;
const MOST_ZONES_KNOWN = 100;

/** A time during which the offset is the same. */
interface Span {
  from: number;
  /** The first instant behind it. */
  to: number;
  /** Wall time minus instant. */
  offset: number;
}

export class TimeZone {
  readonly #spans: Span[] = [];
  readonly #offsetAt: (at: number) => number;

  /** @param name one that {@linkcode isTimeZone} takes */
  constructor(readonly name: string) {
    this.#offsetAt = offsetsOf(name);
  }

  /** The time around an instant during which the offset does not change, as far as it is known. */
  spanAt(at: number): Span {
    const known = this.#spans.find(({ from, to }) => from <= at && at < to);
    if (known) return known;
    const offset = this.#offsetAt(at);
    const span = { from: this.#edge(at, offset, -DAY_MS), to: this.#edge(at, offset, DAY_MS), offset };
    this.#spans.push(span);
    return span;
  }

  /** The instant of a wall time: of two the first, and of none the first instant behind the gap. */
  instantOf(wall: number): number {
    let span = this.spanAt(wall - EAST_MS);
    for (;;) {
      const at = wall - span.offset;
      if (at < span.to) return Math.max(at, span.from);
      span = this.spanAt(span.to);
    }
  }

  /** The last wall time that has been shown up to an instant, which is later while an hour is repeated. */
  latestWall(at: number): number {
    const { from, offset } = this.spanAt(at);
    const before = this.spanAt(from - 1).offset;
    return Math.max(at + offset, before > offset ? from + before - 1 : -Infinity);
  }

  /** Where the offset changes next, or did last; or how far it is known not to change. */
  #edge(at: number, offset: number, stepMs: number): number {
    let same = at;
    for (let days = 0; days < LONGEST_DAYS; days++) {
      let other = same + stepMs;
      if (this.#offsetAt(other) === offset) {
        same = other;
        continue;
      }
      while (Math.abs(other - same) > 1) {
        const middle = Math.floor((same + other) / 2);
        if (this.#offsetAt(middle) === offset) same = middle;
        else other = middle;
      }
      break;
    }
    return stepMs > 0 ? same + 1 : same;
  }
}

/** True for a name of the IANA database. An offset such as +02:00 is none: it has no rules. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The zones of which one may have been meant, by their names or their cities. */
export function likelyTimeZones(wanted: string): string[] {
  const names = ["UTC", ...Intl.supportedValuesOf("timeZone")];
  const whole = likely(wanted, names);
  // An abbreviation such as CEST is that of no city.
  if (whole.length > 0 || /^[A-Z]{2,5}$/.test(wanted)) return whole;
  const cities = new Map(names.map((name) => [name.slice(name.lastIndexOf("/") + 1), name]));
  return likely(wanted.slice(wanted.lastIndexOf("/") + 1), [...cities.keys()])
    .map((city) => cities.get(city)!);
}

const known = new Map<string, TimeZone>();

export function timeZoneOf(name: string): TimeZone {
  let zone = known.get(name);
  if (!zone) {
    if (known.size >= MOST_ZONES_KNOWN) known.clear();
    known.set(name, zone = new TimeZone(name));
  }
  return zone;
}

function offsetsOf(name: string): (at: number) => number {
  if (name === "UTC") return () => 0;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (at) => {
    const [month, day, year, hour, minute, second] = format.format(at).match(/\d+/g)!.map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  };
}
