// The port to Deno KV: the part of `Deno.Kv` in use, the limits of the backend behind it, a second
// handle for reads, a deadline for every answer, and the retry of "database is locked", which says that nothing was
// done. No other failure of a commit is retried here: what became of it is unknown until it is read back, and only the
// store can do that.

import { type Clock, sleep, systemClock } from "./clock.ts";
import { DeadlineError, UnavailableError } from "../core/errors.ts";
import type { Kv } from "./kv_handle.ts";
import { keys } from "./keys.ts";
import { RemoteKv } from "./remote_kv.ts";

export type { Kv };

export interface Write {
  key: Deno.KvKey;
  /** Undefined deletes the key. */
  value?: unknown;
  expireAt?: number | null;
}

export interface KvLimits {
  /** Checks in one commit. */
  checks: number;
  /** Mutations in one commit. */
  mutations: number;
  /** Estimated bytes of all mutations in one commit. */
  bytes: number;
  /** Estimated bytes of all their keys. */
  keyBytes: number;
  /** Commits of one kind that are worth having under way at once. */
  flights: number;
}

/**
 * Deno's client takes 100 checks, 1000 mutations, 819,200 bytes, 81,920 of them in keys; the rest is room for an
 * estimate's error and for what a commit adds for all of its tasks together.
 */
export const EMBEDDED_LIMITS: KvLimits = {
  checks: 100,
  mutations: 950,
  bytes: 700_000,
  keyBytes: 70_000,
  // One file takes one commit after the other.
  flights: 1,
};

/**
 * A `denokv` server takes ten checks; all else is the client's. A commit spends most of its time on the way: so several
 * are worth having under way at once.
 */
export const REMOTE_LIMITS: KvLimits = { ...EMBEDDED_LIMITS, checks: 10, flights: 4 };
/** Connections to a server: so many calls are alone on theirs. */
const CONNECTIONS = 6;
/** Claims of several machines meet less often on a queue in several parts: a few for each worker. */
export const REMOTE_SHARDS = 16;

/** `getMany` takes ten keys. */
const KEYS_PER_READ = 10;
const LOCKED_RETRIES = 400;
/** Far beyond what a healthy database takes: what waits for one answer holds up all that queue behind it. */
const DEADLINE_MS = 5_000;

export class KvPort {
  readonly #reader: Kv;

  /**
   * @param writer takes commits.
   * @param reader a second handle on the same database. Reads there do not queue behind writes
   *   (0.02 ms instead of 4 ms under load, PLATFORM.md A2); `:memory:` has only one handle.
   */
  constructor(
    readonly writer: Kv,
    reader: Kv = writer,
    readonly limits: KvLimits = EMBEDDED_LIMITS,
    readonly shards = 1,
    private readonly clock: Clock = systemClock,
    /** Where processes on other machines are heard of; null where a watch tells only of this process. */
    readonly watched: Pick<Deno.Kv, "watch"> | null = null,
  ) {
    this.#reader = reader;
  }

  get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return this.#read(() => this.#reader.get<T>(key));
  }

  /** Any number of keys, in their order, ten to a call and all calls at once: not one snapshot. */
  async getMany<T>(wanted: Deno.KvKey[]): Promise<Deno.KvEntryMaybe<T>[]> {
    const calls: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
    for (let i = 0; i < wanted.length; i += KEYS_PER_READ) {
      const part = wanted.slice(i, i + KEYS_PER_READ);
      calls.push(this.#read(() => this.#reader.getMany<T[]>(part) as Promise<Deno.KvEntryMaybe<T>[]>));
    }
    return (await Promise.all(calls)).flat();
  }

  /** Up to `limit` entries. More than one batch (500 entries) is not one snapshot. */
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

  /** Adds one write to a commit. `now` is the wall clock that `expireAt` is measured by. */
  write(atomic: Deno.AtomicOperation, { key, value, expireAt }: Write, now: number): void {
    if (value === undefined) atomic.delete(key);
    else if (expireAt === undefined || expireAt === null) atomic.set(key, value);
    else atomic.set(key, value, { expireIn: Math.max(1, expireAt - now) });
  }

  /** Commits it, again while another handle or process holds the file. */
  commit(
    atomic: Deno.AtomicOperation,
    deadlineMs = DEADLINE_MS,
  ): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    return this.#answered(() => atomic.commit(), deadlineMs);
  }

  /** @throws {UnavailableError} whatever it is that keeps KV from answering. */
  async #read<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#answered(work, DEADLINE_MS);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  /** @throws {DeadlineError} if one try has no answer in time. */
  #answered<T>(work: () => Promise<T>, deadlineMs: number): Promise<T> {
    // deno-lint-ignore require-await -- what fails at once fails like what fails later
    return whileLocked(() => inTime((async () => work())(), deadlineMs, this.clock), this.clock);
  }

  /**
   * Writes without any check, and so may be repeated: for keys that nobody else writes.
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

  close(): void {
    this.writer.close();
    if (this.#reader !== this.writer) this.#reader.close();
  }
}

/** True for the address of a database server. */
export function isRemote(path: string | undefined): boolean {
  return path !== undefined && /^https?:/.test(path);
}

/**
 * Opens a database.
 *
 * @param path a file, `:memory:`, the URL of a server, or undefined for the platform's own
 * @param openHandle stands between: for those who watch or disturb what goes by
 */
export async function openKv(
  path: string | undefined,
  openHandle: (path: string | undefined) => Promise<Deno.Kv> = Deno.openKv,
): Promise<KvPort> {
  const open = () => openHandle(path);
  const writer = await whileLocked(open);
  if (path === undefined || isRemote(path)) {
    const limits = { ...REMOTE_LIMITS, checks: await checksOf(writer) };
    // What the platform's own is behind nobody knows.
    const count = path === undefined ? 1 : CONNECTIONS;
    const more = await Promise.all(Array.from({ length: count - 1 }, open));
    const remote = new RemoteKv([writer, ...more], open, systemClock);
    return new KvPort(remote, remote, limits, REMOTE_SHARDS, systemClock, remote);
  }
  const reader = path === ":memory:" ? writer : await whileLocked(open);
  return new KvPort(writer, reader);
}

/** Asks with a commit that can never succeed: a server refuses what has too many checks before it looks at them. */
export async function checksOf(kv: Deno.Kv): Promise<number> {
  const atomic = kv.atomic();
  for (let i = 0; i <= REMOTE_LIMITS.checks; i++) {
    atomic.check({ key: keys.never(i), versionstamp: "ff".repeat(10) });
  }
  try {
    await atomic.commit();
    return EMBEDDED_LIMITS.checks;
  } catch {
    return REMOTE_LIMITS.checks;
  }
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
    answer.then(resolve, reject).finally(stop);
  });
}

/** SQLite says this when another handle or process holds the file; nothing was read or written. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("database is locked");
}

/** Tries again for a while. KV waits a little inside each try, but without pauses two processes may starve a third. */
export async function whileLocked<T>(work: () => Promise<T>, clock: Clock = systemClock): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error) || tries > LOCKED_RETRIES) throw error;
      // Uneven pauses, so that those who wait do not march in step.
      if (tries > 3) await sleep(clock, (tries * 7) % 20);
    }
  }
}
