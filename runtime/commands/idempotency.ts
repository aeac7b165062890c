// Idempotency keys: for a day, a repeat of a call under its key gets the tasks of the first one. The key's
// record is written in the commits that store the tasks, so every process finds it.

import type { DefinitionDefaults } from "../core/define.ts";
import { ConflictError, IdempotencyMismatchError, underWay } from "../core/errors.ts";
import { sleep } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { Store } from "../store/store.ts";

export interface Idempotency {
  key: string;
  /** Identifies the call: the same key with another fingerprint is refused. */
  fingerprint: string;
}

/** The same key in two tenants is two keys. */
type KeyOfTenant = Idempotency & { tenant: string };

export interface IdempotencyRecord {
  fingerprint: string;
  /** The first of the ids that were drawn for the call. */
  root: string;
  groupId: string | null;
  createdAt: number;
  /** False while a call of several commits is under way, or after it was cut off. */
  complete: boolean;
  /**
   * How many tasks, in the order in which the call stores them, are stored with this record. Left out by a
   * call that is complete, and by releases that did not count them.
   */
  stored?: number;
  /** Some submissions got tasks of others (unique/same_ids.ts). */
  hasSameIds?: true;
  /** Which try of the call wrote it: of two that resumed the call, only the last one goes on. */
  by: string;
  /**
   * What the definitions of its tasks set by default, those with no defaults left out. Release 0.1, and a
   * call of very many definitions, leave it out altogether: then the present definitions tell.
   */
  defaults?: Record<string, DefinitionDefaults>;
}

/** A key as it was read before the call is stored under it. */
export interface KeyClaim {
  /** The key must still have this version when the first tasks are stored. */
  guard: Deno.AtomicCheck;
  fingerprint: string;
  /** The call was cut off between its commits: what it had decided by then. */
  resumed: { root: string; groupId: string | null; stored: number; createdAt: number } | null;
}

export interface Once<T> {
  /** The call was stored before. */
  replay(record: IdempotencyRecord): Promise<T>;
  /** @throws {ConflictError} also if another process was first with this key. */
  store(claim: KeyClaim): Promise<T>;
}

/** A key whose record has not changed for this long belongs to a call that was cut off. */
const CUT_OFF_AFTER_MS = 2_000;
const RETENTION_MS = 24 * 60 * 60 * 1000;

export class IdempotencyKeys {
  /** Keys of calls under way in this process. */
  readonly #inFlight = new Set<string>();

  constructor(private readonly store: Store) {}

  /**
   * Stores a call, or replays it if it was stored before.
   *
   * @throws {IdempotencyMismatchError} if the key was used for another call.
   * @throws {ConflictError} if a call with this key is under way.
   */
  async once<T>(idempotency: KeyOfTenant, call: Once<T>): Promise<T> {
    const { key, tenant } = idempotency;
    const name = JSON.stringify([tenant, key]);
    if (this.#inFlight.has(name)) throw keyUnderWay(key);
    this.#inFlight.add(name);
    try {
      return await this.#once(idempotency, call);
    } finally {
      this.#inFlight.delete(name);
    }
  }

  async #once<T>({ key, fingerprint, tenant }: KeyOfTenant, call: Once<T>): Promise<T> {
    const { clock } = this.store;
    const at = keys.idem(key, tenant);
    for (;;) {
      const { value, versionstamp } = await this.#read(at);
      const known = value && value.createdAt + RETENTION_MS > clock.now() ? value : null;
      if (known && known.fingerprint !== fingerprint) throw new IdempotencyMismatchError(key);
      if (known?.complete) return await call.replay(known);
      if (known && !await this.#isCutOff(key, at, versionstamp)) continue;
      try {
        const guard = { key: at, versionstamp };
        return await call.store({ guard, fingerprint, resumed: known && resumedFrom(known) });
      } catch (error) {
        // If another process was first with this key, its answer is the answer.
        if (!(error instanceof ConflictError)) throw error;
        if ((await this.#read(at)).versionstamp === versionstamp) throw error;
      }
    }
  }

  /**
   * A call of several commits writes its key with each of them. If the key stands still, the call was cut off
   * and may be resumed.
   *
   * @returns false if the call has been completed meanwhile.
   * @throws {ConflictError} if a process works on it.
   */
  async #isCutOff(key: string, at: Deno.KvKey, versionstamp: string | null): Promise<boolean> {
    const { clock } = this.store;
    const until = clock.monotonic() + CUT_OFF_AFTER_MS;
    while (clock.monotonic() < until) {
      await sleep(clock, CUT_OFF_AFTER_MS / 20);
      const now = await this.#read(at);
      if (now.versionstamp === versionstamp) continue;
      if (now.value?.complete) return false;
      throw keyUnderWay(key);
    }
    return true;
  }

  #read(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<IdempotencyRecord>> {
    return this.store.kv.get<IdempotencyRecord>(key);
  }
}

function resumedFrom({ root, groupId, stored = 0, createdAt }: IdempotencyRecord): KeyClaim["resumed"] {
  return { root, groupId, stored, createdAt };
}

function keyUnderWay(key: string): ConflictError {
  return underWay(`the idempotency key "${key}"`, "/header/idempotency-key");
}

export function idempotencyWrite({ guard: { key } }: KeyClaim, record: IdempotencyRecord): Write {
  return { key, value: record, expireAt: record.createdAt + RETENTION_MS };
}

/**
 * The version of the key, if this try of the call still has it.
 *
 * @throws {ConflictError} if another one has resumed the call.
 */
export async function requireClaim(
  { kv }: Store,
  { guard: { key } }: KeyClaim,
  by: string,
): Promise<Deno.AtomicCheck> {
  const { value, versionstamp } = await kv.get<IdempotencyRecord>(key);
  if (value?.by !== by) throw new ConflictError("another call with this idempotency key took it up");
  return { key, versionstamp };
}
