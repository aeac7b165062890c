// Time as a port: a wall clock for instants, a monotonic clock for durations, and timers. A simulation can
// drive them all. Nothing else in the runtime reads the time.

export interface Clock {
  /** Wall clock. May jump. */
  now(): number;
  /** Milliseconds. Never goes back; only differences within this process mean anything. */
  monotonic(): number;
  /** Calls `fn` once, unless the returned function is called before. */
  timer(fn: () => void, ms: number): () => void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(fn, ms) {
    // Above 2^31-1 ms setTimeout fires at once. Every caller looks again, so a longer wait may end early.
    const id = setTimeout(fn, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    return () => clearTimeout(id);
  },
};

/** Resolves after `ms`, or as soon as `signal` aborts. Never rejects: the caller looks at the signal. */
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

let lastSecond = NaN;
let lastText = "";

/** ISO 8601. Instants that are written together are mostly of one second, whose text is kept. */
export function isoAt(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().slice(0, -4);
    lastSecond = second;
  }
  const ms = Math.floor(at - second * 1000);
  return `${lastText}${ms < 100 ? ms < 10 ? "00" : "0" : ""}${ms}Z`;
}
