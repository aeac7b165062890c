// What may go wrong in one world, and how often. Each seed draws a mix of its own: most faults hide each
// other when all of them come at once.

import type { Random } from "../support/random.ts";

export interface Faults {
  /** Per call. */
  locked: number;
  readFails: number;
  readHangs: number;
  /** Per commit. */
  appliedThrows: number;
  lostThrows: number;
  appliedNotOk: number;
  /** Sent again after it was applied: the answer is that of the second time. */
  twice: number;
  /** Never answered; applied, late, or not at all. */
  hangs: number;
  slow: number;
  /** Per call: the process dies just before or just after KV gets it. */
  crashesAtCall: number;
  /** Crashes and stops at any moment, in the whole world. */
  crashes: number;
  pauses: number;
  /** KV answers nobody between these instants. */
  outage: { from: number; until: number } | null;
  messageLost: number;
  messageLate: number;
  messageTwice: number;
  /** Wall clocks are this far off at the most, and jump so far. */
  skewMs: number;
  /** Wall clocks are right, or off by so much: of two processes, one takes the other's calls for cut off. */
  apartMs: number;
  /** Processes that are stopped between two commits of a call, and go on later. */
  heldUpCalls: number;
  jumps: number;
  /** How late KV removes what has expired. */
  ttlLateMs: number;
  /** What each commit takes longer. */
  commitMs: number;
  /** A process is stopped in good order while the end of a task is told to the many that wait for it. */
  longFollow: boolean;
}

/** Longer than a call of several commits may take before it is taken for cut off. */
const APART_MS = 12 * 60 * 1000;

/** How long the faults last. */
export const FAULTY_MS = 8_000;

export function drawFaults(random: Random): Faults {
  const sometimes = (probability: number, worst: number) =>
    random.chance(probability) ? random.float() * worst : 0;
  if (random.chance(0.03)) return calm(random);
  const heldUp = random.chance(0.12);
  const from = random.between(500, FAULTY_MS - 2_000);
  return {
    locked: sometimes(0.3, 0.2),
    readFails: sometimes(0.3, 0.05),
    readHangs: sometimes(0.2, 0.01),
    appliedThrows: sometimes(0.5, 0.15),
    lostThrows: sometimes(0.5, 0.15),
    appliedNotOk: sometimes(0.5, 0.15),
    twice: sometimes(0.4, 0.15),
    hangs: sometimes(0.3, 0.04),
    slow: sometimes(0.5, 0.1),
    // Most processes that are stopped must live to go on.
    crashesAtCall: sometimes(heldUp ? 0.2 : 0.5, 0.01),
    crashes: random.chance(heldUp ? 0.2 : 0.5) ? 1 + random.below(4) : 0,
    pauses: random.chance(0.4) ? 1 + random.below(3) : 0,
    outage: random.chance(0.1) ? { from, until: from + random.between(200, 7_000) } : null,
    messageLost: sometimes(0.3, 0.5),
    messageLate: sometimes(0.3, 0.5),
    messageTwice: sometimes(0.3, 0.3),
    skewMs: random.chance(0.3) ? random.pick([50, 5_000, 60 * 60 * 1000]) : 0,
    apartMs: heldUp && random.chance(0.8) ? APART_MS : 0,
    heldUpCalls: heldUp ? 1 + random.below(4) : 0,
    jumps: random.chance(0.3) ? 1 + random.below(3) : 0,
    ttlLateMs: random.pick([0, 1_000, 60_000]),
    commitMs: 0,
    longFollow: false,
  };
}

/** Nothing goes wrong. Whoever is stopped in good order has no excuse. */
function calm(random: Random): Faults {
  const never = {
    locked: 0,
    readFails: 0,
    readHangs: 0,
    appliedThrows: 0,
    lostThrows: 0,
    appliedNotOk: 0,
    twice: 0,
    hangs: 0,
    slow: 0,
    crashesAtCall: 0,
    crashes: 0,
    pauses: 0,
    messageLost: 0,
    messageLate: 0,
    messageTwice: 0,
    skewMs: 0,
    apartMs: 0,
    heldUpCalls: 0,
    jumps: 0,
    ttlLateMs: 0,
  };
  return { ...never, outage: null, commitMs: 60 + random.float() * 60, longFollow: true };
}
