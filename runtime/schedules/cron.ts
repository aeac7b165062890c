// Cron expressions. Which wall times an expression names is croner's work. Which instants these are where
// clocks are changed follows a rule of our own: a fixed hour happens once on each of its days (in the gap at
// the first instant behind it, in a repeated hour the first time), and an hour with * or / follows the time
// that passes.

import type { Cron as Croner } from "croner";
import type { TimeZone } from "./time_zone.ts";

/** @returns the wall time behind another one, or null if there is none */
export interface CronExpression {
  /** Its hour is named, not `*` or in steps. */
  isFixed: boolean;
  /** It names seconds. */
  hasSeconds: boolean;
  /** If it names the first and the last time of so many milliseconds, it names all between. Longest first. */
  blocks: number[];
  next(wall: number): number | null;
}

const NICKNAMES = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const LONGEST = 200;
const MOST_KNOWN = 1_000;
const MINUTE_MS = 60_000;
/** Too short to touch more than two hours of a clock, or two of its days, also where clocks are changed. */
const HOUR_MS = 3_600_000;
const HALF_DAY_MS = 12 * HOUR_MS;

let croner: typeof Croner | null = null;

/** Must have resolved before an expression is parsed: a service without schedules does not load croner. */
export async function loadCron(): Promise<void> {
  croner ??= (await import("croner")).Cron;
}

const known = new Map<string, CronExpression>();

/** @throws {RangeError} that says what is wrong with it */
export function parseCron(text: string): CronExpression {
  let expression = known.get(text);
  if (!expression) {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(text, expression = parsed(text));
  }
  return expression;
}

function parsed(text: string): CronExpression {
  if (croner === null) throw new Error("Cannot parse a cron expression before croner is loaded");
  const fields = text.trim().split(/\s+/);
  const isNickname = text.startsWith("@");
  if (text.length > LONGEST) throw new RangeError(`must have at most ${LONGEST} characters`);
  if (isNickname && !NICKNAMES.includes(text.toLowerCase())) {
    throw new RangeError(`must be one of ${NICKNAMES.join(", ")}, or have 5 or 6 fields`);
  }
  if (!isNickname && fields.length !== 5 && fields.length !== 6) {
    throw new RangeError(
      `must have 5 fields (minute, hour, day, month, weekday), or 6 with seconds first; it has ${fields.length}`,
    );
  }
  let pattern: Croner;
  try {
    // Wall times are handed over as if they were of UTC. It knows no zone.
    pattern = new croner(text.trim(), { utcOffset: 0, mode: "5-or-6-parts" });
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new RangeError(`must be a cron expression: ${error.message.replace(/^CronPattern: /, "")}`);
  }
  const hour = isNickname ? (text.toLowerCase() === "@hourly" ? "*" : "0") : fields[fields.length - 4];
  let last: { wall: number; next: number | null } | null = null;
  return {
    isFixed: !/[*?/]/.test(hour),
    hasSeconds: fields.length === 6,
    blocks: isNickname ? [MINUTE_MS] : blocksOf(fields),
    next(wall) {
      // Many schedules say the same, and are due at the same time.
      if (last?.wall !== wall) last = { wall, next: pattern.nextRun(new Date(wall))?.getTime() ?? null };
      return last.next;
    },
  };
}

function blocksOf(fields: string[]): number[] {
  const [second, minute, hour] = fields.length === 6 ? fields : ["*", ...fields];
  if (second !== "*") return [];
  if (minute !== "*") return [MINUTE_MS];
  return hour === "*" ? [HALF_DAY_MS, HOUR_MS, MINUTE_MS] : [HOUR_MS, MINUTE_MS];
}

/** The first instant behind `after` that the expression names in a zone; null if there is none. */
export function nextOfCron(expression: CronExpression, zone: TimeZone, after: number): number | null {
  return expression.isFixed ? nextFixed(expression, zone, after) : nextElapsed(expression, zone, after);
}

function nextFixed(expression: CronExpression, zone: TimeZone, after: number): number | null {
  let wall = expression.next(zone.latestWall(after));
  // Several times in one gap are the same instant.
  while (wall !== null && zone.instantOf(wall) <= after) wall = expression.next(wall);
  return wall === null ? null : zone.instantOf(wall);
}

function nextElapsed(expression: CronExpression, zone: TimeZone, after: number): number | null {
  for (let at = after;;) {
    const { offset, to } = zone.spanAt(at + 1);
    const wall = expression.next(at + offset);
    if (wall === null) return null;
    if (wall - offset < to) return wall - offset;
    at = to - 1;
  }
}
