// From an ended task to the value of its future, or to the error that stands for its end.

import { CancelledError, CrashedError, TaskError } from "./errors.ts";
import type { Task } from "./wire.ts";

/** Null for a task that completed. */
export function errorOf(task: Task): TaskError | CancelledError | null {
  switch (task.state.type) {
    case "COMPLETED":
      return null;
    case "CANCELLED":
      return new CancelledError(task);
    case "CRASHED":
      return new CrashedError(task);
    default:
      return new TaskError(task);
  }
}
