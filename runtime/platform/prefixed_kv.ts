// A database handle that belongs to somebody else, who has keys of their own in it: all of Errand's keys
// begin with a prefix there. Nobody above this file sees the prefix.

import { systemClock } from "./clock.ts";
import { EMBEDDED_LIMITS, type Kv, KvPort, REMOTE_LIMITS, REMOTE_SHARDS } from "./kv.ts";
import { checksOf } from "./open_kv.ts";

type Key = Deno.KvKey;

/**
 * A port to a database that somebody else has opened, and closes. One handle does it all: reads wait behind
 * writes, and a server that falls silent is not connected anew; both are for those who open it themselves.
 *
 * @param prefix what all of Errand's keys begin with
 */
export async function kvOnHandle(handle: Deno.Kv, prefix: readonly string[]): Promise<KvPort> {
  const checks = await checksOf(handle);
  const isServer = checks < EMBEDDED_LIMITS.checks;
  const limits = isServer ? { ...REMOTE_LIMITS, checks } : { ...EMBEDDED_LIMITS };
  limits.keyBytes -= limits.mutations * bytesOf(prefix);
  const kv = new PrefixedKv(handle, prefix);
  return new KvPort(kv, kv, limits, isServer ? REMOTE_SHARDS : 1, systemClock, isServer ? kv : null);
}

function bytesOf(key: readonly string[]): number {
  return key.reduce((sum, part) => sum + new TextEncoder().encode(part).length + 2, 0);
}

export class PrefixedKv implements Kv {
  constructor(private readonly kv: Deno.Kv, private readonly prefix: Key) {}

  async get<T>(key: Key): Promise<Deno.KvEntryMaybe<T>> {
    return this.#inner(await this.kv.get<T>(this.#outer(key)));
  }

  async getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key }],
  ): Promise<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    const outer = keys.map((key) => this.#outer(key)) as [...{ [K in keyof T]: Key }];
    return this.#innerOf(await this.kv.getMany<T>(outer));
  }

  async *list<T>(
    selector: Deno.KvListSelector,
    options?: Deno.KvListOptions,
  ): AsyncGenerator<Deno.KvEntry<T>> {
    const outer = Object.fromEntries(
      Object.entries(selector).map(([bound, key]) => [bound, this.#outer(key as Key)]),
    ) as unknown as Deno.KvListSelector;
    for await (const entry of this.kv.list<T>(outer, options)) yield this.#inner(entry);
  }

  set(key: Key, value: unknown, options?: { expireIn?: number }): Promise<Deno.KvCommitResult> {
    return this.kv.set(this.#outer(key), value, options);
  }

  delete(key: Key): Promise<void> {
    return this.kv.delete(this.#outer(key));
  }

  atomic(): Deno.AtomicOperation {
    const atomic = this.kv.atomic();
    const check = atomic.check.bind(atomic);
    const set = atomic.set.bind(atomic);
    const remove = atomic.delete.bind(atomic);
    const mutate = atomic.mutate.bind(atomic);
    const count = (type: "sum" | "min" | "max"): Deno.AtomicOperation["sum"] => {
      const apply = atomic[type].bind(atomic);
      return (key, n) => apply(this.#outer(key), n);
    };
    return Object.assign(
      atomic,
      {
        check: (...checks) => check(...checks.map((each) => ({ ...each, key: this.#outer(each.key) }))),
        set: (key, value, options) => set(this.#outer(key), value, options),
        delete: (key) => remove(this.#outer(key)),
        mutate: (...all) => mutate(...all.map((each) => ({ ...each, key: this.#outer(each.key) }))),
        sum: count("sum"),
        min: count("min"),
        max: count("max"),
      } satisfies Partial<Deno.AtomicOperation>,
    );
  }

  watch<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key }],
    options?: { raw?: boolean },
  ): ReadableStream<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    const outer = keys.map((key) => this.#outer(key)) as [...{ [K in keyof T]: Key }];
    return this.kv.watch<T>(outer, options).pipeThrough(
      new TransformStream({
        transform: (entries, controller) => controller.enqueue(this.#innerOf(entries)),
      }),
    );
  }

  enqueue(value: unknown, options?: Parameters<Deno.Kv["enqueue"]>[1]): Promise<Deno.KvCommitResult> {
    return this.kv.enqueue(value, options);
  }

  listenQueue(handler: (value: unknown) => Promise<void> | void): Promise<void> {
    return this.kv.listenQueue(handler);
  }

  close(): void {}

  #outer(key: Key): Key {
    return this.prefix.concat(key);
  }

  #inner<Entry extends { key: Key }>(entry: Entry): Entry {
    return { ...entry, key: entry.key.slice(this.prefix.length) };
  }

  #innerOf<T extends readonly unknown[]>(
    entries: { [K in keyof T]: Deno.KvEntryMaybe<T[K]> },
  ): { [K in keyof T]: Deno.KvEntryMaybe<T[K]> } {
    const all = entries as readonly Deno.KvEntryMaybe<unknown>[];
    return all.map((entry) => this.#inner(entry)) as { [K in keyof T]: Deno.KvEntryMaybe<T[K]> };
  }
}
