// All transitions of tasks, for those who watch the service live. While somebody does, in whatever process,
// each process appends what its commits do to one log in the database, a few times a second; otherwise
// nothing is written. The log is one dense sequence of entries, of which the newest are kept for some
// minutes.

import { DEFAULT_QUEUE } from "../core/queue.ts";
import { type Entry, isForgotten, stateOf, type Stored } from "../core/task.ts";
import type { StateName, StateType } from "../core/states.ts";
import type { Log } from "../platform/log.ts";
import { serviceKeys } from "../platform/service_keys.ts";
import type { CommitObserver } from "../store/committer.ts";
import type { Store } from "../store/store.ts";

export interface Transition {
  id: string;
  task: string;
  queue: string;
  type: StateType;
  name: StateName;
  message: string | null;
  at: number;
  attempt: number;
  /** Its place in the task's own sequence of events. */
  seq: number;
  groups: string[];
  parentId: string | null;
  tags: string[];
}

/** Stored as JSON text. `lost`: there may be transitions before this entry that are in none. */
export interface LogEntry {
  events: Transition[];
  lost?: true;
}

/** How long it goes on after the last reader has said that it reads. */
export const WANTED_MS = 5 * 60_000;
const FLUSH_AFTER_MS = 100;
/** Characters of an entry: with two bytes each it fits a KV value. */
const LONGEST_ENTRY = 30_000;
const ENTRIES_PER_COMMIT = 10;
const MOST_BUFFERED = 20_000;
export const ENTRIES_KEPT = 1_000;

export class TransitionLog implements CommitObserver {
  /** Asked for each change of a task. */
  #isOn = false;
  #wantedUntil = -Infinity;
  #seenVersion: string | null = null;
  #buffer: Transition[] = [];
  #hasLost = false;
  #cancelFlush: (() => void) | null = null;
  #appending: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  /** The newest entry, and the version of the key that says so; null: to be read. */
  #head: { seq: number; versionstamp: string | null } | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly store: Store, private readonly log: Log) {}

  applied({ record }: Entry<Stored>, before: Entry<Stored> | null): void {
    if (!this.#isOn || isForgotten(record)) return;
    const from = before && !isForgotten(before.record) ? stateOf(before.record).seq : 0;
    if (stateOf(record).seq === from) return;
    if (this.#buffer.length >= MOST_BUFFERED) {
      this.#hasLost = true;
      this.#buffer = [];
    }
    const { id, task, queue = DEFAULT_QUEUE, groups, parentId, tags } = record;
    const of = { id, task, queue, groups, parentId, tags };
    // Several at once of a task that starts as it is stored.
    for (const state of record.history) if (state.seq > from) this.#buffer.push({ ...of, ...state });
    this.#flushSoon();
  }

  /** What a look at the key {@linkcode serviceKeys.transitionsWanted} has found. */
  seen(versionstamp: string | null): void {
    const { clock } = this.store;
    if (versionstamp !== null && versionstamp !== this.#seenVersion) {
      this.#wantedUntil = clock.monotonic() + WANTED_MS;
    }
    this.#seenVersion = versionstamp;
    this.#isOn = !this.#isStopped && clock.monotonic() < this.#wantedUntil;
  }

  async look(): Promise<void> {
    this.seen((await this.store.kv.get(serviceKeys.transitionsWanted)).versionstamp);
  }

  /**
   * Somebody reads: all processes write from about now on, and for some minutes.
   *
   * @returns the newest entry
   */
  async want(): Promise<number> {
    const { kv, clock } = this.store;
    const now = clock.now();
    const write = { key: serviceKeys.transitionsWanted, value: now, expireAt: now + WANTED_MS };
    if (!this.#isOn) {
      const { value, versionstamp } = await kv.get<number>(write.key);
      // All processes write, but for this one: it has just begun.
      if (value !== null && Math.abs(now - value) < WANTED_MS / 2) this.seen(versionstamp);
    }
    if (this.#isOn) {
      await kv.writeBlind([write], now);
      await this.look();
      return await this.head();
    }
    // Nobody may have written until now: whoever goes on from before must learn of that.
    const head = await this.#append(['{"events":[],"lost":true}'], (atomic) => kv.write(atomic, write, now));
    await this.look();
    return head;
  }

  async head(): Promise<number> {
    return (await this.#readHead()).seq;
  }

  /** Called when there may be new entries. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#isOn = false;
    this.#cancelFlush?.();
    if (this.#buffer.length > 0) await this.#flush();
  }

  #flushSoon(): void {
    this.#cancelFlush ??= this.store.clock.timer(() => {
      this.#cancelFlush = null;
      this.#flush().catch((error) => this.log.error("the log of transitions could not be written", error));
    }, FLUSH_AFTER_MS);
  }

  async #flush(): Promise<void> {
    while (this.#buffer.length > 0) {
      const events = this.#buffer;
      const hasLost = this.#hasLost;
      this.#buffer = [];
      this.#hasLost = false;
      const texts = textsOf(events, hasLost);
      try {
        for (let at = 0; at < texts.length; at += ENTRIES_PER_COMMIT) {
          await this.#append(texts.slice(at, at + ENTRIES_PER_COMMIT));
        }
      } catch (error) {
        // What became of the commit is unknown. What is written twice would be believed twice.
        this.#hasLost = true;
        throw error;
      }
    }
    this.#isOn &&= this.store.clock.monotonic() < this.#wantedUntil;
  }

  #append(texts: string[], more: (atomic: Deno.AtomicOperation) => void = () => {}): Promise<number> {
    const appended = this.#appending.then(() => this.#appendNow(texts, more));
    this.#appending = appended.catch(() => {});
    return appended;
  }

  /** @returns the last of the entries */
  async #appendNow(texts: string[], more: (atomic: Deno.AtomicOperation) => void): Promise<number> {
    const { kv, clock } = this.store;
    const key = serviceKeys.transitionLogHead;
    for (;;) {
      const head = this.#head ?? await this.#readHead();
      this.#head = null;
      const now = clock.now();
      const seq = head.seq + texts.length;
      const atomic = kv.atomic().check({ key, versionstamp: head.versionstamp }).set(key, seq);
      texts.forEach((value, i) => {
        const place = head.seq + 1 + i;
        kv.write(atomic, { key: serviceKeys.transitionLog(place), value, expireAt: now + WANTED_MS }, now);
        if (place > ENTRIES_KEPT) atomic.delete(serviceKeys.transitionLog(place - ENTRIES_KEPT));
      });
      more(atomic);
      const result = await kv.commit(atomic);
      if (!result.ok) continue;
      this.#head = { seq, versionstamp: result.versionstamp };
      for (const listener of [...this.#listeners]) listener();
      return seq;
    }
  }

  async #readHead(): Promise<{ seq: number; versionstamp: string | null }> {
    const { value, versionstamp } = await this.store.kv.get<number>(serviceKeys.transitionLogHead);
    return { seq: value ?? 0, versionstamp };
  }
}

function textsOf(events: Transition[], hasLost: boolean): string[] {
  const texts: string[] = [];
  let part: string[] = [];
  let length = 0;
  const close = () => {
    texts.push(`{"events":[${part.join(",")}]${hasLost && texts.length === 0 ? ',"lost":true' : ""}}`);
    part = [];
    length = 0;
  };
  for (const event of events) {
    const text = JSON.stringify(event);
    if (part.length > 0 && length + text.length > LONGEST_ENTRY) close();
    part.push(text);
    length += text.length + 1;
  }
  close();
  return texts;
}
