// The doorbell between machines: keys that commits with news set and that all processes watch. A watch can go
// silent without an error, so the keys are also read every second (one read, where a look through the queue
// takes one for each shard). A watch that has missed what the last read found is replaced at once, any other
// after a minute.

import { type Clock, sleep } from "../clock.ts";
import type { Ids } from "../ids.ts";
import { keys } from "../keys.ts";
import type { KvPort } from "../kv.ts";
import { every } from "../periodic.ts";
import type { Doorbell } from "./doorbell.ts";

/** Commits in quick succession ring once, and once more at the end. */
const AT_MOST_EVERY_MS = 50;
const WATCHED_FOR_MS = 60_000;
const AGAIN_AFTER_MS = 1_000;
const READ_EVERY_MS = 1_000;

type News = "ready" | "ended";

type Versions = Record<News, string | null>;

const BELLS = [keys.bell("ready"), keys.bell("ended")];
const NONE: Versions = { ready: null, ended: null };

export class WatchBell implements Doorbell {
  readonly #sentAt: Record<News, number> = { ready: -Infinity, ended: -Infinity };
  readonly #owed = new Map<News, () => void>();
  readonly #stopped = new AbortController();
  /** Rung for. */
  #heard = NONE;
  /** Reported by the watch. */
  #told = NONE;
  /** Found by the last read. */
  #read = NONE;
  #endWatch: () => void = () => {};
  #stopReading: () => Promise<void> = async () => {};
  #watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly kv: KvPort,
    private readonly watched: Pick<Deno.Kv, "watch">,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  onCommit(atomic: Deno.AtomicOperation): void {
    if (this.#isEarly("ready")) return this.#owe("ready");
    this.#sentAt.ready = this.clock.monotonic();
    atomic.set(keys.bell("ready"), this.ids.token());
  }

  onEnd(): void {
    this.#owe("ended");
  }

  start(ring: () => void, look: () => void): void {
    const heed = (versions: Versions) => {
      const before = this.#heard;
      this.#heard = versions;
      if (versions.ready !== before.ready) ring();
      if (versions.ended !== before.ended) look();
    };
    this.#stopReading = every(this.clock, READ_EVERY_MS, () => this.#readOnce(heed));
    this.#watching = this.#watch(heed);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const cancel of this.#owed.values()) cancel();
    this.#endWatch();
    await this.#stopReading();
    await this.#watching;
  }

  #isEarly(news: News): boolean {
    return this.clock.monotonic() - this.#sentAt[news] < AT_MOST_EVERY_MS;
  }

  /** Sets the key in a write of its own, as soon as it may be set again. */
  #owe(news: News): void {
    if (this.#owed.has(news) || this.#stopped.signal.aborted) return;
    const waitMs = Math.max(0, this.#sentAt[news] + AT_MOST_EVERY_MS - this.clock.monotonic());
    const cancel = this.clock.timer(() => {
      this.#owed.delete(news);
      this.#sentAt[news] = this.clock.monotonic();
      const write = { key: keys.bell(news), value: this.ids.token() };
      this.kv.writeBlind([write], 0).catch(() => this.#owe(news));
    }, waitMs);
    this.#owed.set(news, cancel);
  }

  async #watch(heed: (versions: Versions) => void): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      // The watch was cut. The reads ring until there is another one.
      const isDue = await this.#watchOnce(heed).catch(() => false);
      if (!isDue) await sleep(this.clock, AGAIN_AFTER_MS, this.#stopped.signal);
    }
  }

  async #watchOnce(heed: (versions: Versions) => void): Promise<boolean> {
    let isDue = false;
    const stream = this.watched.watch(BELLS) as ReadableStream<Deno.KvEntryMaybe<unknown>[]>;
    const reader = stream.getReader();
    // A stream that is being read can only be cancelled through its reader.
    this.#endWatch = () => {
      isDue = true;
      reader.cancel().catch(() => {});
    };
    const stopTimer = this.clock.timer(this.#endWatch, WATCHED_FOR_MS);
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        this.#told = versionsOf(next.value);
        heed(this.#told);
      }
      return isDue;
    } finally {
      stopTimer();
    }
  }

  async #readOnce(heed: (versions: Versions) => void): Promise<void> {
    try {
      const found = versionsOf(await this.kv.getMany(BELLS));
      if (isBehind(this.#told, this.#read)) this.#endWatch();
      this.#read = found;
      heed(found);
    } catch { /* The database is away: those that need it report that. */ }
  }
}

function versionsOf([ready, ended]: Deno.KvEntryMaybe<unknown>[]): Versions {
  return { ready: ready.versionstamp, ended: ended.versionstamp };
}

function isBehind(told: Versions, read: Versions): boolean {
  return (told.ready ?? "") < (read.ready ?? "") || (told.ended ?? "") < (read.ended ?? "");
}
