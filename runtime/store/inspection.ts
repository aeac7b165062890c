// What is in a database, read as the engine reads it: for those who have a copy of one, and want to know
// whether it is whole.

import { isForgotten } from "../core/task.ts";
import { prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import { requireFormat } from "./format.ts";
import { decode } from "./record_codec.ts";

export interface Inspection {
  /** The first release that wrote the format of this database; null for one that nothing has written yet. */
  release: string | null;
  /** Of all tenants. */
  tasks: number;
}

/**
 * Reads the record of every task, and writes nothing.
 *
 * @throws {NewerFormatError | NewerRecordError} for what only a newer release can read
 */
export async function inspect(kv: KvPort): Promise<Inspection> {
  const format = await requireFormat(kv);
  let tasks = 0;
  const selector = { prefix: prefixes.task };
  for await (const page of pages<Uint8Array>(kv, selector, { size: 100, growTo: 500 })) {
    for (const { value } of page) if (!isForgotten(decode(value))) tasks++;
  }
  return { release: format.value?.release ?? null, tasks };
}
