// What all readers of the log of transitions in this process share: one look at its head, and its newest
// entries.

import { every } from "../platform/periodic.ts";
import { serviceKeys } from "../platform/service_keys.ts";
import type { Store } from "../store/store.ts";
import type { LogEntry, TransitionLog } from "./transition_log.ts";

export interface PlacedEntry {
  seq: number;
  entry: LogEntry;
}

const LOOK_EVERY_MS = 250;
const ENTRIES_PER_READ = 10;
const MOST_READS_KEPT = 4;

const feeds = new WeakMap<TransitionLog, Feed>();

export function feedOf(store: Store, log: TransitionLog): Feed {
  let feed = feeds.get(log);
  if (feed === undefined) feeds.set(log, feed = new Feed(store, log));
  return feed;
}

class Feed {
  readonly #readers = new Set<() => void>();
  #stop: () => void = () => {};
  /** Null: to be read. */
  #head: Promise<number> | null = null;
  #lastHead = -1;
  /** By the first entry that was asked for; of one state of the log. */
  readonly #reads = new Map<number, Promise<PlacedEntry[]>>();

  constructor(private readonly store: Store, private readonly log: TransitionLog) {}

  /** @param ring called when there may be new entries */
  join(ring: () => void): () => void {
    if (this.#readers.size === 0) this.#start();
    this.#readers.add(ring);
    return () => {
      this.#readers.delete(ring);
      if (this.#readers.size > 0) return;
      this.#stop();
      this.#forget();
    };
  }

  /** The newest entry, as of the last look. */
  head(): Promise<number> {
    return this.#head ??= this.log.head().catch((error) => {
      this.#head = null;
      throw error;
    });
  }

  /** Entries from one on, the first ones of many. */
  from(seq: number): Promise<PlacedEntry[]> {
    let read = this.#reads.get(seq);
    if (read === undefined) {
      if (this.#reads.size >= MOST_READS_KEPT) this.#reads.delete(this.#reads.keys().next().value!);
      this.#reads.set(seq, read = this.#read(seq));
      read.catch(() => this.#reads.delete(seq));
    }
    return read;
  }

  async #read(seq: number): Promise<PlacedEntry[]> {
    const page = await this.store.kv.list<string>(serviceKeys.transitionsFrom(seq), {
      limit: ENTRIES_PER_READ,
    });
    return page.map(({ key, value }) => ({
      seq: serviceKeys.transitionOf(key),
      entry: JSON.parse(value) as LogEntry,
    }));
  }

  #start(): void {
    const look = async () => {
      try {
        this.#head = null;
        const head = await this.head();
        if (head === this.#lastHead) return;
        this.#lastHead = head;
        this.#reads.clear();
        for (const ring of [...this.#readers]) ring();
      } catch { /* The database is away: readers learn of that when they say that they read. */ }
    };
    const stopLooking = every(this.store.clock, LOOK_EVERY_MS, look);
    const stopListening = this.log.listen(() => void look());
    this.#stop = () => {
      stopListening();
      stopLooking().catch(() => {});
    };
  }

  #forget(): void {
    this.#head = null;
    this.#lastHead = -1;
    this.#reads.clear();
  }
}
