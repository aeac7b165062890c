// Time as a port: wall clock for what people read, monotonic clock for how long, timers that can be
// driven by a simulation. Nothing else in the runtime reaches for time.

export interface Clock {
  /** Wall-clock milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds that only ever rise, by this process's own measure. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the returned function takes that back. */
  timer(fn: () => void, ms: number): () => void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(fn, ms) {
    // Past 2^31-1 ms setTimeout fires at once, so a longer wait is cut: every caller looks again anyway.
    const id = setTimeout(fn, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    return () => clearTimeout(id);
  },
};

/** Resolves after `ms`, or as soon as `signal` aborts (it never rejects: the caller looks at the signal). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.timer(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

let lastAt = NaN;
let lastIso = "";

/** ISO 8601 in UTC with milliseconds: how every instant goes over the wire. */
export function isoAt(at: number): string {
  // Instants of one task, and of tasks of one moment, are often the same.
  if (at !== lastAt) {
    lastIso = new Date(at).toISOString();
    lastAt = at;
  }
  return lastIso;
}
