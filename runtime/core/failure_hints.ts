// What a function may throw to say what shall follow, and what an HTTP answer says of it.

/** What a thrown value says beside its error. Plain JSON, so that it comes from a worker thread as it is. */
export interface FailureHints {
  /** Another attempt after this pause, or after a longer one. */
  retryAfterMs?: number;
  /** The same as an instant, in milliseconds since the epoch. */
  retryAt?: number;
  /** The function asked for it: the pause is this one, whatever the policy says. */
  isAsked?: true;
  /** The attempt does not count. */
  isSnooze?: true;
  /** It ends, and in this state. */
  endsAs?: "Rejected" | "Ignored";
}

/** Of all copies of this module: a function may come with its own. */
const HINTS = Symbol.for("errand.hints");

const LONGEST_PAUSE_MS = 366 * 24 * 60 * 60 * 1000;
/** What another service says is not believed beyond that. */
const LONGEST_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/** Made by `retryAfter`, `reject` and `ignore`. */
export class TaskDirective extends Error {
  readonly retryable: boolean;

  constructor(name: string, reason: string, hints: FailureHints) {
    super(reason);
    this.name = name;
    this.retryable = hints.endsAs === undefined;
    Object.defineProperty(this, HINTS, { value: hints });
  }
}

export interface RetryAfterOptions {
  /** Why, for those who look at the task. */
  reason?: string;
  /** False: it does not use up an attempt. The next one has the same number, and the same `task.token`. */
  countAttempt?: boolean;
}

/**
 * `throw retryAfter(ms)`: this attempt is over, and the next one comes after `ms`, whatever the policy says
 * of pauses. It ends FAILED if no attempt is left, or after `retry.untilMs`.
 *
 * @throws {RangeError} if `ms` is no whole number from 0 to a year
 */
export function retryAfter(
  ms: number,
  { reason = "the function asked for it", countAttempt = true }: RetryAfterOptions = {},
): TaskDirective {
  if (!Number.isInteger(ms) || ms < 0 || ms > LONGEST_PAUSE_MS) {
    throw new RangeError(
      `retryAfter(): ms must be a whole number from 0 to ${LONGEST_PAUSE_MS}; it is ${ms}`,
    );
  }
  const hints: FailureHints = { retryAfterMs: ms, isAsked: true };
  if (!countAttempt) hints.isSnooze = true;
  return new TaskDirective("RetryAfter", reason, hints);
}

/** `throw reject(reason)`: the task ends FAILED `Rejected`, without another attempt. */
export function reject(reason: string): TaskDirective {
  return new TaskDirective("Rejected", reason, { endsAs: "Rejected" });
}

/** `throw ignore(reason)`: the task ends COMPLETED `Ignored`, and has no result. */
export function ignore(reason = "the function ignored it"): TaskDirective {
  return new TaskDirective("Ignored", reason, { endsAs: "Ignored" });
}

/** Null if it says nothing. Never throws. */
export function hintsOf(thrown: unknown): FailureHints | null {
  try {
    if (typeof thrown !== "object" || thrown === null) return null;
    return (thrown as { [HINTS]?: FailureHints })[HINTS] ?? answerHints(thrown);
  } catch {
    return null;
  }
}

/** Lets an error from another realm say what it has said there. */
export function withHints<T extends object>(error: T, hints: FailureHints | null): T {
  return hints ? Object.defineProperty(error, HINTS, { value: hints }) : error;
}

interface Answer {
  status?: unknown;
  statusCode?: unknown;
  headers?: unknown;
}

/** An answer that was thrown, or that an error has as its `response`; or the error, which has its fields. */
function answerOf(thrown: object): Answer {
  const { response } = thrown as { response?: unknown };
  return typeof response === "object" && response !== null ? response : thrown;
}

/** The status of the HTTP answer that an error tells of. */
export function statusOf(thrown: object): number | undefined {
  const { status, statusCode = status } = thrown as Answer;
  const { status: answered } = answerOf(thrown);
  const found = [status, statusCode, answered].find((one) => typeof one === "number");
  return Number.isInteger(found) && found! >= 100 && found! <= 599 ? found : undefined;
}

function answerHints(thrown: object): FailureHints | null {
  const { headers } = answerOf(thrown);
  if (typeof headers !== "object" || headers === null) return null;
  const { get } = headers as { get?: (name: string) => unknown };
  const value = typeof get === "function"
    ? get.call(headers, "retry-after")
    : fieldOf(headers, "retry-after");
  const text = String(value ?? "").trim();
  if (/^\d{1,9}$/.test(text)) return { retryAfterMs: Number(text) * 1_000 };
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : { retryAt: at };
}

function fieldOf(headers: object, name: string): unknown {
  return Object.entries(headers).find(([field]) => field.toLowerCase() === name)?.[1];
}

/** The pause that the hints ask for, from `now` on. */
export function hintedPauseMs(hints: FailureHints | undefined, now: number): number {
  if (!hints) return 0;
  const { retryAfterMs, retryAt, isAsked } = hints;
  const ms = retryAfterMs ?? (retryAt === undefined ? 0 : Math.max(0, retryAt - now));
  return Math.min(ms, isAsked ? LONGEST_PAUSE_MS : LONGEST_RETRY_AFTER_MS);
}
