// concurrent.futures.wait over futures: never an error on timeout.

import { ConnectionError, ErrandError } from "../protocol/errors.ts";
import { type Awaited, distinct, type Part, partsOf } from "./future_set.ts";
import { isPassing } from "../transport/http.ts";
import type { TaskFuture } from "./task_future.ts";
import { checkTimeout, Deadline, Limit, pause, requireOptions, type Timeout } from "../transport/deadline.ts";
import { type Expected, isTask, type TaskSummary } from "../protocol/wire.ts";

const RETURN_WHEN = ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"] as const;

/**
 * `FIRST_COMPLETED`: one has ended, a cancelled one counts. `FIRST_EXCEPTION`: one has failed, a cancelled
 * one does not count; or all have ended. `ALL_COMPLETED`: all have ended.
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
/** The service itself says that the deadline is over. So much longer is waited for that. */
const GRACE_MS = 2_000;

interface Waited {
  done: TaskSummary[];
  notDone: TaskSummary[];
}

const WAITED: Expected = {
  what: "which tasks are done",
  is(body) {
    const { done, notDone } = (body ?? {}) as Partial<Waited>;
    return [done, notDone].every((list) => Array.isArray(list) && list.every(isTask));
  },
};

/**
 * Waits until `returnWhen` is true or the time is over. The latter is no error, and cancels nothing.
 *
 * @throws {ConnectionError} if at the end of the time the service cannot be asked for their states
 * @throws {RangeError} for another `returnWhen`
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there
 */
export async function wait<Future extends TaskFuture>(
  futures: Iterable<Future>,
  options: WaitOptions = {},
): Promise<DoneAndNotDone<Future>> {
  requireOptions(options);
  const { returnWhen = "ALL_COMPLETED", timeoutMs, signal } = options;
  if (!RETURN_WHEN.includes(returnWhen)) {
    throw new RangeError(`returnWhen must be one of ${RETURN_WHEN.join(", ")}; it is ${String(returnWhen)}`);
  }
  const deadline = new Deadline(checkTimeout(timeoutMs));
  signal?.throwIfAborted();
  const tasks = distinct(futures);
  // As soon as it is true for one part, the waits of all parts end, and each says what has ended.
  const over = new Limit(signal);
  const condition = { returnWhen, deadline, signal, over, isMet: false };
  try {
    const parts = partsOf(tasks).map((part) => waitForPart(part, condition));
    const ended = new Set((await Promise.all(parts)).flat());
    const isDone = (task: Awaited<Future>) => ended.has(task);
    return {
      done: tasks.filter(isDone).map(({ future }) => future),
      notDone: tasks.filter((task) => !isDone(task)).map(({ future }) => future),
    };
  } finally {
    over.end();
  }
}

/** What all parts wait for. */
interface Condition {
  returnWhen: ReturnWhen;
  deadline: Deadline;
  signal?: AbortSignal;
  /** Ends the waiting of all parts. */
  over: Limit;
  isMet: boolean;
}

/** Those that have ended. */
async function waitForPart<Future extends TaskFuture>(
  part: Part<Future>,
  condition: Condition,
): Promise<Awaited<Future>[]> {
  const { returnWhen, deadline, over, signal } = condition;
  for (let isFirst = true;;) {
    let answer: Waited;
    try {
      // Some proxies answer early. Then the next request must not follow at once.
      if (!isFirst) await pause(Math.min(part.connection.http.retry.delayMs, deadline.leftMs), over.signal);
      const waitMs = Math.min(deadline.leftMs, LONGEST_WAIT_MS);
      answer = await ask(part, returnWhen, waitMs, deadline.leftMs + GRACE_MS, over.signal);
    } catch (error) {
      signal?.throwIfAborted();
      const isLate = deadline.leftMs === 0 && isPassing(error);
      if (!isLate && !condition.isMet) throw error;
      return endedOf(part, (await ask(part, returnWhen, 0, GRACE_MS, signal)).done);
    }
    const { done, notDone } = answer;
    if (returnWhen !== "ALL_COMPLETED" && done.some((task) => isEnough(task, returnWhen))) {
      condition.isMet = true;
      over.abort();
    }
    if (condition.isMet || notDone.length === 0 || deadline.leftMs === 0) return endedOf(part, done);
    isFirst = false;
  }
}

async function ask<Future extends TaskFuture>(
  { connection, tasks }: Part<Future>,
  returnWhen: ReturnWhen,
  waitMs: number,
  limitMs: number,
  signal?: AbortSignal,
): Promise<Waited> {
  const body = { ids: [...tasks.keys()], returnWhen, timeoutSeconds: waitMs / 1_000 };
  const limit = new Limit(signal);
  limit.within(limitMs);
  try {
    const call = { method: "POST", path: "/v1/wait", body, waitMs, expects: WAITED } as const;
    return (await connection.http.call({ ...call, tryForMs: limitMs, signal: limit.signal })).body;
  } catch (error) {
    if (error instanceof ErrandError || signal?.aborted) throw error;
    throw new ConnectionError((error as Error).message, { cause: error }); // The abort of the limit itself.
  } finally {
    limit.end();
  }
}

function endedOf<Future extends TaskFuture>({ tasks }: Part<Future>, done: TaskSummary[]): Awaited<Future>[] {
  return done.flatMap((told) => {
    const task = tasks.get(told.id);
    task?.see(told);
    return task ?? [];
  });
}

function isEnough({ state: { type } }: TaskSummary, returnWhen: ReturnWhen): boolean {
  return returnWhen === "FIRST_COMPLETED" || type === "FAILED" || type === "CRASHED";
}
