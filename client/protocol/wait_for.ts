// What a task waits for, and how it must end.

/** How a task ended, to those that wait for it: a CANCELLED `Skipped` one is not CANCELLED to them. */
export type End = "COMPLETED" | "FAILED" | "CRASHED" | "CANCELLED" | "SKIPPED";

/** One task, and how it must end. */
export interface WaitCondition<Task = string> {
  task: Task;
  /** Ends by which the task that waits may start. Default: COMPLETED, or any if it is `optional`. */
  on?: readonly End[];
  /** Another end does not skip the task that waits. */
  optional?: boolean;
}

/** Some of several tasks. */
export interface WaitForAny<Task = string> {
  anyOf: readonly Task[];
  /** How many of them. Default 1. */
  count?: number;
  /** Ends that count. Default: all but SKIPPED. */
  on?: readonly End[];
  /** The others are cancelled when so many have ended. */
  cancelRest?: boolean;
}

/** What a task waits for. */
export type WaitFor<Task = string> =
  | readonly (Task | WaitCondition<Task> | WaitForAny<Task>)[]
  | WaitForAny<Task>;

/** As a task shows it. `met`: those with which it started. */
export type TaskCondition =
  | { task: string; on?: End[]; optional?: boolean }
  | { anyOf: string[]; count: number; on: End[]; cancelRest?: boolean; met?: string[] };
