// A task that is submitted now and starts when another one has ended in a certain way.

import { aKey } from "../protocol/ids.ts";
import type { End, WaitFor } from "../protocol/wait_for.ts";
import { whatIs } from "../protocol/what_is.ts";
import { A_TASK, type TaskOptions } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import type { Seen } from "./settlement.ts";

/** What it is, as `sig` makes it. */
export interface Continuation {
  readonly task: string;
  readonly input?: unknown;
  readonly into?: string;
  readonly immutable?: boolean;
  readonly waitFor?: WaitFor;
  readonly allowFailure?: boolean;
  readonly options?: Readonly<TaskOptions>;
}

/**
 * Submits it: one task, however often the call is sent.
 *
 * @throws {TypeError} if it is more than one task, or none
 */
export async function submitContinuation(
  { http }: Connection,
  upstream: string,
  on: readonly End[],
  continuation: Continuation,
): Promise<{ id: string; seen: Seen }> {
  if (typeof continuation?.task !== "string") {
    throw new TypeError(
      `what follows a task is one task, as sig() makes it; what was given is ${whatIs(continuation)}`,
    );
  }
  const { body: { id, task, state } } = await http.call({
    method: "POST",
    path: "/v1/tasks",
    body: bodyOf(upstream, on, continuation),
    headers: { "idempotency-key": aKey() },
    expects: A_TASK,
  });
  return { id, seen: { task, type: state.type } };
}

/**
 * What is submitted. As in a chain it gets the outcome of the task: as the field `into`; or, without an input
 * of its own, as its input; else not at all.
 */
function bodyOf(upstream: string, on: readonly End[], continuation: Continuation) {
  const { task, input, into, immutable, allowFailure, options, waitFor } = continuation;
  const outcome = on.includes("COMPLETED") ? { $task: upstream } : { $task: upstream, $allowFailure: true };
  const given = immutable || into === undefined && input !== undefined
    ? input
    : into === undefined
    ? outcome
    : { ...input as object, [into]: outcome };
  const others = [waitFor, options?.waitFor].flatMap((one) =>
    one === undefined ? [] : Symbol.iterator in one ? [...one] : [one]
  );
  return {
    task,
    input: given,
    options: {
      ...options,
      ...(allowFailure !== undefined && { allowFailure }),
      waitFor: [{ task: upstream, on }, ...others],
    },
  };
}
