// Deadlines and pauses. Everything here ends at once when its signal is aborted, with the signal's reason.

/** A longer timer would fire at once (it is counted in 32 bits). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Timeout {
  /**
   * Milliseconds; 0: only if it is there now. Left out: no limit. Anything else, as a number below 0, is a
   * RangeError in every call, before it has asked or cancelled anything.
   */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** @throws {RangeError} if it is no number of milliseconds. */
export function checkTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return Infinity;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new RangeError(`timeoutMs must be a number of milliseconds from 0 on; it is ${timeoutMs}`);
}

/** An instant on the clock that only goes forward. */
export class Deadline {
  readonly #at: number;

  constructor(timeoutMs: number) {
    this.#at = performance.now() + timeoutMs;
  }

  /** Never below 0. */
  get leftMs(): number {
    return Math.max(0, this.#at - performance.now());
  }
}

/** Calls back after `ms`, or never if that is infinite. Returns what stops it. */
export function after(ms: number, call: () => void): () => void {
  if (ms === Infinity) return () => {};
  let timer: ReturnType<typeof setTimeout>;
  const start = (leftMs: number) => {
    timer = leftMs <= LONGEST_TIMER_MS
      ? setTimeout(call, leftMs)
      : setTimeout(() => start(leftMs - LONGEST_TIMER_MS), LONGEST_TIMER_MS);
  };
  start(ms);
  return () => clearTimeout(timer);
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      stop();
      reject(signal!.reason);
    };
    const stop = after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Callbacks at the abort of a signal, in one listener: to add ten thousand listeners takes seconds. */
const calls = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back at the abort of a signal, which is not aborted yet. Returns what stops that. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined) return () => {};
  const ofSignal = calls.get(signal) ?? new Set();
  if (!calls.has(signal)) {
    calls.set(signal, ofSignal);
    signal.addEventListener("abort", () => ofSignal.forEach((each) => each()), { once: true });
  }
  const own = () => call();
  ofSignal.add(own);
  return () => void ofSignal.delete(own);
}

/** What ends a piece of work: the caller's signal, a while in which nothing came, or the end of its use. */
export class Limit {
  readonly #abort = new AbortController();
  readonly #outer?: AbortSignal;
  #stop = () => {};

  constructor(outer?: AbortSignal) {
    this.#outer = outer;
    if (outer?.aborted) this.#onAbort();
    else outer?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** From now on something must come within `ms`. */
  within(ms: number): void {
    this.rest();
    this.#stop = after(ms, () => this.#abort.abort(new Error(`nothing came within ${Math.round(ms)} ms`)));
  }

  /** It came: the time that its user takes does not count. */
  rest(): void {
    this.#stop();
    this.#stop = () => {};
  }

  /** Ends it with this reason. */
  abort(reason?: unknown): void {
    this.#abort.abort(reason);
  }

  /** Must be called in any case: stops the timer, leaves the outer signal, and ends what still runs. */
  end(): void {
    this.#stop();
    this.#outer?.removeEventListener("abort", this.#onAbort);
    this.#abort.abort(new Error("it is over"));
  }

  readonly #onAbort = () => this.#abort.abort(this.#outer!.reason);
}
