// concurrent.futures.wait over futures: never an error on timeout.

import { chunksOf } from "./chunks.ts";
import { byConnection, uniqueOf } from "./futures.ts";
import { MOST_IDS } from "./completion_stream.ts";
import type { Waited } from "./looks.ts";
import type { Connection, TaskFuture } from "./task_future.ts";
import { checkTimeout, Deadline, type Timeout } from "./time.ts";
import type { TaskSummary } from "./wire.ts";

const RETURN_WHEN = ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"] as const;

/**
 * `FIRST_COMPLETED`: one has ended, a cancelled one counts. `FIRST_EXCEPTION`: one has failed, a cancelled one does not
 * count; or all have ended. `ALL_COMPLETED`: all have ended.
 */
export type ReturnWhen = typeof RETURN_WHEN[number];

export interface WaitOptions extends Timeout {
  /** Default `ALL_COMPLETED`. */
  returnWhen?: ReturnWhen;
}

/** Both in the order in which they were given; duplicates once. */
export interface DoneAndNotDone<Future extends TaskFuture> {
  done: Future[];
  notDone: Future[];
}

/** The longest that the service holds one request. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Waits until `returnWhen` is true or the time is over; that is no error, and cancels nothing.
 *
 * @throws {RangeError} for another `returnWhen`
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there
 */
export async function wait<Future extends TaskFuture>(
  given: Iterable<Future>,
  { returnWhen = "ALL_COMPLETED", timeoutMs, signal }: WaitOptions = {},
): Promise<DoneAndNotDone<Future>> {
  if (!RETURN_WHEN.includes(returnWhen)) {
    throw new RangeError(`returnWhen must be one of ${RETURN_WHEN.join(", ")}; it is ${String(returnWhen)}`);
  }
  const deadline = new Deadline(checkTimeout(timeoutMs));
  signal?.throwIfAborted();
  const futures = uniqueOf(given);
  // Aborted as soon as it is true for one part; the others then say how they stand.
  const over = new AbortController();
  const onAbort = () => over.abort(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const parts = partsOf(futures).map((part) => waitForPart(part, returnWhen, deadline, over, signal));
    const isDone = new Set((await Promise.all(parts)).flat());
    return {
      done: futures.filter((future) => isDone.has(future)),
      notDone: futures.filter((future) => !isDone.has(future)),
    };
  } finally {
    over.abort();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** What one request can ask for. */
interface Part<Future extends TaskFuture> {
  connection: Connection;
  futures: Map<string, Future>;
}

function partsOf<Future extends TaskFuture>(futures: Future[]): Part<Future>[] {
  return [...byConnection(futures)].flatMap(([connection, ofIt]) =>
    chunksOf([...ofIt], MOST_IDS).map((chunk) => ({ connection, futures: new Map(chunk) }))
  );
}

/** Those that have ended. */
async function waitForPart<Future extends TaskFuture>(
  { connection, futures }: Part<Future>,
  returnWhen: ReturnWhen,
  deadline: Deadline,
  over: AbortController,
  signal?: AbortSignal,
): Promise<Future[]> {
  const ask = async (waitMs: number, signal?: AbortSignal): Promise<Waited> => {
    const body = { ids: [...futures.keys()], returnWhen, timeoutSeconds: waitMs / 1_000 };
    return (await connection.http.call({ method: "POST", path: "/v1/wait", body, waitMs, signal })).body;
  };
  for (;;) {
    const { done, notDone } = await ask(Math.min(deadline.leftMs, LONGEST_WAIT_MS), over.signal)
      .catch((error) => {
        signal?.throwIfAborted();
        if (over.signal.aborted) return ask(0, signal);
        throw error;
      });
    if (returnWhen !== "ALL_COMPLETED" && done.some((task) => isEnough(task, returnWhen))) over.abort();
    if (over.signal.aborted || notDone.length === 0 || deadline.leftMs === 0) {
      return done.map(({ id }) => futures.get(id)!);
    }
  }
}

function isEnough({ state: { type } }: TaskSummary, returnWhen: ReturnWhen): boolean {
  return returnWhen === "FIRST_COMPLETED" || type === "FAILED" || type === "CRASHED";
}
