// A unit: changes of records that become true together or not at all, with everything that follows from them:
// index keys, events, what groups count, and what all of it costs. What is decided at the moment of the
// commit (places in the queue, group counters) is left to the store.

import { type Cost, FRESH } from "./group_commit.ts";
import { entriesOf, type IndexEntry } from "./index_entries.ts";
import type { StoredEvent } from "./event_log.ts";
import type { GroupStep } from "./group_counters.ts";
import { type CounterStep, outboxWrite } from "./dependency_counters.ts";
import { keyBytes, keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import { STAMP } from "./record_codec.ts";
import { KEY_BYTES, recordBytes, requireFit, writeBytes } from "./record_size.ts";
import {
  type Entry,
  hasDependents,
  isForgotten,
  isTerminal,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";

/** One record's step from what KV holds to what it shall hold. */
export interface Change {
  /** What the change was computed from; null makes a new record. */
  before: Entry<Stored> | null;
  next: Stored;
  /** Written in the same commit, under the task's event log. */
  events?: StoredEvent[];
  /** Written in the same commit. */
  writes?: Write[];
}

export interface UnitOptions {
  /** Further keys that must still have this version. */
  checks?: Deno.AtomicCheck[];
  writes?: Write[];
  /** Dependency counters that take a step without a change of a record. */
  counterSteps?: CounterStep[];
  /** The ids of its new records were drawn just now: nobody else can have made them. */
  fresh?: boolean;
}

export interface Unit extends Required<Omit<UnitOptions, "writes" | "counterSteps">> {
  op: string;
  changes: { before: Entry<Stored> | null; next: Stored }[];
  writes: Write[];
  steps: GroupStep[];
  counterSteps: CounterStep[];
  cost: Cost;
}

/** Of the ops before the newest; the very first is always one of them. */
const OPS_KEPT = 4;

/** @throws {RangeError} for a record that KV would refuse. */
export function unitOf(op: string, changes: Change[], options: UnitOptions): Unit {
  const writes = options.writes ? [...options.writes] : [];
  const steps: GroupStep[] = [];
  const counterSteps: CounterStep[] = options.counterSteps ? [...options.counterSteps] : [];
  const prepared = changes.map(({ before, next, events, writes: more }) => {
    const record: Stored = { ...next, ...STAMP, rev: (before?.record.rev ?? 0) + 1, op };
    if (before) record.ops = opsAfter(before.record);
    const left = leftHistory(before?.record ?? null, record);
    if (left.length > 0) (record as TaskRecord).hasEvents = true;
    if (!isForgotten(record) && record.groups.length > 0 && isTerminal(record)) {
      record.logged = record.groups;
    }
    indexWrites(before?.record ?? null, record, writes);
    if (more) writes.push(...more);
    for (const event of events ? [...left, ...events] : left) {
      writes.push({ key: keys.event(record.id, event.seq), value: event });
    }
    steps.push(...groupSteps(before?.record ?? null, record));
    follow(before?.record ?? null, record, counterSteps, writes);
    return { before, next: record };
  });
  for (const { next } of prepared) requireFit(next);
  const fresh = options.fresh ?? false;
  const checks = options.checks ?? [];
  const counters = [
    ...steps.map(({ group }) => group),
    ...counterSteps.map(({ dependent }) => `dependencies/${dependent}`),
  ];
  const shared = [...new Set(counters)];
  const old = prepared.filter(({ before }) => before !== null).length;
  const cost: Cost = {
    checks: checks.length + (fresh ? old : changes.length),
    shared: fresh ? [FRESH, ...shared] : shared,
    mutations: prepared.length + writes.length + 2 * counters.length,
    bytes: prepared.reduce((sum, { next }) => sum + recordBytes(next), 0) +
      writes.reduce((sum, write) => sum + writeBytes(write), 0),
    keyBytes: prepared.length * KEY_BYTES + writes.reduce((sum, { key }) => sum + keyBytes(key), 0),
    owns: [...prepared.map(({ next }) => next.id), ...ownKeys(checks, writes)],
  };
  return { op, changes: prepared, writes, checks, fresh, steps, counterSteps, cost };
}

/** Keys that a unit both checks and writes: two units that do so with one key would both pass the check. */
function ownKeys(checks: UnitOptions["checks"] & object, writes: Write[]): string[] {
  if (checks.length === 0) return [];
  const checked = new Set(checks.map(({ key }) => key.join("/")));
  return writes.map(({ key }) => key.join("/")).filter((name) => checked.has(name));
}

/**
 * A submit may be read back long after it was applied: by then its task may have run and ended. Were it not
 * recognised, its caller would be refused what is stored, and its input would be thrown away.
 */
function opsAfter({ op, ops = [] }: Stored): string[] {
  const all = [op, ...ops];
  return all.length <= OPS_KEPT ? all : [...all.slice(0, OPS_KEPT - 1), all[all.length - 1]];
}

/** The difference between the index keys of the old and the new record. */
function indexWrites(before: Stored | null, next: Stored, writes: Write[]): void {
  const old = new Map<string, IndexEntry>();
  if (before) {
    for (const entry of entriesOf(before)) {
      old.set(entry.key.join("/"), entry);
    }
  }
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

/** States that the step pushed out of the record's history go on in the event log. */
function leftHistory(before: Stored | null, next: Stored): StoredEvent[] {
  if (!before || isForgotten(before) || isForgotten(next)) return [];
  const oldest = next.history[0].seq;
  return before.history.filter(({ seq }) => seq < oldest)
    .map((state) => ({ kind: "state", seq: state.seq, at: state.at, attempt: state.attempt, state }));
}

/**
 * What a step means to those that wait for the task: those made with it are told by it, others by the
 * follower.
 */
function follow(before: Stored | null, next: Stored, steps: CounterStep[], writes: Write[]): void {
  if (!before || isForgotten(before) || isForgotten(next) || !hasDependents(next)) return;
  const was = isTerminal(before) ? typeOf(before) : null;
  const is = isTerminal(next) ? typeOf(next) : null;
  if (was === is) return;
  for (const dependent of next.next ?? []) steps.push({ dependent, upstream: next.id, was, is });
  if (next.followed) writes.push(outboxWrite(next.id));
}

/** What a step means to each group that counts the task. */
function groupSteps(before: Stored | null, next: Stored): GroupStep[] {
  if (isForgotten(next) || next.groups.length === 0) return [];
  const old = before && !isForgotten(before) ? before : null;
  const is = isTerminal(next) ? typeOf(next) : null;
  return next.groups.flatMap((group) => {
    const was = old && isTerminal(old) && old.groups.includes(group) ? typeOf(old) : null;
    const again = old?.logged?.includes(group) ?? false;
    // Who ends, or is run again, without a slot of its group leaves their number as it is.
    const outside = next.windowed === true ? Number(is !== null) - Number(was !== null) : 0;
    return was === is ? [] : [{ group, id: next.id, was, is, again, outside }];
  });
}
