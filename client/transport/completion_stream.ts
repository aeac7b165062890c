// /v1/as-completed: the tasks of a list or a group, each once, as they end.

import { parseEvent } from "../protocol/response.ts";
import { UnexpectedAnswerError } from "../protocol/errors.ts";
import { eventStream, type StreamEvent } from "./event_stream.ts";
import type { Http } from "./http.ts";
import { isTask, type Task } from "../protocol/wire.ts";

const PATH = "/v1/as-completed";
/** What one request may ask for. */
export const MOST_IDS = 1_000;
/** The service's own limit: 30 days. The reader itself counts a longer time. */
const LONGEST_TIMEOUT_SECONDS = 30 * 24 * 60 * 60;

export type Completion =
  | { kind: "task"; task: Task }
  /** It was deleted, or its retention was over, before it could be told. */
  | { kind: "gone"; id: string }
  | { kind: "timeout" };

/** Tasks by their ids, or all of a group whose size is known. */
export type Asked = { ids: string[] } | { groupId: string; total: number };

/** Ends after the last task, or after a `timeout`. */
export async function* completions(
  http: Http,
  asked: Asked,
  { timeoutMs = Infinity, tryForMs, signal }: {
    timeoutMs?: number;
    tryForMs?: number;
    signal?: AbortSignal;
  } = {},
): AsyncGenerator<Completion> {
  const seconds = timeoutMs / 1_000;
  const timeoutSeconds = seconds <= LONGEST_TIMEOUT_SECONDS ? seconds : undefined;
  const call = {
    method: "POST",
    path: "/v1/as-completed",
    body: { ...("ids" in asked ? { ids: asked.ids } : { groupId: asked.groupId }), timeoutSeconds },
    tryForMs,
    signal,
  } as const;
  let told = 0;
  const total = "ids" in asked ? asked.ids.length : asked.total;
  const isComplete = () => told === total;
  for await (const event of eventStream(http, call, { last: ["end", "timeout"], isComplete })) {
    const completion = completionOf(event);
    if (completion === null) continue;
    told++;
    yield completion;
  }
}

function completionOf({ event, data }: StreamEvent): Completion | null {
  if (event === "timeout") return { kind: "timeout" };
  if (event !== "task") return null;
  const task = parseEvent(data, PATH);
  if (task.forgotten) return { kind: "gone", id: String(task.id) };
  if (isTask(task)) return { kind: "task", task };
  throw new UnexpectedAnswerError(
    `expected a task in an event of ${PATH}, but got ${data.slice(0, 200)}`,
    200,
  );
}
