// How a group as a whole has ended, as the service says it.

import type { Connection } from "../transport/connection.ts";
import { CrashedError, GroupError, RemoteError, TaskError, TimeoutError } from "../protocol/errors.ts";
import { checkTimeout, Deadline, type Timeout } from "../transport/deadline.ts";
import type { GroupCompensation, GroupState } from "../protocol/group.ts";
import type { Expected, Failure, State, StateType, Task } from "../protocol/wire.ts";

/** How a group has ended. */
export interface GroupOutcome {
  state: "COMPLETED" | "FAILED" | "CANCELLED";
  /**
   * Of its first 20 failures in time, of its deadline, and of compensations; also of those that its policy
   * allows for.
   */
  errors: (TaskError | RemoteError)[];
  total: number;
  /** How many of its tasks ended in which state. */
  counts: Partial<Record<StateType, number>>;
  /** How its completed tasks were taken back; null if none was. */
  compensation: GroupCompensation | null;
}

interface Told {
  state: GroupState;
  errors: { id: string | null; state: State | null; error: Failure }[];
  total: number;
  counts: GroupOutcome["counts"];
  /** Left out by releases before it. */
  compensation?: GroupCompensation | null;
}

export const A_GROUP_STATE: Expected = {
  what: "the state of a group",
  is(body) {
    const { state, errors, total } = (body ?? {}) as Partial<Told>;
    return typeof state === "string" && Array.isArray(errors) && typeof total === "number";
  },
};

/** The longest time that the service holds a request open. */
const LONGEST_WAIT_SECONDS = 60;

/**
 * The outcome, as soon as it is there.
 *
 * @throws {TimeoutError} at the timeout
 */
export async function outcomeOf(
  connection: Connection,
  groupId: string,
  { timeoutMs, signal }: Timeout,
): Promise<GroupOutcome> {
  const limitMs = checkTimeout(timeoutMs);
  const deadline = new Deadline(limitMs);
  for (;;) {
    const seconds = Math.min(LONGEST_WAIT_SECONDS, deadline.leftMs / 1_000);
    const told = await groupState(connection, groupId, { seconds, signal });
    if (told.state !== "RUNNING" && told.state !== "CANCELLING") {
      const { state, total, counts, compensation = null } = told;
      return { state, errors: told.errors.map(errorOf), total, counts, compensation };
    }
    if (deadline.leftMs === 0) {
      throw new TimeoutError(`group ${groupId} has not ended within ${limitMs} ms`);
    }
  }
}

export async function groupState(
  { http }: Connection,
  groupId: string,
  { seconds = 0, signal }: { seconds?: number; signal?: AbortSignal },
): Promise<Told> {
  const path = `/v1/groups/${groupId}?graph=false&wait=${seconds}`;
  const call = { method: "GET", path, signal, waitMs: seconds * 1_000, expects: A_GROUP_STATE } as const;
  return (await http.call(call)).body;
}

/** Null for a group that completed. */
export function groupErrorOf(
  groupId: string,
  { state, errors, total }: Pick<GroupOutcome, "state" | "errors" | "total">,
): GroupError | null {
  return state === "COMPLETED" ? null : new GroupError(groupId, { state, errors, total });
}

export function errorOf({ id, state, error }: Told["errors"][number]): TaskError | RemoteError {
  if (id === null || state === null) return new RemoteError(error);
  const task = { id, state, error } as Task;
  return state.type === "CRASHED" ? new CrashedError(task) : new TaskError(task);
}
