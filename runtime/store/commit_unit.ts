// A unit: changes of records that are committed together or not at all, with all that follows from them:
// index keys, events, steps of counters, and the cost. What depends on the moment of the commit (places in
// the queue, values of counters) is left to the committer.

import { endOf } from "../core/conditions.ts";
import { isReplaced, isToEnd } from "../core/replaced.ts";
import { replaceSubject } from "../platform/outbox_subject.ts";
import { costOf } from "./commit_cost.ts";
import type { Cost } from "./commit_load.ts";
import { entriesOf, type IndexEntry } from "./index_entries.ts";
import type { StoredEvent } from "./event_log.ts";
import { type Following, followStep, type GroupStep } from "./group_counters.ts";
import { type CounterStep, outboxWrite } from "./dependency_counters.ts";
import { isGated, limitStepsOf, namesOfLimits } from "./limit_counters.ts";
import type { LimitStep } from "./limit_tally.ts";
import { keys } from "../platform/keys.ts";
import { concurrencyLimitId, groupSubject } from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import { requireFit } from "./record_size.ts";
import {
  type Entry,
  hasDependents,
  isForgotten,
  isTerminal,
  stateOf,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";

export interface Change {
  /** The record that the change was computed from; null for a new record. */
  before: Entry<Stored> | null;
  next: Stored;
  events?: StoredEvent[];
  writes?: Write[];
  checks?: Deno.AtomicCheck[];
  /** What becomes of another record with it: of the task whose unique key it takes. */
  beside?: Change;
}

export interface UnitOptions {
  checks?: Deno.AtomicCheck[];
  writes?: Write[];
  /** Steps of dependency counters that follow from no change of a record. */
  counterSteps?: CounterStep[];
  /** Groups that tasks wait for from now on. */
  follows?: ReadonlyMap<string, Following>;
  /** Likewise of limits. */
  limitSteps?: LimitStep[];
  /** The ids of new records were drawn just now: no other process can have them. */
  fresh?: boolean;
  /** Asked right before each try: what was decided long ago may be wrong by now. If so, it conflicts. */
  isStillRight?: () => boolean;
  /** It makes tasks ready that it does not change. */
  rings?: boolean;
}

export interface Unit extends Required<Pick<UnitOptions, "checks" | "fresh">> {
  op: string;
  changes: { before: Entry<Stored> | null; next: Stored }[];
  writes: Write[];
  groupSteps: GroupStep[];
  counterSteps: CounterStep[];
  limitSteps: LimitStep[];
  /** Of all the limits that it may step. */
  limitNames: string[];
  /** Some of its tasks are about to start, and their limits decide whether they may. */
  isGated: boolean;
  /** Tasks that it makes ready may start in its commit. */
  starts: boolean;
  isStillRight?: () => boolean;
  rings?: boolean;
  cost: Cost;
}

/** Always with the very first op. */
const OPS_KEPT = 4;

/** @throws {RangeError} for a record that KV would refuse. */
export function unitOf(op: string, changes: Change[], options: UnitOptions, shards: number): Unit {
  const writes = options.writes ? [...options.writes] : [];
  const groupSteps: GroupStep[] = options.follows
    ? [...options.follows].map(([group, how]) => followStep(group, how))
    : [];
  const counterSteps: CounterStep[] = options.counterSteps ? [...options.counterSteps] : [];
  const limitSteps: LimitStep[] = options.limitSteps ? [...options.limitSteps] : [];
  let gated = false;
  const checks = options.checks ? [...options.checks] : [];
  const besides = changes.flatMap(({ beside }) => beside ?? []);
  const prepare = ({ before, next, events, writes: more, checks: own }: Change) => {
    if (own) checks.push(...own);
    const record: Stored = { ...next, rev: (before?.record.rev ?? 0) + 1, op };
    if (before) record.ops = opsAfter(before.record);
    const overflow = historyOverflow(before?.record ?? null, record);
    if (overflow.length > 0) (record as TaskRecord).hasEvents = true;
    if (!isForgotten(record) && record.groups.length > 0 && isTerminal(record)) {
      record.logged = record.groups;
    }
    indexWrites(before?.record ?? null, record, writes);
    if (more) writes.push(...more);
    if (before === null) writes.push(...joinWrites(record));
    for (const event of events ? [...overflow, ...events] : overflow) {
      writes.push({ key: keys.event(record.id, event.seq), value: event });
    }
    groupSteps.push(...groupStepsOf(before?.record ?? null, record));
    tellDependents(before?.record ?? null, record, counterSteps, writes);
    followReplacement(before?.record ?? null, record, writes);
    tellReplaced(before?.record ?? null, record, writes);
    gated ||= isGated(record);
    limitSteps.push(...limitStepsOf(before?.record ?? null, record));
    return { before, next: record };
  };
  // Whoever gives up a key goes first: of two writes of one key the later one counts.
  const given = besides.map(prepare);
  const prepared = [...changes.map(prepare), ...given];
  if (besides.length > 0) keepLast(writes);
  for (const { next } of prepared) requireFit(next);
  const fresh = options.fresh ?? false;
  const parts = {
    changes: prepared,
    writes,
    checks,
    fresh,
    groupSteps,
    counterSteps,
    limitSteps,
    limitNames: namesOfLimits({ changes: prepared, limitSteps, isGated: gated }),
    isGated: gated,
  };
  const { isStillRight, rings } = options;
  return { op, ...parts, starts: false, isStillRight, rings, cost: costOf(parts, shards) };
}

function keepLast(writes: Write[]): void {
  const last = new Map(writes.map((write) => [write.key.join("/"), write]));
  writes.splice(0, writes.length, ...last.values());
}

/**
 * A submit may be read back long after it was applied, when its task has run and ended. It must still be
 * recognised: otherwise its caller would be told of a conflict, and the input would be removed.
 */
function opsAfter({ op, ops = [] }: Stored): string[] {
  const all = [op, ...ops];
  return all.length <= OPS_KEPT ? all : [...all.slice(0, OPS_KEPT - 1), all[all.length - 1]];
}

function indexWrites(before: Stored | null, next: Stored, writes: Write[]): void {
  const former = before ? entriesOf(before) : [];
  if (former.length === 0) {
    writes.push(...entriesOf(next));
    return;
  }
  const old = new Map<string, IndexEntry>();
  for (const entry of former) old.set(entry.key.join("/"), entry);
  for (const entry of entriesOf(next)) {
    const name = entry.key.join("/");
    const same = old.get(name);
    old.delete(name);
    if (same && same.expireAt === entry.expireAt && sameValue(same.value, entry.value)) continue;
    writes.push(entry);
  }
  for (const { key } of old.values()) writes.push({ key });
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** The group may have stopped just now, or have a free slot. */
function joinWrites(record: Stored): Write[] {
  if (isForgotten(record) || !record.added) return [];
  const [group] = record.groups;
  const writes = [outboxWrite(groupSubject(group))];
  if (record.windowed) writes.push(outboxWrite(concurrencyLimitId(group)));
  return writes;
}

/** States that no longer fit into the record's history, for the event log. */
function historyOverflow(before: Stored | null, next: Stored): StoredEvent[] {
  if (!before || isForgotten(before) || isForgotten(next)) return [];
  const oldest = next.history[0].seq;
  return before.history.filter(({ seq }) => seq < oldest)
    .map((state) => ({ kind: "state", seq: state.seq, at: state.at, attempt: state.attempt, state }));
}

/** Dependents in the record are told by this commit, dependents in blocks by the outbox processor. */
function tellDependents(before: Stored | null, next: Stored, steps: CounterStep[], writes: Write[]): void {
  if (!before || isForgotten(before) || isForgotten(next) || !hasDependents(next)) return;
  const was = endOf(before);
  const is = endOf(next);
  if (was === is) return;
  for (const dependent of next.next ?? []) steps.push({ dependent, upstream: next.id, was, is });
  if (next.followed) writes.push(outboxWrite(next.id));
}

/** Those in the place of a task are submitted after this commit; or cancelled, if the task is to end. */
function followReplacement(before: Stored | null, next: Stored, writes: Write[]): void {
  if (isForgotten(next) || next.replacement === undefined || !before || isForgotten(before)) return;
  const isBegun = isReplaced(next) && (!isReplaced(before) || isToEnd(next) && !isToEnd(before));
  if (isBegun) writes.push(outboxWrite(replaceSubject(next.id)));
}

/** A task may be about to end as this one had, which goes on: that commit checks the entry, and fails. */
function tellReplaced(before: Stored | null, next: Stored, writes: Write[]): void {
  if (!before || isForgotten(before) || isForgotten(next) || next.parentId === null) return;
  if (isTerminal(before) && !isTerminal(next)) writes.push(outboxWrite(next.parentId));
}

export function groupStepsOf(before: Stored | null, next: Stored): GroupStep[] {
  if (isForgotten(next) || next.groups.length === 0) return [];
  const old = before && !isForgotten(before) ? before : null;
  const is = isTerminal(next) ? typeOf(next) : null;
  return next.groups.flatMap((group) => {
    const was = old && isTerminal(old) && old.groups.includes(group) ? typeOf(old) : null;
    const again = old?.logged?.includes(group) ?? false;
    // A task without a slot of its group does not change the number of free slots.
    const outside = next.windowed === true ? Number(is !== null) - Number(was !== null) : 0;
    const added = before === null && next.added ? 1 : 0;
    if (was === is && added === 0) return [];
    const skipped = Number(isSkipped(next)) - Number(old !== null && isSkipped(old));
    const step: GroupStep = { group, id: next.id, was, is, again, outside, skipped, added };
    if (next.compensate !== undefined && is === "COMPLETED" && group === next.groups[0]) step.compensable = 1;
    return [step];
  });
}

function isSkipped(record: TaskRecord): boolean {
  return stateOf(record).name === "Skipped";
}
