// Conditions on how others end, as callers ask for them, and what follows from them by the table of
// docs/guides/composition.md: in words of its own, not in those of the engine.

import { type End, ENDS } from "../../runtime/core/condition_terms.ts";
import type { WaitItem } from "../../runtime/core/wait_for.ts";
import type { Random } from "../support/random.ts";
import type { Upstream, WantedConditions, Wants } from "./wants.ts";

const NONE: WantedConditions = { each: [], any: [], lenient: [] };

export function isSame(a: Upstream, b: Upstream): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function isLenient({ conditions = NONE, allowFailure }: Wants, upstream: Upstream): boolean {
  return allowFailure || conditions.lenient.some((one) => isSame(one, upstream));
}

/** All that it waits for, also those that stand only in a condition. */
export function allUpstreams({ from, waitFor, conditions = NONE }: Wants): Upstream[] {
  const inInput = from.filter((one) => one !== "quoted");
  return [
    ...waitFor,
    ...conditions.each.map(({ of }) => of),
    ...conditions.any.flatMap(({ of }) => of),
    ...inInput,
  ];
}

export function isAlternative({ conditions = NONE }: Wants, upstream: Upstream): boolean {
  return conditions.any.some(({ of }) => of.some((one) => isSame(one, upstream)));
}

/** Those that must complete, or end at all if the task says so of all. */
export function plainUpstreams(wants: Wants): Upstream[] {
  const { conditions = NONE, allowFailure } = wants;
  return allUpstreams(wants).filter((one) => {
    if (isAlternative(wants, one) || conditions.each.some(({ of }) => isSame(of, one))) return false;
    return allowFailure || !conditions.lenient.some((lenient) => isSame(lenient, one));
  });
}

/** How it stands by the ends of those that it waits for. `isHeld`: a barrier is not lifted. */
export function verdict(
  wants: Wants,
  endOf: (upstream: Upstream) => End | null,
  isHeld: boolean,
): "go" | "wait" | "stop" {
  const { conditions = NONE, allowFailure } = wants;
  const singles = allUpstreams(wants).filter((one) => !isAlternative(wants, one));
  const isOpen = isHeld || singles.some((one) => endOf(one) === null);
  const hasFailed = plainUpstreams(wants).some((one) => endOf(one) !== null && endOf(one) !== "COMPLETED");
  if (hasFailed && !allowFailure) return "stop";
  const asking = conditions.each.filter(({ on }) => on !== undefined);
  const cameTrue = ({ of, on }: typeof asking[number]) => (on as End[]).includes(endOf(of) as End);
  if (asking.some((one) => !one.optional && endOf(one.of) !== null && !cameTrue(one))) return "stop";
  const isChoice = asking.length > 0 && asking.every(({ optional }) => optional);
  if (isChoice && !isOpen && !asking.some(cameTrue)) return "stop";
  let isWaiting = isOpen;
  for (const { of, count, on = ENDS.filter((end) => end !== "SKIPPED") } of conditions.any) {
    const ends = of.map(endOf);
    const met = ends.filter((end) => end !== null && (on as End[]).includes(end)).length;
    const left = ends.filter((end) => end === null).length;
    if (met + left < count) return "stop";
    if (met < count) isWaiting = true;
  }
  return isWaiting ? "wait" : "go";
}

/** The items of its `waitFor` that have conditions. */
export function conditionItems(
  { conditions = NONE }: Wants,
  idOf: (upstream: Upstream) => string,
): WaitItem[] {
  return [
    ...conditions.each.map(({ of, on, optional }) => ({ task: idOf(of), on, optional })),
    ...conditions.any.map(({ of, ...rest }) => ({ anyOf: of.map(idOf), ...rest })),
  ];
}

/** Puts conditions in place of some of what a task wants. */
export function withConditions(wants: Wants, random: Random | null): Wants {
  if (!random?.chance(0.6)) return wants;
  const conditions: WantedConditions = { each: [], any: [], lenient: [] };
  const different = allUpstreams(wants).filter((one, i, all) =>
    all.findIndex((other) => isSame(one, other)) === i
  );
  const kindOf = new Map(
    different.map((one) => [one, random.pick(["plain", "each", "any", "any", "lenient"])]),
  );
  const such = (kind: string) => different.filter((one) => kindOf.get(one) === kind);
  const some = () => ENDS.filter(() => random.chance(0.45));
  for (const of of such("each")) {
    const on = random.chance(0.8) ? some() : [];
    conditions.each.push({
      of,
      on: on.length > 0 ? on : undefined,
      optional: random.chance(0.4) || on.length === 0,
    });
  }
  const of = such("any");
  if (of.length > 0) {
    const on = random.chance(0.4) ? some() : [];
    conditions.any.push({
      of,
      count: 1 + random.below(of.length),
      on: on.length > 0 ? on : undefined,
      cancelRest: random.chance(0.4),
    });
  }
  const inInput = (one: Upstream) => wants.from.some((other) => other !== "quoted" && isSame(one, other));
  conditions.lenient.push(...[...of, ...such("each"), ...such("lenient")].filter(inInput));
  // What only waits cannot be lenient.
  const strict = [...such("plain"), ...such("lenient").filter((one) => !inInput(one))];
  const waitFor = wants.waitFor.filter((one) => strict.some((other) => isSame(one, other)));
  return { ...wants, waitFor, conditions };
}
