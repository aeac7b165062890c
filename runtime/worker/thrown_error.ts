// From whatever a function has thrown to the error that its record keeps.

import { clip } from "../core/json.ts";
import type { TaskError } from "../core/task.ts";

/** Bytes of JSON. */
const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 2_000;
/** Characters of JSON with all causes. */
const LONGEST_ERROR = 2_500;
const DEEPEST_CAUSE = 3;

/** May throw itself: a function can throw a value whose properties throw when they are read. */
export function errorOf(thrown: unknown, keepStacks: boolean): TaskError {
  const error = describe(thrown, keepStacks, 0);
  // Too long with all its causes: the outermost error says most.
  if (error.cause && JSON.stringify(error).length > LONGEST_ERROR) delete error.cause;
  return error;
}

function describe(thrown: unknown, keepStacks: boolean, depth: number): TaskError {
  if (typeof thrown !== "object" || thrown === null) {
    return { name: "Error", message: clip(String(thrown), LONGEST_MESSAGE), retryable: true };
  }
  const { name, message, cause, stack, retryable } = thrown as Partial<Error> & { retryable?: unknown };
  const error: TaskError = {
    name: clip(typeof name === "string" && name !== "" ? name : "Error", 100),
    message: clip(typeof message === "string" ? message : "", LONGEST_MESSAGE),
    retryable: retryable !== false,
  };
  if (cause !== undefined && depth < DEEPEST_CAUSE) error.cause = describe(cause, false, depth + 1);
  if (keepStacks && typeof stack === "string") error.stack = clip(stack, LONGEST_STACK);
  return error;
}
