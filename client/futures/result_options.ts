// What a caller may say when it waits for a task, or cancels it.

import type { Expected } from "../protocol/wire.ts";
import type { Timeout } from "../transport/deadline.ts";

/** Of one result, or of several. */
export interface ResultsOptions extends Timeout {
  /** False: the error of a task that did not complete is given in the place of its value, and not thrown. */
  raiseOnFailure?: boolean;
}

export interface ResultOptions extends ResultsOptions {
  /**
   * True: at the timeout, also of 0, the task is cancelled, its end awaited, and a result that came first is
   * returned all the same, as Python's `asyncio.wait_for`.
   */
  cancelOnTimeout?: boolean;
  /** True: an abort of `signal` cancels the task. */
  cancelOnAbort?: boolean;
}

export interface CancelOptions {
  /** How long a running function may take to stop. */
  graceMs?: number;
  /**
   * True: the tasks that it has submitted are cancelled too, and theirs. Default: true for a task of a
   * flow.
   */
  children?: boolean;
  /** True: only if it has not started. One that has is not asked to stop: too late. */
  onlyWaiting?: boolean;
  /** True: what its function still returns is kept, as the `result` of its CancelledError and its task. */
  keepResult?: boolean;
  signal?: AbortSignal;
}

/** What answers a cancel. */
export const AN_OUTCOME: Expected = {
  what: "the outcome of a cancel",
  is: (body) => typeof (body as { outcome?: unknown } | null)?.outcome === "string",
};
