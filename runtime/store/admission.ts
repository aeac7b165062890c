// A commit that makes room at a limit lets in those who wait there first: they start with it, and not a
// commit later. What does not fit into it is let in from the outbox (flow_control/admit_parked.ts).

import { type Imposing, withImposed } from "../core/imposed_limits.ts";
import { limitsBefore, parkedAt } from "../core/limits.ts";
import { type Entry, isForgotten, type TaskRecord } from "../core/task.ts";
import { admittedToLimit } from "../core/transitions.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import { loadOf } from "./commit_load.ts";
import { type Change, type Unit, unitOf } from "./commit_unit.ts";
import type { Gate } from "./limit_counters.ts";
import { type LineHeads, READ_AHEAD } from "./line_heads.ts";
import { entryOrNewer, isNewerRecord } from "./record_codec.ts";

interface AdmissionContext {
  heads: LineHeads;
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  imposing?: Imposing;
}

/** A unit with those that come in with these units; null if none does. */
export async function admission(
  { heads, kv, clock, ids, imposing }: AdmissionContext,
  units: readonly Unit[],
  gate: Gate<Unit>,
): Promise<Unit | null> {
  // Where commits go to a server their checks are few, and what was decided for a claim must not get old.
  if (kv.limits.flights > 1 || units.some(({ isStillRight }) => isStillRight !== undefined)) return null;
  const open = gate.open();
  if (open.length === 0) return null;
  // All or none: whom the outbox lets in at the same time, a commit of theirs would conflict about.
  const load = loadOf(...units.map(({ cost }) => cost));
  const wanted = open.reduce((sum, { room }) => sum + room, 0);
  if (wanted > kv.limits.checks - load.checks) return null;
  const changes: Change[] = [];
  const taken = new Set(units.flatMap((unit) => unit.changes.map(({ next }) => next.id)));
  for (const { name, room, versionstamp } of open) {
    const line = heads.first(name, versionstamp, room) ?? await readHead(kv, heads, name, versionstamp, room);
    for (const entry of line) {
      if (taken.has(entry.record.id)) continue;
      const asked = admittedToLimit(entry.record, clock.now());
      const next = imposing?.hasLimits ? withImposed(entry.record, asked, imposing) as TaskRecord : asked;
      if (!limitsBefore(next).every((name) => gate.names.has(name))) continue;
      changes.push({ before: entry, next });
      taken.add(next.id);
    }
  }
  if (changes.length === 0) return null;
  const unit = unitOf(ids.token(), changes, {}, kv.shards);
  load.add(unit.cost);
  if (load.exceeds(kv.limits)) return null;
  unit.starts = true;
  gate.admit(unit);
  return unit;
}

/** Those that wait at the head of a line, and some that come after them. */
async function readHead(
  kv: KvPort,
  heads: LineHeads,
  name: string,
  versionstamp: string,
  room: number,
): Promise<Entry[]> {
  const line = await kv.list({ prefix: prefixes.parked(name) }, { limit: Math.max(room, READ_AHEAD) });
  const waiting = line.map(({ key }) => keys.task(parse.parked(key)));
  const found = (await kv.getMany<Uint8Array>(waiting)).map(entryOrNewer);
  const entries = found.filter((entry): entry is Entry => {
    return entry !== null && !isNewerRecord(entry) && !isForgotten(entry.record) &&
      parkedAt(entry.record) === name;
  });
  heads.read(name, versionstamp, entries);
  return entries.slice(0, room);
}
