// The options of calls that submit, and their form on the wire.

import type { TaskFuture } from "../futures/task_future.ts";
import type { WaitCondition, WaitFor, WaitForAny } from "../protocol/wait_for.ts";
import type { GroupOptions } from "../protocol/group.ts";
import type { TaskOptions } from "../protocol/wire.ts";

/** A task that another waits for: its future or its id. */
export type Upstream = TaskFuture | string;

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
   * Not before these have completed, futures or ids; or have ended as their conditions say. Their results are
   * not handed over: put futures into the input.
   */
  waitFor?: WaitFor<Upstream>;
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

/** With ids for futures; a text is an id or a name already. */
export function waitForOf(waitFor: WaitFor<Upstream>): WaitFor {
  if (Symbol.iterator in waitFor) return Array.from(waitFor, itemOf);
  return itemOf(waitFor) as WaitForAny;
}

function itemOf(item: Upstream | WaitCondition<Upstream> | WaitForAny<Upstream>) {
  if (typeof item === "object" && "anyOf" in item) return { ...item, anyOf: item.anyOf.map(nameOf) };
  if (typeof item === "object" && "task" in item && !("id" in item)) {
    return { ...item, task: nameOf(item.task) };
  }
  return nameOf(item as Upstream);
}

function nameOf(upstream: Upstream): string {
  return typeof upstream === "string" ? upstream : upstream.id;
}
