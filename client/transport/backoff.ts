// How long something is tried again, and how fast.

export interface RetryRule {
  /** Go on trying for this long. 0: no second try. */
  forMs: number;
  /** The first pause; each next one is twice as long. */
  delayMs: number;
  /** The longest pause. */
  maxDelayMs: number;
}

export const RETRY: RetryRule = { forMs: 10_000, delayMs: 100, maxDelayMs: 2_000 };

/** The pauses of one call. Their time begins with the first failure: a long wait before it does not count. */
export class Backoff {
  readonly #rule: RetryRule;
  #since: number | null = null;
  failures = 0;

  constructor(rule: RetryRule) {
    this.#rule = rule;
  }

  /** For how long it has been failing. */
  get elapsedMs(): number {
    return this.#since === null ? 0 : performance.now() - this.#since;
  }

  /**
   * The pause before the next try, spread so that many clients do not come back together; null when the time
   * is up.
   *
   * @param atLeastMs what the server asked for
   */
  next(atLeastMs = 0): number | null {
    const { forMs, delayMs, maxDelayMs } = this.#rule;
    this.#since ??= performance.now();
    const leftMs = forMs - this.elapsedMs;
    const computedMs = Math.min(maxDelayMs, delayMs * 2 ** this.failures++);
    if (leftMs <= 0 || atLeastMs > leftMs) return null;
    const pauseMs = Math.max(atLeastMs, computedMs) * (0.5 + Math.random() / 2) + atLeastMs / 2;
    return Math.min(pauseMs, leftMs);
  }

  /** A try succeeded: the next failure begins anew. */
  reset(): void {
    this.#since = null;
    this.failures = 0;
  }
}
