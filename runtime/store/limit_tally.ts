// The counters of the limits that one commit concerns, as the commit changes them.

import { isImposed } from "../core/imposed_limits.ts";
import { limitName, limitOf } from "../core/limits.ts";
import { type ArrivalTime, type Rate, reserve } from "../core/rate_limit.ts";
import type { TaskRecord } from "../core/task.ts";
import type { TaskLimit, TaskRate } from "../core/limit_terms.ts";
import { tenantOf } from "../core/tenant.ts";
import { keys } from "../platform/keys.ts";
import { limitSubject } from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import { outboxWrite } from "./dependency_counters.ts";
import { type LimitRules, rulesFor, type RulesInForce } from "./limit_rules.ts";
import type { Known } from "./version_cache.ts";

/** What is stored of a limit. */
export interface LimitCounter extends RulesInForce {
  held: number;
  waiting: number;
  /** What the last submit has said of it. A rule outranks it. */
  said?: number;
  saidRate?: Rate;
  arrivalTime?: ArrivalTime;
}

/** A change of a record gives back slots, or ends a wait for one. */
export interface LimitStep {
  name: string;
  held: number;
  waiting: number;
  /** The rules that are in force from now on. Left out: they stay as they are. */
  rules?: RulesInForce;
  /** All who wait for a place in its rate ask for one anew. */
  forgetRate?: boolean;
}

/** A limit that nobody has used for so long has no key. */
const UNUSED_KEPT_MS = 60 * 60 * 1000;
const UNUSED: LimitCounter = { held: 0, waiting: 0 };

/** How many may run at once; null where nothing limits them. */
export function mostOf({ rule, said }: LimitCounter): number | null {
  return rule ? rule.limit : said ?? null;
}

export function rateOf({ rateRule, saidRate }: LimitCounter): Rate | null {
  return rateRule ?? saidRate ?? null;
}

export function hasRoom(counter: LimitCounter): boolean {
  const most = mostOf(counter);
  return most === null || counter.held < most;
}

export class LimitTally {
  #counters = new Map<string, LimitCounter>();
  /** These are copies of its own. */
  #changed = new Set<string>();
  /** The rules of these were given: they are written also where nobody uses them. */
  readonly #ruled = new Set<string>();
  readonly #ruleChecks: Deno.AtomicCheck[] = [];

  constructor(
    private readonly names: readonly string[],
    private readonly known: ReadonlyMap<string, Known<LimitCounter>>,
    private readonly now: number,
  ) {
    for (const name of names) this.#counters.set(name, known.get(name)?.value ?? UNUSED);
  }

  /** A limit that is used for the first time asks the rules. */
  async learn(rules: LimitRules): Promise<void> {
    // What holds for a queue or a definition stands in its counter for as long as it does.
    const unused = this.names.filter((name) => !this.known.has(name) && !isImposed(limitOf(name).key));
    for (const [tenant, names] of Map.groupBy(unused, (name) => limitOf(name).tenant)) {
      const book = await rules.known(tenant);
      this.#ruleChecks.push(book.check);
      for (const name of names) this.#counters.set(name, { ...UNUSED, ...rulesFor(book.rules, name) });
    }
  }

  /** @returns what takes back the steps that follow */
  mark(): () => void {
    const changed = new Set(this.#changed);
    const counters = new Map(this.#counters);
    for (const name of changed) counters.set(name, { ...this.of(name) });
    return () => [this.#counters, this.#changed] = [counters, changed];
  }

  /** How many of those who wait there is room for. */
  roomFor(name: string): number {
    const counter = this.of(name);
    if (!hasRoom(counter)) return 0;
    return Math.min(counter.waiting, (mostOf(counter) ?? Infinity) - counter.held);
  }

  of(name: string): LimitCounter {
    return this.#counters.get(name)!;
  }

  /** What a task says of its limits: the last word counts, also for the others of the commit. */
  hear({ id, limits = [], rates = [] }: TaskRecord): void {
    const tenant = tenantOf(id);
    for (const { key, limit } of limits) this.#hearLimit(limitName(key, tenant), limit);
    for (const rate of rates) this.#hearRate(limitName(rate.key, tenant), rate);
  }

  #hearLimit(name: string, limit: TaskLimit["limit"]): void {
    const counter = this.#counters.get(name);
    if (!counter || limit === undefined || counter.said === limit) return;
    this.#own(name).said = limit;
  }

  #hearRate(name: string, { limit, periodMs, burst = 1 }: TaskRate): void {
    const counter = this.#counters.get(name);
    if (!counter || limit === undefined || periodMs === undefined) return;
    const { saidRate } = counter;
    if (saidRate?.limit === limit && saidRate.periodMs === periodMs && saidRate.burst === burst) return;
    this.#own(name).saidRate = { limit, periodMs, burst };
  }

  step({ name, held, waiting, rules, forgetRate }: LimitStep): void {
    const counter = this.#own(name);
    counter.held = Math.max(0, counter.held + held);
    counter.waiting = Math.max(0, counter.waiting + waiting);
    if (rules !== undefined) {
      Object.assign(counter, { rule: undefined, rateRule: undefined }, rules);
      this.#ruled.add(name);
    }
    if (forgetRate) counter.arrivalTime = undefined;
  }

  /** Null where no rate limits it. */
  reserve(name: string, units: number): number | null {
    const counter = this.of(name);
    const rate = rateOf(counter);
    if (rate === null) return null;
    const { arrivalTime, startAt } = reserve(counter.arrivalTime ?? 0, rate, units, this.now);
    this.#own(name).arrivalTime = arrivalTime;
    return startAt;
  }

  /** A counter that may be changed: what is known is not. */
  #own(name: string): LimitCounter {
    if (this.#changed.has(name)) return this.of(name);
    const own = { ...this.of(name) };
    this.#counters.set(name, own);
    this.#changed.add(name);
    return own;
  }

  checks(): Deno.AtomicCheck[] {
    const checks = this.names.map((name) => {
      return { key: keys.limit(name), versionstamp: this.known.get(name)?.versionstamp ?? null };
    });
    return [...checks, ...this.#ruleChecks];
  }

  writes(): Write[] {
    for (const name of this.#changed) if (this.#isAsBefore(name)) this.#changed.delete(name);
    return [...this.#changed].flatMap((name) => this.#writesOf(name, this.of(name)));
  }

  /** All that the commit gave it has taken back. */
  #isAsBefore(name: string): boolean {
    if (this.#ruled.has(name)) return false;
    const { held, waiting, said, saidRate, rule, rateRule, arrivalTime } = this.of(name);
    const before = this.known.get(name)?.value ?? UNUSED;
    const isUnknown = !this.known.has(name);
    return held === before.held && waiting === before.waiting && !(waiting > 0) &&
      arrivalTime === before.arrivalTime && rateRule === before.rateRule && saidRate === before.saidRate &&
      (isUnknown ? held === 0 : said === before.said && rule === before.rule);
  }

  /** Also an outbox entry, where somebody waits and there is room: whatever has made the room. */
  #writesOf(name: string, counter: LimitCounter): Write[] {
    const isNeeded = counter.held + counter.waiting > 0 || counter.rule && isImposed(limitOf(name).key);
    const expireAt = !isNeeded ? Math.max(this.now, counter.arrivalTime ?? 0) + UNUSED_KEPT_MS : null;
    const writes: Write[] = [{ key: keys.limit(name), value: counter, expireAt }];
    if (counter.waiting > 0 && hasRoom(counter)) writes.push(outboxWrite(limitSubject(name)));
    return writes;
  }

  changed(): [name: string, counter: LimitCounter][] {
    return [...this.#changed].map((name) => [name, this.of(name)]);
  }
}
