// `softTimeoutMs`: a function is told that its time is nearly over, and may end well.

const NAME = "SoftTimeLimitError";

/**
 * `signal.reason` of a function whose `softTimeoutMs` is over. What it returns after that counts as ever;
 * where it throws this, the attempt has timed out.
 */
export class SoftTimeLimitError extends Error {
  override name = NAME;

  constructor(softTimeoutMs: number) {
    super(`the attempt took longer than softTimeoutMs, ${softTimeoutMs} ms`);
  }

  /** Also what another copy of this module has thrown, or another thread. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === NAME;
  }
}

/** What is wrong with the two limits together; null if nothing is. */
export function faultOfLimits(
  { timeoutMs = Infinity, softTimeoutMs = 0 }: { timeoutMs?: number; softTimeoutMs?: number },
): string | null {
  if (softTimeoutMs < timeoutMs) return null;
  return `softTimeoutMs must be less than timeoutMs, ${timeoutMs} (got ${softTimeoutMs})`;
}
