// The record in a row of the database. Each is looked at by many, and decoded once.

import { isForgotten, type Stored, type TaskRecord } from "../../runtime/core/task.ts";
import { decode } from "../../runtime/store/record_codec.ts";
import type { Row } from "./fake_kv.ts";

const known = new WeakMap<Row, Stored>();

export function storedIn(row: Row): Stored {
  let stored = known.get(row);
  if (!stored) known.set(row, stored = decode(row.value as Uint8Array));
  return stored;
}

/** Null of a task that was deleted, and of none. */
export function recordIn(row: Row | null): TaskRecord | null {
  const stored = row && storedIn(row);
  return stored && !isForgotten(stored) ? stored : null;
}
