// Which lease was behind what, told from the logs alone.

import type { Facts, Run, State } from "./facts.ts";
import type { BeatLine, ClaimLine } from "./lines.ts";

/** Which lease was behind a state or a run. */
export class ClaimBook {
  readonly #byTask: Map<string, ClaimLine[]>;

  constructor({ claims }: Facts) {
    this.#byTask = Map.groupBy(claims, ({ id }) => id);
  }

  /** The commit that wrote this RUNNING state. */
  of(id: string, running: State): ClaimLine | undefined {
    return this.#byTask.get(id)?.find(({ seq, at }) => seq === running.seq && at === running.at);
  }

  /** The newest claim of its process when it began: no other can have started it. */
  under({ id, pid, attempt, start }: Run): ClaimLine | undefined {
    return this.#byTask.get(id)?.findLast((claim) => {
      return claim.pid === pid && claim.attempt === attempt && claim.to <= start;
    });
  }
}

/** Pairs of runs of one task where the second began before the first was over. */
export function overlaps(runs: Run[]): [Run, Run][] {
  return [...Map.groupBy(runs, ({ id }) => id).values()].flatMap((mine) => {
    const sorted = mine.toSorted((a, b) => a.start - b.start);
    return sorted.flatMap((second, i) => {
      return sorted.slice(0, i).filter(({ end }) => end > second.start).map((
        first,
      ): [Run, Run] => [first, second]);
    });
  });
}

export function beatsOf({ beats }: Facts): Map<string, BeatLine[]> {
  const byWorker = Map.groupBy(beats, ({ worker }) => worker);
  for (const mine of byWorker.values()) mine.sort((a, b) => a.from - b.from);
  return byWorker;
}

/**
 * The longest time that a worker can have been without a beat while it held a lease, `from` one instant
 * `until` another. A lease lives by the beat before it. A beat took effect somewhere between `from` and `to`,
 * so this is the upper bound.
 */
export function longestSilence(beats: { from: number; to: number }[], from: number, until: number): number {
  let longest = 0;
  let last = beats.findLast((beat) => beat.from <= from)?.from ?? from;
  for (const beat of beats) {
    if (beat.from >= until) break;
    if (beat.from <= from) continue;
    longest = Math.max(longest, Math.min(beat.to, until) - last);
    last = beat.from;
  }
  return Math.max(longest, until - last);
}
