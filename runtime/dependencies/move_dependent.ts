// Moves a waiting task according to its dependency counter: it is released, cancelled, or waits again.

import { cancelsRest, metConditions, wasStoppedByUpstream } from "../core/conditions.ts";
import { skipped } from "../core/skipped.ts";
import { type Entry, isAwaiting, isForgotten, isTerminal, type TaskRecord } from "../core/task.ts";
import type { EndedGroup } from "../core/group_policy.ts";
import { released, resumed, upstreamFailed } from "../core/transitions.ts";
import { keys } from "../platform/keys.ts";
import { restSubject } from "../platform/outbox_subject.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { decisionOf, type DependencyCounter, isSkip, outboxWrite } from "../store/dependency_counters.ts";
import { eventsOfPastEnd } from "../store/event_log.ts";
import type { Store } from "../store/store.ts";
import { keyAgain } from "../store/unique_holders.ts";
import { endedGroup } from "./group_end.ts";

export interface OutboxTask {
  id: string;
  versionstamp: string;
  entry: Entry | null;
  counter: Pick<Deno.KvEntryMaybe<DependencyCounter>, "value" | "versionstamp">;
}

/** @returns false if the task, the counter or the outbox entry has changed meanwhile. */
export async function moveDependent(
  store: Store,
  { id, versionstamp, entry, counter }: OutboxTask,
): Promise<boolean> {
  const options: UnitOptions = {
    checks: [{ key: keys.outbox(id), versionstamp }],
    writes: [{ key: keys.outbox(id) }],
  };
  const changes: Change[] = [];
  if (entry && counter.value !== null) {
    const { record } = entry;
    const { next, isReleased, key } = await moved(store, record, counter.value);
    options.checks!.push({ key: keys.dependencyCounter(id), versionstamp: counter.versionstamp });
    if (next) {
      const events = isTerminal(record) ? eventsOfPastEnd(record) : undefined;
      changes.push({ before: entry, next, events, ...key });
    } else {
      options.checks!.push({ key: keys.task(id), versionstamp: entry.versionstamp });
    }
    if (isReleased) {
      options.writes!.push({ key: keys.dependencyCounter(id) });
      const { conditions } = record.deps!;
      if (conditions && cancelsRest(conditions)) options.writes!.push(outboxWrite(restSubject(id)));
    }
  }
  return await store.commit("outbox", changes, options) !== null;
}

async function moved(
  store: Store,
  record: TaskRecord,
  counter: DependencyCounter,
): Promise<{ next: TaskRecord | null; isReleased: boolean; key?: Pick<Change, "checks" | "beside"> }> {
  const now = store.clock.now();
  const decision = decisionOf(counter);
  if (decision === "fail") {
    if (!isAwaiting(record)) return { next: null, isReleased: false };
    return { next: await stopped(store, record, counter), isReleased: false };
  }
  const wasStopped = wasStoppedByUpstream(record);
  if (!isAwaiting(record) && !wasStopped) return { next: null, isReleased: false };
  if (!wasStopped) {
    const isReleased = decision === "go";
    return { next: isReleased ? release(record, counter, now) : null, isReleased };
  }
  const again = await keyAgain(store, record, resumed(record, now));
  // Another task has its unique key: it stays cancelled.
  if ("takenBy" in again) return { next: null, isReleased: false };
  const { next, with: key } = again;
  return decision === "go"
    ? { next: release(next, counter, now), isReleased: true, key }
    : { next, isReleased: false, key };
}

function release(record: TaskRecord, { tally }: DependencyCounter, now: number): TaskRecord {
  if (!tally) return released(record, now);
  return released({ ...record, deps: { ...record.deps!, conditions: metConditions(tally) } }, now);
}

async function stopped(store: Store, record: TaskRecord, counter: DependencyCounter): Promise<TaskRecord> {
  const now = store.clock.now();
  const upstream = await upstreamOf(store, record, counter.first);
  return isSkip(counter) ? skipped(record, now, upstream) : upstreamFailed(record, now, upstream);
}

async function upstreamOf(
  store: Store,
  { deps }: TaskRecord,
  id: string | null,
): Promise<TaskRecord | EndedGroup | null> {
  if (id !== null && deps?.groups?.includes(id)) return await endedGroup(store, id);
  const [entry] = id === null ? [] : await store.peekMany([id]);
  return entry && !isForgotten(entry.record) ? entry.record : null;
}
