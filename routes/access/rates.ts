// So many requests a second of one caller. The headers are those of the draft of the IETF (RateLimit header
// fields): what is allowed, how many are left, and in how many seconds all of them are.

import type { Context } from "hono";
import type { HeldKey } from "../../auth/key_ring.ts";
import type { Rate } from "../../runtime/core/rate.ts";
import type { Clock } from "../../runtime/mod.ts";
import { labelOf, type Usage } from "../../runtime/core/usage.ts";
import type { Problem } from "../http/problem.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** For the answer to a caller with such a limit. */
    rates?: Record<string, string>;
  }
}

/** Counts the call. Null if it may come now. */
export function refusalOfRate(c: Context, { usages }: HeldKey, clock: Clock): Problem | null {
  if (usages.every(({ rate }) => rate === null)) return null;
  const now = clock.monotonic();
  const limited = usages.filter(({ rate }) => rate !== null) as (Usage & { rate: Rate })[];
  const waitMs = Math.max(...limited.map(({ rate }) => rate.waitMs(now)));
  if (waitMs > 0) return tooFast(limited, waitMs, now);
  for (const { rate } of limited) rate.take(now);
  c.set("rates", headersOf(limited, now));
  return null;
}

/** The answer tells what its caller has left. */
export function withRates(c: Context, next: () => Promise<void>): Promise<void> {
  const rates = c.get("rates");
  return rates === undefined ? next() : next().then(() => {
    for (const [name, value] of Object.entries(rates)) c.res.headers.set(name, value);
  });
}

function headersOf(limited: (Usage & { rate: Rate })[], now: number): Record<string, string> {
  const policies = limited.map(({ of, rate }) => `"${of.kind}";q=${rate.perSecond};w=1`);
  const states = limited.map(({ of, rate }) => {
    return `"${of.kind}";r=${rate.left(now)};t=${secondsOf(rate.fullInMs(now))}`;
  });
  return { "ratelimit-policy": policies.join(", "), ratelimit: states.join(", ") };
}

function tooFast(limited: (Usage & { rate: Rate })[], waitMs: number, now: number): Problem {
  const { of, rate } = limited.find(({ rate }) => rate.waitMs(now) === waitMs)!;
  return {
    status: 429,
    slug: "rate-limited",
    title: "Too many requests",
    detail: `${labelOf(of)} may send ${rate.perSecond} requests a second here, and has (GET /v1/usage)`,
    headers: { "retry-after": String(secondsOf(waitMs)), ...headersOf(limited, now) },
  };
}

function secondsOf(ms: number): number {
  return Math.ceil(ms / 1_000);
}
