// Streams the events of one task, from any place in its sequence on: none is missing, and none comes twice.

import { eventsAfter, type TaskEvent } from "../store/event_log.ts";
import { type Notifier } from "./notifier.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { Watch } from "./watch.ts";

/**
 * Yields pages of events with `seq` above `after`. Ends after the `end` event, when the task is gone, or when
 * `signal` aborts.
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
  // `first` was read before the watch began: a change in between would be missed.
  const entry = await store.read(id);
  if (!entry || isForgotten(entry.record)) return;
  if (newest && entry.versionstamp > newest.versionstamp) newest = entry as Entry;
  while (newest && !signal?.aborted) {
    // The listener may replace `newest` during the read.
    const current: Entry = newest;
    const page = await eventsAfter(store.kv, current, after);
    if (page.length === 0) {
      // The caller already has the end event.
      if ((endOf(current) ?? Infinity) <= after) return;
      await watch.next(Infinity, signal);
      continue;
    }
    if (!isDense(page, after)) {
      // Its events are being removed: the task was forgotten, or its retention is over.
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

/** The sequence number of the task's `end` event; null if the task has not ended. */
export function endOf({ record }: Entry): number | null {
  return record.finishedAt === null ? null : record.seq + 2;
}
