// After a change of the rules: each limit that there is gets the rule that is in force for it now. A limit
// that comes to be at the same time finds the new rules itself, since its commit checks them.

import { keys, limitRulesSubject, parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import type { LimitCounter } from "../store/limit_counters.ts";
import { ruleFor, type RuleInForce } from "../store/limit_rules.ts";
import type { Store } from "../store/store.ts";

const LIMITS_PER_READ = 200;

/**
 * @param outboxVersion the version of the outbox entry that asked for it
 * @returns false if something has changed meanwhile.
 */
export async function applyRules(
  store: Store,
  tenant: string,
  outboxVersion: string,
  isStopping: () => boolean,
): Promise<boolean> {
  const { rules, check } = await store.limits.rules.read(tenant);
  const selector = { prefix: prefixes.limits(tenant) };
  for await (const page of pages<LimitCounter>(store.kv, selector, { size: LIMITS_PER_READ })) {
    if (isStopping()) return false;
    const applied = await Promise.all(page.flatMap(({ key, value }) => {
      const name = parse.limit(key);
      const rule = ruleFor(rules, name);
      if (isSame(rule, value.rule)) return [];
      const limitSteps = [{ name, held: 0, waiting: 0, rule }];
      return [store.commit("submit", [], { checks: [check], limitSteps })];
    }));
    if (applied.includes(null)) return false;
  }
  const key = keys.outbox(limitRulesSubject(tenant));
  const { kv } = store;
  return (await kv.commit(kv.atomic().check({ key, versionstamp: outboxVersion }, check).delete(key))).ok;
}

function isSame(a: RuleInForce | null, b: RuleInForce | undefined): boolean {
  return a === null ? b === undefined : b !== undefined && a.pattern === b.pattern && a.limit === b.limit;
}
