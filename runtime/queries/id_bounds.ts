// The range of ids that tasks of some time can have. A UUIDv7 begins with its milliseconds.

import { MAX_CLOCK_SKEW_MS } from "../platform/ids.ts";
import { keys } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import { idBeginning, type TaskFilter } from "./list_filter.ts";

export interface IdBounds {
  from: string;
  to: string | null;
}

/** Behind all ids that begin with something. */
const ALL_OF_THEM = "~~";

export async function idBounds(store: Store, filter: TaskFilter): Promise<IdBounds> {
  const beginning = filter.q === undefined ? null : idBeginning(filter.q);
  const ofTime = await boundsOfTime(store, filter);
  if (beginning === null) return ofTime;
  const to = beginning + ALL_OF_THEM;
  return {
    from: ofTime.from > beginning ? ofTime.from : beginning,
    to: ofTime.to !== null && ofTime.to < to ? ofTime.to : to,
  };
}

/** No bounds once a caller has chosen an id whose time is another. */
async function boundsOfTime(
  store: Store,
  { createdAfter, createdBefore, finishedBefore }: TaskFilter,
): Promise<IdBounds> {
  // What has ended before was submitted before.
  const before = earlier(createdBefore, finishedBefore);
  const isBounded = createdAfter !== undefined || before !== undefined;
  if (!isBounded || (await store.kv.get(keys.oddIds)).value !== null) return { from: "", to: null };
  return boundsBetween(createdAfter, before);
}

/** Of ids that callers have not chosen. Milliseconds since the epoch. */
export function boundsBetween(after: number | undefined, before: number | undefined): IdBounds {
  return {
    from: after === undefined ? "" : idAt(after - MAX_CLOCK_SKEW_MS),
    to: before === undefined ? null : idAt(before + MAX_CLOCK_SKEW_MS),
  };
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? a ?? b : Math.min(a, b);
}

/** Where a page ends at the latest. */
export function endOf({ to }: IdBounds, before: string | null): string | null {
  return to !== null && (before === null || to < before) ? to : before;
}

/** The smallest UUIDv7 of a millisecond. */
function idAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}
