// Reads the log of transitions, from any place in it on. A reader that is slow costs no memory: it reads when
// it asks.

import { type Caller, knows } from "../core/caller.ts";
import { ValidationError } from "../core/errors.ts";
import type { StateType } from "../core/states.ts";
import { tenantOf } from "../core/tenant.ts";
import { Watch } from "../queries/watch.ts";
import type { Store } from "../store/store.ts";
import { feedOf } from "./transition_feed.ts";
import { type Transition, type TransitionLog, WANTED_MS } from "./transition_log.ts";

export interface TransitionQuery {
  /** Any of these; none: all. */
  states?: readonly StateType[];
  task?: string;
  queue?: string;
  groupId?: string;
  tag?: string;
  /** The place that the last event named; left out: from now on. */
  after?: string;
}

export type TransitionEvent =
  | { kind: "transition"; transition: Transition; place: string }
  /** There may be transitions that were not told. */
  | { kind: "gap"; place: string }
  /** Nothing that fits: where to go on from. */
  | { kind: "place"; place: string };

/** What is to be read next. */
interface Place {
  entry: number;
  index: number;
}

const PLACE_EVERY_MS = 10_000;

/** @throws {ValidationError} for a place that no event has named */
export async function transitions(
  store: Store,
  log: TransitionLog,
  caller: Caller,
  query: TransitionQuery,
  signal: AbortSignal,
): Promise<AsyncGenerator<TransitionEvent[]>> {
  const after = query.after === undefined ? null : placeIn(query.after);
  const head = await log.want();
  return stream(store, log, caller, query, after ?? { entry: head + 1, index: 0 }, signal);
}

async function* stream(
  store: Store,
  log: TransitionLog,
  caller: Caller,
  query: TransitionQuery,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<TransitionEvent[]> {
  const { clock } = store;
  let wantedAt = clock.monotonic();
  let placedAt = wantedAt;
  let newest = 0;
  const feed = feedOf(store, log);
  using watch = new Watch(clock, (ring) => feed.join(ring));
  while (!signal.aborted) {
    if (clock.monotonic() - wantedAt > WANTED_MS / 5) {
      wantedAt = clock.monotonic();
      await log.want();
    }
    // The look at the head that readers share may be older than what this one has read.
    const head = Math.max(await feed.head(), newest);
    if (head + 1 === place.entry) {
      await watch.next(Infinity, signal);
      continue;
    }
    const events: TransitionEvent[] = [];
    const entries = head < place.entry ? [] : await feed.from(place.entry);
    if (entries[0]?.seq !== place.entry) {
      // Too old; or of another log.
      place = { entry: entries[0]?.seq ?? head + 1, index: 0 };
      events.push({ kind: "gap", place: textOf(place) });
    }
    for (const { seq, entry } of entries) {
      // Those behind a hole are read next.
      if (seq !== place.entry) break;
      if (entry.lost && place.index === 0) {
        events.push({ kind: "gap", place: textOf({ entry: seq, index: 0 }) });
      }
      entry.events.forEach((transition, i) => {
        if (i < place.index || !fits(transition, query, caller)) return;
        const next = i + 1 === entry.events.length
          ? { entry: seq + 1, index: 0 }
          : { entry: seq, index: i + 1 };
        events.push({ kind: "transition", transition, place: textOf(next) });
      });
      place = { entry: seq + 1, index: 0 };
      newest = seq;
    }
    const isDue = clock.monotonic() - placedAt > PLACE_EVERY_MS;
    if (events.length === 0 && isDue) events.push({ kind: "place", place: textOf(place) });
    if (events.length === 0) continue;
    placedAt = clock.monotonic();
    yield events;
  }
}

function fits(
  { id, type, task, queue, groups, tags }: Transition,
  query: TransitionQuery,
  caller: Caller,
): boolean {
  const { states = [], groupId, tag } = query;
  return tenantOf(id) === caller.tenant && knows(caller, { task, queue }) &&
    (states.length === 0 || states.includes(type)) &&
    (query.task === undefined || task === query.task) &&
    (query.queue === undefined || queue === query.queue) &&
    (groupId === undefined || groups.includes(groupId)) &&
    (tag === undefined || tags.includes(tag));
}

function textOf({ entry, index }: Place): string {
  return `${entry}-${index}`;
}

function placeIn(text: string): Place {
  const [, entry, index] = /^(\d{1,15})-(\d{1,6})$/.exec(text) ?? [];
  if (entry === undefined) {
    throw new ValidationError([{
      pointer: "/query/after",
      message: "must be the id of an event of this stream",
    }]);
  }
  return { entry: Number(entry), index: Number(index) };
}
