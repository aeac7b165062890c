// Where calls come from, and those of which too many show keys that are none.

import type { Context } from "hono";
import type { FailedAttempts } from "../../auth/failed_attempts.ts";
import type { TrustedProxies } from "../../auth/trusted_proxies.ts";
import type { Arrival } from "../http/prefix.ts";
import type { Problem } from "../http/problem.ts";
import { sessionIn } from "./session.ts";

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

interface Refusal {
  /** As found, or to wait. */
  told: Problem;
  /** Its source was told to wait before. */
  isAgain: boolean;
}

/** What a call is told that has shown no right key. */
export function afterFailure(c: Context, found: Problem, { proxies, attempts }: Sources): Refusal {
  const asFound = { told: found, isAgain: false };
  if (found.status !== 401) return asFound;
  // Whoever shows nothing guesses nothing.
  const shown = c.req.header("authorization") ?? c.req.query("ticket") ?? sessionIn(c);
  if (shown === undefined) return asFound;
  const source = sourceOf(c, proxies);
  if (source === null) return asFound;
  const { waitMs, isAgain } = attempts.add(source);
  if (waitMs === 0) return asFound;
  const told = {
    status: 429,
    slug: "rate-limited",
    title: "Too many wrong keys",
    detail: `${found.detail}; too many wrong ones came from ${source}, which should wait`,
    headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) },
  } as const;
  return { told, isAgain };
}
