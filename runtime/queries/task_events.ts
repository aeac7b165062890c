// The events of one task as they come, from any place in its sequence on, nothing missing and nothing twice.

import { eventsAfter, type TaskEvent } from "../store/event_log.ts";
import { type Notifier } from "./notifier.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { Watch } from "./watch.ts";

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
  let newest: Entry | null = first;
  using watch = new Watch(store.clock, (ring) => {
    return notifier.watch([id], (entry) => {
      if (entry === null || isForgotten(entry.record)) newest = null;
      else if (newest && entry.versionstamp > newest.versionstamp) newest = entry as Entry;
      ring();
    });
  });
  // The watch began after `first` was read: look once more for what came in between.
  const entry = await store.read(id);
  if (!entry || isForgotten(entry.record)) return;
  if (newest && entry.versionstamp > newest.versionstamp) newest = entry as Entry;
  while (newest && !signal?.aborted) {
    // It may become another, or null, while this is read.
    const current: Entry = newest;
    const page = await eventsAfter(store.kv, current, after);
    if (page.length === 0) {
      // Whoever asks for what comes behind the end gets an end to the stream.
      if ((endOf(current) ?? Infinity) <= after) return;
      await watch.next(Infinity, signal);
      continue;
    }
    if (!isDense(page, after)) {
      // Read while its events were being removed: it was forgotten, or its retention is over.
      const now = await store.read(id);
      if (!now || isForgotten(now.record)) return;
    }
    after = page[page.length - 1].seq;
    yield page;
    if (page[page.length - 1].kind === "end") return;
  }
}

function isDense(page: TaskEvent[], after: number): boolean {
  return page.every(({ seq }, i) => seq === after + 1 + i);
}

/** The place of a task's `end` event, or null if it has not ended. */
export function endOf({ record }: Entry): number | null {
  return record.finishedAt === null ? null : record.seq + 2;
}
