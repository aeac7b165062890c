// What a view shows of the service, kept up to date.

import { useEffect, useState } from "preact/hooks";
import { CallError, get } from "./api.ts";
import { beat } from "./live.ts";

export interface Loaded<Value> {
  /** What was read last; also while it is read again, and after a failure. */
  value: Value | null;
  error: CallError | null;
  reload: () => void;
}

export interface LoadOptions {
  /** False: it is read once. */
  live?: boolean;
  /** Pause between two looks, whatever happens. */
  everyMs?: number;
}

/**
 * Reads now, and again after each beat, one read at a time: a slow answer is not given up for the next one.
 *
 * @returns what ends it
 */
export function keepReading(
  read: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let [isReading, isDue] = [false, false];
  const look = async () => {
    isDue = false;
    isReading = true;
    await read(abort.signal);
    isReading = false;
    if (!abort.signal.aborted) timer = setTimeout(settle, everyMs);
  };
  const settle = () => {
    timer = undefined;
    if (isDue) look();
  };
  const unsubscribe = beat.subscribe(() => {
    isDue = true;
    if (!isReading && timer === undefined) look();
  });
  return () => {
    unsubscribe();
    clearTimeout(timer);
    abort.abort();
  };
}

/** @param path null: there is nothing to read */
export function useLoad<Value>(
  path: string | null,
  { live = true, everyMs = 900 }: LoadOptions = {},
): Loaded<Value> {
  const [state, setState] = useState<
    { path: string | null; value: Value | null; error: CallError | null }
  >({
    path,
    value: null,
    error: null,
  });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const read = async (signal: AbortSignal) => {
      try {
        const value = await get<Value>(path, signal);
        setState({ path, value, error: null });
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof CallError)) throw error;
        setState((before) => ({
          path,
          value: before.path === path ? before.value : null,
          error,
        }));
      }
    };
    if (live) return keepReading(read, everyMs);
    const abort = new AbortController();
    read(abort.signal);
    return () => abort.abort();
  }, [path, asked]);
  const isCurrent = state.path === path;
  return {
    value: isCurrent ? state.value : null,
    error: isCurrent ? state.error : null,
    reload: () => setAsked((count) => count + 1),
  };
}
