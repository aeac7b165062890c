// Reads the records of schedules that are due. Those of one instant come in the order of their names, in
// which their records stand, too: a range of them is one read, where by their keys ten are.

import { after, keys, parse } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import { keyOf, namedBy, timerId } from "./record.ts";

/** Fewer are read by their keys. */
const LEAST_IN_A_RANGE = 50;
/** Entries that a range may have for each one that is wanted. */
const SPARSE = 2;

type Found = Deno.KvEntryMaybe<Uint8Array>;

/** @param ids of their timers */
export async function readDue(kv: KvPort, ids: string[]): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const [tenant, own] of Map.groupBy(ids.map(namedBy), ({ tenant }) => tenant)) {
    if (own.length < LEAST_IN_A_RANGE) continue;
    // They are ASCII: they sort as their keys do.
    const names = own.map(({ name }) => name).sort();
    const [first, last] = [names[0], names[names.length - 1]].map((name) => keys.schedule(name, tenant));
    const page = await kv.list<Uint8Array>({ start: first, end: after(last) }, {
      limit: SPARSE * own.length,
    });
    for (const entry of page) found.set(timerId(parse.schedule(entry.key), tenant), entry);
  }
  // Also what is gone, and what stands elsewhere because its timer is of another instant.
  const left = ids.filter((id) => !found.has(id));
  const others = await kv.getMany<Uint8Array>(left.map((id) => keyOf(namedBy(id))));
  others.forEach((entry, i) => found.set(left[i], entry));
  return ids.map((id) => found.get(id)!);
}
