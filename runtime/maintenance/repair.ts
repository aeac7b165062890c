// Gives a new driver to a task that has lost its own.

import { endOf } from "../core/conditions.ts";
import { isAwaiting, isForgotten, stateOf, type TaskRecord, typeOf } from "../core/task.ts";
import { isReplaced } from "../core/replaced.ts";
import { admitted, reclaimed } from "../core/transitions.ts";
import { parkedAt } from "../core/limits.ts";
import { isBehindBarrier } from "../dependencies/barrier.ts";
import {
  type ConcurrencyLimit,
  freeSlots,
  rebuiltConcurrencyLimit,
} from "../dependencies/concurrency_limit.ts";
import { endOfUpstream } from "../dependencies/group_end.ts";
import { isHeldBack } from "../dependencies/retry_barrier.ts";
import { keys } from "../platform/keys.ts";
import {
  concurrencyLimitId,
  limitSubject,
  replaceSubject,
  retryBarrierId,
} from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import type { UnitOptions } from "../store/commit_unit.ts";
import {
  counterWrite,
  decisionOf,
  type DependencyCounter,
  newCounter,
  outboxWrite,
  stepped,
} from "../store/dependency_counters.ts";
import { type GroupRecord, groupRecord } from "../store/group_counters.ts";
import { parkedEntry, rateEntry, replacedEntry, waitingOf } from "../store/index_entries.ts";
import { queueKeyOf, readyBlockOf } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";

export type Repair = { next: TaskRecord } & UnitOptions;

/** Null if there is nothing to repair any more. */
export async function repairOf(store: Store, values: Values, record: TaskRecord): Promise<Repair | null> {
  if (record.windowed) {
    const repair = await withSlot(store, record);
    if (repair) return repair;
  }
  if (isAwaiting(record)) return await withDependency(store, values, record);
  if (record.parked) {
    return {
      next: { ...record },
      writes: [parkedEntry(record), outboxWrite(limitSubject(parkedAt(record)!))],
    };
  }
  if (record.rateAt !== undefined) return { next: { ...record }, writes: [rateEntry(record)] };
  if (isReplaced(record)) {
    return { next: { ...record }, writes: [replacedEntry(record), outboxWrite(replaceSubject(record.id))] };
  }
  if (stateOf(record).name === "AwaitingConcurrencySlot") return null;
  const now = store.clock.now();
  switch (typeOf(record)) {
    case "PENDING": {
      const next = { ...record, queued: { order: now, block: store.ids.token() } };
      const value = readyBlockOf([record]);
      return { next, writes: [{ key: queueKeyOf(next, store.kv.shards), value }] };
    }
    case "SCHEDULED": {
      const timer: Write = { key: keys.due("start", record.runAt, record.id), value: waitingOf(record) };
      return { next: { ...record }, writes: [timer] };
    }
    default:
      return { next: reclaimed(record, now) };
  }
}

/** Null if nothing is wrong with the slots of its group any more. */
async function withSlot(store: Store, record: TaskRecord): Promise<Repair | null> {
  const { kv, clock } = store;
  const [group] = record.groups;
  const [counters, limit, outbox] = await kv.getMany<unknown>([
    keys.group(group),
    keys.concurrencyLimit(group),
    keys.outbox(concurrencyLimitId(group)),
  ]);
  const { value } = counters as Deno.KvEntryMaybe<GroupRecord>;
  const checks: Deno.AtomicCheck[] = [counters, limit].map(({ key, versionstamp }) => ({
    key,
    versionstamp,
  }));
  // Nothing is known of the limit any more, and nothing counts by it.
  if (value?.maxConcurrent === undefined) {
    const next = admitted(record, clock.now());
    return next && { next, checks };
  }
  const writes = [outboxWrite(concurrencyLimitId(group))];
  if (limit.value === null) writes.push(await rebuiltConcurrencyLimit(store, value, value.maxConcurrent));
  else if (outbox.versionstamp !== null || freeSlots(limit.value as ConcurrencyLimit, value) <= 0) {
    return null;
  }
  return { next: { ...record }, checks, writes };
}

async function withDependency(store: Store, values: Values, record: TaskRecord): Promise<Repair | null> {
  const { id } = record;
  const barrier = retryBarrierId(id);
  const [found, block, outbox] = await store.kv.getMany<unknown>([
    keys.dependencyCounter(id),
    keys.edge(barrier, id),
    keys.outbox(barrier),
  ]);
  const value = found.value as DependencyCounter | null;
  const isHeld = isHeldBack(block);
  const checks: Deno.AtomicCheck[] = [found, block].map(({ key, versionstamp }) => ({ key, versionstamp }));
  const lifting = isHeld ? [outboxWrite(barrier)] : [];
  if (value === null) {
    // Its barrier releases it, or is lifted without telling it: then it is repaired in a later round.
    if (await isBehindBarrier(store, id)) return null;
    const counter = await counted(store, values, record);
    if (isHeld) counter.left++;
    return { next: { ...record }, checks, writes: [counterWrite(id, counter), outboxWrite(id), ...lifting] };
  }
  if (isHeld && outbox.versionstamp === null) return { next: { ...record }, checks, writes: lifting };
  // A retry of an upstream may have changed the decision meanwhile.
  if (decisionOf(value) === "wait") return null;
  checks.push({ key: keys.outbox(id), versionstamp: null });
  return { next: { ...record }, checks, writes: [outboxWrite(id)] };
}

/** Counts again how many of its upstreams have ended, and how. */
async function counted(
  store: Store,
  values: Values,
  record: TaskRecord,
): Promise<DependencyCounter> {
  const { id, deps } = record;
  const upstreams: string[] = JSON.parse(await values.load(id, deps!.upstreams));
  let counter = newCounter(record, deps!);
  const groups = new Map(
    await Promise.all((deps!.groups ?? []).map(async (group) => {
      return [group, endOfUpstream(await groupRecord(store.kv, group))] as const;
    })),
  );
  for (const [i, entry] of (await store.peekMany(upstreams)).entries()) {
    const group = groups.get(upstreams[i]);
    const is = group !== undefined ? group : entry && !isForgotten(entry.record) ? endOf(entry.record) : null;
    if (is !== null) counter = stepped(counter, { upstream: upstreams[i], was: null, is });
  }
  return counter;
}
