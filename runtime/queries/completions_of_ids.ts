// The completions of a list of tasks. The cursor is a bitmap of the tasks that were delivered: reads of many
// tasks are not one snapshot, so there is no single point in time to resume from.

import { type Entry, isForgotten, isTerminal, type Stored } from "../core/task.ts";
import type { Store } from "../store/store.ts";
import { type CompletionEvent, type CompletionOptions, Deadline } from "./completion_events.ts";
import { Bitmap, type Cursor } from "./cursor.ts";
import type { Notifier } from "./notifier.ts";
import { byEnd, readAll } from "./wait.ts";
import { Watch } from "./watch.ts";

/** A task that has ended, or the id of a task that is gone: then nobody has read its end. */
type Arrival = Entry<Stored> | string;

/**
 * @param asked the ids as the caller sent them: faults point into that list; null if they need not be there
 * @throws {NotFoundError | ForgottenError} at the start of a stream, for a task that is not there
 */
export async function completionsOfIds(
  store: Store,
  notifier: Notifier,
  ids: string[],
  cursor: Cursor,
  options: CompletionOptions,
  asked: string[] | null,
): Promise<AsyncGenerator<CompletionEvent>> {
  const delivered = Bitmap.decode(cursor.place, ids.length);
  const open = ids.filter((_, i) => !delivered.has(i));
  const arrivals: Arrival[] = [];
  const watch = new Watch(store.clock, (ring) => {
    return notifier.watch(open, (entry, id) => {
      if (entry !== null && !isForgotten(entry.record) && !isTerminal(entry.record)) return;
      arrivals.push(entry ?? id);
      ring();
    });
  });
  const endWatch = () => watch[Symbol.dispose]();
  // A stream that is closed before its first event never reaches its own clean-up.
  options.signal?.addEventListener("abort", endWatch, { once: true });
  try {
    const newest = new Map<string, Entry>();
    if (cursor.isStart && asked) await readAll(store, open, newest, asked);
    else arrivals.push(...await readRest(store, open, newest));
    // Ended tasks come in the order in which they ended.
    arrivals.unshift(...[...newest.values()].filter(({ record }) => isTerminal(record)).sort(byEnd));
  } catch (error) {
    endWatch();
    throw error;
  }
  const deadline = new Deadline(store.clock, cursor, options);
  return stream(ids, cursor, delivered, arrivals, watch, deadline, options.signal);
}

async function* stream(
  ids: string[],
  cursor: Cursor,
  delivered: Bitmap,
  arrivals: Arrival[],
  watch: Watch,
  deadline: Deadline,
  signal?: AbortSignal,
): AsyncGenerator<CompletionEvent> {
  const places = new Map(ids.map((id, i) => [id, i]));
  using _ended = watch;
  for (;;) {
    for (const arrival of arrivals.splice(0)) {
      const id = typeof arrival === "string" ? arrival : arrival.record.id;
      const place = places.get(id)!;
      if (delivered.has(place)) continue;
      delivered.add(place);
      const isGone = typeof arrival === "string" || isForgotten(arrival.record);
      const entry = isGone ? null : arrival as Entry;
      yield { kind: "task", id, entry, cursor: cursor.at(delivered.encode()) };
    }
    const place = delivered.encode();
    if (delivered.count === ids.length) {
      yield { kind: "end", total: ids.length, yielded: ids.length, cursor: cursor.end(place) };
      return;
    }
    if (signal?.aborted) return;
    if (deadline.isOver) {
      const pending = ids.filter((_, i) => !delivered.has(i));
      const [total, unfinished] = [ids.length, pending.length];
      yield { kind: "timeout", total, unfinished, pending, cursor: cursor.restart(place) };
      return;
    }
    if (arrivals.length === 0) await watch.news(deadline.leftMs, signal);
  }
}

/**
 * Reads tasks that need not be there, such as the rest of a resumed stream. Returns the ids of tasks that are
 * gone, to be delivered as such.
 */
async function readRest(store: Store, ids: string[], newest: Map<string, Entry>): Promise<string[]> {
  const entries = await store.readMany(ids, "caller");
  return ids.filter((id, i) => {
    const entry = entries[i];
    if (entry === null || isForgotten(entry.record)) return true;
    newest.set(id, entry as Entry);
    return false;
  });
}
