// Ids that a call got in place of its own: a repeat of it gets the same ones, whatever has become of the keys
// since.

import { keys, prefixes } from "../../platform/keys.ts";
import type { KvPort, Write } from "../../platform/kv.ts";
import { pages } from "../../platform/paging.ts";

/** A value has room for more. */
const PER_WRITE = 500;

type Pair = [place: number, id: string];

/** @param call the first id that was drawn for the call */
export function sameIdsWrites(call: string, ids: ReadonlyMap<number, string>, expireAt: number): Write[] {
  const pairs: Pair[] = [...ids];
  const writes: Write[] = [];
  for (let at = 0; at < pairs.length; at += PER_WRITE) {
    const value = pairs.slice(at, at + PER_WRITE);
    writes.push({ key: keys.sameAs(call, value[0][0]), value, expireAt });
  }
  return writes;
}

export async function sameIdsOf(kv: KvPort, call: string): Promise<Map<number, string>> {
  const ids = new Map<number, string>();
  for await (const page of pages<Pair[]>(kv, { prefix: prefixes.sameAs(call) }, { size: 50 })) {
    for (const { value } of page) for (const [place, id] of value) ids.set(place, id);
  }
  return ids;
}
