// How many tasks have a slot of a limit, and how many wait for one. A commit that makes tasks ready decides
// which of them get their slots: all that a task needs, or none. Each slot that a commit gives or takes is in
// the record of a task that the same commit writes, so the counters cannot disagree with the records,
// whatever is retried, read back, cancelled, deleted or cut off.

import {
  heldBack,
  heldBy,
  limitName,
  limitOf,
  parked,
  parkedAt,
  wantsSlots,
  withSlots,
} from "../core/limits.ts";
import { isForgotten, type OnFull, type Stored, type TaskLimit, type TaskRecord } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import type { Clock } from "../platform/clock.ts";
import { fullLimitSubject, keys, limitSubject } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { outboxWrite } from "./dependency_counters.ts";
import { parkedEntry } from "./index_entries.ts";
import { LimitRules, ruleFor, type RuleInForce } from "./limit_rules.ts";
import { type Known, type Merged, VersionCache } from "./version_cache.ts";

export interface LimitCounter {
  held: number;
  waiting: number;
  /** What the last submit has said of it. */
  said?: number;
  /** Outranks it. */
  rule?: RuleInForce;
}

/** A change of a record gives back slots, or ends a wait for one. */
export interface LimitStep {
  name: string;
  held: number;
  waiting: number;
  /** The rule that is in force from now on; null for none. Left out: it stays as it is. */
  rule?: RuleInForce | null;
}

/** The parts of a unit that concern limits. */
export interface LimitedUnit {
  changes: { before: { record: Stored } | null; next: Stored }[];
  limitSteps: LimitStep[];
  /** Some of its tasks want slots. */
  wantsSlots: boolean;
}

/** What became of the tasks of a commit that want slots. */
export interface Gate<U> extends Merged {
  /** By id: with their slots, or parked. */
  records: Map<string, TaskRecord>;
  /** Units with a new task that must not wait, and would have to. They are not committed. */
  refused: Set<U>;
}

const KNOWN_KEPT = 10_000;
/** A limit that nobody has used for so long has no key. */
const UNUSED_KEPT_MS = 60 * 60 * 1000;
const UNUSED: LimitCounter = { held: 0, waiting: 0 };

/** How many may run at once; null where nothing limits them. */
export function mostOf({ rule, said }: LimitCounter): number | null {
  return rule ? rule.limit : said ?? null;
}

export function hasRoom(counter: LimitCounter): boolean {
  const most = mostOf(counter);
  return most === null || counter.held < most;
}

/** Those that follow from a change of a record, but for the slots that the commit gives. */
export function limitStepsOf(before: Stored | null, next: Stored): LimitStep[] {
  if (before === null || isForgotten(before) || before.limits === undefined) return [];
  const steps: LimitStep[] = [];
  if (heldBy(before).length > 0 && (isForgotten(next) || next.held === undefined)) {
    for (const name of heldBy(before)) steps.push({ name, held: -1, waiting: 0 });
  }
  const waitedAt = parkedAt(before);
  if (waitedAt !== null && (isForgotten(next) || next.parked === undefined)) {
    steps.push({ name: waitedAt, held: 0, waiting: -1 });
  }
  return steps;
}

function onFullOf({ limits, parked }: TaskRecord): OnFull | undefined {
  return limits!.find(({ key }) => key === parked!.key)?.onFull;
}

/** The limits that it may step. */
export function namesOfLimits({ changes, limitSteps, wantsSlots }: LimitedUnit): string[] {
  const names = limitSteps.map(({ name }) => name);
  if (wantsSlots) { for (const { next } of changes) names.push(...limitsOf(next)); }
  return names;
}

function limitsOf(next: Stored): string[] {
  if (isForgotten(next) || !wantsSlots(next)) return [];
  const tenant = tenantOf(next.id);
  return next.limits!.map(({ key }) => limitName(key, tenant));
}

export class LimitCounters {
  readonly #known: VersionCache<LimitCounter>;
  readonly rules: LimitRules;
  #lastOrder = 0;

  constructor(kv: KvPort, private readonly clock: Clock) {
    this.#known = new VersionCache(kv, keys.limit, KNOWN_KEPT);
    this.rules = new LimitRules(kv);
  }

  /** Null where a commit has nothing to do with limits. */
  async gate<U extends LimitedUnit>(units: readonly U[]): Promise<Gate<U> | null> {
    const limited = units.filter(({ limitSteps, wantsSlots }) => wantsSlots || limitSteps.length > 0);
    if (limited.length === 0) return null;
    const names = [...new Set(limited.flatMap(namesOfLimits))];
    const tally = new Tally(names, await this.#known.load(names));
    await tally.learn(this.rules);
    const gate: Gate<U> = {
      records: new Map(),
      refused: new Set(),
      checks: tally.checks(),
      writes: [],
      applied: (versionstamp) => {
        for (const [name, value] of tally.changed()) this.#known.remember(name, { value, versionstamp });
      },
    };
    for (const { limitSteps } of limited) for (const step of limitSteps) tally.step(step);
    for (const unit of limited) if (unit.wantsSlots) hear(unit, tally);
    for (const unit of limited) if (unit.wantsSlots) this.#admitUnit(unit, tally, gate);
    gate.writes.push(...tally.writes(this.clock.now()));
    return gate;
  }

  #admitUnit<U extends LimitedUnit>(unit: U, tally: Tally, gate: Gate<U>): void {
    const admitted: TaskRecord[] = [];
    const undo = tally.mark();
    for (const { before, next } of unit.changes) {
      if (limitsOf(next).length === 0) continue;
      const was = before && !isForgotten(before.record) ? before.record : null;
      const record = this.#admit(tally, was, next as TaskRecord);
      admitted.push(record);
      if (before !== null || !record.parked || onFullOf(record) !== "reject") continue;
      undo();
      gate.refused.add(unit);
      return;
    }
    for (const record of admitted) {
      gate.records.set(record.id, record);
      if (!record.parked) continue;
      gate.writes.push(parkedEntry(record));
      const onFull = onFullOf(record);
      if (onFull === "cancel-new" || onFull === "cancel-running") {
        gate.writes.push(outboxWrite(fullLimitSubject(record.id)));
      }
    }
  }

  distrust(): void {
    this.#known.distrust();
    this.rules.distrust();
  }

  #admit(tally: Tally, before: TaskRecord | null, next: TaskRecord): TaskRecord {
    const tenant = tenantOf(next.id);
    const limits = next.limits!;
    // One that is let in has waited already; a new one goes behind those that wait.
    const wasParked = before?.parked !== undefined;
    const full = limits.find(({ key }) => !tally.hasRoom(limitName(key, tenant), wasParked));
    if (full === undefined) {
      for (const { key } of limits) tally.step({ name: limitName(key, tenant), held: 1, waiting: 0 });
      return withSlots(next);
    }
    const name = limitName(full.key, tenant);
    tally.step({ name, held: 0, waiting: 1 });
    const at = { key: full.key, order: before?.parked?.order ?? this.#nextOrder() };
    const { rule, said } = tally.of(name);
    return parked(next, at, heldBack(full.key, rule?.limit ?? said ?? 0, rule?.pattern));
  }

  /** The time now, but always later than the last one in this process. */
  #nextOrder(): number {
    this.#lastOrder = Math.max(this.clock.now(), this.#lastOrder + 1 / 1024);
    return this.#lastOrder;
  }
}

/** What the tasks of a unit say of their limits: the last word counts, also for the others of the commit. */
function hear({ changes }: LimitedUnit, tally: Tally): void {
  for (const { next } of changes) {
    if (isForgotten(next) || !wantsSlots(next)) continue;
    for (const { key, limit } of next.limits!) tally.said(limitName(key, tenantOf(next.id)), limit);
  }
}

/** The counters of a commit, as it changes them. */
class Tally {
  #counters = new Map<string, LimitCounter>();
  #changed = new Set<string>();
  readonly #ruleChecks: Deno.AtomicCheck[] = [];

  constructor(
    private readonly names: readonly string[],
    private readonly known: ReadonlyMap<string, Known<LimitCounter>>,
  ) {
    for (const name of names) this.#counters.set(name, known.get(name)?.value ?? UNUSED);
  }

  /** A limit that is used for the first time asks the rules. */
  async learn(rules: LimitRules): Promise<void> {
    for (const [tenant, names] of Map.groupBy(this.#unused(), (name) => limitOf(name).tenant)) {
      const book = await rules.known(tenant);
      this.#ruleChecks.push(book.check);
      for (const name of names) {
        const rule = ruleFor(book.rules, name);
        if (rule) this.#counters.set(name, { ...UNUSED, rule });
      }
    }
  }

  #unused(): string[] {
    return this.names.filter((name) => !this.known.has(name));
  }

  /** @returns what takes back the steps that follow */
  mark(): () => void {
    const [counters, changed] = [new Map(this.#counters), new Set(this.#changed)];
    return () => [this.#counters, this.#changed] = [counters, changed];
  }

  of(name: string): LimitCounter {
    return this.#counters.get(name)!;
  }

  hasRoom(name: string, mayPass: boolean): boolean {
    const counter = this.of(name);
    return hasRoom(counter) && (mayPass || counter.waiting === 0);
  }

  said(name: string, limit: TaskLimit["limit"]): void {
    const counter = this.of(name);
    if (limit === undefined || counter.said === limit) return;
    this.#set(name, { ...counter, said: limit });
  }

  step({ name, held, waiting, rule }: LimitStep): void {
    const counter = this.of(name);
    const next = {
      ...counter,
      held: Math.max(0, counter.held + held),
      waiting: Math.max(0, counter.waiting + waiting),
    };
    if (rule !== undefined) next.rule = rule ?? undefined;
    this.#set(name, next);
  }

  #set(name: string, counter: LimitCounter): void {
    this.#counters.set(name, counter);
    this.#changed.add(name);
  }

  checks(): Deno.AtomicCheck[] {
    const checks = this.names.map((name) => {
      return { key: keys.limit(name), versionstamp: this.known.get(name)?.versionstamp ?? null };
    });
    return [...checks, ...this.#ruleChecks];
  }

  writes(now: number): Write[] {
    return [...this.#changed].flatMap((name) => counterWrites(name, this.of(name), now));
  }

  /** Those that have a key after the commit. */
  changed(): [name: string, counter: LimitCounter][] {
    return [...this.#changed].map((name) => [name, this.of(name)]);
  }
}

/** Also an outbox entry, where somebody waits and there is room: whatever has made the room. */
function counterWrites(name: string, counter: LimitCounter, now: number): Write[] {
  const expireAt = counter.held + counter.waiting === 0 ? now + UNUSED_KEPT_MS : null;
  const writes: Write[] = [{ key: keys.limit(name), value: counter, expireAt }];
  if (counter.waiting > 0 && hasRoom(counter)) writes.push(outboxWrite(limitSubject(name)));
  return writes;
}
