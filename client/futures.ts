// Lists of futures: each once, and by service.

import { type Connection, internals, type TaskFuture } from "./task_future.ts";

/** Two futures of one task count once. */
export function uniqueOf<Future extends TaskFuture>(futures: Iterable<Future>): Future[] {
  const known = new Map<Connection, Set<string>>();
  return [...futures].filter((future) => {
    const connection = internals.connectionOf(future);
    const ids = known.get(connection) ?? new Set();
    known.set(connection, ids);
    return ids.size < ids.add(future.id).size;
  });
}

/** By connection, as futures of several services may be waited for together. */
export function byConnection<Future extends TaskFuture>(
  futures: Future[],
): Map<Connection, Map<string, Future>> {
  const groups = new Map<Connection, Map<string, Future>>();
  for (const future of futures) {
    const connection = internals.connectionOf(future);
    const group = groups.get(connection) ?? new Map<string, Future>();
    groups.set(connection, group.set(future.id, future));
  }
  return groups;
}
