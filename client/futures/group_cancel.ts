// Cancels all tasks of a group in one call.

import type { Connection } from "../transport/connection.ts";
import type { CancelOptions } from "./result_options.ts";
import type { Expected } from "../protocol/wire.ts";

/** How many of a group were cancelled at once, were asked to stop, and had ended before. */
export interface GroupCancel {
  cancelled: number;
  requested: number;
  tooLate: number;
}

export type GroupCancelOptions = Omit<CancelOptions, "children">;

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
  { graceMs, signal }: GroupCancelOptions = {},
): Promise<GroupCancel> {
  const path = `/v1/groups/${groupId}/cancel`;
  const call = { method: "POST", path, body: { reason, graceMs }, signal, expects: OUTCOMES } as const;
  const { body: { cancelled, requested, tooLate } } = await http.call(call);
  return { cancelled, requested, tooLate };
}
