// API keys in the database: made, listed, given a new secret, revoked. The secrets themselves are nowhere.
// Each change also changes one entry, by which every process notices (key_ring.ts).

import { ConflictError, UnavailableError } from "../runtime/core/errors.ts";
import { type Clock, type KvPort, serviceKeys } from "../runtime/mod.ts";
import { drawSecret, hashOf, hexOf, type Scope } from "./api_keys.ts";

export interface KeyRecord {
  id: string;
  name: string;
  scopes: Scope[];
  /** Left out: the default tenant. */
  tenant?: string;
  /** Left out: none. */
  patterns?: string[];
  /** SHA-256 of the secret, in hex digits. */
  hash: string;
  /** The secret before, while it is still good. */
  former?: { hash: string; until: number };
  createdAt: number;
  /** The name of the key that made it; null for this machine. */
  createdBy: string | null;
  rotatedAt?: number;
  /** Null: never. */
  expiresAt: number | null;
}

export type NewKey = Pick<KeyRecord, "name" | "scopes" | "tenant" | "patterns" | "createdBy" | "expiresAt">;

/** What was made, with its secret: it is told this once. */
export interface MadeKey {
  record: KeyRecord;
  secret: string;
}

/** All keys, of which one change has left them so. */
export interface KeyList {
  /** Null: no key was ever made. */
  version: string | null;
  records: KeyRecord[];
}

/** There is no such key, or it is another tenant's. */
export class NoSuchKeyError extends Error {
  override name = "NoSuchKeyError";
  constructor(which: string) {
    super(`no API key is ${which}`);
  }
}

const MOST_KEYS = 1_000;
/** An expired key is listed for so long. */
const EXPIRED_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export class KeyStore {
  constructor(private readonly kv: KvPort, private readonly clock: Clock) {}

  /** Read before the keys: whoever knows it, and finds it the same later, has missed nothing. */
  async version(): Promise<string | null> {
    return (await this.kv.get(serviceKeys.apiKeysVersion)).versionstamp;
  }

  async list(): Promise<KeyList> {
    const version = await this.version();
    if (version === null) return { version, records: [] };
    const found = await this.kv.list<KeyRecord>({ prefix: serviceKeys.apiKeys }, { limit: 2 * MOST_KEYS });
    return { version, records: found.map(({ value }) => value) };
  }

  /** @throws {ConflictError} if the tenant has a key of this name, or there are too many keys */
  async make(wanted: NewKey): Promise<MadeKey> {
    const secret = drawSecret();
    const record: KeyRecord = {
      ...wanted,
      id: crypto.randomUUID(),
      hash: hexOf(hashOf(secret)),
      createdAt: this.clock.now(),
    };
    await this.#change((records) => {
      const twin = records.find((other) => isTwin(other, record) && !this.#isExpired(other));
      if (twin) {
        throw new ConflictError(
          `a key of the name "${record.name}" is there already: revoke or rotate it`,
          "/name",
        );
      }
      if (records.length >= MOST_KEYS) {
        throw new ConflictError(
          `there are ${records.length} keys, and at most ${MOST_KEYS} may be: revoke some`,
        );
      }
      return record;
    });
    return { record, secret };
  }

  /**
   * Gives a key another secret. It keeps its name, and so all that is its caller's own.
   *
   * @param graceMs the secret before is good for so long
   * @throws {NoSuchKeyError}
   */
  async rotate(id: string, tenant: string | null, graceMs: number): Promise<MadeKey> {
    const secret = drawSecret();
    const rotatedAt = this.clock.now();
    let record: KeyRecord;
    await this.#change((records) => {
      const { former: _, ...known } = wantedIn(records, id, tenant);
      record = { ...known, hash: hexOf(hashOf(secret)), rotatedAt };
      if (graceMs > 0) record.former = { hash: known.hash, until: rotatedAt + graceMs };
      return record;
    });
    return { record: record!, secret };
  }

  /**
   * @param tenant of which the key must be; null for any
   * @throws {NoSuchKeyError}
   */
  async revoke(id: string, tenant: string | null): Promise<KeyRecord> {
    let record: KeyRecord;
    await this.#change((records) => {
      record = wantedIn(records, id, tenant);
      return { revoked: record.id };
    });
    return record!;
  }

  /** The last hour in which each key was used, by its id. */
  async uses(): Promise<Map<string, number>> {
    const prefix = serviceKeys.apiKeyUses;
    const found = await this.kv.list<{ id: string; at: number }>({ prefix }, { limit: 2 * MOST_KEYS });
    return new Map(found.map(({ value: { id, at } }) => [id, at]));
  }

  async wasUsed(id: string, at: number): Promise<void> {
    await this.kv.writeBlind([{ key: serviceKeys.apiKeyUse(id), value: { id, at } }], at);
  }

  /** @param step may be called again: another process may be first */
  async #change(step: (records: KeyRecord[]) => KeyRecord | { revoked: string }): Promise<void> {
    for (;;) {
      const { version, records } = await this.list();
      const changed = step(records);
      const now = this.clock.now();
      const atomic = this.kv.atomic().check({ key: serviceKeys.apiKeysVersion, versionstamp: version });
      if ("revoked" in changed) {
        atomic.delete(serviceKeys.apiKey(changed.revoked)).delete(serviceKeys.apiKeyUse(changed.revoked));
      } else {
        const expireAt = changed.expiresAt === null ? null : changed.expiresAt + EXPIRED_KEPT_MS;
        this.kv.write(atomic, { key: serviceKeys.apiKey(changed.id), value: changed, expireAt }, now);
      }
      atomic.set(serviceKeys.apiKeysVersion, now);
      const written = await this.kv.commit(atomic).catch((error) => {
        throw new UnavailableError("the database did not answer: look at the list of keys", { cause: error });
      });
      if (written.ok) return;
    }
  }

  #isExpired({ expiresAt }: KeyRecord): boolean {
    return expiresAt !== null && expiresAt <= this.clock.now();
  }
}

function isTwin(one: KeyRecord, other: KeyRecord): boolean {
  return one.name === other.name && (one.tenant ?? "") === (other.tenant ?? "");
}

function wantedIn(records: KeyRecord[], id: string, tenant: string | null): KeyRecord {
  const found = records.find((record) => record.id === id);
  if (found && (tenant === null || tenant === (found.tenant ?? ""))) return found;
  throw new NoSuchKeyError(id);
}

/** For the audit: when the key is gone, its id alone tells nobody anything. */
export function auditNameOf({ id, name, tenant }: KeyRecord): string {
  return tenant === undefined ? `${id} (${name})` : `${id} (${name} of ${tenant})`;
}
