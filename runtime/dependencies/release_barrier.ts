// All tasks of a call are stored, and its barrier was lifted: releases the tasks that waited for nothing
// else.

import { isAwaiting, isForgotten } from "../core/task.ts";
import { released } from "../core/transitions.ts";
import { keys } from "../platform/keys.ts";
import type { Change } from "../store/commit_unit.ts";
import type { Store } from "../store/store.ts";
import { type EdgeBlock, edgesOf, tellDependents } from "./edges.ts";

/**
 * @param outboxVersion of the outbox entry, which the last commit removes
 * @param isStopping asked in between
 * @returns false if it must be tried again.
 */
export async function releaseBarrier(
  store: Store,
  barrier: string,
  outboxVersion: string,
  isStopping: () => boolean,
): Promise<boolean> {
  const { kv } = store;
  for await (const page of edgesOf(kv, barrier)) {
    if (isStopping()) return false;
    const applied = await Promise.all(page.map((block) => releaseBlock(store, block)));
    if (applied.includes(false)) return false;
  }
  const key = keys.outbox(barrier);
  const check = { key, versionstamp: outboxVersion };
  if (!await tellDependents(store, barrier, "COMPLETED", check, isStopping)) return false;
  for await (const page of edgesOf(kv, barrier)) await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
  return await store.commit("outbox", [], { checks: [check], writes: [{ key }] }) !== null;
}

/** Tasks that wait for the barrier alone have no counters: they are released directly. */
async function releaseBlock(
  store: Store,
  { key, versionstamp, value: { ids, kind } }: Deno.KvEntry<EdgeBlock>,
): Promise<boolean> {
  if (kind !== "direct") return true;
  const known = ids.map((id) => store.links.get(id));
  const entries = known.every((entry) => entry) ? known : await store.readMany(ids);
  const now = store.clock.now();
  const changes = entries.flatMap((entry): Change[] => {
    if (!entry || isForgotten(entry.record) || !isAwaiting(entry.record)) return [];
    // Retried meanwhile, it waits for a barrier of its own (retry_barrier.ts), which releases it.
    if (entry.record.wentBack) return [];
    return [{ before: entry, next: released(entry.record, now) }];
  });
  const check = { key, versionstamp };
  const packs = changes.length > 0 ? await store.pack(changes, { checks: [check], writes: [{ key }] }) : [[]];
  for (const [n, pack] of packs.entries()) {
    // The block goes with the last of its tasks.
    const writes = n === packs.length - 1 ? [{ key }] : [];
    if (await store.commit("outbox", pack, { checks: [check], writes }) !== null) continue;
    for (const id of ids) store.links.forget(id);
    return false;
  }
  return true;
}
