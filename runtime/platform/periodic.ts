// Repeated work.

import type { Clock } from "./clock.ts";

/**
 * Does `work` again and again, each time `ms` after the time before has ended, so it is never under way
 * twice.
 *
 * @param work handles its own errors
 * @returns a function that ends the loop and resolves once no work is under way
 */
export function every(clock: Clock, ms: number, work: () => unknown): () => Promise<void> {
  let working: Promise<void> = Promise.resolve();
  let cancel: () => void;
  let isStopped = false;
  const schedule = () => {
    cancel = clock.timer(() => {
      working = (async () => {
        await work();
        if (!isStopped) schedule();
      })();
    }, ms);
  };
  schedule();
  return async () => {
    isStopped = true;
    cancel();
    await working;
  };
}
