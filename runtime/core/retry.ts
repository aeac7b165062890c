// How long to wait before the next attempt: exponential back-off with a cap and full jitter (a delay drawn
// evenly from zero to the computed one), so that many retries do not come at once.

/** When a failed attempt is tried again: `delayMs * factor ** n`, at most `maxDelayMs`. */
export interface RetryPolicy {
  /** Attempts in all; 1 means no retry. */
  maxAttempts: number;
  delayMs: number;
  factor: number;
  maxDelayMs: number;
  /** Full jitter: the delay is drawn evenly from 0 to the computed one. */
  jitter: boolean;
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 1,
  delayMs: 1_000,
  factor: 2,
  maxDelayMs: 60_000,
  jitter: true,
};

/** Milliseconds to wait after `failures` failed attempts in a row (1 or more). `random` is in [0, 1). */
export function retryDelayMs(policy: RetryPolicy, failures: number, random: number): number {
  const delayMs = uncutDelayMs(policy, failures);
  return Math.round(policy.jitter ? delayMs * random : delayMs);
}

/** The same before a number was drawn: with jitter the most that it can be. */
export function longestRetryDelayMs(policy: RetryPolicy, failures: number): number {
  return Math.round(uncutDelayMs(policy, failures));
}

function uncutDelayMs({ delayMs, factor, maxDelayMs }: RetryPolicy, failures: number): number {
  // Zero stays zero, also where the power is infinite: 0 * Infinity is NaN.
  return Math.min(maxDelayMs, delayMs === 0 ? 0 : delayMs * factor ** (failures - 1));
}
