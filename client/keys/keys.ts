// API keys of the service's database.

import type { SignalOptions } from "../canvas/options.ts";
import type { Expected } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import type { Call } from "../transport/http.ts";

export type Scope = "submit" | "read" | "cancel" | "complete" | "work" | "operate" | "admin";

export interface Key {
  /** Null for a key of the service's environment. */
  id: string | null;
  name: string;
  scopes: Scope[];
  /** Null for the default tenant. */
  tenant: string | null;
  patterns: string[];
  source: "database" | "environment";
  /** ISO 8601, as the others. */
  createdAt: string | null;
  createdBy: string | null;
  rotatedAt: string | null;
  expiresAt: string | null;
  /** By the hour. */
  lastUsedAt: string | null;
}

/** A key with its secret, which is told this once. */
export interface MadeKey extends Key {
  id: string;
  secret: string;
}

export interface NewKey {
  /** Who will use it. */
  name: string;
  scopes: readonly Scope[];
  /** It knows this tenant's tasks alone. Default: the tenant of the key that makes it. */
  tenant?: string;
  /** Of these tasks alone: `task:resize*`, `queue:gpu`. Default: all. */
  patterns?: readonly string[];
  /** Default: never. */
  expiresAt?: Date | string;
}

const KEYS: Expected = {
  what: "the keys",
  is: (body) => Array.isArray((body as { keys?: unknown } | null)?.keys),
};
const A_MADE_KEY: Expected = {
  what: "a key and its secret",
  is: (body) => typeof (body as { secret?: unknown } | null)?.secret === "string",
};

/** `errand.keys`. All of it needs a key with the scope `admin`. */
export class Keys {
  constructor(private readonly connection: Connection) {}

  /** Without their secrets. */
  async list({ signal }: SignalOptions = {}): Promise<Key[]> {
    return (await this.#call("GET", "", { expects: KEYS, signal })).keys;
  }

  /**
   * @throws {ConflictError} if a key of this name is there
   * @throws {ValidationError}
   */
  async make({ expiresAt, ...key }: NewKey, { signal }: SignalOptions = {}): Promise<MadeKey> {
    const until = expiresAt instanceof Date ? expiresAt.toISOString() : expiresAt;
    return await this.#secret("", { ...key, expiresAt: until }, signal);
  }

  /** Gives it a new secret. The former one is good for `graceSeconds` more (0). */
  async rotate(
    id: string,
    { graceSeconds, signal }: SignalOptions & { graceSeconds?: number } = {},
  ): Promise<MadeKey> {
    return await this.#secret(`/${encodeURIComponent(id)}/rotate`, { graceSeconds }, signal);
  }

  /** A second later it opens nothing. */
  async revoke(id: string, { signal }: SignalOptions = {}): Promise<void> {
    await this.#call("DELETE", `/${encodeURIComponent(id)}`, { expects: null, signal });
  }

  /** Not tried again: if the answer was lost, so is the secret, and a second one would hide that. */
  async #secret(path: string, body: unknown, signal?: AbortSignal): Promise<MadeKey> {
    return await this.#call("POST", path, { body, expects: A_MADE_KEY, signal, tryForMs: 0 });
  }

  async #call(method: Call["method"], path: string, rest: Omit<Call, "method" | "path">) {
    const call: Call = { method, path: `/v1/keys${path}`, ...rest };
    return (await this.connection.http.call(call)).body;
  }
}
