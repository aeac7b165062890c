// What becomes of a value whose commit was refused.

import { isNewerRecord } from "./record_codec.ts";
import type { Store } from "./store.ts";
import { isForgotten, namesValue, type StoredValue } from "../core/task.ts";
import type { Values } from "./values.ts";

/**
 * Removes a value unless the record names it: a commit that seemed to have come too late may be the very one
 * that wrote the record, read back after so many others that nothing tells its op any more.
 */
export async function discardUnlessNamed(
  store: Store,
  values: Values,
  id: string,
  value: StoredValue,
): Promise<void> {
  if ("json" in value) return;
  const [entry] = await store.peekEach([id]);
  // Whether it names the value only a newer release can say: it is left to the garbage collector of one.
  if (isNewerRecord(entry)) return;
  const record = entry?.record;
  if (record && !isForgotten(record) && namesValue(record, value.blob)) return;
  await values.discard(id, value);
}
