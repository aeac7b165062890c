// After a commit that failed or had no answer: what became of its units, by what KV holds now.

import type { Entry, Stored } from "../core/task.ts";
import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Unit } from "./commit_unit.ts";
import type { Fences } from "./fences.ts";
import { entryOrNewer, type Found, isNewerRecord } from "./record_codec.ts";

/** A conflict that is final: what the unit was computed from never comes back, as absence does. */
export type Verdict = Entry<Stored>[] | "final conflict" | "conflict" | "again";

export async function readBack(kv: KvPort, fences: Fences, units: Unit[]): Promise<[Unit, Verdict][]> {
  const checks = units.map(checksOf);
  const found = await kv.getMany<unknown>(checks.flat().map(({ key }) => key));
  let at = 0;
  return units.map((unit, i) => {
    return [unit, verdictOf(unit, checks[i], found.slice(at, at += checks[i].length), fences)];
  });
}

function checksOf({ changes, checks }: Unit): Deno.AtomicCheck[] {
  const records = changes.map(({ before, next }) => {
    return { key: keys.task(next.id), versionstamp: before?.versionstamp ?? null };
  });
  return [...records, ...checks];
}

function verdictOf(
  { op, changes }: Unit,
  checks: Deno.AtomicCheck[],
  found: Deno.KvEntryMaybe<unknown>[],
  fences: Fences,
): Verdict {
  const records = found.slice(0, changes.length).map((one) => {
    return entryOrNewer(one as Deno.KvEntryMaybe<Uint8Array>);
  });
  records.forEach((record, i) => fences.found(changes[i].next.id, record));
  if (records.some((record) => isWrittenBy(op, record))) {
    // Since then records may have been written again, or removed.
    return changes.map(({ next }, i) => readable(records[i]) ?? { record: next, versionstamp: "" });
  }
  let verdict: Verdict = "again";
  for (const [i, { versionstamp }] of checks.entries()) {
    const now = found[i].versionstamp;
    if (now === versionstamp) continue;
    if (versionstamp !== null) return "final conflict";
    if (i >= changes.length || now !== fences.versionOf(changes[i].next.id)) verdict = "conflict";
  }
  return verdict;
}

function isWrittenBy(op: string, found: Found): boolean {
  if (found === null) return false;
  const { op: last, ops } = isNewerRecord(found) ? found.written : found.record;
  return last === op || ops?.includes(op) === true;
}

function readable(found: Found): Entry<Stored> | null {
  return isNewerRecord(found) ? null : found;
}
