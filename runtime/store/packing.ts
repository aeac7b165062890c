// Which changes fit one commit together. Everything that the commit writes is counted, so that it takes what
// was said to fit.

import { tailLength } from "../core/tenant.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Turn } from "../platform/turns.ts";
import { type Change, unitOf, type UnitOptions } from "./commit_unit.ts";
import { type ListedId, loadOf } from "./commit_load.ts";

/** The parts of a port that say what a commit takes. */
export type Backend = Pick<KvPort, "limits" | "shards">;

export interface PackOptions {
  /** Of every commit: counted for each of them. */
  checks?: UnitOptions["checks"];
  writes?: UnitOptions["writes"];
  fresh?: boolean;
  /** The blocks that the commits also write ids into. */
  listOf?: (change: Change, place: number) => ListedId;
}

/** What an id of a block takes. */
const LISTED_BYTES = 130;

export function fitsOneCommit({ limits, shards }: Backend, changes: Change[], options: UnitOptions): boolean {
  return !loadOf(unitOf("", changes, options, shards).cost).exceeds(limits);
}

/** Splits changes into runs that each fit one commit, in order. */
export async function packs(
  { limits, shards }: Backend,
  changes: Change[],
  turn: Turn,
  options: PackOptions = {},
): Promise<Change[][]> {
  const { fresh, checks, writes, listOf } = options;
  const every = unitOf("", [], { fresh, checks, writes }, shards).cost;
  const packed: Change[][] = [];
  let load = loadOf(every);
  for (const [place, change] of changes.entries()) {
    const next = turn.over();
    if (next) await next;
    const { cost } = unitOf("", [change], { fresh }, shards);
    if (listOf) {
      cost.listed.push(listOf(change, place));
      cost.bytes += LISTED_BYTES + 3 * tailLength(change.next.id);
    }
    load.add(cost);
    if (packed.length === 0 || load.exceeds(limits)) {
      packed.push([]);
      load = loadOf(every, cost);
    }
    packed[packed.length - 1].push(change);
  }
  return packed;
}
