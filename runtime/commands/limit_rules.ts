// What operators say of limits by key: rules with patterns. They act at once on what waits.

import type { Caller } from "../core/caller.ts";
import { ConflictError } from "../core/errors.ts";
import { utf8Bytes } from "../core/json.ts";
import type { Rate } from "../core/rate_limit.ts";
import { keys } from "../platform/keys.ts";
import { limitRulesSubject } from "../platform/outbox_subject.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import type { LimitRule } from "../store/limit_rules.ts";
import type { Store } from "../store/store.ts";

/** What a rule says; what is left out it leaves to the submits. */
export interface RuleSaid {
  concurrency?: number;
  rateLimit?: Omit<Rate, "burst"> & { burst?: number };
  note?: string;
}

/** All rules of a tenant stand in one value, which has 64 KiB at most. */
const MOST_BYTES = 60_000;

/**
 * Sets a rule in place of the one with this pattern.
 *
 * @returns the rule, and whether there was none
 * @throws {ConflictError} if the tenant's rules would be too many
 */
export async function setLimitRule(
  store: Store,
  caller: Caller,
  pattern: string,
  { concurrency, rateLimit, note }: RuleSaid,
): Promise<{ rule: LimitRule; isNew: boolean }> {
  const rule: LimitRule = {
    pattern,
    concurrency: concurrency ?? null,
    rateLimit: rateLimit ? { burst: 1, ...rateLimit } : null,
    note: note ?? null,
    changedAt: store.clock.now(),
    changedBy: caller.name,
  };
  const before = await change(store, caller.tenant, pattern, rule);
  return { rule, isNew: before === null };
}

/** @returns false if there is no rule with this pattern. */
export async function removeLimitRule(store: Store, caller: Caller, pattern: string): Promise<boolean> {
  return await change(store, caller.tenant, pattern, null) !== null;
}

/** Of a tenant, in the order of their patterns. */
export async function limitRules(store: Store, tenant: string): Promise<LimitRule[]> {
  return (await store.limits.rules.read(tenant)).rules;
}

/** @returns the rule with this pattern as it was; null if there was none */
async function change(
  store: Store,
  tenant: string,
  pattern: string,
  rule: LimitRule | null,
): Promise<LimitRule | null> {
  for (;;) {
    const { rules, check } = await store.limits.rules.read(tenant);
    const before = rules.find((one) => one.pattern === pattern) ?? null;
    if (before === null && rule === null) return null;
    const others = rules.filter((one) => one !== before);
    const next = rule ? [...others, rule].sort((a, b) => a.pattern < b.pattern ? -1 : 1) : others;
    if (utf8Bytes(JSON.stringify(next)) > MOST_BYTES) {
      throw new ConflictError(
        `the rules would take more than ${MOST_BYTES} bytes: remove some, or shorten notes`,
      );
    }
    const writes = [
      { key: keys.limitRules(tenant), value: next, expireAt: null },
      outboxWrite(limitRulesSubject(tenant)),
    ];
    const applied = await store.commit("outbox", [], { checks: [check], writes });
    // What this process knows of the rules is out of date in either case.
    store.limits.distrust();
    if (applied) return before;
  }
}
