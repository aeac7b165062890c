// When a failed task is retried, dependents of its call that its failure had cancelled wait for it again, in
// the same commit if they are few (otherwise: retry_barrier.ts).

import { endOf, wasStoppedByUpstream } from "../core/conditions.ts";
import { type Entry, isAwaiting, isForgotten, type TaskRecord } from "../core/task.ts";
import { resumed } from "../core/transitions.ts";
import { keys } from "../platform/keys.ts";
import type { Change } from "../store/commit_unit.ts";
import { decisionOf, type DependencyCounter, outboxWrite, stepped } from "../store/dependency_counters.ts";
import { eventsOfPastEnd } from "../store/event_log.ts";
import { entryOf } from "../store/record_codec.ts";
import { keyAgain } from "../store/unique_holders.ts";
import type { Store } from "../store/store.ts";

export interface Resumed {
  changes: Change[];
  checks: Deno.AtomicCheck[];
  /** Nothing else is left to resume. */
  isComplete: boolean;
}

/** The outbox processor resumes those that one commit cannot take. */
const MOST_RESUMED = 100;

/** The dependents, direct and indirect, that wait again when this failed task is retried. */
export async function resumedBy(store: Store, failed: TaskRecord): Promise<Resumed> {
  const found: Resumed = { changes: [], checks: [], isComplete: failed.followed !== true };
  const counters = new Map<string, DependencyCounter>();
  const resumedIds = new Set<string>();
  const stillFailed = new Set<string>();
  const keysTaken = new Set(failed.unique ? [failed.unique.key] : []);
  for (let level = [failed]; level.length > 0 && found.isComplete;) {
    const dependents = level.flatMap((upstream) => (upstream.next ?? []).map((id) => ({ id, upstream })));
    const read = await readDependents(store, [...new Set(dependents.map(({ id }) => id))]);
    level = [];
    for (const { id, upstream } of dependents) {
      const { entry, counter } = read.get(id)!;
      if (!entry || !counter.value) continue;
      if (!counters.has(id)) {
        found.checks.push({ key: keys.dependencyCounter(id), versionstamp: counter.versionstamp });
        // It may be about to be cancelled: then it must be resumed with the others.
        if (isAwaiting(entry.record)) {
          found.checks.push({ key: keys.task(id), versionstamp: entry.versionstamp });
        }
      }
      const step = { upstream: upstream.id, was: endOf(upstream), is: null };
      const after = stepped(counters.get(id) ?? counter.value, step);
      counters.set(id, after);
      const { record } = entry;
      if (!wasStoppedByUpstream(record) || resumedIds.has(id)) continue;
      if (decisionOf(after) === "fail") {
        stillFailed.add(id);
        continue;
      }
      stillFailed.delete(id);
      const key = await keyAgain(store, record, resumed(record, store.clock.now()));
      // Another task has its unique key: it stays cancelled.
      if ("takenBy" in key || keysTaken.has(record.unique?.key ?? "")) continue;
      if (record.unique) keysTaken.add(record.unique.key);
      resumedIds.add(id);
      // Dependents in blocks are not looked at here.
      if (record.followed) found.isComplete = false;
      // Another upstream may fail in the same commit: then the outbox processor cancels the task again.
      const writes = [outboxWrite(id)];
      const events = eventsOfPastEnd(record);
      found.changes.push({ before: entry, next: key.next, events, writes, ...key.with });
      level.push(record);
    }
    if (found.changes.length > MOST_RESUMED) found.isComplete = false;
  }
  // Their other upstreams may be retried at this moment too, and then nobody would put them back in time.
  if (stillFailed.size > 0) found.isComplete = false;
  return found;
}

interface Dependent {
  entry: Entry | null;
  counter: Deno.KvEntryMaybe<DependencyCounter>;
}

async function readDependents({ kv }: Store, ids: string[]): Promise<Map<string, Dependent>> {
  const found = await kv.getMany<unknown>(ids.flatMap((id) => [keys.task(id), keys.dependencyCounter(id)]));
  return new Map(ids.map((id, i) => {
    const entry = entryOf(found[2 * i] as Deno.KvEntryMaybe<Uint8Array>);
    return [id, {
      entry: entry && !isForgotten(entry.record) ? entry as Entry : null,
      counter: found[2 * i + 1] as Deno.KvEntryMaybe<DependencyCounter>,
    }];
  }));
}
