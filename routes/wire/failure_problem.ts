// The problems that stand for tasks without a value.

import { type Entry, stateOf } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import type { Problem } from "../http/problem.ts";
import { stateView } from "./task_json.ts";

/** Why an ended task has no value. */
export function failureOf({ record }: Entry): Problem {
  const state = stateOf(record);
  const extra = { id: bare(record.id), state: stateView(state), error: record.error };
  if (state.type === "CANCELLED") {
    const detail = `task ${bare(record.id)} ended ${state.type} ${state.name}${
      state.message ? `: ${state.message}` : ""
    }`;
    return { status: 410, slug: "task-cancelled", title: "Task cancelled", detail, extra };
  }
  const detail = `task ${bare(record.id)} ended ${state.type} ${state.name}: ${record.error?.message}`;
  return { status: 424, slug: "task-failed", title: "Task failed", detail, extra };
}

/** The same for a group whose tasks have all ended: it answers with the values of all of them or of none. */
export function groupFailureOf(group: string, entry: Entry): Problem {
  const problem = failureOf(entry);
  return { ...problem, extra: { ...problem.extra, id: group, taskId: bare(entry.record.id) } };
}

/** Once one of a group's tasks is gone, its values cannot be listed in order. */
export function membersGone(group: string, prefix: string): Problem {
  const detail = `tasks of group ${group} are gone: forgotten on request, or past their retention; ` +
    `${prefix}/v1/tasks?groupId=${group} lists those that are there`;
  return { status: 410, slug: "task-forgotten", title: "Task forgotten", detail, extra: { id: group } };
}
