// What a unit takes of a commit's limits: all that is written for it, also by the committer.

import { isImposed } from "../core/imposed_limits.ts";
import { limitOf } from "../core/limits.ts";
import { type Entry, isReady, type Stored, type TaskRecord } from "../core/task.ts";
import { tailLength } from "../core/tenant.ts";
import { keyBytes, keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { CounterStep } from "./dependency_counters.ts";
import { type Cost, FRESH, type ListedId } from "./commit_load.ts";
import type { GroupStep } from "./group_counters.ts";
import { isGated } from "./limit_counters.ts";
import { lineOf, MOST_IN_A_BLOCK, queueShardOf } from "./ready_queue.ts";
import { recordBytes, taskKeyBytes, writeBytes } from "./record_size.ts";

/** The key of a parked task, an outbox entry, its slots and the message of its state. */
const PARKED_BYTES = 400;
/** An id in a block of the queue, and in a lease block if the task starts at once. */
const READY_BYTES = 100;

interface ChangeOfRecord {
  before: Entry<Stored> | null;
  next: Stored;
}

/** The parts of a unit that take something. */
interface Parts {
  changes: ChangeOfRecord[];
  writes: Write[];
  checks: Deno.AtomicCheck[];
  fresh: boolean;
  groupSteps: GroupStep[];
  counterSteps: CounterStep[];
  limitNames: string[];
  isGated: boolean;
}

export function costOf(parts: Parts, shards: number): Cost {
  const { changes, writes, checks, fresh, groupSteps, counterSteps } = parts;
  const cost: Cost = {
    checks: checks.length,
    shared: sharedBy(groupSteps, counterSteps, fresh),
    mutations: changes.length + writes.length,
    bytes: 0,
    keyBytes: 0,
    listed: [],
    owns: ownKeys(checks, writes),
  };
  for (const write of writes) addWrite(cost, write);
  if (parts.limitNames.length > 0) addLimits(cost, parts);
  for (const step of groupSteps) {
    if (step.is === null) continue;
    cost.mutations++;
    addWrite(cost, logEntryOf(step));
  }
  for (const change of changes) {
    cost.owns.push(change.next.id);
    cost.keyBytes += taskKeyBytes(change.next.id);
    if (!fresh || change.before !== null) cost.checks++;
    cost.bytes += recordBytes(change.next);
    if (!becomesReady(change)) continue;
    const record = change.next as TaskRecord;
    const { id, task, caller = "" } = record;
    cost.bytes += READY_BYTES + 2 * tailLength(id) + task.length + caller.length;
    cost.listed.push(placeOf(record, shards));
  }
  return cost;
}

function sharedBy(groupSteps: GroupStep[], counterSteps: CounterStep[], fresh: boolean): string[] {
  const shared = fresh ? [FRESH] : [];
  if (groupSteps.length === 0 && counterSteps.length === 0) return shared;
  const counters = counterSteps.map(({ dependent }) => `dependencies/${dependent}`);
  return [...shared, ...new Set([...groupSteps.map(({ group }) => group), ...counters])];
}

function addLimits(cost: Cost, parts: Parts): void {
  const { changes, limitNames, isGated: gated } = parts;
  for (const name of limitNames) {
    cost.shared.push(`limit/${name}`);
    const { tenant, key } = limitOf(name);
    if (isImposed(key)) continue;
    // The rules, where a limit is used for the first time.
    const rules = `limit-rules/${tenant}`;
    if (!cost.shared.includes(rules)) cost.shared.push(rules);
  }
  if (!gated) return;
  for (const { next } of changes) {
    if (!isGated(next)) continue;
    const { limits = [], rates = [] } = next as TaskRecord;
    const longest = Math.max(...[...limits, ...rates].map(({ key }) => key.length));
    cost.mutations += 2;
    // In the key of the parked one, which KV counts twice, and in its record.
    cost.bytes += PARKED_BYTES + 12 * longest;
    cost.keyBytes += PARKED_BYTES + 3 * longest;
  }
}

function addWrite(cost: Cost, write: Write): void {
  cost.bytes += writeBytes(write);
  cost.keyBytes += keyBytes(write.key);
}

/** The task gets a place at the end of the queue. */
export function becomesReady({ before, next }: ChangeOfRecord): boolean {
  return isReady(next) && !(before && isReady(before.record));
}

function placeOf(record: TaskRecord, shards: number): ListedId {
  return { list: `ready/${lineOf(record, queueShardOf(record, shards))}`, perBlock: MOST_IN_A_BLOCK };
}

/** As the commit writes it, but for its place. */
function logEntryOf({ group, id, is, again }: GroupStep): Write {
  return { key: keys.groupDone(group, 0, id), value: { type: is, again } };
}

/** Keys that a unit both checks and writes. Two such units in one commit would both pass the check. */
function ownKeys(checks: Deno.AtomicCheck[], writes: Write[]): string[] {
  if (checks.length === 0 || writes.length === 0) return [];
  // To spell all keys of the writes takes longer than to compare their parts.
  if (checks.length <= FEW) return checks.filter(({ key }) => isWritten(key, writes)).map(nameOf);
  const checked = new Set(checks.map(nameOf));
  return writes.map(nameOf).filter((name) => checked.has(name));
}

const FEW = 4;

function isWritten(key: Deno.KvKey, writes: Write[]): boolean {
  return writes.some(({ key: other }) =>
    other.length === key.length && other.every((part, i) => part === key.at(i))
  );
}

function nameOf({ key }: { key: Deno.KvKey }): string {
  return key.join("/");
}
