// The options of calls that submit, and their form on the wire.

import type { GroupFuture } from "../futures/group_future.ts";
import type { TaskFuture } from "../futures/task_future.ts";
import type { WaitCondition, WaitFor, WaitForAny } from "../protocol/wait_for.ts";
import type { GroupOptions } from "../protocol/group.ts";
import { whatIs } from "../protocol/what_is.ts";
import type { TaskOptions } from "../protocol/wire.ts";
import type { FlowFuture } from "./flow_future.ts";
import { idsIn } from "./flow_result.ts";

/** A task or a group that a task waits for: its future or its id. */
export type Upstream = TaskFuture | GroupFuture<unknown, unknown> | string;

/** A flow is waited for until what it hands on is there; under a condition, until it has ended as a whole. */
export type WaitForGiven = readonly (FlowFuture | OneWait)[] | WaitForAny<Upstream>;

type OneWait = Upstream | WaitCondition<Upstream> | WaitForAny<Upstream>;

/** Options of the call itself. */
export interface CallOptions {
  /**
   * Repeating the call under the same key makes nothing anew. Default: a key of the client's own for each
   * call.
   */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Options of calls that may be repeated anyway. */
export type SignalOptions = Pick<CallOptions, "signal">;

/** Options of each task that is submitted. */
export interface EachTaskOptions extends Omit<TaskOptions, "waitFor"> {
  /**
   * Not before these have completed: futures, also of groups and flows, or ids; or have ended as their
   * conditions say.
   * Their results are not handed over: put futures into the input.
   */
  waitFor?: WaitForGiven;
}

export interface SubmitOptions extends EachTaskOptions, CallOptions {
  /** An id of your own, a UUID; a ConflictError if it is taken. */
  id?: string;
}

export interface MapOptions extends EachTaskOptions, CallOptions {
  /** What a failure of one task does to the others, and when all must have ended. */
  group?: GroupOptions;
  /**
   * So many of its tasks run at once, 1 to 10,000; the others are PENDING AwaitingConcurrencySlot. Default:
   * no limit.
   */
  maxConcurrent?: number;
}

/** Options of all tasks of a canvas, where they have none of their own; the tags are added to theirs. */
export interface RunOptions extends EachTaskOptions, CallOptions {
  /** What a failure of one task does to the others, and when all must have ended. */
  group?: GroupOptions;
}

/** A task's options in the form of the wire. */
export function taskOptionsOf({ waitFor, ...options }: EachTaskOptions): TaskOptions {
  return waitFor === undefined ? options : { ...options, waitFor: waitForOf(waitFor) };
}

/**
 * With ids for futures; a text is an id or a name already.
 *
 * @throws {TypeError} if something in it is none of these
 */
export function waitForOf(waitFor: WaitForGiven): WaitFor {
  if (!(Symbol.iterator in waitFor)) return itemOf(waitFor) as WaitForAny;
  return [...waitFor].flatMap((item) => isFlow(item) ? idsIn(item.toJSON()) : [itemOf(item)]);
}

/** Or a group, which stands for itself. */
function isFlow(item: FlowFuture | OneWait): item is FlowFuture {
  return typeof item === "object" && item !== null && "groupId" in item && "toJSON" in item;
}

function itemOf(item: OneWait) {
  if (item === null) return nameOf(item);
  if (typeof item === "object" && "anyOf" in item) return { ...item, anyOf: item.anyOf.map(nameOf) };
  if (typeof item === "object" && "task" in item && !("id" in item) && !("groupId" in item)) {
    return { ...item, task: nameOf(item.task) };
  }
  return nameOf(item as Upstream);
}

function idOf(future: TaskFuture | GroupFuture<unknown, unknown> | null): unknown {
  if (typeof future !== "object" || future === null) return undefined;
  return "groupId" in future ? future.groupId : future.id;
}

function nameOf(upstream: Upstream): string {
  const id = typeof upstream === "string" ? upstream : idOf(upstream);
  if (typeof id === "string") return id;
  throw new TypeError(`waitFor takes futures, ids and conditions; one of them is ${whatIs(upstream)}`);
}
