// API keys for tests: their secrets, and what the service knows of them.

import { type ApiKey, hashOf, type Scope } from "../../auth/api_keys.ts";

export interface Caller {
  key: ApiKey;
  /** To be sent with a call. */
  headers: Record<string, string>;
  secret: string;
}

let made = 0;

export function aKey(scopes: readonly Scope[], name: string = scopes.join("-")): Caller {
  const secret = `errand_secret-of-${name}-${++made}`;
  const key = { name, scopes: new Set(scopes), hash: hashOf(secret) };
  return { key, secret, headers: { authorization: `Bearer ${secret}` } };
}
