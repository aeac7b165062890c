// as_completed over futures: one deadline, each future once, those that have ended first.

import { completions, MOST_IDS } from "./completion_stream.ts";
import { AsCompletedTimeoutError, ErrandError } from "./errors.ts";
import { chunksOf } from "./chunks.ts";
import { byConnection, uniqueOf } from "./futures.ts";
import { merged } from "./merge.ts";
import { type Connection, internals, type TaskFuture } from "./task_future.ts";
import { checkTimeout, Deadline, Limit, type Timeout } from "./time.ts";
import type { Task } from "./wire.ts";

/** The service tells its deadline by itself; it is not waited for longer than this. */
const GRACE_MS = 2_000;

/**
 * The futures in the order in which their tasks end: those that have ended first, then each as it does, the cancelled
 * ones too, duplicates once. Goes on by itself after a cut. Leaving the loop closes the connection.
 *
 * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
 * @throws {AsCompletedTimeoutError} at the deadline, as "2 (of 5) futures unfinished"; nothing is cancelled by that
 * @throws {NotFoundError | ForgottenError} if one of the tasks is not there at the start
 */
export function asCompleted<Future extends TaskFuture>(
  futures: Iterable<Future>,
  { timeoutMs, signal }: Timeout = {},
): AsyncGenerator<Future> {
  return iterate(futures, new Deadline(checkTimeout(timeoutMs)), signal);
}

async function* iterate<Future extends TaskFuture>(
  given: Iterable<Future>,
  deadline: Deadline,
  signal?: AbortSignal,
): AsyncGenerator<Future> {
  signal?.throwIfAborted();
  const futures = uniqueOf(given);
  const pending = new Set(futures);
  for (const future of futures) {
    if (internals.knownEnd(future) === null) continue;
    pending.delete(future);
    yield future;
  }
  const groupId = futures.length > MOST_IDS ? groupOf(given) : null;
  const sources = sourcesOf([...pending], groupId);
  // One source's deadline is the deadline of all: the others are at it too, and are heard to their end.
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (
      const { future, task } of merged(sources.map((source) => read(source, deadline, stop.signal)))
    ) {
      if (!pending.delete(future)) continue;
      if (task) internals.settle(future, task);
      yield future;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stop.abort();
  }
  if (pending.size === 0) return;
  if (deadline.leftMs === 0) throw new AsCompletedTimeoutError(futures.length, [...pending]);
  throw new ErrandError(`the stream ended before ${pending.size} of its tasks had`);
}

/** A list that was submitted as a group can be asked for by that, however long it is. */
function groupOf(given: object): string | null {
  return (given as { groupId?: string | null }).groupId ?? null;
}

/** What one stream brings. */
interface Source<Future extends TaskFuture> {
  connection: Connection;
  futures: Map<string, Future>;
  groupId: string | null;
}

function sourcesOf<Future extends TaskFuture>(futures: Future[], groupId: string | null): Source<Future>[] {
  const sources: Source<Future>[] = [];
  for (const [connection, ofIt] of byConnection(futures)) {
    if (groupId !== null) {
      sources.push({ connection, futures: ofIt, groupId });
      continue;
    }
    for (const chunk of chunksOf([...ofIt], MOST_IDS)) {
      sources.push({ connection, futures: new Map(chunk), groupId: null });
    }
  }
  return sources;
}

async function* read<Future extends TaskFuture>(
  { connection, futures, groupId }: Source<Future>,
  deadline: Deadline,
  signal: AbortSignal,
): AsyncGenerator<{ future: Future; task: Task | null }> {
  const query = groupId === null ? { ids: [...futures.keys()] } : { groupId };
  const limit = new Limit(signal);
  limit.within(deadline.leftMs + GRACE_MS);
  try {
    const options = { timeoutMs: deadline.leftMs, signal: limit.signal };
    for await (const completion of completions(connection.http, query, options)) {
      if (completion.kind === "timeout") return;
      const task = completion.kind === "task" ? completion.task : null;
      const future = futures.get(completion.kind === "task" ? completion.task.id : completion.id);
      if (future) yield { future, task };
    }
  } catch (error) {
    const isLate = limit.signal.aborted && !signal.aborted;
    if (!isLate) throw error;
  } finally {
    limit.end();
  }
}
