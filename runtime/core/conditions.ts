// How far the conditions are under which a task starts (condition_terms.ts).

import type { Conditions, End } from "./condition_terms.ts";
import { isTerminalType } from "./states.ts";
import { stateOf, type TaskRecord, typeOf } from "./task.ts";

/** How far the conditions of a task are. */
export interface ConditionTally {
  conditions: Conditions;
  /** Single ones, not optional, that cannot come true any more. */
  missed: number;
  /** Single ones with `on` that came true. */
  met: number;
  /** For each of `any`: who ended so, and how many ended otherwise. */
  any: { met: string[]; missed: number }[];
}

/** Null for a task that has not ended. */
export function endOf(record: TaskRecord): End | null {
  const type = typeOf(record);
  if (!isTerminalType(type)) return null;
  return stateOf(record).name === "Skipped" ? "SKIPPED" : type;
}

/** True if it was cancelled for how another task ended: a retry of that one takes this back. */
export function wasStoppedByUpstream(record: TaskRecord): boolean {
  const { name } = stateOf(record);
  // One that was also cancelled on request stays cancelled.
  return (name === "UpstreamFailed" || name === "Skipped") && record.cancel === null;
}

/** Before any upstream has ended. */
export function newTally(conditions: Conditions): ConditionTally {
  const any = (conditions.any ?? []).map(() => ({ met: [], missed: 0 }));
  return { conditions, missed: 0, met: 0, any };
}

/** How many upstreams are waited for as one of several only. */
export function alternativesIn({ any = [] }: Conditions): number {
  return any.reduce((sum, { of }) => sum + of.length, 0);
}

/** Null if no condition names the upstream. */
export function tallied(
  tally: ConditionTally,
  upstream: string,
  was: End | null,
  is: End | null,
): { tally: ConditionTally; isAlternative: boolean; isMissed: boolean } | null {
  const { conditions: { each, any = [] } } = tally;
  const single = each && Object.hasOwn(each, upstream) ? each[upstream] : undefined;
  if (single) {
    const meets = (end: End | null) => end !== null && (single.on?.includes(end) ?? true);
    const misses = (end: End | null) => end !== null && !single.optional && !meets(end);
    const next = { ...tally, missed: tally.missed + Number(misses(is)) - Number(misses(was)) };
    if (single.on) next.met += Number(meets(is)) - Number(meets(was));
    return { tally: next, isAlternative: false, isMissed: misses(is) };
  }
  const place = any.findIndex(({ of }) => of.includes(upstream));
  if (place < 0) return null;
  const { on } = any[place];
  const misses = (end: End | null) => Number(end !== null && !on.includes(end));
  const { met, missed } = tally.any[place];
  const others = met.filter((id) => id !== upstream);
  const changed = {
    met: is !== null && on.includes(is) ? [...others, upstream] : others,
    missed: missed + misses(is) - misses(was),
  };
  return { tally: { ...tally, any: tally.any.with(place, changed) }, isAlternative: true, isMissed: false };
}

/**
 * True if the conditions can't come true any more.
 *
 * @param left how many of the single upstreams have not ended
 */
export function areMissed({ conditions, missed, met, any }: ConditionTally, left: number): boolean {
  if (missed > 0) return true;
  const choices = conditions.any ?? [];
  if (choices.some(({ of, count }, i) => of.length - any[i].missed < count)) return true;
  if (left > 0 || met > 0) return false;
  // All that ask for an end are optional, and none of them came true.
  return Object.values(conditions.each ?? {}).some(({ on, optional }) => on && optional) &&
    !Object.values(conditions.each ?? {}).some(({ on, optional }) => on && !optional);
}

/** True if one of several is still waited for. */
export function areOpen({ conditions, any }: ConditionTally): boolean {
  return (conditions.any ?? []).some(({ count }, i) => any[i].met.length < count);
}

/** As a record keeps them once they have come true. */
export function metConditions({ conditions, any }: ConditionTally): Conditions {
  if (!conditions.any) return conditions;
  const met = conditions.any.map((one, i) => ({ ...one, met: any[i].met.slice(0, one.count) }));
  return { ...conditions, any: met };
}

/** True if others are to be cancelled when these have come true. */
export function cancelsRest({ any = [] }: Conditions): boolean {
  return any.some(({ cancelRest }) => cancelRest);
}
