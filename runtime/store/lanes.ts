// Commits of different kinds. On a file they go to the disk one after the other, so submits and ends share
// commits: half as many take a tenth less of the processor. Claims and the outbox have commits of their own:
// other processes are often faster with those, and then a whole commit is made again. Over a network, where
// several commits are under way at once, each kind has its own. What is changed from outside comes in
// hundreds, and takes turns with the ends: a process that stops must hand its tasks back.

import type { KvLimits } from "../platform/kv.ts";
import type { Unit } from "./commit_unit.ts";
import type { Applied, Committer } from "./committer.ts";
import { GroupCommit } from "./group_commit.ts";
import type { Starter } from "./starter.ts";

export type Lane = "submit" | "claim" | "settle" | "change" | "outbox";

type Line = [commits: GroupCommit<Unit, Applied>, line: number];

export class Lanes {
  readonly #lines: Record<Lane, Line>;

  /** @param starter lets tasks start in the commit that makes them ready; null where all wait for a claim */
  constructor(committer: Committer, limits: KvLimits, starter: () => Starter | null) {
    const commits = (lines = 1) =>
      new GroupCommit<Unit, Applied>((units) => committer.commit(units, starter()), limits, lines);
    const shared = commits(3);
    this.#lines = {
      settle: [shared, 1],
      change: [shared, 2],
      submit: limits.flights === 1 ? [shared, 0] : [commits(), 0],
      claim: [commits(), 0],
      outbox: [commits(), 0],
    };
  }

  commit(lane: Lane, unit: Unit): Promise<Applied> {
    const [commits, line] = this.#lines[lane];
    unit.starts = lane === "submit" || lane === "outbox";
    return commits.add(unit, line);
  }

  /** What tasks have come to is written as soon as can be: this process is about to go. */
  hurry(): void {
    this.#lines.settle[0].hurry();
  }

  async underWay(): Promise<void> {
    await Promise.all(Object.values(this.#lines).map(([commits]) => commits.underWay()));
  }

  async idle(): Promise<void> {
    for (const [commits] of Object.values(this.#lines)) await commits.idle();
  }
}
