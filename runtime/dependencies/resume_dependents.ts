// A failed task is run again: those of its own call that its failure had cancelled wait for it again, from the very commit
// on in which it begins. Were they put back a moment later, the whole would look as if it had ended in between.

import { eventsOfPastEnd } from "../store/event_log.ts";
import { entryOf } from "../store/record_codec.ts";
import { decisionOf, type DependencyCounter, outboxWrite, stepped } from "../store/dependency_counters.ts";
import { keys } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isForgotten, stateOf, type TaskRecord, typeOf } from "../core/task.ts";
import { resumed } from "../core/transitions.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";

export interface Resumed {
  changes: Change[];
  /** What made this so must still hold. */
  checks: UnitOptions["checks"] & object;
}

/** More of them than one commit takes are put back by the follower, one after the other. */
const MOST_RESUMED = 100;

/** The tasks that go back to waiting when this one, which has failed, is run again. */
export async function resumedBy(store: Store, failed: TaskRecord): Promise<Resumed> {
  const found: Resumed = { changes: [], checks: [] };
  const joins = new Map<string, DependencyCounter>();
  const back = new Set<string>();
  for (let level = [failed]; level.length > 0 && found.changes.length <= MOST_RESUMED;) {
    const followers = level.flatMap((upstream) => (upstream.next ?? []).map((id) => ({ id, upstream })));
    const entries = await read(store, [...new Set(followers.map(({ id }) => id))]);
    level = [];
    for (const { id, upstream } of followers) {
      const { entry, join } = entries.get(id)!;
      if (!entry || !join.value) continue;
      if (!joins.has(id)) {
        found.checks.push({ key: keys.dependencyCounter(id), versionstamp: join.versionstamp });
      }
      const step = { upstream: upstream.id, was: typeOf(upstream), is: null };
      const after = stepped(joins.get(id) ?? join.value, step);
      joins.set(id, after);
      const { record } = entry;
      const wasFailed = stateOf(record).name === "UpstreamFailed" && record.cancel === null;
      if (!wasFailed || back.has(id) || decisionOf(after) === "fail") continue;
      back.add(id);
      const next = resumed(record, store.clock.now());
      // Another of its upstreams may fail in the same commit: then the follower takes it back.
      const writes = [outboxWrite(id)];
      found.changes.push({ before: entry, next, events: eventsOfPastEnd(record), writes });
      level.push(record);
    }
  }
  return found;
}

async function read(store: Store, ids: string[]) {
  const found = await store.kv.getMany<unknown>(
    ids.flatMap((id) => [keys.task(id), keys.dependencyCounter(id)]),
  );
  return new Map(ids.map((id, i) => {
    const entry = entryOf(found[2 * i] as Deno.KvEntryMaybe<Uint8Array>);
    const isThere = entry !== null && !isForgotten(entry.record);
    return [id, {
      entry: isThere ? entry as Entry : null,
      join: found[2 * i + 1] as Deno.KvEntryMaybe<DependencyCounter>,
    }];
  }));
}
