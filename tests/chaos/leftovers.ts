// What stands in the database when all has ended and every process has stopped: records, what follows from
// them, and nothing else.

import { entryOf } from "../../runtime/store/record_codec.ts";
import type { LimitCounter } from "../../runtime/store/limit_tally.ts";
import type { GroupRecord } from "../../runtime/store/group_counters.ts";
import { entriesOf } from "../../runtime/store/index_entries.ts";
import type { Barrier } from "../../runtime/dependencies/barrier.ts";
import type { EdgeBlock } from "../../runtime/dependencies/edges.ts";
import { keys, prefixes } from "../../runtime/platform/keys.ts";

const BATCH = 500;
/** Kinds of timers that belong to a call and not to a task. */
const CALLS = new Set<Deno.KvKeyPart>(["unseal", "recount"]);

export interface GarbageCollector {
  /** Keys that should be and are not, or the other way round. */
  wrong: string[];
  /**
   * Values and events that were written ahead of a record which then never came: for a sweep to remove.
   * Timers that end a call of several commits if it is cut off: each process that begins it sets one, and
   * those of the killed stay until then.
   */
  orphans: string[];
  /** Tasks behind barriers that nobody has lifted yet. */
  cutOff: Set<string>;
}

/** Closes the database. */
export async function leftovers(kv: Deno.Kv): Promise<GarbageCollector> {
  try {
    const wrong: string[] = [];
    const orphans: string[] = [];
    for await (const { key, value } of kv.list<LimitCounter>({ prefix: ["limit"] })) {
      if (value.held + value.waiting > 0) {
        wrong.push(`counts tasks that are over: ${key} ${JSON.stringify(value)}`);
      }
    }
    for (const name of ["ready", "lease", "worker", "stop", "parked", "unique", "outbox"]) {
      for await (const { key } of kv.list({ prefix: [name] }, { batchSize: BATCH })) {
        wrong.push(`still there: ${key}`);
      }
    }
    const ids = new Set<string>();
    const expected = new Set<string>();
    for await (const entry of kv.list<Uint8Array>({ prefix: ["task"] }, { batchSize: 100 })) {
      const { record } = entryOf(entry)!;
      ids.add(record.id);
      for (const { key } of entriesOf(record)) expected.add(JSON.stringify(key));
    }
    for await (const { key, value } of kv.list<GroupRecord>({ prefix: ["group"] }, { batchSize: BATCH })) {
      if (key.length === 2) expected.add(JSON.stringify(keys.due("group", value.purgeAt!, value.id)));
    }
    for (const name of ["index", "due"]) {
      for await (const { key } of kv.list({ prefix: [name] }, { batchSize: BATCH })) {
        if (expected.delete(JSON.stringify(key))) continue;
        if (name === "due" && CALLS.has(key[1])) orphans.push(key.join("/"));
        else wrong.push(`follows from no record: ${key}`);
      }
    }
    for (const key of expected) wrong.push(`follows from a record and is missing: ${key}`);
    for (const name of ["blob", "event"]) {
      for await (const { key } of kv.list({ prefix: [name] }, { batchSize: BATCH })) {
        if (!ids.has(String(key[1]))) orphans.push(key.join("/"));
      }
    }
    return { wrong, orphans, cutOff: await cutOffIn(kv) };
  } finally {
    await kv.close();
  }
}

async function cutOffIn(kv: Deno.Kv): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { key, value } of kv.list<Barrier>({ prefix: ["seal"] })) {
    if (value.sealed || value.givenUp) continue;
    const blocks = kv.list<EdgeBlock>({ prefix: prefixes.edges(key[1] as string) }, { batchSize: BATCH });
    for await (const block of blocks) for (const id of block.value.ids) ids.add(id);
  }
  return ids;
}
