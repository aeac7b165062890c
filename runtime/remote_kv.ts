// A database behind a connection. Deno's client has one connection for each handle, tries every call again for ever, and
// never finds out that a connection has died without a word. So: a bound on the calls that it has in hand, another handle
// when one has gone silent, and a way around the 45 ms that a larger commit otherwise waits for an acknowledgement.

import { type Clock, sleep } from "./clock.ts";
import { DeadlineError } from "./errors.ts";
import type { Kv } from "./handle.ts";

/** Calls that one handle has in hand. The client works off what was given up long ago before what is asked now. */
const MOST_CALLS = 64;
/** A call that found no place by then is given up, and never reaches the client. */
const PLACE_WITHIN_MS = 5_000;
/** With calls in hand and no answer for so long, a handle has gone silent. */
const SILENT_AFTER_MS = 10_000;
const OPEN_AGAIN_MS = 500;
const OPENS_WITHIN_MS = 5_000;
/**
 * Of more than a kilobyte the client sends head and body apart, and the body waits until the server's kernel acknowledges
 * the head, which it puts off for 40 ms unless it has something to send (Nagle's algorithm and delayed acknowledgements).
 * With a small request ahead of them both go out together, on the answer to that one. Larger ones than the second bound
 * fill packets of their own.
 */
const PRIMED_BYTES = [900, 60_000];
const PRIME: Deno.KvKey = ["errand", "prime"];
/** What a mutation takes besides its value, about. */
const KEY_BYTES = 60;

export class RemoteKv implements Kv {
  #places: Places;
  #answeredAt: number;
  #opening = false;
  #closed = false;

  /** @param open another handle on the same database. */
  constructor(
    private handle: Deno.Kv,
    private readonly open: () => Promise<Deno.Kv>,
    private readonly clock: Clock,
  ) {
    this.#places = new Places(clock);
    this.#answeredAt = clock.monotonic();
  }

  get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return this.#call(() => this.handle.get<T>(key));
  }

  getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
  ): Promise<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    return this.#call(() => this.handle.getMany<T>(keys));
  }

  async *list<T>(
    selector: Deno.KvListSelector,
    options?: Deno.KvListOptions,
  ): AsyncGenerator<Deno.KvEntry<T>> {
    yield* await this.#call(() => Array.fromAsync(this.handle.list<T>(selector, options)));
  }

  set(key: Deno.KvKey, value: unknown, options?: { expireIn?: number }): Promise<Deno.KvCommitResult> {
    return this.#call(() => this.handle.set(key, value, options));
  }

  delete(key: Deno.KvKey): Promise<void> {
    return this.#call(() => this.handle.delete(key));
  }

  atomic(): Deno.AtomicOperation {
    const { handle } = this;
    const atomic = handle.atomic();
    const set = atomic.set.bind(atomic);
    const commit = atomic.commit.bind(atomic);
    let bytes = 0;
    atomic.set = (key, value, options) => {
      bytes += KEY_BYTES + (value instanceof Uint8Array ? value.byteLength : KEY_BYTES);
      return set(key, value, options);
    };
    atomic.commit = () => {
      return this.#call((isAlone) => {
        // Beside other calls there is traffic enough.
        if (isAlone && bytes > PRIMED_BYTES[0] && bytes < PRIMED_BYTES[1]) handle.get(PRIME).catch(() => {});
        return commit();
      });
    };
    return atomic;
  }

  watch<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
    options?: { raw?: boolean },
  ): ReadableStream<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    return this.handle.watch<T>(keys, options);
  }

  enqueue(value: unknown, options?: Parameters<Deno.Kv["enqueue"]>[1]): Promise<Deno.KvCommitResult> {
    return this.#call(() => this.handle.enqueue(value, options));
  }

  listenQueue(handler: (value: unknown) => Promise<void> | void): Promise<void> {
    return this.handle.listenQueue(handler);
  }

  close(): void {
    this.#closed = true;
    this.handle.close();
  }

  async #call<T>(work: (isAlone: boolean) => Promise<T>): Promise<T> {
    if (this.#places.taken > 0 && this.clock.monotonic() - this.#answeredAt > SILENT_AFTER_MS) this.#reopen();
    const places = this.#places;
    if (places.taken === 0) this.#answeredAt = this.clock.monotonic();
    await places.take();
    try {
      return await work(places.taken === 1);
    } finally {
      // The place is free when the client has done with it, however long ago the caller has gone.
      places.leave();
      if (places === this.#places) this.#answeredAt = this.clock.monotonic();
    }
  }

  /** What is in hand stays unknown: it may still be done by the old handle. */
  async #reopen(): Promise<void> {
    if (this.#opening || this.#closed) return;
    this.#opening = true;
    try {
      const fresh = await this.#opened();
      if (this.#closed) return fresh.close();
      const old = this.handle;
      this.handle = fresh;
      this.#places = new Places(this.clock);
      this.#answeredAt = this.clock.monotonic();
      old.close();
    } catch {
      // The server is away: the next call tries again.
      await sleep(this.clock, OPEN_AGAIN_MS);
    } finally {
      this.#opening = false;
    }
  }

  #opened(): Promise<Deno.Kv> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const cancel = this.clock.timer(() => {
        isLate = true;
        reject(new DeadlineError("the database could not be opened in time"));
      }, OPENS_WITHIN_MS);
      this.open().then((kv) => isLate ? kv.close() : resolve(kv), reject).finally(cancel);
    });
  }
}

/** So many at a time, the others in a line. */
class Places {
  taken = 0;
  readonly #line = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** @throws {DeadlineError} if none comes free in time. */
  async take(): Promise<void> {
    if (this.taken < MOST_CALLS) {
      this.taken++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        cancel();
        this.#line.delete(enter);
        resolve();
      };
      const cancel = this.clock.timer(() => {
        this.#line.delete(enter);
        reject(new DeadlineError(`the database has had ${MOST_CALLS} calls in hand for too long`));
      }, PLACE_WITHIN_MS);
      this.#line.add(enter);
    });
  }

  leave(): void {
    const [next] = this.#line;
    // Whoever waited longest takes the place over.
    if (next) next();
    else this.taken--;
  }
}
