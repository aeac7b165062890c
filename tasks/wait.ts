// Not a task, but what `sleep` and `countdown` share: a pause that an abort ends at once.

/**
 * Resolves after `ms` milliseconds. Leaves no timer and no listener behind, however it ends.
 *
 * @throws the signal's reason, as soon as it is aborted.
 */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
