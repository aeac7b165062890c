// The end of a task whose condition cannot come true any more.

import { bounded } from "./error_bounds.ts";
import { end } from "./enter_state.ts";
import { stateOf, type TaskRecord } from "./task.ts";
import { bare } from "./tenant.ts";

/** @param upstream whose end it was not for, if one alone decided */
export function skipped(record: TaskRecord, now: number, upstream: TaskRecord | null): TaskRecord {
  const message = messageOf(record, upstream);
  const error = bounded({ name: "Skipped", message, retryable: false });
  return end(record, now, "CANCELLED", "Skipped", message, { error });
}

function messageOf({ deps }: TaskRecord, upstream: TaskRecord | null): string {
  if (upstream === null) return "too few of the tasks that it waited for ended as it needs";
  const { id, task } = upstream;
  const { type, name } = stateOf(upstream);
  const ended = name === "Skipped" ? "was skipped" : `ended ${type}`;
  const on = deps?.conditions?.each?.[id]?.on;
  const wanted = on ? `, and not ${on.join(" or ")}` : "";
  return `its upstream ${bare(id)} (${task}) ${ended}${wanted}`;
}
