// What a caller may say of a group, and how it stands.

/** A policy of a group. Without one its tasks go on after a failure, and it ends when all have ended. */
export interface GroupOptions {
  /**
   * What a failure does, once there are more than `maxFailures`: nothing (the default); what has not ended is
   * cancelled, and the group ends FAILED when all has stopped; or likewise, but it is FAILED at once.
   */
  onFailure?: "continue" | "cancel-rest" | "cancel-all-and-fail";
  /** So many failures make the group neither stop nor end FAILED. Default 0. */
  maxFailures?: number;
  /** Not ended within this: what has not ended is cancelled, and the group ends FAILED. */
  timeoutMs?: number;
  /** Likewise at this instant (ISO 8601). Not together with `timeoutMs`. */
  deadlineAt?: string;
}

/** How far a group has come that takes its completed tasks back. */
export interface GroupCompensation {
  /** The group of the compensations; null until there is one. */
  groupId: string | null;
  /** So many tasks have completed and have a compensation. */
  total: number;
  /** So many compensations have completed. */
  done: number;
  /** So many have ended otherwise, or could not be submitted. */
  failed: number;
  /** ISO 8601; null until all of them have ended. */
  endedAt: string | null;
}

/**
 * CANCELLING: what had not ended was cancelled, and some of it runs still; or what has completed is taken
 * back.
 */
export type GroupState = "RUNNING" | "CANCELLING" | "COMPLETED" | "FAILED" | "CANCELLED";
