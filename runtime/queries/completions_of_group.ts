// The completions of a group. The cursor is a place in the group's dense completion log.

import { type Entry, isForgotten, isTerminal } from "../core/task.ts";
import { endOfGroup } from "../store/group_record.ts";
import { doneOf } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import { type CompletionEvent, type CompletionOptions, Deadline } from "./completion_events.ts";
import { type Cursor, GroupPlace } from "./cursor.ts";
import type { Groups } from "./groups.ts";
import type { Notifier } from "./notifier.ts";
import { Watch } from "./watch.ts";

const LOG_PER_READ = 200;
/** Ids that a timeout names. */
const MOST_PENDING = 1_000;

/** @throws {ValidationError} for a place that no stream of a group has given */
export function completionsOfGroup(
  store: Store,
  notifier: Notifier,
  groups: Groups,
  group: string,
  cursor: Cursor,
  options: CompletionOptions,
): AsyncGenerator<CompletionEvent> {
  // At once: when the first event is asked for, the answer has begun.
  const place = GroupPlace.decode(cursor.place);
  return stream(store, notifier, groups, group, cursor, place, options);
}

async function* stream(
  store: Store,
  notifier: Notifier,
  groups: Groups,
  group: string,
  cursor: Cursor,
  { seq, yielded }: { seq: number; yielded: number },
  options: CompletionOptions,
): AsyncGenerator<CompletionEvent> {
  const { signal } = options;
  const deadline = new Deadline(store.clock, cursor, options);
  using watch = new Watch(store.clock, (ring) => notifier.watchGroup(group, ring));
  // A task that is retried is in the log once for each of its ends.
  const skipped = await skippedIn(groups, group, cursor.place);
  for (;;) {
    // Counters before log: when they say that all have ended, the log read after them holds every end.
    const record = await groups.record(group);
    const page = await groups.log(group, seq + 1, LOG_PER_READ);
    const entries = await store.readMany(page.map(({ task }) => task), "caller");
    for (const [i, logged] of page.entries()) {
      const { task: id, again } = logged;
      seq = logged.seq;
      const entry = entries[i];
      const isGone = entry === null || isForgotten(entry.record);
      // Delivered for its first end, unless it was being retried just then.
      if (again && !skipped.has(id)) continue;
      if (!isGone && !isTerminal(entry.record as Entry["record"])) {
        if (!skipped.has(id)) skipped.set(id, seq);
        continue;
      }
      skipped.delete(id);
      yielded++;
      const place = GroupPlace.encode(seq, yielded, skipped);
      yield { kind: "task", id, entry: isGone ? null : entry as Entry, cursor: cursor.at(place) };
    }
    if (page.length === LOG_PER_READ) continue;
    const { total, log } = record;
    const done = doneOf(record);
    const place = GroupPlace.encode(seq, yielded, skipped);
    const outcome = endOfGroup(record);
    if (outcome !== null && done >= total && seq >= log && skipped.size === 0) {
      yield { kind: "end", total, yielded, outcome, cursor: cursor.end(place) };
      return;
    }
    if (signal?.aborted) return;
    if (deadline.isOver) {
      const pending = await groups.members.unfinished(group, Math.min(MOST_PENDING, total - done));
      yield { kind: "timeout", total, unfinished: total - done, pending, cursor: cursor.restart(place) };
      return;
    }
    await watch.next(deadline.leftMs, signal);
  }
}

/** The tasks that a cursor says were skipped, with their places in the log. */
async function skippedIn(groups: Groups, group: string, place: string): Promise<Map<string, number>> {
  const entries = await Promise.all(GroupPlace.skippedIn(place).map((seq) => groups.log(group, seq, 1)));
  return new Map(entries.flat().map(({ task, seq }) => [task, seq]));
}
