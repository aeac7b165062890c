// The end of a task whose condition cannot come true any more.

import { bounded } from "./error_bounds.ts";
import { end } from "./enter_state.ts";
import type { EndedGroup } from "./group_policy.ts";
import { stateOf, type TaskRecord } from "./task.ts";
import { bare } from "./tenant.ts";

/** @param upstream whose end it was not for, if one alone decided */
export function skipped(
  record: TaskRecord,
  now: number,
  upstream: TaskRecord | EndedGroup | null,
): TaskRecord {
  const message = messageOf(record, upstream);
  const error = bounded({ name: "Skipped", message, retryable: false });
  return end(record, now, "CANCELLED", "Skipped", message, { error });
}

function messageOf({ deps }: TaskRecord, upstream: TaskRecord | EndedGroup | null): string {
  if (upstream === null) return "too few of the tasks that it waited for ended as it needs";
  const id = "group" in upstream ? upstream.group : upstream.id;
  const on = deps?.conditions?.each?.[id]?.on;
  const wanted = on ? `, and not ${on.join(" or ")}` : "";
  if ("group" in upstream) return `its upstream, the group ${bare(id)}, ended ${upstream.type}${wanted}`;
  const { type, name } = stateOf(upstream);
  const ended = name === "Skipped" ? "was skipped" : `ended ${type}`;
  return `its upstream ${bare(id)} (${upstream.task}) ${ended}${wanted}`;
}
