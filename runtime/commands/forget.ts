// Deletes an ended task and everything it stored.

import { ConflictError } from "../core/errors.ts";
import { isReplaced } from "../core/replaced.ts";
import { hasDependents, isForgotten, isTerminal, type TaskRecord, typeOf } from "../core/task.ts";
import { mayBeCompensated } from "../dependencies/compensable.ts";
import { groupsOf, isNeeded } from "../dependencies/edges.ts";
import { sleep } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import { type IfMatch, readPresent } from "./present_task.ts";

/** Some process handles the outbox entry at once; if no process runs, the caller has to try again. */
const OUTBOX_HANDLED_WITHIN_MS = 5_000;

/**
 * Deletes an ended task. A tombstone stays for a day.
 *
 * @throws {NotFoundError | ForgottenError | PreconditionError}
 * @throws {ConflictError} if it has not ended, or a task that waits for it has not.
 */
export async function forget(store: Store, id: string, ifMatch?: IfMatch): Promise<void> {
  const { clock } = store;
  const until = clock.monotonic() + OUTBOX_HANDLED_WITHIN_MS;
  for (;;) {
    const entry = await readPresent(store, id, ifMatch);
    const { record } = entry;
    if (!isTerminal(record)) {
      throw new ConflictError(
        `only an ended task can be forgotten; this one is ${typeOf(record)}: cancel it first`,
      );
    }
    const groups = await groupsOf(store, record);
    if (await isNeeded(store, record, groups) || await isAboutToBeNeeded(store, record)) {
      throw new ConflictError("a task that takes its result has not ended: cancel that one first");
    }
    if (await mayBeCompensated(store, record)) {
      throw new ConflictError("it has a compensation, and its group has not ended: it may yet be taken back");
    }
    const now = clock.now();
    const lent = record.lent && record.lent.until > now ? { lent: record.lent } : {};
    const next = { id, op: "", rev: record.rev, forgottenAt: now, ...lent };
    // Its dependents must have counted its end, and nobody may come to take the results of its groups.
    const checks: Deno.AtomicCheck[] = groups.map(({ key, versionstamp }) => ({ key, versionstamp }));
    if (hasDependents(record)) checks.push({ key: keys.outbox(id), versionstamp: null });
    if (await store.commit("change", [{ before: entry, next }], { checks })) return;
    if (clock.monotonic() > until) {
      throw new ConflictError("those that wait for it have not been told of its end yet: try again");
    }
    await sleep(clock, OUTBOX_HANDLED_WITHIN_MS / 100);
  }
}

/** It is in the place of a task which does not wait for it yet. */
async function isAboutToBeNeeded(store: Store, { parentId, groups }: TaskRecord): Promise<boolean> {
  if (parentId === null) return false;
  const parent = await store.read(parentId);
  if (!parent || isForgotten(parent.record) || !isReplaced(parent.record)) return false;
  const { group } = parent.record.replacement;
  return group === undefined || groups.includes(group);
}
