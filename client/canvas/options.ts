// The options of calls that submit, and their form on the wire.

import type { TaskFuture } from "../futures/task_future.ts";
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
   * Not before these have completed, futures or ids. Their results are not handed over: put futures into the
   * input.
   */
  waitFor?: readonly Upstream[];
}

export interface SubmitOptions extends EachTaskOptions, CallOptions {
  /** An id of your own, a UUID; a ConflictError if it is taken. */
  id?: string;
}

export interface MapOptions extends EachTaskOptions, CallOptions {
  /**
   * So many of its tasks run at once, 1 to 10,000; the others are PENDING AwaitingConcurrencySlot. Default:
   * no limit.
   */
  maxConcurrent?: number;
}

/** Options of all tasks of a canvas, where they have none of their own; the tags are added to theirs. */
export interface RunOptions extends EachTaskOptions, CallOptions {}

/** A task's options in the form of the wire. */
export function taskOptionsOf({ waitFor, ...options }: EachTaskOptions): TaskOptions {
  return waitFor === undefined ? options : { ...options, waitFor: namesOf(waitFor) };
}

/** Ids of futures; a text is an id or a name already. */
export function namesOf(upstreams: readonly Upstream[]): string[] {
  return upstreams.map((upstream) => typeof upstream === "string" ? upstream : upstream.id);
}

/** 128 random bits. (`crypto.randomUUID` is missing in pages that came over plain http.) */
export function aKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
