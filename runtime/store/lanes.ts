// Lanes commit independently of each other, so that a burst in one does not hold up the others.

import type { KvLimits } from "../platform/kv.ts";
import type { Unit } from "./commit_unit.ts";
import type { Applied, Committer } from "./committer.ts";
import { GroupCommit } from "./group_commit.ts";
import type { Starter } from "./starter.ts";

export type Lane = "submit" | "claim" | "settle" | "outbox";

export class Lanes {
  readonly #lanes: Record<Lane, GroupCommit<Unit, Applied>>;

  /** @param starter lets tasks start in the commit that makes them ready; null where all wait for a claim */
  constructor(committer: Committer, limits: KvLimits, starter: () => Starter | null) {
    const lane = (starter: () => Starter | null) =>
      new GroupCommit((units: Unit[]) => committer.commit(units, starter()), limits);
    const none = () => null;
    this.#lanes = { submit: lane(starter), claim: lane(none), settle: lane(none), outbox: lane(starter) };
  }

  commit(lane: Lane, unit: Unit): Promise<Applied> {
    return this.#lanes[lane].add(unit);
  }

  async idle(): Promise<void> {
    for (const lane of Object.values(this.#lanes)) await lane.idle();
  }
}
