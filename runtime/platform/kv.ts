// The port to Deno KV: the limits of the backend, a second handle for reads, a deadline for every answer, and
// the retry of "database is locked", which means that nothing was done. No other failure of a commit is
// retried here: only the store can find out what became of it.

import { type Clock, sleep, systemClock } from "./clock.ts";
import { DatabaseGoneError, DeadlineError, UnavailableError } from "../core/errors.ts";
import { Histogram } from "../core/histogram.ts";
import type { DatabaseFile } from "./database_file.ts";
import type { Kv } from "./kv_handle.ts";
import { type Reader, ReadLine } from "./read_line.ts";

export type { Kv, Reader };

export interface Write {
  key: Deno.KvKey;
  /** Undefined deletes. */
  value?: unknown;
  expireAt?: number | null;
}

export interface KvLimits {
  checks: number;
  mutations: number;
  bytes: number;
  keyBytes: number;
  /** Commits under way at once, for each lane. */
  flights: number;
}

/**
 * Deno's client takes 100 checks, 1000 mutations and 819,200 bytes, 81,920 of them in keys. The difference is
 * room for errors of the estimate, and for what a commit adds for all of its tasks together.
 */
export const EMBEDDED_LIMITS: KvLimits = {
  checks: 100,
  mutations: 950,
  bytes: 700_000,
  keyBytes: 70_000,
  flights: 1,
};

/**
 * A `denokv` server takes ten checks; the other limits are the client's. A commit spends most of its time on
 * the network, so several are under way at once.
 */
export const REMOTE_LIMITS: KvLimits = { ...EMBEDDED_LIMITS, checks: 10, flights: 4 };
/** Claims of several machines rarely meet (docs/decisions/0023-shards-in-turn.md). */
export const REMOTE_SHARDS = 16;

const KEYS_PER_READ = 10;
const LOCKED_RETRIES = 400;
/** Without a deadline one lost answer would block all calls behind it. */
const DEADLINE_MS = 5_000;

export class KvPort {
  /** Since it was opened. `told` hears how long each took that was answered, in milliseconds. */
  readonly commits: {
    applied: number;
    conflicting: number;
    failed: number;
    took: Histogram;
    told: ((ms: number) => void) | null;
  } = {
    applied: 0,
    conflicting: 0,
    failed: 0,
    took: new Histogram(),
    told: null,
  };
  readonly #reader: Kv;
  readonly #line: ReadLine;
  readonly #listeners: Promise<void>[] = [];
  /** Calls under way, each until its caller has its answer. */
  readonly #calls = new Set<Promise<unknown>>();

  /**
   * @param writer takes commits
   * @param reader a second handle on the same database: its reads do not queue behind writes (0.02 ms instead
   *   of 4 ms under load). `:memory:` has only one handle.
   */
  constructor(
    readonly writer: Kv,
    reader: Kv = writer,
    readonly limits: KvLimits = EMBEDDED_LIMITS,
    readonly shards = 1,
    private readonly clock: Clock = systemClock,
    /** Null where a watch sees only the writes of this process. */
    readonly watched: Pick<Deno.Kv, "watch"> | null = null,
    private readonly file: DatabaseFile | null = null,
    /** Where another thread opens the same database; null where none can. */
    readonly address: string | null = null,
  ) {
    this.#reader = reader;
    this.#line = new ReadLine(clock, DEADLINE_MS);
  }

  /** True of a database in a file of this machine. */
  get hasFile(): boolean {
    return this.file !== null;
  }

  get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return this.#read(() => this.#reader.get<T>(key));
  }

  /**
   * Any number of keys. The answer is in their order, and no snapshot: ten keys are read at once.
   *
   * @param reader reads for callers wait while the engine's own are in line
   */
  async getMany<T>(wanted: Deno.KvKey[], reader: Reader = "engine"): Promise<Deno.KvEntryMaybe<T>[]> {
    const parts: (() => Promise<Deno.KvEntryMaybe<T>[]>)[] = [];
    for (let i = 0; i < wanted.length; i += KEYS_PER_READ) {
      const part = wanted.slice(i, i + KEYS_PER_READ);
      parts.push(() => this.#read(() => this.#reader.getMany<T[]>(part) as Promise<Deno.KvEntryMaybe<T>[]>));
    }
    // As a whole: some parts may not have begun yet.
    return (await this.#counted(this.#line.all(parts, reader))).flat();
  }

  /** Up to `limit` entries. More than 500 are no snapshot. */
  list<T>(
    selector: Deno.KvListSelector,
    options: { limit: number; reverse?: boolean },
  ): Promise<Deno.KvEntry<T>[]> {
    const batchSize = Math.min(options.limit, 500);
    return this.#read(() => Array.fromAsync(this.#reader.list<T>(selector, { ...options, batchSize })));
  }

  atomic(): Deno.AtomicOperation {
    return this.writer.atomic();
  }

  write(atomic: Deno.AtomicOperation, { key, value, expireAt }: Write, now: number): void {
    if (value === undefined) atomic.delete(key);
    else if (expireAt === undefined || expireAt === null) atomic.set(key, value);
    else atomic.set(key, value, { expireIn: Math.max(1, Math.ceil(expireAt - now)) });
  }

  /**
   * Commits, again and again while another handle or process holds the file.
   *
   * @throws {DatabaseGoneError} if that file is no longer the one at its path
   */
  async commit(
    atomic: Deno.AtomicOperation,
    deadlineMs = DEADLINE_MS,
  ): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const since = this.clock.monotonic();
    const result = await this.#answered(() => atomic.commit(), deadlineMs).catch((error) => {
      this.commits.failed++;
      throw error;
    });
    if (result.ok) this.commits.applied++;
    else this.commits.conflicting++;
    const ms = this.clock.monotonic() - since;
    this.commits.took.add(ms);
    this.commits.told?.(ms);
    // Behind the commit: only what is in the file at its path is acknowledged.
    if (this.file?.look()) throw gone();
    return result;
  }

  async #read<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (this.file?.isGone) throw gone();
      return await this.#answered(work, DEADLINE_MS);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  #answered<T>(work: () => Promise<T>, deadlineMs: number): Promise<T> {
    // deno-lint-ignore require-await -- an error that is thrown at once becomes a rejection
    const once = () => inTime((async () => work())(), deadlineMs, this.clock);
    return this.#counted(whileLocked(once, this.clock));
  }

  async #counted<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /**
   * Writes without a check, so it may be repeated. For keys that no other process writes.
   *
   * @throws {UnavailableError} if it is unknown whether they are written.
   */
  async writeBlind(writes: Write[], now: number): Promise<void> {
    const atomic = this.atomic();
    for (const write of writes) this.write(atomic, write, now);
    try {
      await this.commit(atomic);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  enqueue(value: unknown): Promise<Deno.KvCommitResult> {
    return this.#answered(() => this.writer.enqueue(value), DEADLINE_MS);
  }

  /** Settles when the database is closed. */
  listenQueue(handler: (value: unknown) => Promise<void> | void): Promise<void> {
    const listener = this.writer.listenQueue(handler);
    this.#listeners.push(listener);
    return listener;
  }

  /** Resolves once the calls that are under way now are over; each of them has a deadline. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }

  /** Waits for the calls under way. Resolves when its listeners have ended, a moment after it is closed. */
  async close(): Promise<void> {
    if (this.#calls.size > 0) await this.idle();
    const handles = new Set([this.writer, this.#reader]);
    await Promise.all([...handles].map((handle) => handle.close()));
    await Promise.allSettled(this.#listeners);
  }
}

function gone(): DatabaseGoneError {
  return new DatabaseGoneError("the database's file was deleted or replaced");
}

function asUnavailable(error: unknown): UnavailableError {
  if (error instanceof UnavailableError) return error;
  return new UnavailableError("the database did not answer", { cause: error });
}

function inTime<T>(answer: Promise<T>, deadlineMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = clock.timer(() => {
      reject(new DeadlineError(`the database has not answered within ${deadlineMs} ms`));
    }, deadlineMs);
    // Whoever has the answer finds no timer any more.
    answer.finally(stop).then(resolve, reject);
  });
}

export function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("database is locked");
}

/** KV waits a little in each try, but without pauses two processes can starve a third one. */
export async function whileLocked<T>(work: () => Promise<T>, clock: Clock = systemClock): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error) || tries > LOCKED_RETRIES) throw error;
      // Uneven pauses: processes must not try again in step.
      if (tries > 3) await sleep(clock, (tries * 7) % 20);
    }
  }
}
