// The events of one task as they come, from any place in its sequence on, nothing missing and nothing twice.

import { eventsAfter, type TaskEvent } from "./events.ts";
import { Bell, type Notifier } from "./notify.ts";
import type { Store } from "./store.ts";
import { type Entry, isForgotten } from "./task.ts";

/** Longest wait without looking again by itself. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Yields pages of events with `seq` above `after`. Ends behind the `end` event, when the task is gone, or when
 * `signal` aborts; only the first of these is an end of the task.
 */
export async function* taskEvents(
  store: Store,
  notifier: Notifier,
  first: Entry,
  after: number,
  signal?: AbortSignal,
): AsyncGenerator<TaskEvent[]> {
  const { id } = first.record;
  const bell = new Bell(store.clock);
  let newest: Entry | null = first;
  const stop = notifier.watch([id], (entry) => {
    if (entry === null || isForgotten(entry.record)) newest = null;
    else if (newest && entry.versionstamp > newest.versionstamp) newest = entry as Entry;
    bell.ring();
  });
  try {
    // The watch began after `first` was read: look once more for what came in between.
    const entry = await store.read(id);
    if (!entry || isForgotten(entry.record)) return;
    if (newest && entry.versionstamp > newest.versionstamp) newest = entry as Entry;
    while (newest && !signal?.aborted) {
      const page = await eventsAfter(store.kv, newest, after);
      if (page.length === 0) {
        // Whoever asks for what comes behind the end gets an end to the stream.
        if ((endOf(newest) ?? Infinity) <= after) return;
        await bell.next(LOOK_AGAIN_MS, signal);
        continue;
      }
      after = page[page.length - 1].seq;
      yield page;
      if (page[page.length - 1].kind === "end") return;
    }
  } finally {
    stop();
  }
}

/** The place of a task's `end` event, or null if it has not ended. */
export function endOf({ record }: Entry): number | null {
  return record.finishedAt === null ? null : record.seq + 2;
}
