// One connection to a database server. Deno's client has one for each handle, repeats every call for ever,
// and does not notice that a connection has died without a reset. So the calls of a handle are bounded, and a
// handle that has gone silent is replaced.

import { type Clock, sleep } from "./clock.ts";
import { DeadlineError } from "../core/errors.ts";

/** Calls of one handle at a time. The client first repeats calls that were given up long ago. */
const MOST_CALLS = 64;
/** Without a place by then, a call never reaches the client. */
const PLACE_WITHIN_MS = 5_000;
const SILENT_AFTER_MS = 10_000;
const OPEN_AGAIN_MS = 500;
const OPENS_WITHIN_MS = 5_000;

export class Connection {
  #handle: Deno.Kv;
  #places: Places;
  #answeredAt: number;
  #reopening: Promise<void> | null = null;
  readonly #closed = new AbortController();

  constructor(
    handle: Deno.Kv,
    private readonly open: () => Promise<Deno.Kv>,
    private readonly clock: Clock,
  ) {
    this.#handle = handle;
    this.#places = new Places(clock);
    this.#answeredAt = clock.monotonic();
  }

  get handle(): Deno.Kv {
    return this.#handle;
  }

  get inHand(): number {
    return this.#places.taken;
  }

  /** @param work told whether it is alone on the connection */
  async call<T>(work: (handle: Deno.Kv, isAlone: boolean) => Promise<T>): Promise<T> {
    if (this.#isSilent) this.#reopening ??= this.#reopen().finally(() => this.#reopening = null);
    const places = this.#places;
    if (places.taken === 0) this.#answeredAt = this.clock.monotonic();
    await places.take();
    try {
      return await work(this.#handle, places.taken === 1);
    } finally {
      // Only now: the client goes on with a call whose caller has given up.
      places.leave();
      if (places === this.#places) this.#answeredAt = this.clock.monotonic();
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#handle.close();
    await this.#reopening;
  }

  get #isSilent(): boolean {
    if (this.#places.taken === 0 || this.#closed.signal.aborted) return false;
    return this.clock.monotonic() - this.#answeredAt > SILENT_AFTER_MS;
  }

  /** The outcome of calls under way stays unknown: the old handle may still do them. */
  async #reopen(): Promise<void> {
    const { signal } = this.#closed;
    try {
      const fresh = await this.#opened();
      if (signal.aborted) return fresh.close();
      const old = this.#handle;
      this.#handle = fresh;
      const left = this.#places;
      this.#places = new Places(this.clock);
      this.#answeredAt = this.clock.monotonic();
      // Those that wait for a place of the old handle would never get one.
      left.letAllIn();
      old.close();
    } catch {
      await sleep(this.clock, OPEN_AGAIN_MS, signal);
    }
  }

  #opened(): Promise<Deno.Kv> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const cancel = this.clock.timer(() => {
        isLate = true;
        reject(new DeadlineError("the database could not be opened in time"));
      }, OPENS_WITHIN_MS);
      this.open().finally(cancel).then((kv) => isLate ? kv.close() : resolve(kv), reject);
    });
  }
}

/** A semaphore: so many calls at a time, the others wait in order. */
class Places {
  taken = 0;
  readonly #line = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

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
        reject(new DeadlineError(`the database has had ${MOST_CALLS} calls under way for too long`));
      }, PLACE_WITHIN_MS);
      this.#line.add(enter);
    });
  }

  letAllIn(): void {
    for (const enter of [...this.#line]) enter();
  }

  leave(): void {
    const [next] = this.#line;
    if (next) next();
    else this.taken--;
  }
}
