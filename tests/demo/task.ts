// A task as the service shows it, for the demo's tests.

import type { Task } from "../../demo/task.ts";

export function aTask(fields: Partial<Task> = {}): Task {
  return {
    id: "0199",
    state: { type: "COMPLETED", name: "Completed", message: null, at: "2026-01-01T00:00:00.010Z" },
    input: { path: "a.txt" },
    result: null,
    error: null,
    startedAt: "2026-01-01T00:00:00.000Z",
    finishedAt: "2026-01-01T00:00:00.010Z",
    ...fields,
  };
}

export function aFailedTask(path: string, message: string): Task {
  return aTask({
    input: { path },
    state: { type: "FAILED", name: "Failed", message: null, at: "2026-01-01T00:00:00.010Z" },
    error: { name: "Error", message, retryable: true },
  });
}
