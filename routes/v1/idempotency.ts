// The Idempotency-Key header: a repeat of a call under the same key gets the first answer again.

import type { Context } from "hono";
import { ValidationError } from "../../runtime/core/errors.ts";
import type { Idempotency, Submitted } from "../../runtime/mod.ts";
import { callerOf } from "../access/guard.ts";

const LONGEST_KEY = 255;

/** The key with a fingerprint of the call: its path and its exact body. */
export async function idempotencyOf(c: Context, body: string): Promise<Idempotency | undefined> {
  const header = c.req.header("idempotency-key");
  if (header === undefined) return undefined;
  // The IETF draft wants a quoted string; a bare one is accepted too.
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (key.length < 1 || key.length > LONGEST_KEY) {
    const message = `must have 1 to ${LONGEST_KEY} characters (got ${key.length})`;
    throw new ValidationError([{ pointer: "/header/idempotency-key", message }]);
  }
  const call = new TextEncoder().encode(`${c.req.path}\n${body}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", call));
  const fingerprint = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // Callers do not share keys. The name of an API key contains no slash.
  const { name } = callerOf(c);
  return { key: name === null ? key : `${name}/${key}`, fingerprint };
}

/** What the tasks of an answer have before: the call, or some of the tasks. */
export function beforeHeaders(
  { replayed, deduplicated }: Pick<Submitted, "replayed" | "deduplicated">,
): Record<string, string> {
  return {
    ...(replayed ? { "idempotency-replayed": "true" } : {}),
    ...(deduplicated > 0 ? { "errand-deduplicated": "true" } : {}),
  };
}
