// After a change of the rules: each limit that there is gets those that are in force for it now. A limit that
// comes to be at the same time finds the new rules itself, since its commit checks them.

import { isImposed } from "../core/imposed_limits.ts";
import { limitName, limitOf } from "../core/limits.ts";
import { type Entry, isForgotten, type TaskRecord } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import { admittedToLimit } from "../core/transitions.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { limitRulesSubject } from "../platform/outbox_subject.ts";
import { pages } from "../platform/paging.ts";
import { rulesFor, type RulesInForce } from "../store/limit_rules.ts";
import type { LimitCounter } from "../store/limit_tally.ts";
import type { Store } from "../store/store.ts";

const LIMITS_PER_READ = 200;
const TASKS_PER_READ = 500;

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
  const { kv } = store;
  const { rules, check } = await store.limits.rules.read(tenant);
  const selector = { prefix: prefixes.limits(tenant) };
  for await (const page of pages<LimitCounter>(kv, selector, { size: LIMITS_PER_READ })) {
    if (isStopping()) return false;
    const paced = new Set<string>();
    const applied = await Promise.all(page.flatMap(({ key, value }) => {
      const name = parse.limit(key);
      // What holds for a queue or a definition no pattern names.
      if (isImposed(limitOf(name).key)) return [];
      const inForce = rulesFor(rules, name);
      const isPaced = !isSame(inForce.rateRule, value.rateRule);
      if (!isPaced && isSame(inForce.rule, value.rule)) return [];
      if (isPaced) paced.add(name);
      const step = { name, held: 0, waiting: 0, rules: inForce, forgetRate: isPaced };
      return [store.commit("submit", [], { checks: [check], limitSteps: [step] })];
    }));
    if (applied.includes(null)) return false;
    if (paced.size > 0) await reserveAnew(store, paced, isStopping);
  }
  const key = keys.outbox(limitRulesSubject(tenant));
  return (await kv.commit(kv.atomic().check({ key, versionstamp: outboxVersion }, check).delete(key))).ok;
}

/** Those that wait for a place in one of these rates ask for one again, in the order of their places. */
async function reserveAnew(
  store: Store,
  paced: ReadonlySet<string>,
  isStopping: () => boolean,
): Promise<void> {
  const selector = { prefix: prefixes.due("rate") };
  for await (const page of pages(store.kv, selector, { size: TASKS_PER_READ })) {
    if (isStopping()) return;
    const entries = await store.readMany(page.map(({ key }) => parse.due(key).id));
    const waiting = entries.filter((entry): entry is Entry => {
      return entry !== null && !isForgotten(entry.record) && waitsFor(entry.record, paced);
    });
    // One that has moved on meanwhile waits no more.
    await Promise.all(waiting.map((entry) => {
      return store.commit("submit", [{
        before: entry,
        next: { ...admittedToLimit(entry.record, store.clock.now()), wentBack: true },
      }]);
    }));
  }
}

function waitsFor({ id, rateAt, rates = [] }: TaskRecord, paced: ReadonlySet<string>): boolean {
  return rateAt !== undefined && rates.some(({ key }) => paced.has(limitName(key, tenantOf(id))));
}

type Rule = RulesInForce[keyof RulesInForce];

function isSame(a: Rule, b: Rule): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
