// Groups count the ends of their tasks and log them in a dense sequence, from which a stream of completions
// resumes. Both are written in the commit that ends the tasks, once for each group, so no end is missed or
// counted twice.

import type { GroupPolicy } from "../core/group_policy.ts";
import type { Clock } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import { concurrencyLimitId, groupEndSubject, groupSubject } from "../platform/outbox_subject.ts";
import type { KvLimits, KvPort, Write } from "../platform/kv.ts";
import { type Merged, VersionCache } from "./version_cache.ts";
import { outboxWrite } from "./dependency_counters.ts";
import { decide, doneOf, endOfGroup, type GroupRecord, MOST_ERRORS } from "./group_record.ts";
import type { StateType } from "../core/states.ts";

export { doneOf, type GroupRecord };

/** A task of the group has ended (`is`), or a retry takes back its end (`was`). */
export interface GroupStep {
  group: string;
  id: string;
  was: StateType | null;
  is: StateType | null;
  /** It had ended before, and was retried since. */
  again: boolean;
  /** 1 if it has ended as Skipped, -1 if that is taken back. */
  skipped?: number;
  /** 1 if it joins the group, whose total did not count it. */
  added?: number;
  /** 1 if it has completed and has a compensation. */
  compensable?: number;
  /** No task of it has ended: another one waits for the group from now on, or takes its results. */
  follows?: Following;
  /** 1 if it has ended without a slot of the group, -1 if a retry makes it wait for a slot again. */
  outside: number;
}

export type Following = "waits" | "refers";

/** Of a task that waits for the group. */
export function followStep(group: string, follows: Following): GroupStep {
  return { group, id: "", was: null, is: null, again: false, outside: 0, follows };
}

export interface LogValue {
  type: StateType;
  again: boolean;
}

const MOST_GROUPS_OF_A_TASK = 8;

/**
 * All groups of a task count its end in one commit, so a task can be in a few groups only.
 *
 * @param limited how many limits by key it has, which the same commit counts
 */
export function mostGroupsOf(limits: KvLimits, limited: number): number {
  return Math.min(MOST_GROUPS_OF_A_TASK, limits.checks - 4 - limited);
}

/** A group is kept this long after its last change, and as long as any of its tasks is there. */
export const GROUP_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const KNOWN_KEPT = 100;

export class GroupCounters {
  readonly #known: VersionCache<GroupRecord>;

  constructor(kv: KvPort, private readonly clock: Clock) {
    this.#known = new VersionCache(kv, keys.group, KNOWN_KEPT);
  }

  async merge(steps: GroupStep[]): Promise<Merged> {
    const byGroup = Map.groupBy(steps, ({ group }) => group);
    const merged: Pick<Merged, "checks" | "writes"> = { checks: [], writes: [] };
    const next = new Map<string, GroupRecord>();
    const now = this.clock.now();
    const loaded = await this.#known.load([...byGroup.keys()]);
    // A group that is gone is past its retention: it counts no more. Who waits for it must hear of that.
    for (const [group, steps] of byGroup) {
      if (!loaded.has(group) && steps.some(({ follows }) => follows)) {
        merged.writes.push(outboxWrite(groupEndSubject(group)));
      }
    }
    for (const [group, known] of loaded) {
      const record: GroupRecord = { ...known.value, ended: { ...known.value.ended } };
      const steps = byGroup.get(group)!;
      // Who waits for a group that has ended does not move its end.
      if (steps.some(({ follows }) => follows === undefined)) record.changedAt = now;
      for (const step of steps) merged.writes.push(...stepped(record, step));
      if (record.maxConcurrent !== undefined) {
        merged.writes.push({ key: keys.outbox(concurrencyLimitId(group)), value: true });
      }
      if (record.compensates !== undefined) merged.writes.push(outboxWrite(groupSubject(record.compensates)));
      if (decide(record, now)) merged.writes.push(outboxWrite(groupSubject(group)));
      merged.checks.push({ key: keys.group(group), versionstamp: known.versionstamp });
      merged.writes.push(...groupWrites(record, now));
      next.set(group, record);
    }
    const applied = (versionstamp: string) => {
      for (const [group, value] of next) this.#known.remember(group, { value, versionstamp });
    };
    return { ...merged, applied };
  }

  distrust(): void {
    this.#known.distrust();
  }
}

export async function groupRecord(kv: KvPort, group: string): Promise<GroupRecord | null> {
  return (await kv.get<GroupRecord>(keys.group(group))).value;
}

/**
 * What makes a group.
 *
 * @param steps of the commit that makes it, which finds no counters to step
 */
export function newGroup(
  { id, total, maxConcurrent, policy, compensates }: Pick<
    GroupRecord,
    "id" | "total" | "maxConcurrent" | "policy" | "compensates"
  >,
  now: number,
  steps: GroupStep[] = [],
): Write[] {
  const record: GroupRecord = { id, total, log: 0, ended: {}, createdAt: now, changedAt: now };
  if (maxConcurrent !== undefined) record.maxConcurrent = maxConcurrent;
  if (policy !== undefined) record.policy = policy;
  if (compensates !== undefined) record.compensates = compensates;
  const writes = steps.flatMap((step) => step.group === id ? stepped(record, step) : []);
  if (policy !== undefined) writes.push(...policyWrites(record, policy, now));
  return [...writes, listing(id), ...writesWithTimer(record, now + GROUP_RETENTION_MS)];
}

/** Lists of groups find it by this. */
export function listing(group: string): Write {
  return { key: keys.listedGroup(group), value: null };
}

function policyWrites(record: GroupRecord, { until }: GroupPolicy, now: number): Write[] {
  const writes: Write[] = decide(record, now) ? [outboxWrite(groupSubject(record.id))] : [];
  if (until !== undefined) writes.push({ key: keys.due("deadline", until, record.id), value: null });
  return writes;
}

/** Counts a step in the record. @returns what goes into the group's log */
function stepped(
  record: GroupRecord,
  { group, id, was, is, again, outside, follows, skipped = 0, added = 0, compensable = 0 }: GroupStep,
): Write[] {
  if (follows) {
    record.followed = true;
    if (follows === "refers") record.referred = true;
    // Others may have been told already.
    delete record.told;
  }
  if (added !== 0) {
    record.total += added;
    record.added = (record.added ?? 0) + added;
  }
  if (skipped !== 0) record.skipped = (record.skipped ?? 0) + skipped;
  if (compensable !== 0) {
    record.compensation = { ...record.compensation, total: (record.compensation?.total ?? 0) + compensable };
  }
  if (outside !== 0) record.outside = (record.outside ?? 0) + outside;
  if (was) record.ended[was] = (record.ended[was] ?? 0) - 1;
  // Its tasks are kept for those that take their results, and one that joins, too.
  const isNew = record.referred && (added !== 0 || follows === "refers");
  const writes: Write[] = isNew ? [outboxWrite(groupEndSubject(group))] : [];
  if (!is) return writes;
  record.ended[is] = (record.ended[is] ?? 0) + 1;
  record.log++;
  if (record.policy && (is === "FAILED" || is === "CRASHED")) {
    record.failed = [...record.failed ?? [], record.log].slice(0, MOST_ERRORS);
  }
  const value: LogValue = { type: is, again };
  return [...writes, { key: keys.groupDone(group, record.log, id), value }];
}

/**
 * @param announced how many tasks its call has; without those that were added to it
 * @param timer if it is given, nothing is set once that key has another version, those that were added are
 * counted already, and the key goes: a call that still goes on sees by it that it was given up
 */
export async function setTotal(
  kv: KvPort,
  clock: Clock,
  group: string,
  announced: number,
  timer?: Deno.AtomicCheck,
): Promise<void> {
  const key = keys.group(group);
  for (;;) {
    const { value, versionstamp } = await kv.get<GroupRecord>(key);
    const total = announced + (timer ? 0 : value?.added ?? 0);
    if (!value || value.total === total) return;
    if (timer && (await kv.get(timer.key)).versionstamp !== timer.versionstamp) return;
    const atomic = kv.atomic().check({ key, versionstamp });
    if (timer) atomic.check(timer).delete(timer.key);
    const now = clock.now();
    const next: GroupRecord = { ...value, total, changedAt: now };
    if (decide(next, now)) kv.write(atomic, outboxWrite(groupSubject(group)), now);
    for (const write of groupWrites(next, now)) kv.write(atomic, write, now);
    if ((await kv.commit(atomic)).ok) return;
  }
}

/** It never expires by itself: its tasks may wait longer than anybody has thought of. */
export function groupWrite(record: GroupRecord): Write {
  return { key: keys.group(record.id), value: record };
}

/**
 * Also tells of its end, or that a retry has taken it back; and gives a timer to a group of release 0.1,
 * which has none: it is due at once.
 */
export function groupWrites(record: GroupRecord, now: number): Write[] {
  const told = record.followed ? endWrites(record) : [];
  const own = record.purgeAt === undefined ? writesWithTimer(record, now) : [groupWrite(record)];
  return [...own, ...told];
}

/** Sets in the record what is told. */
function endWrites(record: GroupRecord): Write[] {
  const end = endOfGroup(record);
  if (end === (record.told ?? null)) return [];
  if (end === null) delete record.told;
  else record.told = end;
  return [outboxWrite(groupEndSubject(record.id))];
}

/** The group with a timer for this instant. It sets `purgeAt` in the record, too. */
export function writesWithTimer(record: GroupRecord, at: number): Write[] {
  record.purgeAt = at;
  return [groupWrite(record), { key: keys.due("group", at, record.id), value: null }];
}
