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

/**
 * What another system takes by its place, or calls otherwise, would be no limit at all here.
 *
 * @throws {TypeError}
 */
export function requireOptions(options: Timeout): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options must be an object, as { timeoutMs: 5_000 }; what was given is ${options}`);
  }
  if ("timeout" in options) {
    throw new TypeError("there is no option timeout: it is timeoutMs, in milliseconds");
  }
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
    const stop = after(ms, () => {
      leave();
      resolve();
    });
    const leave = onAbort(signal, () => {
      stop();
      reject(signal!.reason);
    });
  });
}

interface Followers {
  calls: Set<() => void>;
  tell: () => void;
}

/**
 * The signals that are followed. Without this a garbage collection may take away one of `AbortSignal.timeout`
 * or `AbortSignal.any`, and then nobody is told.
 */
const followed = new Map<AbortSignal, Followers>();

/** Calls back at the abort of a signal, which is not aborted yet. Returns what stops that. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined) return () => {};
  const followers = followed.get(signal) ?? follow(signal);
  const own = () => call();
  followers.calls.add(own);
  return () => {
    if (followers.calls.delete(own) && followers.calls.size === 0) leave(signal, followers);
  };
}

/** By one listener: to add ten thousand takes seconds. */
function follow(signal: AbortSignal): Followers {
  const calls = new Set<() => void>();
  const followers = {
    calls,
    tell: () => {
      leave(signal, followers);
      calls.forEach((each) => each());
    },
  };
  followed.set(signal, followers);
  signal.addEventListener("abort", followers.tell);
  return followers;
}

function leave(signal: AbortSignal, { tell }: Followers): void {
  followed.delete(signal);
  signal.removeEventListener("abort", tell);
}

/** What ends a piece of work: the caller's signal, a while in which nothing came, or the end of its use. */
export class Limit {
  readonly #abort = new AbortController();
  readonly #leave: () => void = () => {};
  #stop = () => {};

  constructor(outer?: AbortSignal) {
    if (outer?.aborted) this.#abort.abort(outer.reason);
    else this.#leave = onAbort(outer, () => this.#abort.abort(outer!.reason));
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
    this.#leave();
    this.#abort.abort(new Error("it is over"));
  }
}
