// Lists of futures, by the tasks that they stand for: each once, and in parts of a request's size.

import { chunksOf } from "../transport/chunks.ts";
import { type Asked, MOST_IDS } from "../transport/completion_stream.ts";
import type { Connection } from "../transport/connection.ts";
import { internals, type TaskFuture } from "./task_future.ts";
import { whatIs } from "../protocol/what_is.ts";
import type { Task, TaskSummary } from "../protocol/wire.ts";

/** A task, and the futures in a list that stand for it. */
export interface Awaited<Future extends TaskFuture> {
  /** The first of them. */
  future: Future;
  /** True if one of them has seen the end. */
  hasEnded(): boolean;
  /** Tells all of them. */
  settle(task: Task): void;
  /** How the task stands was told, without its result. */
  see(task: TaskSummary): void;
}

/**
 * A group stays one: its stream tells all of it.
 *
 * @throws {TypeError} if it is not a list of futures and nothing else
 */
export function listOf<Future extends TaskFuture>(futures: Iterable<Future>): readonly Future[] {
  if (typeof futures !== "object" || futures === null || !(Symbol.iterator in futures)) {
    throw new TypeError(`futures must be a list, as [a, b]; what was given is ${whatIs(futures)}`);
  }
  const list: readonly Future[] = Array.isArray(futures) ? futures : [...futures];
  for (const [i, each] of list.entries()) {
    if (!internals.isFuture(each)) {
      throw new TypeError(`element ${i} of the futures is none: it is ${whatIs(each)}`);
    }
  }
  return list;
}

/**
 * Each task once, in the order of the list.
 *
 * @throws {TypeError} as `listOf`
 */
export function distinct<Future extends TaskFuture>(futures: Iterable<Future>): Awaited<Future>[] {
  const known = new Map<Connection, Map<string, Future[]>>();
  const lists: Future[][] = [];
  for (const future of listOf(futures)) {
    const connection = internals.connectionOf(future);
    const ofConnection = known.get(connection) ?? new Map<string, Future[]>();
    known.set(connection, ofConnection);
    const list = ofConnection.get(future.id);
    if (list) list.push(future);
    else {
      const fresh = [future];
      ofConnection.set(future.id, fresh);
      lists.push(fresh);
    }
  }
  return lists.map((list) => {
    const settlers = list.map((future) => internals.settlementOf(future).settler());
    const settle = (task: Task) => settlers.forEach((tell) => tell(task));
    const hasEnded = () => {
      const end = list.map((future) => internals.settlementOf(future).task).find((task) => task !== null);
      if (end) settle(end);
      return end !== undefined;
    };
    const see = (task: TaskSummary) => list.forEach((future) => internals.settlementOf(future).see(task));
    return { future: list[0], hasEnded, settle, see };
  });
}

/** What one request can ask for. */
export interface Part<Future extends TaskFuture> {
  connection: Connection;
  /** By the ids of the tasks. */
  tasks: Map<string, Awaited<Future>>;
}

/** By service, as futures of several may be waited for together. */
export function partsOf<Future extends TaskFuture>(tasks: Iterable<Awaited<Future>>): Part<Future>[] {
  return [...byConnection(tasks)].flatMap(([connection, list]) =>
    chunksOf(list, MOST_IDS).map((chunk) => ({ connection, tasks: new Map(chunk) }))
  );
}

/**
 * What one stream can tell of: a part, or a whole group. Of a group the service may tell more than was asked.
 */
export interface StreamPart<Future extends TaskFuture> extends Part<Future> {
  asked: Asked;
}

/** A large group is one stream, whatever its size: hundreds of them would be too much for the service. */
export function streamPartsOf<Future extends TaskFuture>(
  tasks: Iterable<Awaited<Future>>,
  group: GroupLike | null,
): StreamPart<Future>[] {
  const [first, ...others] = byConnection(tasks);
  if (group !== null && first !== undefined && others.length === 0 && first[1].length > MOST_IDS) {
    const asked = { groupId: group.groupId, total: group.length };
    return [{ connection: first[0], tasks: new Map(first[1]), asked }];
  }
  return partsOf(tasks).map((part) => ({ ...part, asked: { ids: [...part.tasks.keys()] } }));
}

/** A list of futures that are the tasks of a group, all of them. */
export interface GroupLike {
  readonly groupId: string;
  readonly length: number;
}

/** What `map` and `run` make. Their classes cannot be imported here. */
export function isGroup(futures: unknown): futures is GroupLike {
  return Array.isArray(futures) && "groupId" in futures && typeof futures.groupId === "string";
}

function byConnection<Future extends TaskFuture>(
  tasks: Iterable<Awaited<Future>>,
): Map<Connection, [string, Awaited<Future>][]> {
  const lists = new Map<Connection, [string, Awaited<Future>][]>();
  for (const task of tasks) {
    const connection = internals.connectionOf(task.future);
    const list = lists.get(connection) ?? [];
    lists.set(connection, list);
    list.push([task.future.id, task]);
  }
  return lists;
}
