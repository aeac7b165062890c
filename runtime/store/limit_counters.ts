// How many tasks have a slot of a limit, how many wait for one, and when its next start is due. A commit that
// makes tasks ready decides which of them may start: each gets all slots and places that it needs, or none.
// Each slot that a commit gives or takes is in the record of a task that the same commit writes, so the
// counters cannot disagree with the records, whatever is retried, read back, cancelled, deleted or cut off.

import {
  delayed,
  heldBy,
  isBeforeLimits,
  limitName,
  limitsBefore,
  parked,
  parkedAt,
  rateMessage,
  slotMessage,
  turnsOf,
} from "../core/limits.ts";
import { isForgotten, isReady, type Stored, type TaskRecord } from "../core/task.ts";
import type { OnFull } from "../core/limit_terms.ts";
import { tenantOf } from "../core/tenant.ts";
import type { Clock } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import { fullLimitSubject } from "../platform/outbox_subject.ts";
import type { KvPort } from "../platform/kv.ts";
import { outboxWrite } from "./dependency_counters.ts";
import { parkedEntry, rateEntry } from "./index_entries.ts";
import { LimitRules } from "./limit_rules.ts";
import { LineHeads, movesIn } from "./line_heads.ts";
import { hasRoom, type LimitCounter, type LimitStep, LimitTally, rateOf } from "./limit_tally.ts";
import { type Merged, VersionCache } from "./version_cache.ts";

/** The parts of a unit that concern limits. */
export interface LimitedUnit {
  changes: { before: { record: Stored } | null; next: Stored }[];
  limitSteps: LimitStep[];
  /** Of all the limits that it may step. */
  limitNames: string[];
  /** Some of its tasks are about to start, and their limits decide whether they may. */
  isGated: boolean;
}

/** What became of the tasks of a commit that are about to start. */
export interface Gate<U> extends Merged {
  /** By id: with their slots and places, or waiting. */
  records: Map<string, TaskRecord>;
  /** Units with a new task that must not wait, and would have to. They are not committed. */
  refused: Set<U>;
  /** The limits that the commit may step. */
  names: ReadonlySet<string>;
  /** Those of them that have room for tasks which wait there, each with the version of its counter. */
  open(): { name: string; room: number; versionstamp: string }[];
  /** A unit of such tasks joins the commit. Of other limits than these it may step none. */
  admit(unit: U): void;
  /** @param running those that start in the commit. To be called before its writes are asked for. */
  close(running: ReadonlyMap<string, TaskRecord>): void;
}

const KNOWN_KEPT = 10_000;
const NONE: string[] = [];
const NO_STEPS: readonly LimitStep[] = [];

/** Those that follow from a change of a record, but for the slots that the commit gives. */
export function limitStepsOf(before: Stored | null, next: Stored): readonly LimitStep[] {
  if (before === null || isForgotten(before)) return NO_STEPS;
  // Most tasks have no slot, and wait for none.
  const hasHeld = !isForgotten(next) && next.held !== undefined;
  if (before.held === undefined && before.parked === undefined && !hasHeld) return NO_STEPS;
  const steps: LimitStep[] = [];
  const [had, has] = [heldBy(before), isForgotten(next) ? [] : heldBy(next)];
  for (const name of had) if (!has.includes(name)) steps.push({ name, held: -1, waiting: 0 });
  for (const name of has) if (!had.includes(name)) steps.push({ name, held: 1, waiting: 0 });
  const waitedAt = parkedAt(before);
  if (waitedAt !== null && (isForgotten(next) || next.parked === undefined)) {
    steps.push({ name: waitedAt, held: 0, waiting: -1 });
  } else if (waitedAt !== null && (next as TaskRecord).priority !== before.priority) {
    // Who knows the line by the counter must hear that it has another order.
    steps.push({ name: waitedAt, held: 0, waiting: 0 });
  }
  return steps;
}

export function isGated(next: Stored): boolean {
  return !isForgotten(next) && isBeforeLimits(next);
}

/** The limits that it may step, each once. */
export function namesOfLimits(
  { changes, limitSteps, isGated }: Pick<LimitedUnit, "changes" | "limitSteps" | "isGated">,
): string[] {
  if (!isGated && limitSteps.length === 0) return NONE;
  const names = limitSteps.map(({ name }) => name);
  for (const { next } of isGated ? changes : []) {
    if (isForgotten(next)) continue;
    const before = limitsBefore(next);
    // One that has to wait for its place in a rate gives its slots back.
    if (before.length > 0) names.push(...before, ...heldBy(next));
  }
  return names.length > 1 ? [...new Set(names)] : names;
}

export class LimitCounters {
  readonly #known: VersionCache<LimitCounter>;
  readonly rules: LimitRules;
  readonly heads: LineHeads = new LineHeads();
  #lastOrder = 0;

  constructor(kv: KvPort, private readonly clock: Clock) {
    this.#known = new VersionCache(kv, keys.limit, KNOWN_KEPT, KNOWN_KEPT);
    this.rules = new LimitRules(kv);
  }

  /** Null where a commit has nothing to do with limits. */
  async gate<U extends LimitedUnit>(units: readonly U[]): Promise<Gate<U> | null> {
    const limited = units.filter(({ limitNames }) => limitNames.length > 0);
    if (limited.length === 0) return null;
    const names = [...new Set(limited.flatMap(({ limitNames }) => limitNames))];
    const known = await this.#known.load(names);
    const tally = new LimitTally(names, known, this.clock.now());
    await tally.learn(this.rules);
    const gate: Gate<U> = {
      records: new Map(),
      refused: new Set(),
      names: new Set(names),
      open: () =>
        names.flatMap((name) => {
          const room = tally.roomFor(name);
          return room > 0 ? [{ name, room, versionstamp: known.get(name)?.versionstamp ?? "" }] : [];
        }),
      admit: (unit) => {
        limited.push(unit);
        for (const step of unit.limitSteps) tally.step(step);
        this.#admitUnit(unit, tally, gate);
      },
      checks: tally.checks(),
      writes: [],
      close(running) {
        for (const record of this.records.values()) {
          if (!running.has(record.id)) continue;
          for (const name of turnsOf(record)) tally.step({ name, held: -1, waiting: 0 });
        }
        this.writes.push(...tally.writes());
      },
      applied: (versionstamp) => {
        const moves = this.heads.isEmpty ? [] : movesIn(limited, gate.records);
        for (const [name, value] of tally.changed()) {
          this.#known.remember(name, { value, versionstamp });
          this.heads.stepped(name, known.get(name)?.versionstamp, versionstamp, moves);
        }
      },
    };
    for (const { limitSteps } of limited) for (const step of limitSteps) tally.step(step);
    const gated = limited.filter((unit) => unit.isGated);
    for (const { changes } of gated) {
      for (const { next } of changes) if (isGated(next)) tally.hear(next as TaskRecord);
    }
    for (const unit of gated) this.#admitUnit(unit, tally, gate);
    return gate;
  }

  distrust(): void {
    this.#known.distrust();
    this.rules.distrust();
    this.heads.distrust();
  }

  #admitUnit<U extends LimitedUnit>(unit: U, tally: LimitTally, gate: Gate<U>): void {
    const admitted: TaskRecord[] = [];
    const undo = unit.changes.some(mustNotWait) ? tally.mark() : null;
    for (const change of unit.changes) {
      const { before, next } = change;
      if (!isGated(next)) continue;
      const was = before && !isForgotten(before.record) ? before.record : null;
      const record = this.#admit(tally, was, next as TaskRecord);
      admitted.push(record);
      if (!record.parked || !mustNotWait(change)) continue;
      undo!();
      gate.refused.add(unit);
      return;
    }
    for (const record of admitted) {
      gate.records.set(record.id, record);
      if (record.rateAt !== undefined) gate.writes.push(rateEntry(record));
      if (!record.parked) continue;
      gate.writes.push(parkedEntry(record));
      const onFull = onFullOf(record);
      if (onFull === "cancel-new" || onFull === "cancel-running") {
        gate.writes.push(outboxWrite(fullLimitSubject(record.id)));
      }
    }
  }

  /** Its rates first: while it waits for its place, it takes no slot from those that can start. */
  #admit(tally: LimitTally, before: TaskRecord | null, next: TaskRecord): TaskRecord {
    const record = next.rates === undefined || next.paid ? next : this.#reserve(tally, next);
    if (record.rateAt !== undefined || record.limits === undefined || record.held) return record;
    const tenant = tenantOf(record.id);
    // One that is let in has waited already; a new one goes behind those that wait.
    const isNext = before?.parked !== undefined;
    const full = record.limits.find(({ key }) => {
      const counter = tally.of(limitName(key, tenant));
      return !hasRoom(counter) || !isNext && counter.waiting > 0;
    });
    if (full === undefined) {
      for (const name of record.limits.map(({ key }) => limitName(key, tenant))) {
        tally.step({ name, held: 1, waiting: 0 });
      }
      const admitted: TaskRecord = { ...record, held: true };
      if (record.parked !== undefined) admitted.parked = undefined;
      return admitted;
    }
    const name = limitName(full.key, tenant);
    tally.step({ name, held: 0, waiting: 1 });
    const at = { key: full.key, order: placeOf(before) ?? this.#nextOrder() };
    const { rule, said } = tally.of(name);
    return parked(record, at, slotMessage(full.key, rule?.limit ?? said ?? 0, rule?.pattern));
  }

  /** Its place in each of its rates. The last one to come decides. */
  #reserve(tally: LimitTally, record: TaskRecord): TaskRecord {
    const tenant = tenantOf(record.id);
    let [startAt, by] = [this.clock.now(), ""];
    for (const { key, units = 1 } of record.rates!) {
      const at = tally.reserve(limitName(key, tenant), units);
      if (at !== null && at > startAt) [startAt, by] = [at, key];
    }
    if (by === "") return { ...record, paid: true };
    for (const name of heldBy(record)) tally.step({ name, held: -1, waiting: 0 });
    const counter = tally.of(limitName(by, tenant));
    return delayed(record, Math.ceil(startAt), rateMessage(by, rateOf(counter)!, counter.rateRule?.pattern));
  }

  /** The time now, but always later than the last one in this process. */
  #nextOrder(): number {
    this.#lastOrder = Math.max(this.clock.now(), this.#lastOrder + 1 / 1024);
    return this.#lastOrder;
  }
}

/** Where it has stood in a line, also in that of its queue, it goes on to stand. */
function placeOf(before: TaskRecord | null): number | undefined {
  if (before === null) return undefined;
  return before.parked?.order ?? (isReady(before) ? before.queued?.order : undefined);
}

function onFullOf({ limits, parked }: TaskRecord): OnFull | undefined {
  return limits!.find(({ key }) => key === parked!.key)?.onFull;
}

/** A new task with a limit that refuses it where it would have to wait. */
function mustNotWait({ before, next }: LimitedUnit["changes"][number]): boolean {
  return before === null && !isForgotten(next) && next.limits !== undefined &&
    next.limits.some(({ onFull }) => onFull === "reject");
}
