// Which changes fit one commit together.

import type { KvLimits } from "../platform/kv.ts";
import { type Change, unitOf, type UnitOptions } from "./commit_unit.ts";
import { type Cost, Load } from "./group_commit.ts";

/** Left free for groups and idempotency keys. */
const SPARE: Cost = { checks: 3, shared: [], mutations: 4, bytes: 60_000, keyBytes: 1_000, owns: [] };

export function fitsOneCommit(limits: KvLimits, changes: Change[], options: UnitOptions): boolean {
  return !loadOf(SPARE, unitOf("", changes, options).cost).exceeds(limits);
}

/** Splits changes into runs that each fit one commit, in order, with so many more mutations to spare. */
export function packs(
  limits: KvLimits,
  changes: Change[],
  options: UnitOptions = {},
  spareMutations = 0,
): Change[][] {
  const spare = { ...SPARE, mutations: SPARE.mutations + spareMutations };
  const packed: Change[][] = [];
  let load = loadOf(spare);
  for (const change of changes) {
    const { cost } = unitOf("", [change], options);
    load.add(cost);
    if (packed.length === 0 || load.exceeds(limits)) {
      packed.push([]);
      load = loadOf(spare, cost);
    }
    packed[packed.length - 1].push(change);
  }
  return packed;
}

function loadOf(...costs: Cost[]): Load {
  const load = new Load();
  for (const cost of costs) load.add(cost);
  return load;
}
