// Cancels many tasks in one call: those of a group, of a list, or all that a filter matches.

import type { Connection } from "../transport/connection.ts";
import type { CancelOptions } from "./result_options.ts";
import type { Expected, StateType } from "../protocol/wire.ts";

/** How many of a group were cancelled at once, were asked to stop, and had ended before. */
export interface GroupCancel {
  cancelled: number;
  requested: number;
  tooLate: number;
}

export type GroupCancelOptions = CancelOptions;

/** Which tasks; of a filter, all that it says must hold. */
export type TasksToCancel =
  | { ids: readonly string[] }
  | { filter: CancelFilter }
  /** All that the token may know. */
  | { all: true };

export interface CancelFilter {
  /** Types of states, of tasks that have not ended. Default: any of them. */
  state?: readonly StateType[];
  /** The name of a definition. */
  task?: string;
  queue?: string;
  tag?: string;
  groupId?: string;
  parentId?: string;
  /** ISO 8601. */
  createdAfter?: string;
  /** ISO 8601. */
  createdBefore?: string;
  /** The beginning of an id, or a part of an error. */
  q?: string;
}

/** As of a group; `notFound`: of the ids, those of no task that the token may know. */
export interface TasksCancel extends GroupCancel {
  notFound: number;
}

const OUTCOMES: Expected = {
  what: "how many were cancelled",
  is(body) {
    const { cancelled, requested, tooLate } = (body ?? {}) as Partial<GroupCancel>;
    return [cancelled, requested, tooLate].every((count) => typeof count === "number");
  },
};

export async function cancelGroup(
  { http }: Connection,
  groupId: string,
  reason?: string,
  { signal, ...how }: GroupCancelOptions = {},
): Promise<GroupCancel> {
  const path = `/v1/groups/${groupId}/cancel`;
  const call = { method: "POST", path, body: { reason, ...how }, signal, expects: OUTCOMES } as const;
  const { body: { cancelled, requested, tooLate } } = await http.call(call);
  return { cancelled, requested, tooLate };
}

export async function cancelTasks(
  { http }: Connection,
  which: TasksToCancel,
  reason?: string,
  { signal, ...how }: CancelOptions = {},
): Promise<TasksCancel> {
  const body = { ...which, reason, ...how };
  return (await http.call({ method: "POST", path: "/v1/tasks/cancel", body, signal, expects: OUTCOMES }))
    .body;
}
