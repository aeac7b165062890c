// Groups: tasks that are waited for together. A group counts the ends of its tasks (group_counters.ts); this file
// tells how a group stands and goes through its tasks in their order.

import type { Waiting } from "../store/index_entries.ts";
import { NotFoundError } from "../core/errors.ts";
import { doneOf, type GroupRecord, type LogValue } from "../store/group_counters.ts";
import { after, behindAll, keys, parse, prefixes } from "../platform/keys.ts";
import { type Notifier } from "./notifier.ts";
import { AutoResetEvent } from "../platform/auto_reset_event.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten, isTerminal, type StateType, type Stored, typeOf } from "../core/task.ts";

export interface GroupStatus {
  id: string;
  total: number;
  /** How many have ended. */
  done: number;
  /** How many tasks are in each state; states without a task are left out. */
  counts: Partial<Record<StateType, number>>;
  createdAt: number;
}

const MOST_DRIVEN = 100_000;
const PER_READ = 500;
/** Records may be large, so fewer of them are held at once. */
const RECORDS_PER_READ = 200;
/** As many tasks can be held in memory by their ids; a group of any tasks has no more. */
const MOST_SORTED = 10_000;
/** Longest wait without looking again by itself. */
const LOOK_AGAIN_MS = 60_000;

/** A group's end without a value for each of its tasks. */
export interface GroupFailure {
  /** The first of its tasks that failed; if none did, the first that was cancelled. Null if that one is gone. */
  entry: Entry | null;
}

export interface Member {
  task: string;
  place: number;
}

interface LogEntry extends LogValue {
  seq: number;
  task: string;
}

export class Groups {
  constructor(private readonly store: Store) {}

  async record(id: string): Promise<GroupRecord> {
    const { value } = await this.store.kv.get<GroupRecord>(keys.group(id));
    if (!value) throw new NotFoundError("group", id);
    return value;
  }

  /**
   * The group as soon as all its tasks have ended, but after `waitMs` at the latest.
   *
   * @throws {NotFoundError}
   */
  async ended(id: string, notifier: Notifier, waitMs: number, signal?: AbortSignal): Promise<GroupRecord> {
    const bell = new AutoResetEvent(this.store.clock);
    const stop = waitMs > 0 ? notifier.watchGroup(id, () => bell.ring()) : () => {};
    try {
      const until = this.store.clock.monotonic() + waitMs;
      for (;;) {
        const record = await this.record(id);
        const leftMs = until - this.store.clock.monotonic();
        if (doneOf(record) >= record.total || leftMs <= 0 || signal?.aborted) return record;
        await bell.next(Math.min(leftMs, LOOK_AGAIN_MS), signal);
      }
    } finally {
      stop();
    }
  }

  /** @throws {NotFoundError} */
  async status(id: string): Promise<GroupStatus> {
    const { total, ended, createdAt } = await this.record(id);
    const counts: Partial<Record<StateType, number>> = {};
    let done = 0;
    for (const [type, count] of Object.entries(ended) as [StateType, number][]) {
      if (count > 0) counts[type] = count;
      done += count;
    }
    // What runs or waits for its time is counted from leases and timers; the rest waits in the queue.
    let waiting = total - done;
    if (waiting > 0) {
      for (const type of [...await this.#running(id), ...await this.#scheduled(id)].slice(0, waiting)) {
        counts[type] = (counts[type] ?? 0) + 1;
        waiting--;
      }
      if (waiting > 0) counts.PENDING = waiting;
    }
    return { id, total, done, counts, createdAt };
  }

  /** Ids of its tasks that have not ended, at most `limit`. */
  async unfinished(id: string, limit: number): Promise<string[]> {
    const prefix = prefixes.index("group", id);
    const unfinished: string[] = [];
    for (let start: Deno.KvKey = after(prefix); unfinished.length < limit;) {
      const page = await this.store.kv.list({ prefix, start }, { limit: PER_READ });
      const ids = page.map(({ key }) => parse.index(key).id);
      const entries = await this.store.readMany(ids);
      unfinished.push(...ids.filter((_, i) => {
        const record = entries[i]?.record;
        return record && !isForgotten(record) && !isTerminal(record);
      }));
      if (page.length < PER_READ) break;
      start = after(page[page.length - 1].key);
    }
    return unfinished.slice(0, limit);
  }

  /** Its tasks in their order, a page at a time; null for one that is gone, which is told first if that can be. */
  async *entries({ id, total }: Pick<GroupRecord, "id" | "total">): AsyncGenerator<(Entry | null)[]> {
    if (total <= MOST_SORTED) {
      const members = (await Array.fromAsync(this.memberPages(id))).flat();
      if (members.length < total) yield [null];
      members.sort((a, b) => a.place - b.place || (a.task < b.task ? -1 : 1));
      yield* this.#present(members);
      return;
    }
    // Only a map is as large, and its ids were drawn in its order.
    let there = 0;
    for await (const page of this.memberPages(id)) there += page.length;
    if (there < total) yield [null];
    for await (const page of this.memberPages(id)) yield* this.#present(page);
  }

  async *#present(members: Member[]): AsyncGenerator<(Entry | null)[]> {
    for (let from = 0; from < members.length; from += RECORDS_PER_READ) {
      const part = members.slice(from, from + RECORDS_PER_READ);
      const entries = await this.store.readMany(part.map(({ task }) => task));
      yield entries.map(presentOrNull);
    }
  }

  /** Why there is not a value of each of its tasks, which have all ended; null if they have been retried since. */
  async failure({ id, ended }: GroupRecord): Promise<GroupFailure | null> {
    const failed = (ended.FAILED ?? 0) + (ended.CRASHED ?? 0) > 0;
    const wanted: StateType[] = failed ? ["FAILED", "CRASHED"] : ["CANCELLED"];
    let isGone = false;
    for (let from = 1;;) {
      const page = await this.log(id, from, PER_READ);
      const ids = page.filter(({ type }) => wanted.includes(type)).map(({ task }) => task);
      // Mostly the first one is the one: not all of a page need be read.
      for (const task of ids) {
        const entry = presentOrNull(await this.store.read(task));
        if (entry === null) isGone = true;
        else if (wanted.includes(typeOf(entry.record))) return { entry };
      }
      if (page.length < PER_READ) break;
      from = page[page.length - 1].seq + 1;
    }
    return isGone ? { entry: null } : null;
  }

  /** Its tasks in the order of their ids, a page at a time. */
  async *memberPages(id: string, { reverse = false } = {}): AsyncGenerator<Member[]> {
    const prefix = prefixes.index("group", id);
    let start: Deno.KvKey = after(prefix);
    let end = behindAll(prefix);
    for (;;) {
      const page = await this.store.kv.list<number | null>({ start, end }, { limit: PER_READ, reverse });
      if (page.length > 0) {
        yield page.map(({ key, value }) => ({ task: parse.index(key).id, place: value ?? 0 }));
      }
      if (page.length < PER_READ) return;
      const last = page[page.length - 1].key;
      if (reverse) end = last;
      else start = after(last);
    }
  }

  /** Ids of all its tasks, at most `limit`. */
  async members(id: string, limit: number): Promise<string[]> {
    const page = await this.store.kv.list({ prefix: prefixes.index("group", id) }, { limit });
    return page.map(({ key }) => parse.index(key).id);
  }

  /** Entries `from` (1 is the first) and later of the completion log, at most `limit`. */
  async log(id: string, from: number, limit: number): Promise<LogEntry[]> {
    const prefix = prefixes.groupDone(id);
    const page = await this.store.kv.list<LogValue>({ prefix, start: keys.groupDone(id, from, "") }, {
      limit,
    });
    return page.map(({ key, value }) => ({
      seq: parse.groupDone(key).seq,
      task: parse.groupDone(key).id,
      ...value,
    }));
  }

  async #running(group: string): Promise<StateType[]> {
    const leases = await this.store.kv.list<string[]>({ prefix: prefixes.leases }, { limit: MOST_DRIVEN });
    const entries = await this.store.readMany([...new Set(leases.flatMap(({ value }) => value))]);
    return entries.flatMap((entry) => {
      const record = entry?.record;
      const runs = record && !isForgotten(record) && record.lease !== null && record.groups.includes(group);
      return runs ? [typeOf(record)] : [];
    });
  }

  async #scheduled(group: string): Promise<StateType[]> {
    const timers = await this.store.kv.list<Waiting>({ prefix: prefixes.due("start") }, {
      limit: MOST_DRIVEN,
    });
    return timers.flatMap(({ value }) => value.groups.includes(group) ? ["SCHEDULED" as const] : []);
  }
}

function presentOrNull(entry: Entry<Stored> | null): Entry | null {
  return entry === null || isForgotten(entry.record) ? null : entry as Entry;
}
