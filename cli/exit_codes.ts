// What the exit code of a command means. Scripts branch on these: they stay.

import type { StateType } from "../client/mod.ts";

export const EXIT = {
  done: 0,
  /** Something that no other code stands for. */
  fault: 1,
  /** A wrong command, option, value or setting: nothing was asked of the service. */
  usage: 2,
  failed: 3,
  cancelled: 4,
  crashed: 5,
  notEnded: 6,
  notFound: 7,
  unreachable: 8,
  notAllowed: 9,
  /** The service refused what was sent: it breaks a rule, or is too large. */
  refused: 10,
  /** The state of the task does not allow it, or a name is taken. */
  conflict: 11,
  /** 128 and the number of SIGINT and of SIGPIPE, as shells have it. */
  interrupted: 130,
  brokenPipe: 141,
} as const;

export type ExitCode = typeof EXIT[keyof typeof EXIT];

const BY_END: Partial<Record<StateType, ExitCode>> = {
  COMPLETED: EXIT.done,
  FAILED: EXIT.failed,
  CANCELLED: EXIT.cancelled,
  CRASHED: EXIT.crashed,
};

/** The code for how a task stands. */
export function codeOf(type: StateType): ExitCode {
  return BY_END[type] ?? EXIT.notEnded;
}
