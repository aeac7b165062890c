// API keys: the name of a caller, its scopes, and the SHA-256 of its secret. Only the caller knows the
// secret.

import { type Scope, SCOPES } from "../runtime/core/caller.ts";
import { sha256 } from "../runtime/core/sha256.ts";

export { type Scope, SCOPES };

export interface ApiKey {
  name: string;
  scopes: ReadonlySet<Scope>;
  /** SHA-256 of the secret. */
  hash: Uint8Array;
}

/** Shorter than a secret, so that a secret in the wrong place is never shown as a name. */
const NAME = /^[\w.-]{1,40}$/;
export const NAME_RULE = "must have 1 to 40 letters, digits, _ . or -";
export const SCOPES_RULE = `must be some of ${SCOPES.join(", ")}, with + between them`;

export function hashOf(secret: string): Uint8Array {
  return sha256().update(secret).digest();
}

/** In hex digits: what every call with a key pays. */
export function hexHashOf(secret: string): string {
  return sha256().update(secret).digest("hex");
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const SECRET_BYTES = 32;

/** 256 random bits, so that a hash of them tells nothing. */
export function drawSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `errand_${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

export const TENANT = /^[a-z0-9][a-z0-9_-]{0,23}$/;
export const TENANT_RULE = "must have 1 to 24 of a-z, 0-9, _ and -, the first a letter or digit";
export const PATTERN = /^(task|queue):[\w.-]{0,100}\*?$/;
export const PATTERN_RULE = "must be task: or queue: and a name, with * at its end for all that begin so";

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** What is wrong with a key as a whole. */
export function faultOfKey(
  { scopes, patterns }: { scopes: readonly Scope[]; patterns: readonly string[] },
): { pointer: string; message: string } | null {
  if (patterns.length === 0 || !scopes.includes("admin")) return null;
  return { pointer: "/patterns", message: "must be left out of a key with admin, which may do everything" };
}

/** The words of a text like `submit+read` that are not scopes. */
export function noScopes(text: string): string[] {
  return text.split("+").filter((word) => !SCOPES.includes(word as Scope));
}

/**
 * Reads `name:scope+scope:sha256` entries, separated by commas or white space. A fault names the entry by
 * its number and name, and does not repeat the value, which may be a secret in the wrong place.
 */
export function parseApiKeys(text: string): { keys: ApiKey[]; faults: string[] } {
  const keys: ApiKey[] = [];
  const faults: string[] = [];
  text.split(/[\s,]+/).filter((entry) => entry !== "").forEach((entry, i) => {
    const key = parseEntry(entry, `entry ${i + 1}`, keys);
    if (typeof key === "string") faults.push(key);
    else keys.push(key);
  });
  return { keys, faults };
}

function parseEntry(entry: string, number: string, others: ApiKey[]): ApiKey | string {
  const parts = entry.split(":");
  if (parts.length !== 3) {
    return `${number} must be name:scope+scope:sha256, with three parts; it has ${parts.length}`;
  }
  const [name, scopes, hex] = parts;
  if (!isName(name)) return `${number}: its name ${NAME_RULE}; it is ${shown(name)}`;
  const which = `${number} (${name})`;
  const [wrong] = noScopes(scopes);
  if (wrong !== undefined) return `${which}: its scopes ${SCOPES_RULE}; one is ${shown(wrong)}`;
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    const what = hex.length === 64 ? "64 characters that are not all hex digits" : `${hex.length} characters`;
    return `${which}: its last part must be the SHA-256 of the secret, 64 hex digits; it is ${what}`;
  }
  const key: ApiKey = {
    name,
    scopes: new Set(scopes.split("+") as Scope[]),
    hash: Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16)),
  };
  if (others.some(({ hash }) => hexOf(hash) === hexOf(key.hash))) {
    return `${which}: its SHA-256 must be its own; another entry has the same`;
  }
  const twin = others.find((other) => other.name === name);
  if (twin && twin.scopes.symmetricDifference(key.scopes).size > 0) {
    const had = [...twin.scopes].join("+");
    return `${which}: its scopes must be those of the entry before with this name, ${had}; they are ${scopes}`;
  }
  return key;
}

function shown(part: string): string {
  return /^[a-z]{1,12}$/i.test(part) ? `"${part}"` : `${part.length} characters`;
}
