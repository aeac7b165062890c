// A call of several commits that stands still is taken for cut off, and its group is counted anew
// (maintenance/cut_off_calls.ts). Without a policy the call may still go on: its last word on the total
// counts. With one it was given up: the group may have ended by that count, and its end is final.

import { ConflictError } from "../core/errors.ts";
import { CUT_OFF_AFTER_MS } from "../dependencies/barrier.ts";
import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";

/** By then the barrier has cancelled what a cut-off call has left. */
const RECOUNT_AFTER_MS = CUT_OFF_AFTER_MS + 60_000;

/** @param began when this try of the call began */
export function recountKey(groupId: string | null, began: number): Deno.KvKey | null {
  return groupId === null ? null : keys.due("recount", began + RECOUNT_AFTER_MS, groupId);
}

/**
 * What the next commit of the call checks: the timer goes in the commit that corrects the total.
 *
 * @param timer as the commit before has written it
 * @throws {ConflictError} if the group was counted.
 */
export async function requireUncounted(kv: KvPort, timer: Deno.KvKey): Promise<Deno.AtomicCheck> {
  const { key, versionstamp } = await kv.get(timer);
  if (versionstamp !== null) return { key, versionstamp };
  throw new ConflictError(
    "the call took so long that it was given up: its group has the tasks that were stored by then",
  );
}
