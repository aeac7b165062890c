// Wakes those who wait for tasks and groups. Changes of this process are published right after their commit.
// Changes of other processes are found by reading the watched tasks again at each sweep: a lost notification
// is only a delay.

import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten, isTerminal, type Stored } from "../core/task.ts";
import { Watch } from "./watch.ts";

/**
 * Called with each version of a watched task that is found, and with null once the task is gone. Versions can
 * come late and out of order: the listener must compare versionstamps.
 */
export type Listener = (entry: Entry<Stored> | null, id: string) => void;

/** Tasks that one sweep reads. If more are watched, sweeps take turns. */
const READ_PER_SWEEP = 2_000;

export class Notifier {
  readonly #tasks = new Map<string, Set<Listener>>();
  readonly #groups = new Map<string, Set<() => void>>();

  constructor(private readonly store: Store) {}

  /** How many tasks and groups are watched. */
  get watched(): number {
    return this.#tasks.size + this.#groups.size;
  }

  publish(entry: Entry<Stored>): void {
    const listeners = this.#tasks.get(entry.record.id);
    if (listeners) { for (const listener of [...listeners]) listener(entry, entry.record.id); }
    if (this.#groups.size === 0 || isForgotten(entry.record) || !isTerminal(entry.record)) return;
    for (const group of entry.record.groups) this.#ringGroup(group);
  }

  /** Calls `listener` for each change of these tasks, until the returned function is called. */
  watch(ids: Iterable<string>, listener: Listener): () => void {
    const watched = [...ids];
    for (const id of watched) add(this.#tasks, id, listener);
    return () => {
      for (const id of watched) remove(this.#tasks, id, listener);
    };
  }

  /** Calls `listener` whenever a task of the group may have ended. */
  watchGroup(group: string, listener: () => void): () => void {
    add(this.#groups, group, listener);
    return () => remove(this.#groups, group, listener);
  }

  /** Reads watched tasks again: other processes may have changed them. */
  async sweep(): Promise<void> {
    for (const group of [...this.#groups.keys()]) this.#ringGroup(group);
    const ids = [...this.#tasks.keys()].slice(0, READ_PER_SWEEP);
    const entries = await this.store.readEach(ids);
    ids.forEach((id, i) => {
      const listeners = this.#tasks.get(id);
      const entry = entries[i];
      if (!listeners) return;
      // To the end of the map: the next sweep reads others first.
      this.#tasks.delete(id);
      this.#tasks.set(id, listeners);
      // Nothing can be said of it here: who waits for it waits on.
      if (!isNewerRecord(entry)) { for (const listener of [...listeners]) listener(entry, id); }
    });
  }

  /**
   * Waits until a task has ended, at most `waitMs`.
   *
   * @returns the newest version; null if the task does not exist or is gone
   */
  async ended(id: string, waitMs: number, signal?: AbortSignal): Promise<Entry<Stored> | null> {
    if (waitMs <= 0) return await this.store.read(id);
    const { clock } = this.store;
    const until = clock.monotonic() + waitMs;
    let newest: Entry<Stored> | null | undefined;
    using watch = new Watch(clock, (ring) => {
      return this.watch([id], (entry) => {
        // A sweep may bring a version from before the last commit.
        if (newest !== undefined && !isNewer(entry, newest)) return;
        newest = entry;
        if (hasEnded(entry)) ring();
      });
    });
    const read = await this.store.read(id);
    if (hasEnded(read)) return read;
    while (newest === undefined || !hasEnded(newest)) {
      if (!await watch.next(until - clock.monotonic(), signal)) break;
    }
    return newest !== undefined && isNewer(newest, read) ? newest : read;
  }

  #ringGroup(group: string): void {
    for (const listener of [...this.#groups.get(group) ?? []]) listener();
  }
}

function hasEnded(entry: Entry<Stored> | null): boolean {
  return entry === null || isForgotten(entry.record) || isTerminal(entry.record);
}

function isNewer(entry: Entry<Stored> | null, than: Entry<Stored> | null): boolean {
  return entry === null || than === null || entry.versionstamp > than.versionstamp;
}

function add<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

function remove<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const set = map.get(key);
  if (set?.delete(value) && set.size === 0) map.delete(key);
}
