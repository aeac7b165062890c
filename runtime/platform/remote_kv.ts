// A database server behind several connections. A call goes to the connection with the fewest calls under
// way: alone on a connection it need not wait 40 ms for an acknowledgement.

import type { Clock } from "./clock.ts";
import { Connection } from "./kv_connection.ts";
import { keys as kvKeys } from "./keys.ts";
import type { Kv } from "./kv_handle.ts";

/**
 * The client sends a commit of more than a kilobyte in two parts, head and body. The body waits until the
 * server's kernel acknowledges the head, which takes 40 ms (Nagle's algorithm and delayed acknowledgements).
 * Behind a small request both parts leave together with the answer to that request, if the connection is
 * otherwise unused. A commit above the second bound fills packets of its own. See
 * docs/decisions/0025-read-ahead-of-large-commits.md.
 */
const PRIMED_BYTES = [900, 60_000];
const KEY_BYTES = 60;

export class RemoteKv implements Kv {
  readonly #connections: Connection[];
  #next = 0;

  constructor(handles: Deno.Kv[], open: () => Promise<Deno.Kv>, clock: Clock) {
    this.#connections = handles.map((handle) => new Connection(handle, open, clock));
  }

  get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return this.#leastBusy().call((kv) => kv.get<T>(key));
  }

  getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
  ): Promise<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    return this.#leastBusy().call((kv) => kv.getMany<T>(keys));
  }

  async *list<T>(
    selector: Deno.KvListSelector,
    options?: Deno.KvListOptions,
  ): AsyncGenerator<Deno.KvEntry<T>> {
    yield* await this.#leastBusy().call((kv) => Array.fromAsync(kv.list<T>(selector, options)));
  }

  set(key: Deno.KvKey, value: unknown, options?: { expireIn?: number }): Promise<Deno.KvCommitResult> {
    return this.#leastBusy().call((kv) => kv.set(key, value, options));
  }

  delete(key: Deno.KvKey): Promise<void> {
    return this.#leastBusy().call((kv) => kv.delete(key));
  }

  atomic(): Deno.AtomicOperation {
    const connection = this.#leastBusy();
    const atomic = connection.handle.atomic();
    const set = atomic.set.bind(atomic);
    const commit = atomic.commit.bind(atomic);
    let bytes = 0;
    const counted: Deno.AtomicOperation["set"] = (key, value, options) => {
      bytes += KEY_BYTES + (value instanceof Uint8Array ? value.byteLength : KEY_BYTES);
      return set(key, value, options);
    };
    const called: Deno.AtomicOperation["commit"] = () => {
      return connection.call(async (kv, isAlone) => {
        const isPrimed = isAlone && bytes > PRIMED_BYTES[0] && bytes < PRIMED_BYTES[1];
        const ahead = isPrimed ? kv.get(kvKeys.never()).catch(() => {}) : null;
        try {
          return await commit();
        } finally {
          // Its answer is what lets the commit's body leave, so it has come before.
          await ahead;
        }
      });
    };
    return Object.assign(atomic, { set: counted, commit: called });
  }

  watch<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
    options?: { raw?: boolean },
  ): ReadableStream<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    // The next watch goes to another connection: this one may be dead.
    return this.#leastBusy().handle.watch<T>(keys, options);
  }

  enqueue(value: unknown, options?: Parameters<Deno.Kv["enqueue"]>[1]): Promise<Deno.KvCommitResult> {
    return this.#leastBusy().call((kv) => kv.enqueue(value, options));
  }

  listenQueue(handler: (value: unknown) => Promise<void> | void): Promise<void> {
    return this.#connections[0].handle.listenQueue(handler);
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  /** The connection with the fewest calls; equals take turns. */
  #leastBusy(): Connection {
    const all = this.#connections;
    this.#next = (this.#next + 1) % all.length;
    let best = all[this.#next];
    for (let i = 1; i < all.length; i++) {
      const other = all[(this.#next + i) % all.length];
      if (other.inHand < best.inHand) best = other;
    }
    return best;
  }
}
