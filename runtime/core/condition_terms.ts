// Conditions on how the tasks that a task waits for end, where that is not "each of them completes".

import type { StateType } from "./states.ts";

/** How a task ended, to those that wait for it. One that was skipped was never there to be cancelled. */
export type End = StateType | "SKIPPED";

/** What a condition may name. */
export const ENDS = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SKIPPED"] as const satisfies End[];
export type NamedEnd = typeof ENDS[number];

/** Of one upstream. */
export interface Condition {
  /** Ends by which it comes true. Left out: any. */
  on?: End[];
  /** It skips nobody by itself. */
  optional?: true;
}

/** It comes true when so many of these tasks have ended in such a way. */
export interface AnyOf {
  of: string[];
  count: number;
  on: End[];
  cancelRest?: true;
  /** Those by which it came true, once it has, in the order of their ends. */
  met?: string[];
}

/** An upstream is in one of them at the most. */
export interface Conditions {
  /** By the ids of single upstreams. */
  each?: Record<string, Condition>;
  any?: AnyOf[];
}
