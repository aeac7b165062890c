// Wakes those who wait for tasks and groups. Changes of this process are published right after their commit.
// Changes of other processes are found by reading the watched tasks again at each sweep: a lost notification
// is only a delay.

import { ForgottenError, NotFoundError } from "../core/errors.ts";
import { PassingMap } from "../core/passing_map.ts";
import { sleep } from "../platform/clock.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten, isTerminal, type Stored } from "../core/task.ts";
import { Watch } from "./watch.ts";

/**
 * Called with each version of a watched task that is found, and with null once the task is gone. Versions can
 * come late and out of order: the listener must compare versionstamps.
 */
export type Listener = (entry: Entry<Stored> | null, id: string) => void;

const PER_READ = 500;
/** After a sweep that took longer, the next one waits for as long. */
const LONG_SWEEP_MS = 50;

export class Notifier {
  readonly #tasks = new PassingMap<string, Set<Listener>>();
  readonly #groups = new PassingMap<string, Set<() => void>>();
  /** The versions of watched tasks that their listeners were told last. */
  readonly #seen = new Map<string, string>();
  readonly #stopped = new AbortController();
  #sweeping: Promise<void> | null = null;
  #again: Promise<void> | null = null;

  constructor(private readonly store: Store) {}

  /** How many tasks and groups are watched. */
  get watched(): number {
    return this.#tasks.size + this.#groups.size;
  }

  publish(entry: Entry<Stored>): void {
    this.#tell(entry.record.id, entry);
    if (this.#groups.size === 0 || isForgotten(entry.record) || !isTerminal(entry.record)) return;
    for (const group of entry.record.groups) this.#ringGroup(group);
  }

  /** Calls `listener` for each change of these tasks, until the returned function is called. */
  watch(ids: Iterable<string>, listener: Listener): () => void {
    const watched = [...ids];
    for (const id of watched) add(this.#tasks, id, listener);
    return () => {
      for (const id of watched) {
        remove(this.#tasks, id, listener);
        if (!this.#tasks.has(id)) this.#seen.delete(id);
      }
    };
  }

  /** Calls `listener` whenever a task of the group may have ended. */
  watchGroup(group: string, listener: () => void): () => void {
    add(this.#groups, group, listener);
    return () => remove(this.#groups, group, listener);
  }

  /** Something of the group has changed beside the ends of its tasks. */
  groupChanged(group: string): void {
    this.#ringGroup(group);
  }

  /**
   * Reads all watched tasks again: other processes may have changed them. There is one sweep at a time; one
   * that is asked for meanwhile begins after it.
   */
  sweep(): Promise<void> {
    if (this.#sweeping) {
      return this.#again ??= this.#sweeping.catch(() => {}).then(() => {
        this.#again = null;
        return this.sweep();
      });
    }
    return this.#sweeping = this.#sweep().finally(() => this.#sweeping = null);
  }

  /** What is under way ends soon, and no sweep begins any more. */
  stop(): void {
    this.#stopped.abort();
  }

  async #sweep(): Promise<void> {
    const { clock } = this.store;
    const { signal } = this.#stopped;
    const since = clock.monotonic();
    for (const group of [...this.#groups.keys()]) this.#ringGroup(group);
    const ids = [...this.#tasks.keys()].sort();
    for (let at = 0; at < ids.length && !signal.aborted; at += PER_READ) {
      for (const [id, entry] of await this.store.readChanged(ids.slice(at, at + PER_READ), this.#seen)) {
        // Of a newer release nothing can be said here: who waits for it waits on.
        if (!isNewerRecord(entry)) this.#tell(id, entry);
      }
    }
    const tookMs = clock.monotonic() - since;
    // Where news come all the time, half of it is left to others.
    if (tookMs > LONG_SWEEP_MS && this.#again) await sleep(clock, tookMs, signal);
  }

  #tell(id: string, entry: Entry<Stored> | null): void {
    const listeners = this.#tasks.get(id);
    if (!listeners) return;
    if (entry) this.#seen.set(id, entry.versionstamp);
    for (const listener of [...listeners]) listener(entry, id);
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

/**
 * A task as it is now, or as soon as it has ended, but after `waitMs` at the latest.
 *
 * @throws {NotFoundError | ForgottenError}
 */
export async function taskOrThrow(
  notifier: Notifier,
  id: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<Entry> {
  const entry = await notifier.ended(id, waitMs, signal);
  if (!entry) throw new NotFoundError("task", id);
  if (isForgotten(entry.record)) throw new ForgottenError(id);
  return entry as Entry;
}

function hasEnded(entry: Entry<Stored> | null): boolean {
  return entry === null || isForgotten(entry.record) || isTerminal(entry.record);
}

function isNewer(entry: Entry<Stored> | null, than: Entry<Stored> | null): boolean {
  return entry === null || than === null || entry.versionstamp > than.versionstamp;
}

function add<T>(map: PassingMap<string, Set<T>>, key: string, value: T): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

function remove<T>(map: PassingMap<string, Set<T>>, key: string, value: T): void {
  const set = map.get(key);
  if (set?.delete(value) && set.size === 0) map.delete(key);
}
