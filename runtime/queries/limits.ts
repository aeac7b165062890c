// Which limits are in use, and how far.

import { BEHIND_IMPOSED } from "../core/imposed_limits.ts";
import { limitName, limitOf } from "../core/limits.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { rulesFor } from "../store/limit_rules.ts";
import { type LimitCounter, mostOf, rateOf } from "../store/limit_tally.ts";
import type { Rate } from "../core/rate_limit.ts";
import type { Store } from "../store/store.ts";

/** A limit as it is now. */
export interface LimitStatus {
  key: string;
  /** Tasks that have a slot: they run, or wait for a worker. */
  running: number;
  /** Tasks that wait for a slot of it. */
  waiting: number;
  /** At most so many have a slot. Null: nothing says how many. */
  concurrency: number | null;
  /** The pattern of the rule that says so; null where the last submit did, or nobody. */
  concurrencyRule: string | null;
  rateLimit: Rate | null;
  rateLimitRule: string | null;
  /** When a start of one unit is due; null where it is due now, or nothing limits the rate. */
  nextStartAt: number | null;
}

const UNUSED: LimitCounter = { held: 0, waiting: 0 };

export async function limitStatus(store: Store, tenant: string, key: string): Promise<LimitStatus> {
  const name = limitName(key, tenant);
  const { value } = await store.kv.get<LimitCounter>(keys.limit(name));
  const counter = value ?? { ...UNUSED, ...rulesFor((await store.limits.rules.read(tenant)).rules, name) };
  return statusOf(name, counter, store.clock.now());
}

/** Those that are in use or were in the last hour, in the order of their keys, behind one of them. */
export async function limitsInUse(
  store: Store,
  tenant: string,
  { behind, limit }: { behind?: string; limit: number },
): Promise<LimitStatus[]> {
  const start = prefixes.limitsBehind(tenant, behind ?? BEHIND_IMPOSED);
  const selector = { prefix: prefixes.limits(tenant), start };
  const page = await store.kv.list<LimitCounter>(selector, { limit });
  const now = store.clock.now();
  return page.map((entry) => statusOf(parse.limit(entry.key), entry.value, now));
}

function statusOf(name: string, counter: LimitCounter, now: number): LimitStatus {
  const rate = rateOf(counter);
  const { held, waiting, rule, rateRule, arrivalTime = 0 } = counter;
  const nextStartAt = rate ? arrivalTime - (rate.burst - 1) * (rate.periodMs / rate.limit) : 0;
  return {
    key: limitOf(name).key,
    running: held,
    waiting,
    concurrency: mostOf(counter),
    concurrencyRule: rule?.pattern ?? null,
    rateLimit: rate && { limit: rate.limit, periodMs: rate.periodMs, burst: rate.burst },
    rateLimitRule: rateRule?.pattern ?? null,
    nextStartAt: nextStartAt > now ? Math.ceil(nextStartAt) : null,
  };
}
