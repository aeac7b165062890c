// What a release that is newer than this one does to a database.

import type { TaskRecord } from "../../runtime/core/task.ts";
import { keys } from "../../runtime/platform/keys.ts";
import type { KvPort } from "../../runtime/platform/kv.ts";
import { RECORD_VERSION } from "../../runtime/store/record_codec.ts";

/** It writes a record in a form that this release does not know. */
export async function rewrittenByNewer(
  { kv }: { kv: KvPort },
  id: string,
  patch: Partial<TaskRecord> = {},
): Promise<void> {
  const { value } = await kv.get<Uint8Array>(keys.task(id));
  const record = JSON.parse(new TextDecoder().decode(value!));
  const text = JSON.stringify({ ...record, ...patch, v: RECORD_VERSION + 1, by: "0.9.3", op: "newer" });
  await kv.writeBlind([{ key: keys.task(id), value: new TextEncoder().encode(text) }], 0);
}
