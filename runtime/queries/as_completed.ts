// as_completed: tasks in the order in which they end, each once, for any set of ids, a group, or a tag. Every event
// carries a cursor, and a stream that goes on from one continues exactly there, in any process, after any restart.
//
// For ids the cursor is a bitmap of what was delivered (reads of many tasks are not one snapshot, so there is no
// single point in time to resume from); for a group it is a place in the group's dense completion log.

import { badCursor, Bitmap, Cursor, fingerprint, GroupPlace } from "./cursor.ts";
import { ValidationError } from "../core/errors.ts";
import type { Groups } from "./groups.ts";
import { keys } from "../platform/keys.ts";
import { idsTagged } from "./list.ts";
import { doneOf } from "../store/group_counters.ts";
import { type Notifier } from "./notifier.ts";
import { AutoResetEvent } from "../platform/auto_reset_event.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten, isTerminal, type Stored } from "../core/task.ts";
import { byEnd, readAll } from "./wait.ts";

export type CompletionEvent =
  /** `entry` is null if the task was forgotten before it could be delivered. */
  | { kind: "task"; id: string; entry: Entry | null; cursor: string }
  | { kind: "end"; total: number; yielded: number; cursor: string }
  | { kind: "timeout"; total: number; unfinished: number; pending: string[]; cursor: string };

export type CompletionQuery = { ids: string[] } | { groupId: string } | { tag: string };

export interface CompletionOptions {
  /** One deadline for the whole iteration, also across reconnects. Null: none. */
  timeoutMs: number | null;
  /** The cursor of the last event that was received. */
  cursor?: string;
  signal?: AbortSignal;
}

/** The most ids of one stream; more make a group. */
export const MOST_IDS = 1_000;
const LOG_PAGE = 200;
const VIEW_MS = 24 * 60 * 60 * 1000;
/** Ids that a timeout names. */
const MOST_PENDING = 1_000;
/** Longest wait without looking again by itself. */
const LOOK_AGAIN_MS = 60_000;

export class Completions {
  constructor(
    private readonly store: Store,
    private readonly notifier: Notifier,
    private readonly groups: Groups,
  ) {}

  /**
   * Opens a stream. Null means that `cursor` is that of an `end`: there is nothing more to come.
   *
   * @throws {NotFoundError | ForgottenError} for a task or group that is not there.
   * @throws {ValidationError} for a cursor that does not fit the query, or a tag with too many tasks.
   */
  async open(
    query: CompletionQuery,
    options: CompletionOptions,
  ): Promise<AsyncGenerator<CompletionEvent> | null> {
    const cursor = options.cursor === undefined ? null : Cursor.parse(options.cursor, this.#now);
    const kind = "groupId" in query ? "g" : "tag" in query ? "t" : "i";
    if (cursor && cursor.kind !== kind) throw badCursor("it belongs to another kind of stream");
    if ("groupId" in query) {
      await this.groups.record(query.groupId);
      if (cursor && cursor.of !== query.groupId) throw badCursor("it belongs to another group");
      if (cursor?.ended) return null;
      return this.#ofGroup(query.groupId, cursor ?? Cursor.start("g", query.groupId, this.#now), options);
    }
    if ("tag" in query) {
      if (cursor?.ended) return null;
      const view = cursor?.of ?? this.store.ids.id();
      const ids = cursor ? await this.#readView(view) : await this.#makeView(view, query.tag);
      return await this.#openIds(ids, cursor ?? Cursor.start("t", view, this.#now), options);
    }
    const ids = [...new Set(query.ids)];
    const of = fingerprint(ids);
    if (cursor && cursor.of !== of) throw badCursor("it belongs to another list of ids");
    if (cursor?.ended) return null;
    return await this.#openIds(ids, cursor ?? Cursor.start("i", of, this.#now), options, query.ids);
  }

  get #now(): number {
    return this.store.clock.now();
  }

  async #openIds(
    ids: string[],
    cursor: Cursor,
    options: CompletionOptions,
    asked = ids,
  ): Promise<AsyncGenerator<CompletionEvent>> {
    const delivered = Bitmap.decode(cursor.place, ids.length);
    const open = ids.filter((_, i) => !delivered.has(i));
    // What has ended is told in the order in which it did: versionstamps are the order of commits.
    const arrived: (Entry<Stored> | string)[] = [];
    const bell = new AutoResetEvent(this.store.clock);
    const stop = stopWith(
      options.signal,
      this.notifier.watch(open, (entry, id) => {
        if (entry !== null && !isForgotten(entry.record) && !isTerminal(entry.record)) return;
        // One that is gone had ended, and its retention was over before anybody looked.
        arrived.push(entry ?? id);
        bell.ring();
      }),
    );
    try {
      const newest = new Map<string, Entry>();
      if (cursor.isStart) await readAll(this.store, open, newest, asked);
      else await this.#readWhatIsLeft(open, newest, arrived);
      const ended = [...newest.values()].filter(({ record }) => isTerminal(record));
      ended.sort(byEnd);
      arrived.unshift(...ended);
    } catch (error) {
      stop();
      throw error;
    }
    return this.#ofIds(ids, cursor, delivered, arrived, bell, stop, options);
  }

  async *#ofIds(
    ids: string[],
    cursor: Cursor,
    delivered: Bitmap,
    arrived: (Entry<Stored> | string)[],
    bell: AutoResetEvent,
    stop: () => void,
    options: CompletionOptions,
  ): AsyncGenerator<CompletionEvent> {
    const places = new Map(ids.map((id, i) => [id, i]));
    const deadline = this.#deadline(cursor, options);
    try {
      for (;;) {
        for (const entry of arrived.splice(0)) {
          const id = typeof entry === "string" ? entry : entry.record.id;
          const place = places.get(id)!;
          if (delivered.has(place)) continue;
          delivered.add(place);
          const gone = typeof entry === "string" || isForgotten(entry.record);
          yield {
            kind: "task",
            id,
            entry: gone ? null : entry as Entry,
            cursor: cursor.at(delivered.encode()),
          };
        }
        const place = delivered.encode();
        if (delivered.count === ids.length) {
          yield { kind: "end", total: ids.length, yielded: ids.length, cursor: cursor.end(place) };
          return;
        }
        if (options.signal?.aborted) return;
        if (this.#now >= deadline) {
          const pending = ids.filter((_, i) => !delivered.has(i));
          yield {
            kind: "timeout",
            total: ids.length,
            unfinished: pending.length,
            pending,
            cursor: cursor.restart(place),
          };
          return;
        }
        if (arrived.length === 0) {
          await bell.next(Math.min(deadline - this.#now, LOOK_AGAIN_MS), options.signal);
        }
      }
    } finally {
      stop();
    }
  }

  async *#ofGroup(
    group: string,
    cursor: Cursor,
    options: CompletionOptions,
  ): AsyncGenerator<CompletionEvent> {
    const deadline = this.#deadline(cursor, options);
    const bell = new AutoResetEvent(this.store.clock);
    const stop = this.notifier.watchGroup(group, () => bell.ring());
    let { seq, yielded } = GroupPlace.decode(cursor.place);
    // A task that is retried stands in the log once for each of its ends.
    const skipped = await this.#skippedIn(group, cursor.place);
    try {
      for (;;) {
        // Counters before log: when they say that all have ended, the log read after them holds every end.
        const record = await this.groups.record(group);
        const ended = doneOf(record);
        const page = await this.groups.log(group, seq + 1, LOG_PAGE);
        const entries = await this.store.readMany(page.map(({ task }) => task));
        for (const [i, { seq: at, task, again }] of page.entries()) {
          seq = at;
          const entry = entries[i];
          const gone = entry === null || isForgotten(entry.record);
          // Delivered for its first end, unless it was being retried just then.
          if (again && !skipped.has(task)) continue;
          if (!gone && !isTerminal(entry.record as Entry["record"])) {
            if (!skipped.has(task)) skipped.set(task, at);
            continue;
          }
          skipped.delete(task);
          yielded++;
          yield {
            kind: "task",
            id: task,
            entry: gone ? null : entry as Entry,
            cursor: cursor.at(GroupPlace.encode(seq, yielded, skipped)),
          };
        }
        if (page.length === LOG_PAGE) continue;
        const place = GroupPlace.encode(seq, yielded, skipped);
        if (ended >= record.total && seq >= record.log && skipped.size === 0) {
          yield { kind: "end", total: record.total, yielded, cursor: cursor.end(place) };
          return;
        }
        if (options.signal?.aborted) return;
        if (this.#now >= deadline) {
          yield {
            kind: "timeout",
            total: record.total,
            unfinished: record.total - ended,
            pending: await this.groups.unfinished(group, MOST_PENDING),
            cursor: cursor.restart(place),
          };
          return;
        }
        await bell.next(Math.min(deadline - this.#now, LOOK_AGAIN_MS), options.signal);
      }
    } finally {
      stop();
    }
  }

  /** The tasks that a cursor says were passed over, by their places in the log. */
  async #skippedIn(group: string, place: string): Promise<Map<string, number>> {
    const entries = await Promise.all(
      GroupPlace.skippedIn(place).map((seq) => this.groups.log(group, seq, 1)),
    );
    return new Map(entries.flat().map(({ task, seq }) => [task, seq]));
  }

  #deadline(cursor: Cursor, { timeoutMs }: CompletionOptions): number {
    return timeoutMs === null ? Infinity : cursor.startedAt + timeoutMs;
  }

  /** On a reconnect what was there may be gone meanwhile; such a task is told as gone and never silently left out. */
  async #readWhatIsLeft(
    open: string[],
    newest: Map<string, Entry>,
    arrived: (Entry<Stored> | string)[],
  ): Promise<void> {
    const entries = await this.store.readMany(open);
    entries.forEach((entry, i) => {
      if (entry === null || isForgotten(entry.record)) arrived.push(open[i]);
      else newest.set(open[i], entry as Entry);
    });
  }

  /** Keeps the ids that have the tag now, so that a reconnect continues over the very same ones. */
  async #makeView(view: string, tag: string): Promise<string[]> {
    const ids = await idsTagged(this.store, tag, MOST_IDS + 1);
    if (ids.length > MOST_IDS) {
      const message = `more than ${MOST_IDS} tasks have the tag ${JSON.stringify(tag)}: make a group of them`;
      throw new ValidationError([{ pointer: "/tag", message }]);
    }
    const now = this.#now;
    await this.store.kv.writeBlind([{ key: keys.view(view), value: ids, expireAt: now + VIEW_MS }], now);
    return ids;
  }

  async #readView(view: string): Promise<string[]> {
    const { value } = await this.store.kv.get<string[]>(keys.view(view));
    if (!value) throw badCursor("the stream that it belongs to is more than a day old");
    return value;
  }
}

/** A stream that is closed before it was begun never gets to its own clean-up; the signal does it then. */
function stopWith(signal: AbortSignal | undefined, stop: () => void): () => void {
  signal?.addEventListener("abort", stop, { once: true });
  return stop;
}
