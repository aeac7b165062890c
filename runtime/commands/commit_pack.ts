// Commits the tasks of a call that fit one commit.

import { ConflictError, LimitFullError } from "../core/errors.ts";
import { bare } from "../core/tenant.ts";
import { type Entry, isForgotten, type Stored, type TaskRecord, typeOf } from "../core/task.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { limitName } from "../core/limits.ts";
import { keys } from "../platform/keys.ts";
import { hasRoom, type LimitCounter } from "../store/limit_tally.ts";
import type { Store } from "../store/store.ts";

export interface PackOptions extends UnitOptions {
  /**
   * The call was cut off before: so many of these tasks, the first ones, it had stored by then. They stay as
   * they are, and are not made again if they have ended and are gone. Null if this is its first try.
   */
  resumed: number | null;
}

/** The tasks as the caller is told of them, or null if the commit conflicted. */
export async function commitPack(
  store: Store,
  pack: Change[],
  { resumed, ...options }: PackOptions,
): Promise<Entry[] | null> {
  if (resumed === null) {
    const applied = await store.commit("submit", pack, options);
    return applied && pack.map(({ next }, i) => asSubmitted(applied[i], next as TaskRecord));
  }
  const there = await store.peekMany(pack.map(({ next }) => next.id));
  const missing = pack.filter((_, i) => i >= resumed && there[i] === null);
  const applied = await store.commit("submit", missing, options);
  if (!applied) return null;
  const stored = new Map(applied.map((entry) => [entry.record.id, entry]));
  return pack.map(({ next }) => {
    const record = next as TaskRecord;
    const entry = stored.get(record.id);
    return entry ? asSubmitted(entry, record) : { record, versionstamp: "" };
  });
}

/** A task may start in the commit that stores it. Its version then is not that of what was submitted. */
export function asSubmitted(entry: Entry<Stored>, record: TaskRecord): Entry {
  // After a commit that was read back it may have been forgotten already.
  const isSame = !isForgotten(entry.record) && typeOf(entry.record) === typeOf(record);
  return isSame ? entry as Entry : { record, versionstamp: "" };
}

/** The keys of limits that a task must not wait for. */
export function refusingLimits(records: TaskRecord[]): string[] {
  const keys = records.flatMap(({ limits = [] }) => limits.filter(({ onFull }) => onFull === "reject"));
  return [...new Set(keys.map(({ key }) => key))];
}

export async function anyFull({ kv }: Store, tenant: string, limits: string[]): Promise<boolean> {
  const found = await kv.getMany<LimitCounter>(limits.map((key) => keys.limit(limitName(key, tenant))));
  return found.some(({ value }) => value !== null && (!hasRoom(value) || value.waiting > 0));
}

/** Why a pack conflicted. */
export async function conflictOf(store: Store, pack: Change[]): Promise<ConflictError | LimitFullError> {
  const found = await store.readMany(pack.map(({ next }) => next.id));
  const taken = pack.find((_, i) => found[i] !== null);
  const refusing = refusingLimits(pack.map(({ next }) => next as TaskRecord));
  // Such a unit is not committed where a limit is full; the rest that may conflict is rarer.
  if (!taken && refusing.length > 0) return new LimitFullError(refusing);
  return new ConflictError(
    taken ? `id ${bare(taken.next.id)} is taken` : "another call with this idempotency key came first",
  );
}
