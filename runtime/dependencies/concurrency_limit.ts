// A window: so many tasks of a group run at once. The others wait in the order of their ids; each end of a task lets
// the next one in, by a note that the group's log leaves for the follower.

import { doneOf, GROUP_RETENTION_MS, groupRecord } from "../store/group_counters.ts";
import { after, concurrencyLimitId, keys, parse, prefixes } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { Store } from "../store/store.ts";
import { isForgotten } from "../core/task.ts";
import { admitted } from "../core/transitions.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";

export interface ConcurrencyLimit {
  max: number;
  /** How many were let in. */
  admitted: number;
  /** The last one of them: the next one has the next larger id. */
  cursor: string;
}

/** The window of a group that is about to be stored: its first tasks are in. */
export function openConcurrencyLimit(group: string, max: number, ids: string[], now: number): Write {
  const value: ConcurrencyLimit = {
    max,
    admitted: Math.min(max, ids.length),
    cursor: ids[Math.min(max, ids.length) - 1] ?? "",
  };
  return windowWrite(group, value, now);
}

/** It is kept for as long as its group. */
function windowWrite(group: string, value: ConcurrencyLimit, now: number): Write {
  return { key: keys.concurrencyLimit(group), value, expireAt: now + GROUP_RETENTION_MS };
}

/**
 * Lets in as many as there is room for, as far as one commit takes them.
 *
 * @param note the version of the note that asked for it.
 * @returns false if it has to be looked at again.
 */
export async function admit(store: Store, group: string, note: string): Promise<boolean> {
  const id = concurrencyLimitId(group);
  const { kv, clock } = store;
  const window = await kv.get<ConcurrencyLimit>(keys.concurrencyLimit(group));
  const record = await groupRecord(kv, group);
  const options: UnitOptions = { checks: [{ key: keys.outbox(id), versionstamp: note }], writes: [] };
  const changes: Change[] = [];
  let more = false;
  if (window.value && record) {
    const { max, admitted: before, cursor } = window.value;
    const ended = doneOf(record) - (record.outside ?? 0);
    const room = Math.min(max - (before - ended), kv.limits.checks - 5);
    if (room > 0) {
      const late = await kv.list({ prefix: prefixes.readmissionsOf(group) }, { limit: room });
      const again = late.map(({ key }) => parse.readmission(key).id);
      const prefix = prefixes.index("group", group);
      const start = after(keys.index("group", group, cursor));
      const page = room > again.length
        ? await kv.list({ prefix, start }, { limit: room - again.length })
        : [];
      const ids = page.map(({ key }) => parse.index(key).id);
      for (const entry of await store.readMany([...new Set([...again, ...ids])])) {
        if (!entry || isForgotten(entry.record) || !entry.record.windowed) continue;
        const next = admitted(entry.record, clock.now());
        if (next) changes.push({ before: entry, next });
      }
      more = again.length + ids.length > 0;
      if (more) {
        const value: ConcurrencyLimit = {
          max,
          admitted: before + changes.length,
          cursor: ids.at(-1) ?? cursor,
        };
        options.checks!.push({ key: keys.concurrencyLimit(group), versionstamp: window.versionstamp });
        options.writes!.push(windowWrite(group, value, clock.now()));
      }
    }
  }
  // There may be room for more: the note stays until there is none, or nobody waits.
  if (!more) options.writes!.push({ key: keys.outbox(id) });
  const applied = await store.commit("outbox", changes, options);
  return applied !== null && !more;
}
