// A retry that is carried out once, however often its request has to be sent.

import { ProblemError } from "../protocol/errors.ts";
import { A_TASK, type Task } from "../protocol/wire.ts";
import type { Call, Http } from "../transport/http.ts";

/** So often a task may change without a change of state while the retry is sent. */
const MOST_TRIES = 10;

/**
 * Sends the retry under the version of the task that it is meant for. Deno's `fetch` sends a POST again by
 * itself when a kept-alive connection is cut; the second one then finds another version, and is refused.
 *
 * @throws {ConflictError} if the task has not ended, or completed
 */
export async function retryOnce(
  http: Http,
  id: string,
  change: { input?: unknown },
  signal: AbortSignal | undefined,
): Promise<void> {
  const call = (method: "GET" | "POST", rest: Partial<Pick<Call, "path" | "body" | "headers">> = {}) =>
    http.call({ method, path: `/v1/tasks/${id}`, expects: A_TASK, signal, ...rest });
  const ended = await call("GET");
  for (let version = ended, tries = 1;; tries++) {
    const headers = { "if-match": version.headers.get("etag") ?? "*" };
    try {
      await call("POST", { path: `/v1/tasks/${id}/retry`, body: change, headers });
      return;
    } catch (error) {
      if (!(error instanceof ProblemError && error.status === 412) || tries === MOST_TRIES) throw error;
      // Either this retry was done and its answer was lost, or something other than the state has changed.
      version = await call("GET");
      if (lastSeq(version.body) !== lastSeq(ended.body)) return;
    }
  }
}

/** The number of the newest state among the task's events. */
function lastSeq({ history }: Task): number | undefined {
  return history.at(-1)?.seq;
}
