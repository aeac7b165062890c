// Fairness: keys take turns. Of each key only so many tasks are ready at a time, by its weight, and the
// others wait in their line; each start of one lets the next of its key in behind those of the other keys. So
// the ready queue, first in, first out, serves all keys in turn, however many tasks one of them has. It is a
// limit by key whose slots are given back at the start.

import type { TaskLimit } from "./limit_terms.ts";

/** Begins the key of such a limit: no caller's key contains it. */
const MARK = "\u0001";
/** Tasks of a key of weight 1 that are ready at a time: a turn. */
const TURN = 16;

export interface Fairness {
  key: string;
  /** Default 1. A key of weight 2 gets two turns in the time of one. */
  weight?: number;
}

/** Turns are taken within a priority: a task of another one must not wait for them. */
export function turnsOf({ key, weight = 1 }: Fairness, priority: number): TaskLimit {
  const limit = Math.max(1, Math.round(TURN * weight));
  return { key: MARK + priority + MARK + key, limit, untilStart: true };
}

export function weightOf({ limit = TURN }: TaskLimit): number {
  return limit / TURN;
}

/** Null for the key of any other limit. */
export function fairnessKeyOf(key: string): string | null {
  return key.startsWith(MARK) ? key.slice(key.indexOf(MARK, 1) + 1) : null;
}
