// Deno KV in memory, as far as the engine uses it. The database applies commits at once and in full; when a
// call reaches it, when its answer comes back, and what goes wrong on the way is the business of the
// handle's transport.

import { serialize } from "node:v8";
import type { Kv } from "../../runtime/platform/kv.ts";
import { encodeKey } from "./key_order.ts";

export interface Row {
  /** The key in sorting order. */
  at: string;
  key: Deno.KvKey;
  value: unknown;
  versionstamp: string;
  /** By the clock of the process that wrote it. */
  expireAt: number | null;
}

export interface Mutation {
  at: string;
  key: Deno.KvKey;
  kind: "set" | "delete" | "sum" | "min" | "max";
  value?: unknown;
  expireAt: number | null;
}

export interface Message {
  value: unknown;
  delayMs: number;
}

export interface Commit {
  checks: { at: string; versionstamp: string | null }[];
  mutations: Mutation[];
  messages: Message[];
  /** When it was sent for the first time, by KV's clock: it may arrive later, and be sent again. */
  sentAt: number;
}

export type CommitOutcome = Deno.KvCommitResult | Deno.KvCommitError;

/** What a commit did to one key. */
export interface Change {
  key: Deno.KvKey;
  before: Row | null;
  after: Row | null;
}

/** How the calls of one handle travel. */
export interface Transport {
  /** Wall clock of the process: KV measures `expireIn` and delays by it. */
  now(): number;
  read<T>(look: () => T): Promise<T>;
  commit(commit: Commit, apply: () => CommitOutcome): Promise<CommitOutcome>;
}

const MOST_CHECKS = 100;
const MOST_MUTATIONS = 1_000;
const MOST_BYTES = 819_200;
const MOST_KEY_BYTES = 81_920;
const LARGEST_KEY = 2_048;
const LARGEST_VALUE = 65_536;
const MOST_RANGES = 10;
const LARGEST_BATCH = 1_000;
const LONGEST_DELAY_MS = 30 * 24 * 60 * 60 * 1000;
const VERSIONSTAMP = /^[0-9a-f]{20}$/;
/** Below this no exact count is needed. */
const SURELY_SMALL = 20_000;

export class FakeDatabase {
  readonly #rows: Row[] = [];
  #version = 0;
  /** Told of each commit that was applied, with what it changed. */
  onApplied: (changes: Change[], sentAt: number, by: FakeKv) => void = () => {};
  /** Hands out a message that was committed; in the simulation it may be lost, late or doubled. */
  onMessage: (message: Message) => void = () => {};

  get(at: string): Row | null {
    const row = this.#rows[this.#place(at)];
    return row?.at === at ? row : null;
  }

  /** From `start` to before `end`. */
  range(start: string, end: string, limit: number, reverse: boolean): Row[] {
    const from = this.#place(start);
    const to = this.#place(end);
    if (!reverse) return this.#rows.slice(from, Math.min(to, from + limit));
    return this.#rows.slice(Math.max(from, to - limit), to).reverse();
  }

  under(prefix: Deno.KvKey): Row[] {
    const { start, end } = rangeOf({ prefix });
    return this.range(start, end, Infinity, false);
  }

  all(): Row[] {
    return [...this.#rows];
  }

  /** True of a commit that would make tasks which it has made before, and of which nothing is left. */
  isForgotten(commit: Commit): boolean {
    const made = new Set(
      commit.mutations.flatMap(({ at, key, kind }) => kind === "set" && key[0] === "task" ? [at] : []),
    );
    return this.#holds(commit) &&
      commit.checks.some(({ at, versionstamp }) => versionstamp === null && made.has(at));
  }

  apply(commit: Commit, by: FakeKv): CommitOutcome {
    if (!this.#holds(commit)) return { ok: false };
    // Real versionstamps rise by one to nine.
    this.#version += 1 + (this.#version * 7) % 9;
    const versionstamp = this.#version.toString(16).padStart(16, "0") + "0000";
    const changes = new Map<string, Change>();
    for (const mutation of commit.mutations) {
      const before = this.get(mutation.at);
      const after = this.#mutated(mutation, before, versionstamp);
      this.#put(mutation.at, after);
      const earlier = changes.get(mutation.at);
      changes.set(mutation.at, { key: mutation.key, before: earlier ? earlier.before : before, after });
    }
    for (const message of commit.messages) this.onMessage(message);
    this.onApplied([...changes.values()], commit.sentAt, by);
    return { ok: true, versionstamp };
  }

  /** Removes what has expired by then, as KV does when it gets round to it. */
  expire(now: number): Row[] {
    const gone = this.#rows.filter(({ expireAt }) => expireAt !== null && expireAt <= now);
    for (const { at } of gone) this.#put(at, null);
    return gone;
  }

  #holds({ checks }: Commit): boolean {
    return checks.every(({ at, versionstamp }) => (this.get(at)?.versionstamp ?? null) === versionstamp);
  }

  #mutated({ at, key, kind, value, expireAt }: Mutation, before: Row | null, versionstamp: string) {
    if (kind === "delete") return null;
    if (kind === "set") return { at, key, value, versionstamp, expireAt };
    const operand = (value as Deno.KvU64).value;
    if (before && !(before.value instanceof Deno.KvU64)) {
      throw new TypeError(`Failed to perform '${kind}' mutation on a non-U64 value in the database`);
    }
    const old = before ? (before.value as Deno.KvU64).value : operand;
    const sum = before ? (old + operand) % 2n ** 64n : operand;
    const result = kind === "sum" ? sum : (kind === "min") === (old < operand) ? old : operand;
    return { at, key, value: new Deno.KvU64(result), versionstamp, expireAt };
  }

  #put(at: string, row: Row | null): void {
    const place = this.#place(at);
    const there = this.#rows[place]?.at === at;
    if (row === null) {
      if (there) this.#rows.splice(place, 1);
    } else {
      this.#rows.splice(place, there ? 1 : 0, row);
    }
  }

  /** The first place that is not before `at`. */
  #place(at: string): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#rows[middle].at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

type Listener = (value: unknown) => unknown;

/** One handle. */
export class FakeKv implements Kv {
  #closed = false;
  #listener: Listener | null = null;
  #endListening: () => void = () => {};

  constructor(readonly database: FakeDatabase, readonly transport: Transport) {}

  async get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    const [entry] = await this.getMany<[T]>([key]);
    return entry;
  }

  async getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
  ): Promise<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    this.#requireOpen();
    if (keys.length > MOST_RANGES) throw new TypeError(`Too many ranges (max ${MOST_RANGES})`);
    const wanted = keys.map((key) => ({ key, at: readable(key) }));
    const found = await this.transport.read(() =>
      wanted.map(({ key, at }) => entryOf(this.database.get(at), key))
    );
    return found as { [K in keyof T]: Deno.KvEntryMaybe<T[K]> };
  }

  list<T>(selector: Deno.KvListSelector, options: Deno.KvListOptions = {}): Deno.KvListIterator<T> {
    const entries = this.#entries<T>(selector, options);
    // Nothing here goes on from a list's own cursor.
    return Object.assign(entries, { cursor: "" }) as unknown as Deno.KvListIterator<T>;
  }

  set(key: Deno.KvKey, value: unknown, options?: { expireIn?: number }): Promise<Deno.KvCommitResult> {
    return this.atomic().set(key, value, options).commit() as Promise<Deno.KvCommitResult>;
  }

  async delete(key: Deno.KvKey): Promise<void> {
    await this.atomic().delete(key).commit();
  }

  atomic(): Deno.AtomicOperation {
    return new FakeAtomic(this);
  }

  enqueue(value: unknown, options?: { delay?: number }): Promise<Deno.KvCommitResult> {
    return this.atomic().enqueue(value, options).commit() as Promise<Deno.KvCommitResult>;
  }

  listenQueue(listener: Listener): Promise<void> {
    this.#listener = listener;
    return new Promise((resolve) => this.#endListening = resolve);
  }

  /** True if a message can be handed to it. */
  get listens(): boolean {
    return this.#listener !== null && !this.#closed;
  }

  deliver(value: unknown): void {
    this.#listener?.(clone(value));
  }

  close(): void {
    this.#requireOpen();
    this.#closed = true;
    this.#endListening();
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    this.#requireOpen();
    return await this.transport.commit(commit, () => this.database.apply(commit, this));
  }

  /** Every batch is a look of its own: what is written in between is seen by the next one. */
  async *#entries<T>(
    selector: Deno.KvListSelector,
    options: Deno.KvListOptions,
  ): AsyncGenerator<Deno.KvEntry<T>> {
    this.#requireOpen();
    let { start, end } = rangeOf(selector);
    const { limit = Infinity, reverse = false } = options;
    if (limit <= 0) throw new Error(`Limit must be a positive integer: received ${limit}`);
    const batchSize = options.batchSize ?? Math.min(limit, 100);
    if (batchSize > LARGEST_BATCH) throw new TypeError(`Too many entries (max ${LARGEST_BATCH})`);
    for (let left = limit; left > 0;) {
      const wanted = Math.min(batchSize, left);
      const rows = await this.transport.read(() => {
        return this.database.range(start, end, wanted, reverse)
          .map((row) => ({ at: row.at, entry: entryOf(row, row.key) as Deno.KvEntry<T> }));
      });
      for (const { entry } of rows) yield entry;
      if (rows.length < wanted) return;
      left -= rows.length;
      const last = rows[rows.length - 1].at;
      if (reverse) end = last;
      else start = `${last}\0`;
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new Deno.errors.BadResource("Bad resource ID");
  }
}

class FakeAtomic implements Deno.AtomicOperation {
  readonly #checks: Deno.AtomicCheck[] = [];
  readonly #mutations: Mutation[] = [];
  readonly #messages: Message[] = [];

  #sentAt: number | null = null;

  constructor(private readonly kv: FakeKv) {}

  check(...checks: Deno.AtomicCheck[]): this {
    this.#checks.push(...checks);
    return this;
  }

  mutate(): this {
    throw new Error("mutate() is not part of what the engine uses");
  }

  set(key: Deno.KvKey, value: unknown, { expireIn }: { expireIn?: number } = {}): this {
    if (expireIn !== undefined && !(Number.isInteger(expireIn) && expireIn >= 0)) {
      throw new TypeError(`expireIn must be a non-negative integer: received ${expireIn}`);
    }
    const expireAt = expireIn === undefined ? null : this.kv.transport.now() + expireIn;
    return this.#add(key, "set", clone(value), expireAt);
  }

  delete(key: Deno.KvKey): this {
    return this.#add(key, "delete");
  }

  sum(key: Deno.KvKey, n: bigint): this {
    return this.#add(key, "sum", new Deno.KvU64(n));
  }

  min(key: Deno.KvKey, n: bigint): this {
    return this.#add(key, "min", new Deno.KvU64(n));
  }

  max(key: Deno.KvKey, n: bigint): this {
    return this.#add(key, "max", new Deno.KvU64(n));
  }

  enqueue(value: unknown, { delay = 0 }: { delay?: number } = {}): this {
    if (!(delay >= 0)) throw new TypeError(`Delay must be >= 0: received ${delay}`);
    if (delay > LONGEST_DELAY_MS) {
      throw new TypeError(`Delay cannot be greater than 30 days: received ${delay}`);
    }
    if (bytesOf(value) > LARGEST_VALUE) {
      throw new TypeError(`enqueue payload too large (max ${LARGEST_VALUE} bytes)`);
    }
    this.#messages.push({ value: clone(value), delayMs: delay });
    return this;
  }

  async commit(): Promise<CommitOutcome> {
    this.#requireLimits();
    const checks = this.#checks.map(({ key, versionstamp }) => {
      if (versionstamp !== null && !VERSIONSTAMP.test(versionstamp)) throw new TypeError("Invalid check");
      return { at: readable(key), versionstamp };
    });
    const sentAt = this.#sentAt ??= this.kv.transport.now();
    return await this.kv.commit({ checks, mutations: this.#mutations, messages: this.#messages, sentAt });
  }

  #add(key: Deno.KvKey, kind: Mutation["kind"], value?: unknown, expireAt: number | null = null): this {
    if (key.length === 0) throw new TypeError("key cannot be empty");
    this.#mutations.push({ at: encodeKey(key), key, kind, value, expireAt });
    return this;
  }

  #requireLimits(): void {
    if (this.#checks.length > MOST_CHECKS) throw new TypeError(`Too many checks (max ${MOST_CHECKS})`);
    if (this.#mutations.length + this.#messages.length > MOST_MUTATIONS) {
      throw new TypeError(`Too many mutations (max ${MOST_MUTATIONS})`);
    }
    let bytes = 0;
    let keyBytes = 0;
    for (const { at, kind, value } of this.#mutations) {
      if (at.length > LARGEST_KEY) {
        throw new TypeError(`Key too large for write (max ${LARGEST_KEY} bytes)`);
      }
      const size = kind === "delete" ? 0 : bytesOf(value);
      if (size > LARGEST_VALUE) throw new TypeError(`Value too large (max ${LARGEST_VALUE} bytes)`);
      keyBytes += at.length;
      bytes += size + 2 * at.length;
    }
    for (const { value } of this.#messages) bytes += bytesOf(value);
    if (bytes > MOST_BYTES) {
      throw new TypeError(`Total mutation size too large (max ${MOST_BYTES} bytes)`);
    }
    if (keyBytes > MOST_KEY_BYTES) {
      throw new TypeError(`Total key size too large (max ${MOST_KEY_BYTES} bytes)`);
    }
  }
}

function readable(key: Deno.KvKey): string {
  const at = encodeKey(key);
  if (at.length <= LARGEST_KEY) return at;
  throw new TypeError(`Key too large for read (max ${LARGEST_KEY + 1} bytes)`);
}

function entryOf<T>(row: Row | null, key: Deno.KvKey): Deno.KvEntryMaybe<T> {
  if (!row) return { key, value: null, versionstamp: null };
  return { key: row.key, value: clone(row.value) as T, versionstamp: row.versionstamp };
}

/** Sorts after all keys that begin with the prefix. */
const BEHIND = "\xff";

function rangeOf(selector: Deno.KvListSelector): { start: string; end: string } {
  const { prefix, start, end } = selector as {
    prefix?: Deno.KvKey;
    start?: Deno.KvKey;
    end?: Deno.KvKey;
  };
  if (prefix === undefined) {
    const range = { start: encodeKey(start!), end: encodeKey(end!) };
    if (range.start > range.end) throw new TypeError("Start key is greater than end key");
    return range;
  }
  if (start !== undefined && end !== undefined) {
    throw new TypeError("Selector can not specify both 'start' and 'end' key when specifying 'prefix'");
  }
  const base = encodeKey(prefix);
  const within = (key: Deno.KvKey, what: string) => {
    const at = encodeKey(key);
    if (at.startsWith(base)) return at;
    throw new TypeError(`${what} key is not in the keyspace defined by prefix`);
  };
  return {
    start: start === undefined ? `${base}\0` : within(start, "Start"),
    end: end === undefined ? base + BEHIND : within(end, "End"),
  };
}

/** What goes in and what comes out share nothing. */
function clone(value: unknown): unknown {
  if (typeof value !== "object" && typeof value !== "function" || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Deno.KvU64) return value;
  if (Array.isArray(value)) return value.map(clone);
  // Structured cloning costs thirty times as much, and most of what the engine stores is plain.
  if (Object.getPrototypeOf(value) === Object.prototype) {
    const copy: Record<string, unknown> = {};
    for (const [name, part] of Object.entries(value)) copy[name] = clone(part);
    return copy;
  }
  return structuredClone(value);
}

function bytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (value instanceof Deno.KvU64) return 8;
  const estimate = typeof value === "object" && value !== null ? roughBytes(value) : String(value).length;
  return estimate < SURELY_SMALL ? estimate : serialize(value).byteLength;
}

function roughBytes(value: object): number {
  let bytes = 0;
  for (const part of Object.values(value)) {
    if (typeof part === "string") bytes += 2 * part.length + 5;
    else if (part instanceof Uint8Array) bytes += part.byteLength;
    else if (typeof part === "object" && part !== null) bytes += roughBytes(part);
    else bytes += 10;
  }
  return bytes;
}
