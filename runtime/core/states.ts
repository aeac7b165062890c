// The states of a task: a type for programs and a name for people. Which type may follow which.

export type StateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "PAUSED"
  | "CANCELLING"
  | "COMPLETED"
  | "FAILED"
  | "CRASHED"
  | "CANCELLED";

export type StateName =
  | ("Scheduled" | "Late" | "AwaitingRetry")
  | ("Pending" | "AwaitingDependencies" | "AwaitingConcurrencySlot" | "AwaitingRateLimit")
  | ("Running" | "Retrying")
  | ("Paused" | "Suspended" | "AwaitingSignal" | "AwaitingTask" | "Sleeping")
  | "Cancelling"
  | ("Completed" | "Cached" | "Ignored")
  | ("Failed" | "TimedOut" | "RetriesExhausted" | "Rejected")
  | "Crashed"
  | ("Cancelled" | "Expired" | "UpstreamFailed" | "Superseded" | "Skipped");

export const STATES: Record<StateType, readonly StateName[]> = {
  SCHEDULED: ["Scheduled", "Late", "AwaitingRetry"],
  PENDING: ["Pending", "AwaitingDependencies", "AwaitingConcurrencySlot", "AwaitingRateLimit"],
  RUNNING: ["Running", "Retrying"],
  PAUSED: ["Paused", "Suspended", "AwaitingSignal", "AwaitingTask", "Sleeping"],
  CANCELLING: ["Cancelling"],
  COMPLETED: ["Completed", "Cached", "Ignored"],
  FAILED: ["Failed", "TimedOut", "RetriesExhausted", "Rejected"],
  CRASHED: ["Crashed"],
  CANCELLED: ["Cancelled", "Expired", "UpstreamFailed", "Superseded", "Skipped"],
};

export const STATE_TYPES = Object.keys(STATES) as StateType[];

const TERMINAL: ReadonlySet<StateType> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

export function isTerminalType(type: StateType): boolean {
  return TERMINAL.has(type);
}

/** A terminal state is left only by a retry; COMPLETED never is. */
export const NEXT: Record<StateType, StateType[]> = {
  SCHEDULED: ["SCHEDULED", "PENDING", "CANCELLED"],
  PENDING: ["PENDING", "SCHEDULED", "RUNNING", "CANCELLED"],
  RUNNING: ["PENDING", "SCHEDULED", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED"],
  PAUSED: ["PAUSED", "SCHEDULED", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"],
  CANCELLING: ["CANCELLED"],
  COMPLETED: [],
  FAILED: ["PENDING"],
  CRASHED: ["PENDING"],
  CANCELLED: ["PENDING"],
};

/**
 * Of groups. CANCELLING: what had not ended was cancelled, and some of it runs still; or what has completed
 * is taken back.
 */
export const GROUP_STATES = ["RUNNING", "CANCELLING", "COMPLETED", "FAILED", "CANCELLED"] as const;

export type GroupState = typeof GROUP_STATES[number];
