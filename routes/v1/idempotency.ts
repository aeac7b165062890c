// Idempotency-Key: the same call again gets the first answer again.

import type { Context } from "hono";
import { ValidationError } from "../../runtime/core/errors.ts";
import type { Idempotency } from "../../runtime/mod.ts";
import { callerOf } from "../access/guard.ts";

const LONGEST_KEY = 255;

/** The key with a fingerprint of the call: its path and its exact body. */
export async function idempotencyOf(c: Context, body: string): Promise<Idempotency | undefined> {
  const header = c.req.header("idempotency-key");
  if (header === undefined) return undefined;
  // The draft's form is a quoted string; a bare one is taken too.
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (key.length < 1 || key.length > LONGEST_KEY) {
    const message = `must have 1 to ${LONGEST_KEY} characters (got ${key.length})`;
    throw new ValidationError([{ pointer: "/header/idempotency-key", message }]);
  }
  const call = new TextEncoder().encode(`${c.req.path}\n${body}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", call));
  const fingerprint = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // A key is its caller's own: no name has a slash in it.
  const caller = callerOf(c);
  return { key: caller === undefined ? key : `${caller}/${key}`, fingerprint };
}

export function replayHeader(replayed: boolean): Record<string, string> {
  return replayed ? { "idempotency-replayed": "true" } : {};
}
