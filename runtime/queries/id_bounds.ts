// The range of ids that tasks of some time can have. A UUIDv7 begins with its milliseconds.

import { MAX_CLOCK_SKEW_MS } from "../platform/ids.ts";
import { keys } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";

export interface IdBounds {
  from: string;
  to: string | null;
}

/** No bounds once a caller has chosen an id whose time is another. */
export async function idBounds(
  store: Store,
  { createdAfter, createdBefore }: { createdAfter?: number; createdBefore?: number },
): Promise<IdBounds> {
  const isBounded = createdAfter !== undefined || createdBefore !== undefined;
  if (!isBounded || (await store.kv.get(keys.oddIds)).value !== null) return { from: "", to: null };
  return {
    from: createdAfter === undefined ? "" : idAt(createdAfter - MAX_CLOCK_SKEW_MS),
    to: createdBefore === undefined ? null : idAt(createdBefore + MAX_CLOCK_SKEW_MS),
  };
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
