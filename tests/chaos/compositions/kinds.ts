// The kinds of compositions, and all their rules.

import type { Random } from "../../support/random.ts";
import { compensations } from "./compensations.ts";
import type { ComposedCheck, Drawn, Kind } from "./composition.ts";
import { conditions } from "./conditions.ts";
import { groupPolicies } from "./group_policies.ts";
import { rates } from "./rates.ts";
import { replacements } from "./replacements.ts";
import { uniqueKeys } from "./unique_keys.ts";

const ALL = {
  policy: groupPolicies,
  saga: compensations,
  condition: conditions,
  replacement: replacements,
  unique: uniqueKeys,
  rate: rates,
};

export type KindName = keyof typeof ALL;

export const KINDS = Object.keys(ALL) as KindName[];

/** @returns calls that are made at once, by their names */
export function draw(kind: KindName, random: Random, name: string): Map<string, Drawn<unknown>> {
  const { atOnce = 1, draw } = ALL[kind] as Kind<unknown>;
  const calls = Array.from({ length: atOnce }, (_, i) => atOnce === 1 ? name : `${name}.${i}`);
  return new Map(calls.map((call) => [call, draw(random, call)]));
}

export const composedChecks: Record<string, ComposedCheck> = {
  "accepted calls whose tasks are not those that were promised": ({ calls, tasks }) => {
    const made = Map.groupBy([...tasks.values()], ({ metadata }) => metadata.call);
    return calls.filter(({ status }) => status === 202).flatMap(({ call, ids }) => {
      const found = (made.get(call) ?? []).map(({ id }) => id);
      const promised = Object.values(ids);
      return found.toSorted().join() === promised.toSorted().join()
        ? []
        : [`${call}: ${promised} but there are ${found}`];
    });
  },

  ...Object.assign({}, ...Object.values(ALL).map(({ checks }) => checks)),
};
