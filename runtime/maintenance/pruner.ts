// Removes ended tasks whose retention is over, and everything that they stored beside their record.

import {
  type Entry,
  hasDependents,
  isForgotten,
  isTerminal,
  keptFor,
  keptUntil,
  type Stored,
  type TaskRecord,
  type Tombstone,
} from "../core/task.ts";
import { mayBeCompensated } from "../dependencies/compensable.ts";
import { groupsOf, isNeeded } from "../dependencies/edges.ts";
import { isIndexKey, isUniqueKey, keys } from "../platform/keys.ts";
import { entriesOf, expiryOf } from "../store/index_entries.ts";
import { encode } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";

/** A task that others still need is looked at again after this, and then after ever longer. */
const KEEP_AT_LEAST_MS = 60_000;

export class Pruner {
  constructor(private readonly store: Store, private readonly values: Values) {}

  /**
   * @param entry the task as it is now, or null if it is gone
   * @returns false if the task must be looked at again later: its timer stays, or was moved.
   */
  async prune(id: string, entry: Entry<Stored> | null): Promise<boolean> {
    if (entry && !isForgotten(entry.record) && isOverdue(entry.record, this.store.clock.now())) {
      if (await this.#isNeeded(entry.record)) {
        await this.#keep(id);
        return false;
      }
      if (!await this.#bury(entry as Entry)) return false;
      entry = null;
    }
    if (entry === null || isForgotten(entry.record)) {
      const lent = entry?.record.lent;
      await this.values.purge(id, lent && lent.until > this.store.clock.now() ? lent.blob : undefined);
    }
    // Otherwise it was retried since, and its next end has a timer of its own.
    return true;
  }

  async #isNeeded(record: TaskRecord): Promise<boolean> {
    if (await isNeeded(this.store, record, await groupsOf(this.store, record))) return true;
    if (await mayBeCompensated(this.store, record)) return true;
    if (!record.awaited) return false;
    const parent = await this.store.read(record.parentId!);
    return parent !== null && !isForgotten(parent.record) && !isTerminal(parent.record);
  }

  /** The record goes first, under a check: a retry at this moment finds all of the task, or none of it. */
  async #bury({ record, versionstamp }: Entry): Promise<boolean> {
    const { kv, clock } = this.store;
    const now = clock.now();
    const key = keys.task(record.id);
    const atomic = kv.atomic().check({ key, versionstamp });
    const tombstone = tombstoneOf(record, now);
    kv.write(atomic, { key, value: encode(tombstone), expireAt: expiryOf(tombstone) }, now);
    // The list entries of a task that was kept for others do not expire.
    for (const { key } of entriesOf(record)) if (isIndexKey(key) || isUniqueKey(key)) atomic.delete(key);
    // Its dependents must have been told of its end.
    if (hasDependents(record)) atomic.check({ key: keys.outbox(record.id), versionstamp: null });
    return (await kv.commit(atomic)).ok;
  }

  /** Prolongs the retention of a task that others still need, which moves its timer. */
  async #keep(id: string): Promise<void> {
    const { store } = this;
    await store.update("change", id, ({ record }) => {
      const now = store.clock.now();
      if (isForgotten(record) || !isOverdue(record, now)) return null;
      const keptMs = now - record.finishedAt!;
      return { next: keptFor(record, keptMs + Math.max(KEEP_AT_LEAST_MS, keptMs / 2)) };
    });
  }
}

/** Its retention is over, whether or not others need it. */
function isOverdue(record: TaskRecord, now: number): boolean {
  const until = keptUntil(record);
  return until !== null && until <= now;
}

/** Callers that read back late can tell by it that there was a task, and which units wrote it. */
function tombstoneOf({ id, op, ops, rev }: TaskRecord, now: number): Tombstone {
  return { id, op, ops, rev: rev + 1, forgottenAt: now, isPast: true };
}
