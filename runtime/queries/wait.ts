// Waits for several tasks at once, like Python's concurrent.futures.wait: a timeout is no error, and the
// answer says which tasks are done and which are not.

import { type Fault, ForgottenError, NotFoundError } from "../core/errors.ts";
import { type Notifier } from "./notifier.ts";
import type { Store } from "../store/store.ts";
import { Watch } from "./watch.ts";
import { type Entry, isForgotten, isTerminal, type Stored, type TaskRecord, typeOf } from "../core/task.ts";

export const RETURN_WHEN = ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"] as const;
export type ReturnWhen = typeof RETURN_WHEN[number];

/** What a wait for no more comes to is put together at once. */
const FEW = 50;

export interface Waited {
  done: Entry[];
  notDone: Entry[];
}

export interface WaitOptions {
  signal?: AbortSignal;
  /** False: ids of tasks that are gone are ignored. */
  mustExist?: boolean;
}

/**
 * Waits until the first task has ended, the first has failed (a cancelled one does not count), or all have
 * ended; at most `waitMs`. Duplicates count once; both lists keep the order of `ids`.
 *
 * @throws {NotFoundError | ForgottenError} for a task that is not there at the start
 */
export async function waitFor(
  store: Store,
  notifier: Notifier,
  ids: string[],
  returnWhen: ReturnWhen,
  waitMs: number,
  { signal, mustExist = true }: WaitOptions = {},
): Promise<Waited> {
  const newest = new Map<string, Entry>();
  using watch = new Watch(store.clock, (ring) => {
    return notifier.watch(new Set(ids), (entry, id) => {
      const known = newest.get(id);
      if (!entry || isForgotten(entry.record)) {
        // A task is removed only after its end. If its end was not seen here, it is in neither list.
        if (known && !isTerminal(known.record)) newest.delete(id);
        return ring();
      }
      if (known && known.versionstamp >= entry.versionstamp) return;
      newest.set(id, entry as Entry);
      if (isTerminal(entry.record)) ring();
    });
  });
  if (mustExist) await readAll(store, ids, newest);
  else await readPresent(store, ids, newest);
  const until = store.clock.monotonic() + waitMs;
  while (!isOver([...newest.values()], returnWhen)) {
    if (!await watch.next(until - store.clock.monotonic(), signal)) break;
  }
  // Many waits may be over at the same moment.
  const others = ids.length > FEW ? store.turns.short() : null;
  if (others) await others;
  const entries = [...new Set(ids)].flatMap((id) => newest.get(id) ?? []);
  return {
    done: entries.filter(({ record }) => isTerminal(record)),
    notDone: entries.filter(({ record }) => !isTerminal(record)),
  };
}

/**
 * Reads tasks that must be there. A version that a notification has brought meanwhile is kept if it is newer.
 *
 * @param asked the ids as the caller sent them: faults point into that list
 */
export async function readAll(
  store: Store,
  ids: string[],
  newest: Map<string, Entry>,
  asked = ids,
): Promise<void> {
  const unique = [...new Set(ids)];
  for (const entry of present(await store.readMany(unique, "caller"), unique, asked)) {
    const { id } = entry.record;
    const known = newest.get(id);
    if (!known || known.versionstamp < entry.versionstamp) newest.set(id, entry);
  }
}

/**
 * The entries, if all of them are there.
 *
 * @param unique the ids of the entries
 * @param ids the ids as the caller sent them: faults point into that list
 * @throws {NotFoundError | ForgottenError} for the first missing one, with a fault for each
 */
export function present(entries: (Entry<Stored> | null)[], unique: string[], ids: string[]): Entry[] {
  const missing = entries.flatMap((entry, i) => {
    if (entry !== null && !isForgotten(entry.record)) return [];
    return entry === null ? new NotFoundError("task", unique[i]) : new ForgottenError(unique[i]);
  });
  if (missing.length === 0) return entries as Entry[];
  const [first] = missing;
  const places = new Map(ids.map((id, i) => [id, i] as const).reverse());
  const faults = missing.map(({ id, message }): Fault => ({ pointer: `/ids/${places.get(id)}`, message }));
  throw first instanceof NotFoundError
    ? new NotFoundError("task", first.id, faults)
    : new ForgottenError(first.id, faults);
}

async function readPresent(store: Store, ids: string[], newest: Map<string, Entry>): Promise<void> {
  for (const entry of await store.readMany(ids, "caller")) {
    if (!entry || isForgotten(entry.record)) continue;
    const known = newest.get(entry.record.id);
    if (!known || known.versionstamp < entry.versionstamp) newest.set(entry.record.id, entry as Entry);
  }
}

function isOver(entries: Entry[], returnWhen: ReturnWhen): boolean {
  const ended = entries.filter(({ record }) => isTerminal(record));
  if (ended.length === entries.length) return true;
  if (returnWhen === "FIRST_COMPLETED") return ended.length > 0;
  return returnWhen === "FIRST_EXCEPTION" && ended.some(({ record }) => isFailure(record));
}

function isFailure(record: TaskRecord): boolean {
  const type = typeOf(record);
  return type === "FAILED" || type === "CRASHED";
}

/** The order of completion. Within a millisecond it is the order of the last commits. */
export function byEnd(a: Entry, b: Entry): number {
  return (a.record.finishedAt ?? Infinity) - (b.record.finishedAt ?? Infinity) ||
    (a.versionstamp < b.versionstamp ? -1 : a.versionstamp > b.versionstamp ? 1 : 0);
}
