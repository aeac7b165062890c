/** An error as data. Structured cloning drops an error's own fields, such as `retryable`. */
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
