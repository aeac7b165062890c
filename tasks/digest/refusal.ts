// The error that the guards throw.

/** An error that would be the same at every attempt: the engine does not try again. */
export function refusal(message: string): Error {
  return Object.assign(new Error(message), { retryable: false });
}
