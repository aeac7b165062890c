// Lists of futures: each once, and by service.

import { type Connection, internals, type TaskFuture } from "./task_future.ts";

/** Two futures of one task count once. */
export function uniqueOf<Result>(futures: Iterable<TaskFuture<Result>>): TaskFuture<Result>[] {
  const known = new Map<Connection, Set<string>>();
  return [...futures].filter((future) => {
    const connection = internals.connectionOf(future);
    const ids = known.get(connection) ?? new Set();
    known.set(connection, ids);
    return ids.size < ids.add(future.id).size;
  });
}

/** By connection, as futures of several services may be waited for together. */
export function byConnection<Result>(
  futures: TaskFuture<Result>[],
): Map<Connection, Map<string, TaskFuture<Result>>> {
  const groups = new Map<Connection, Map<string, TaskFuture<Result>>>();
  for (const future of futures) {
    const connection = internals.connectionOf(future);
    const group = groups.get(connection) ?? new Map<string, TaskFuture<Result>>();
    groups.set(connection, group.set(future.id, future));
  }
  return groups;
}
