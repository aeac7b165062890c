// The tasks that were told to wait for a task.

import { type Entry, isForgotten, type Stored } from "../core/task.ts";
import { dependentsOf } from "../dependencies/edges.ts";
import type { Store } from "../store/store.ts";

export interface Dependents {
  entries: Entry[];
  /** True if there are others. */
  isPart: boolean;
}

export const MOST_DEPENDENTS = 100;

/** @param isHidden whether the caller may not know it */
export async function dependents(
  store: Store,
  { record }: Entry,
  isHidden: (entry: Entry<Stored> | null) => boolean,
): Promise<Dependents> {
  const ids = new Set<string>();
  for await (const page of dependentsOf(store.kv, record)) {
    for (const id of page) ids.add(id);
    if (ids.size > MOST_DEPENDENTS) break;
  }
  const read = await store.readMany([...ids].slice(0, MOST_DEPENDENTS), "caller");
  const entries = read.flatMap((entry) =>
    entry && !isForgotten(entry.record) && !isHidden(entry) ? [entry as Entry] : []
  );
  return { entries, isPart: ids.size > MOST_DEPENDENTS };
}
