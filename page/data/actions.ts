// What can be done to tasks.

import { call, CallError, post } from "./api.ts";
import { count } from "./format.ts";

/** So many calls at once: the service has others to answer. */
const AT_ONCE = 6;

export async function cancelTask(id: string, reason: string): Promise<string> {
  const { outcome } = await post<{ outcome: string }>(
    `/v1/tasks/${id}/cancel`,
    reason ? { reason } : {},
  );
  return outcome === "cancelled" ? "Cancelled" : "Asked to stop";
}

export async function retryTask(
  id: string,
  body: { input?: unknown } = {},
): Promise<void> {
  await post(`/v1/tasks/${id}/retry`, body);
}

/** By a bulk action of one: it is done a moment later. */
export async function setPriority(id: string, priority: number): Promise<string> {
  await post("/v1/bulk", { action: "priority", ids: [id], priority });
  return `It gets the priority ${priority}`;
}

export async function deleteTask(id: string): Promise<void> {
  await call("DELETE", `/v1/tasks/${id}`);
}

export const retryAll = (ids: string[]) => forEach(ids, (id) => retryTask(id), "retried");

export async function cancelMany(ids: string[], reason: string): Promise<string> {
  const told = await post<Record<"cancelled" | "requested" | "tooLate", number>>(
    "/v1/tasks/cancel",
    reason ? { ids, reason } : { ids },
  );
  const { cancelled, requested, tooLate } = told;
  const late = tooLate > 0 ? `, ${count(tooLate)} had ended` : "";
  return `${count(cancelled)} cancelled, ${count(requested)} asked to stop${late}`;
}

export const deleteAll = (ids: string[]) => forEach(ids, deleteTask, "deleted");

/**
 * Does it to each, and says how many it was done to: others may have ended, or be gone.
 *
 * @throws {CallError} if it could be done to none of them, or the service does not answer
 */
async function forEach(
  ids: string[],
  step: (id: string) => Promise<unknown>,
  done: string,
): Promise<string> {
  const left = [...ids];
  let made = 0;
  let refused: CallError | null = null;
  const work = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      try {
        await step(id);
        made++;
      } catch (error) {
        if (
          !(error instanceof CallError) || error.isGone || error.status === 401
        ) throw error;
        refused = error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (made === 0 && refused) throw refused;
  const rest = ids.length - made;
  return `${count(made)} ${done}${rest > 0 ? `; ${count(rest)} could not be` : ""}`;
}
