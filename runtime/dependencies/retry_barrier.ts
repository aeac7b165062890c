// A retried task whose dependents one commit cannot put back waits behind a barrier of its own, until all of
// them wait for it again, level by level. Otherwise it might end before they do, and a reader would find that
// all tasks of the call have ended.

import { isAwaiting, isForgotten, type TaskRecord } from "../core/task.ts";
import { keys } from "../platform/keys.ts";
import { retryBarrierId } from "../platform/outbox_subject.ts";
import type { UnitOptions } from "../store/commit_unit.ts";
import { counterWrite, newCounter, outboxWrite } from "../store/dependency_counters.ts";
import type { Store } from "../store/store.ts";
import { dependentsOf, type EdgeBlock, edgeWrite } from "./edges.ts";

const RECORDS_PER_READ = 200;

/**
 * What the commit of the retry checks and writes.
 *
 * @param needsNone it waits for none of its upstreams any more
 */
export async function heldBack(
  { kv }: Store,
  record: TaskRecord,
  needsNone: boolean,
): Promise<Required<Pick<UnitOptions, "checks" | "writes" | "counterSteps">>> {
  const { id, deps } = record;
  const barrier = retryBarrierId(id);
  const [block, counter] = await kv.getMany<unknown>([keys.edge(barrier, id), keys.dependencyCounter(id)]);
  const options = {
    checks: [{ key: block.key, versionstamp: block.versionstamp }],
    writes: [edgeWrite(barrier, id, [id], null), outboxWrite(barrier)],
    counterSteps: [] as UnitOptions["counterSteps"] & object,
  };
  if (needsNone || counter.value === null) {
    options.checks.push({ key: counter.key, versionstamp: counter.versionstamp });
    const alone = { total: 1, allowFailure: deps?.allowFailure ?? false };
    options.writes.push(counterWrite(id, { ...newCounter(record, alone), alone: true }));
  } else if (!isHeldBack(block)) {
    options.counterSteps.push({ dependent: id, upstream: barrier, was: "COMPLETED", is: null });
  }
  return options;
}

/** True if the counter of the task counts its barrier, as the barrier's block says. */
export function isHeldBack({ value }: Pick<Deno.KvEntryMaybe<unknown>, "value">): boolean {
  return (value as EdgeBlock | null)?.told === null;
}

/**
 * Lets the task go once all of its dependents, direct and indirect, have been put back.
 *
 * @param outboxVersion of the outbox entry, which the last commit removes
 * @param processed resolves once the outbox holds no entry about these tasks; false if that takes too long
 * @returns false if it must be tried again.
 */
export async function releaseRetried(
  store: Store,
  task: string,
  outboxVersion: string,
  processed: (ids: string[]) => Promise<boolean>,
): Promise<boolean> {
  const seen = new Set([task]);
  for (let level = [task]; level.length > 0;) {
    // Its entry puts a task back, and tells those that wait for it.
    if (!await processed(level)) return false;
    level = await waitingBehind(store, level, seen);
  }
  const barrier = retryBarrierId(task);
  const { kv } = store;
  const outbox = { key: keys.outbox(barrier), versionstamp: outboxVersion };
  const block = await kv.get<EdgeBlock>(keys.edge(barrier, task));
  const counterSteps: UnitOptions["counterSteps"] = isHeldBack(block)
    ? [{ dependent: task, upstream: barrier, was: null, is: "COMPLETED" }]
    : [];
  return await store.commit("outbox", [], {
    checks: [outbox, { key: block.key, versionstamp: block.versionstamp }],
    writes: [{ key: outbox.key }, { key: block.key }],
    counterSteps,
  }) !== null;
}

/** Dependents of those of the level that wait. What does not wait has no dependents to put back. */
async function waitingBehind(store: Store, level: string[], seen: Set<string>): Promise<string[]> {
  const behind: string[] = [];
  for (let from = 0; from < level.length; from += RECORDS_PER_READ) {
    for (const entry of await store.peekMany(level.slice(from, from + RECORDS_PER_READ))) {
      if (!entry || isForgotten(entry.record) || !isAwaiting(entry.record)) continue;
      for await (const ids of dependentsOf(store.kv, entry.record)) {
        for (const id of ids) {
          if (seen.has(id)) continue;
          seen.add(id);
          behind.push(id);
        }
      }
    }
  }
  return behind;
}
