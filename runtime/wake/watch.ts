// The doorbell between machines: a key that every commit with new work sets, and that every process watches. A watch may
// fall silent without a word (PLATFORM.md A4), so it is made anew every minute, and the sweep rings behind it.

import { type Clock, sleep } from "../clock.ts";
import type { Ids } from "../ids.ts";
import { keys } from "../keys.ts";
import type { KvPort } from "../kv.ts";
import type { Doorbell } from "./bell.ts";

/** Many commits in a row are one ring: the last one follows by itself. */
const AT_MOST_EVERY_MS = 50;
const WATCHED_FOR_MS = 60_000;
const AGAIN_AFTER_MS = 1_000;

/** What there is news of: work that is ready, or tasks that have ended. */
type News = "ready" | "ended";

export class WatchBell implements Doorbell {
  readonly #sentAt: Record<News, number> = { ready: -Infinity, ended: -Infinity };
  readonly #owed = new Map<News, () => void>();
  #stopped = false;
  #watch: ReadableStream<unknown> | null = null;
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
    this.#watching = this.#run(ring, look);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#owed.values()) cancel();
    await this.#watch?.cancel().catch(() => {});
    await this.#watching;
  }

  #isEarly(news: News): boolean {
    return this.clock.monotonic() - this.#sentAt[news] < AT_MOST_EVERY_MS;
  }

  /** Sets the key by itself, as soon as it may be set again. */
  #owe(news: News): void {
    if (this.#owed.has(news) || this.#stopped) return;
    const waitMs = Math.max(0, this.#sentAt[news] + AT_MOST_EVERY_MS - this.clock.monotonic());
    const cancel = this.clock.timer(() => {
      this.#owed.delete(news);
      this.#sentAt[news] = this.clock.monotonic();
      // A hint that fails to go out is a delay: the sweep rings too.
      this.kv.writeBlind([{ key: keys.bell(news), value: this.ids.token() }], 0).catch(() => {});
    }, waitMs);
    this.#owed.set(news, cancel);
  }

  async #run(ring: () => void, look: () => void): Promise<void> {
    while (!this.#stopped) {
      let timeUp = () => {};
      try {
        const stream = this.#watch = this.watched.watch([keys.bell("ready"), keys.bell("ended")]);
        timeUp = this.clock.timer(() => void stream.cancel().catch(() => {}), WATCHED_FOR_MS);
        let before: (string | null)[] = [null, null];
        for await (const entries of stream) {
          const now = (entries as Deno.KvEntryMaybe<unknown>[]).map(({ versionstamp }) => versionstamp);
          // The first look of a new watch counts too: what came while nobody watched.
          if (now[0] !== before[0]) ring();
          if (now[1] !== before[1]) look();
          before = now;
        }
      } catch {
        // The watch was cut: the sweep rings until there is another one.
        if (!this.#stopped) await sleep(this.clock, AGAIN_AFTER_MS);
      } finally {
        timeUp();
      }
    }
  }
}
