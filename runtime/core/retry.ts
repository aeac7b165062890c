// How long to wait before the next attempt: exponential back-off with a cap and full jitter (a delay drawn
// evenly from zero to the computed one), so that many retries do not come at once; or a list of pauses. And
// after which errors there is a next attempt at all.

/** An error by its name, or by the status of an HTTP answer: 503, or "5xx" for all of them. */
export type ErrorMatch = string | { status: number | string };

/** When a failed attempt is tried again: `delayMs * factor ** n`, at most `maxDelayMs`. */
export interface RetryPolicy {
  /** Attempts in all; 1 means no retry. */
  maxAttempts: number;
  delayMs: number;
  factor: number;
  maxDelayMs: number;
  /** Full jitter: the delay is drawn evenly from 0 to the computed one. */
  jitter: boolean;
  /**
   * The pauses themselves, one after the other; the last one is repeated. In place of `delayMs`, `factor` and
   * `maxDelayMs`. Without `maxAttempts` there are as many retries as pauses, and without `jitter` no jitter.
   */
  delaysMs?: number[];
  /** Only after errors like one of these. Default: after all. */
  on?: ErrorMatch[];
  /** Not after errors like one of these. */
  notOn?: ErrorMatch[];
  /** No attempt begins so long after the first one, or after a retry on request. */
  untilMs?: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 1,
  delayMs: 1_000,
  factor: 2,
  maxDelayMs: 60_000,
  jitter: true,
};

/** Field by field `own` wins, also over defaults that say the same in another way. */
export function mergedRetry(
  defaults: Partial<RetryPolicy> | undefined,
  own: Partial<RetryPolicy> | undefined,
): Partial<RetryPolicy> | undefined {
  if (!defaults || !own) return own ?? defaults;
  const merged = { ...defaults, ...own };
  if (own.delaysMs) { for (const field of COMPUTED) delete merged[field]; }
  else if (COMPUTED.some((field) => own[field] !== undefined)) delete merged.delaysMs;
  return merged;
}

/** Not together with `delaysMs`. */
export const COMPUTED = ["delayMs", "factor", "maxDelayMs"] as const;

export function wholeRetry(policy: Partial<RetryPolicy> | undefined): RetryPolicy {
  if (!policy?.delaysMs) return { ...DEFAULT_RETRY, ...policy };
  return { ...DEFAULT_RETRY, maxAttempts: policy.delaysMs.length + 1, jitter: false, ...policy };
}

/** Milliseconds to wait after `failures` failed attempts in a row (1 or more). `random` is in [0, 1). */
export function retryDelayMs(policy: RetryPolicy, failures: number, random: number): number {
  const delayMs = uncutDelayMs(policy, failures);
  return Math.round(policy.jitter ? delayMs * random : delayMs);
}

/** The same before a number was drawn: with jitter the most that it can be. */
export function longestRetryDelayMs(policy: RetryPolicy, failures: number): number {
  return Math.round(uncutDelayMs(policy, failures));
}

function uncutDelayMs({ delayMs, factor, maxDelayMs, delaysMs }: RetryPolicy, failures: number): number {
  if (delaysMs) return delaysMs[Math.min(failures, delaysMs.length) - 1];
  // Zero stays zero, also where the power is infinite: 0 * Infinity is NaN.
  return Math.min(maxDelayMs, delayMs === 0 ? 0 : delayMs * factor ** (failures - 1));
}

interface Thrown {
  name: string;
  retryable: boolean;
  status?: number;
}

/** True if there may be another attempt after this error. */
export function isTriedAgain({ on, notOn }: Pick<RetryPolicy, "on" | "notOn">, error: Thrown): boolean {
  if (!error.retryable) return false;
  const isLike = (match: ErrorMatch) =>
    typeof match === "string" ? match === error.name : hasStatus(error, match.status);
  return (on === undefined || on.some(isLike)) && !(notOn?.some(isLike) ?? false);
}

function hasStatus({ status }: Thrown, wanted: number | string): boolean {
  if (status === undefined) return false;
  return typeof wanted === "number" ? wanted === status : wanted[0] === String(status)[0];
}
