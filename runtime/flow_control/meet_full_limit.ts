// A task has met a full limit and must not just wait: it is cancelled, or the oldest one that has a slot is
// asked to stop.

import { heldBy, parkedAt } from "../core/limits.ts";
import { type Entry, isForgotten, isReady, stateOf, type TaskRecord, typeOf } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { cancelled, cancelRequested } from "../core/transitions.ts";
import { keys, prefixes } from "../platform/keys.ts";
import { fullLimitSubject } from "../platform/outbox_subject.ts";
import { pages } from "../platform/paging.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { ALL_READY, blocksUnder } from "../store/ready_queue.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { LimitCounter } from "../store/limit_tally.ts";
import type { Store } from "../store/store.ts";

/** How long the function of a running one may take to stop. */
const GRACE_MS = 10_000;
const BLOCKS_PER_READ = 50;

/**
 * @param outboxVersion the version of the outbox entry that asked for it
 * @returns false if something has changed meanwhile.
 */
export async function meetFullLimit(store: Store, id: string, outboxVersion: string): Promise<boolean> {
  const outbox = keys.outbox(fullLimitSubject(id));
  const options: UnitOptions = {
    checks: [{ key: outbox, versionstamp: outboxVersion }],
    writes: [{ key: outbox }],
  };
  const [entry] = await store.readMany([id]);
  const changes: Change[] = [];
  if (entry && !isForgotten(entry.record) && entry.record.parked) {
    const { record } = entry;
    const { limits, parked } = record;
    const { key, onFull } = limits!.find(({ key }) => key === parked!.key)!;
    if (onFull === "cancel-new") {
      const reason = `the limit ${JSON.stringify(key)} was full`;
      changes.push({ before: entry, next: cancelled(record, store.clock.now(), reason) });
    } else if (onFull === "cancel-running") {
      const reason = `its slot of ${JSON.stringify(key)} goes to task ${bare(id)}`;
      const change = await stopOldest(store, parkedAt(record)!, reason);
      if (change) {
        changes.push(change);
        options.checks!.push({ key: keys.task(id), versionstamp: entry.versionstamp });
      }
    }
  }
  return await store.commit("settle", changes, options) !== null;
}

/** Null if one was asked already, or none has a slot any more. */
async function stopOldest(store: Store, name: string, reason: string): Promise<Change | null> {
  const { value } = await store.kv.get<LimitCounter>(keys.limit(name));
  let oldest: Entry | null = null;
  let found = 0;
  for await (const entry of holders(store, name)) {
    const { record } = entry;
    found++;
    if (typeOf(record) === "CANCELLING" && record.cancel?.reason === reason) return null;
    if (typeOf(record) === "CANCELLING") continue;
    if (oldest === null || beganAt(record) < beganAt(oldest.record)) oldest = entry;
    // The queue, which comes last, may be long.
    if (found === value?.held) break;
  }
  if (oldest === null) return null;
  const { record } = oldest;
  const now = store.clock.now();
  const next = typeOf(record) === "RUNNING"
    ? cancelRequested(record, now, reason, GRACE_MS)
    : cancelled(record, now, reason);
  return { before: oldest, next };
}

/** One that runs is older than one that only could. */
function beganAt(record: TaskRecord): number {
  return stateOf(record).at + (isReady(record) ? Number.MAX_SAFE_INTEGER / 2 : 0);
}

/** Tasks with a slot of a limit: they are in blocks of leases or of the queue. */
export async function* holders(store: Store, name: string): AsyncGenerator<Entry> {
  const { kv } = store;
  for await (const page of pages<string[]>(kv, { prefix: prefixes.leases }, { size: BLOCKS_PER_READ })) {
    yield* heldAmong(store, name, page.flatMap(({ value }) => value));
  }
  for (const prefix of ALL_READY) {
    for await (const { value } of blocksUnder(kv, prefix)) yield* heldAmong(store, name, value.ids);
  }
}

async function* heldAmong(store: Store, name: string, ids: string[]): AsyncGenerator<Entry> {
  for (const found of await store.readEach(ids)) {
    if (!found || isNewerRecord(found) || isForgotten(found.record)) continue;
    if (heldBy(found.record).includes(name)) yield found as Entry;
  }
}
