// What a record says of its limits by key.

/** What happens to a task that meets a full limit: it waits, if nothing else is said. */
export type OnFull = "reject" | "cancel-new" | "cancel-running";

/** A concurrency limit that a task is under (limits.ts). */
export interface TaskLimit {
  key: string;
  /** What its submit says; a rule outranks it. Left out: only a rule limits it. */
  limit?: number;
  onFull?: OnFull;
  /** The slot is free again when the task starts, and not when its attempt ends: fairness.ts. */
  untilStart?: true;
}

/** A rate at which tasks with a key may start (rate_limit.ts). */
export interface TaskRate {
  key: string;
  /** So many units in a period. Left out: only a rule limits it. */
  limit?: number;
  periodMs?: number;
  burst?: number;
  /** What a start of the task takes. Default 1. */
  units?: number;
}

/** The limit for a slot of which a task waits, and when it came. */
export interface Parked {
  key: string;
  order: number;
}
