// Where calls come from, and those of which too many show keys that are none.

import type { Context } from "hono";
import type { FailedAttempts } from "../../auth/failed_attempts.ts";
import type { TrustedProxies } from "../../auth/trusted_proxies.ts";
import type { Arrival } from "../http/prefix.ts";
import type { Problem } from "../http/problem.ts";

export interface Sources {
  /** Null where nobody stands between the service and its callers, or is not believed. */
  proxies: TrustedProxies | null;
  attempts: FailedAttempts;
}

/** The address of the caller; null where the service does not itself listen. */
export function sourceOf(c: Context, proxies: TrustedProxies | null): string | null {
  const peer = (c.env as Arrival | undefined)?.connection?.address;
  if (peer === undefined) return null;
  return proxies === null ? peer : proxies.addressOf(peer, c.req.header("x-forwarded-for"));
}

/** What a call is told that has shown no right key: as found, or to wait. */
export function afterFailure(c: Context, found: Problem, { proxies, attempts }: Sources): Problem {
  if (found.status !== 401) return found;
  // Whoever shows nothing guesses nothing.
  if (c.req.header("authorization") === undefined && c.req.query("ticket") === undefined) return found;
  const source = sourceOf(c, proxies);
  const waitMs = source === null ? 0 : attempts.add(source);
  if (waitMs === 0) return found;
  return {
    status: 429,
    slug: "rate-limited",
    title: "Too many wrong keys",
    detail: `${found.detail}; too many wrong ones came from ${source}, which should wait`,
    headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) },
  };
}
