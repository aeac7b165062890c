// The task that a command is about: it must be there, and be the version that the caller expects.

import { ForgottenError, NotFoundError, PreconditionError } from "../core/errors.ts";
import { type Entry, isForgotten, type Stored } from "../core/task.ts";
import type { Store } from "../store/store.ts";

/** Versions (ETags) of which the task must have one; undefined allows any. */
export type IfMatch = string[] | undefined;

/** @throws {NotFoundError | ForgottenError | PreconditionError} */
export async function readPresent(store: Store, id: string, ifMatch: IfMatch): Promise<Entry> {
  const entry = await store.read(id);
  if (!entry) throw new NotFoundError("task", id);
  return requirePresent(entry, ifMatch);
}

/** @throws {ForgottenError | PreconditionError} */
export function requirePresent(entry: Entry<Stored>, ifMatch: IfMatch): Entry {
  if (isForgotten(entry.record)) throw new ForgottenError(entry.record.id);
  if (ifMatch !== undefined && !ifMatch.includes(entry.versionstamp)) {
    throw new PreconditionError(`the task has changed: its version is ${entry.versionstamp}`);
  }
  return entry as Entry;
}
