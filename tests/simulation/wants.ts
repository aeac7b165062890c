// What callers ask for of tasks that wait for others.

import type { NamedEnd } from "../../runtime/core/condition_terms.ts";

/** A task of the same call, by its place in it, or any other. */
export type Upstream = { place: number } | { id: string };

/** What a caller asked for. */
export interface Wants {
  /** What stands in the task's input, in this order: results, and data that looks like a reference. */
  from: (Upstream | "quoted")[];
  waitFor: Upstream[];
  allowFailure: boolean;
  conditions?: WantedConditions;
}

/** What a caller says of some of those that a task waits for. Each of them is named once. */
export interface WantedConditions {
  each: { of: Upstream; on?: NamedEnd[]; optional?: boolean }[];
  any: { of: Upstream[]; count: number; on?: NamedEnd[]; cancelRest?: boolean }[];
  /** Of those in the input: their errors are taken, too. */
  lenient: Upstream[];
}
