// Errors on their way between threads.

/** Structured cloning drops own fields of errors, `retryable` among them. */
export function portable(thrown: unknown, depth = 0): unknown {
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  const { name, message, stack, cause, retryable } = thrown as Partial<Error> & { retryable?: unknown };
  return {
    name,
    message,
    stack,
    retryable,
    cause: cause === undefined || depth > 3 ? undefined : portable(cause, depth + 1),
  };
}
