// Waiting for what happens on another thread, in another process or over a socket. There is one bound for all
// of it, far beyond what a slow machine needs: it tells a test that hangs from one that is slow, and nothing
// else.

import assert from "node:assert/strict";

export const HANGS_MS = 90_000;
/** For a program that checks the types of all of Errand, with nothing known from before. */
export const TYPE_CHECK_HANGS_MS = 4 * HANGS_MS;
/** So many looks are a turn of the event loop apart, the later ones some milliseconds. */
const QUICK_LOOKS = 100;
const LOOK_EVERY_MS = 5;

/** Ends early if `signal` aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms));
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** One turn of the event loop: what could go on has gone on. */
export function turn(): Promise<void> {
  return pause(0);
}

/** Looks again and again until there is something other than false, and gives that. */
export async function eventually<T>(
  look: () => T | false | Promise<T | false>,
  otherwise: string | (() => string) = "it never came true",
): Promise<T> {
  const since = performance.now();
  for (let looks = 1; performance.now() - since < HANGS_MS; looks++) {
    const found = await look();
    if (found !== false) return found;
    await pause(looks < QUICK_LOOKS ? 0 : LOOK_EVERY_MS);
  }
  throw new assert.AssertionError({ message: typeof otherwise === "string" ? otherwise : otherwise() });
}

export class Hangs extends assert.AssertionError {}

/** The value of the promise. A promise that hangs fails the test. */
export async function unlessItHangs<T>(promise: Promise<T>, what = "it", afterMs = HANGS_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hangs({ message: `${what} hangs` })), afterMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
