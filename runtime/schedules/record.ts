// The record of a schedule: what it says, and where it stands. Its one timer, and how it moves.

import { derivedId } from "../core/derived_id.ts";
import { toJsonText } from "../core/json.ts";
import type { Overlap, ScheduleConfig, ScheduleOptions, Times } from "../core/schedule_config.ts";
import { sha256 } from "../core/sha256.ts";
import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import { DEFAULT_CATCHUP_MS } from "./config.ts";
import type { Expansion, Slot } from "./spec.ts";

export interface Pause {
  note: string | null;
  /** Milliseconds since the epoch, as all instants here. */
  since: number;
  by: string | null;
}

export interface ScheduleRecord extends Times {
  v: 1;
  name: string;
  tenant: string;
  /** Names the write, for an answer that was lost. */
  op: string;
  task: string;
  /** JSON text. */
  input: string;
  options?: ScheduleOptions;
  windowMs: number;
  overlap: Overlap;
  catchupMs: number;
  pauseOnFailure: boolean;
  /** As it was said. */
  remaining: number | null;
  note: string | null;
  /** Times that are left; null: no bound. */
  left: number | null;
  /** The time that it will fire for; null while it is paused, and when there is none. */
  next: Slot | null;
  /** When it fires for it: the instant of its timer. */
  dueAt: number | null;
  /** The last time that it was fired for, or passed over. Times up to it are never fired again. */
  seenUntil: number;
  last: { scheduledFor: number; taskId: string } | null;
  /** Ids, as callers know them, of tasks that had not ended when it was last looked at; oldest first. */
  active: string[];
  paused: Pause | null;
  fired: number;
  /** Passed over: their tasks would have overlapped, or came too late, or were refused. */
  skipped: number;
  /** Why the last time that failed was not fired. */
  fault: { scheduledFor: number; message: string } | null;
  createdAt: number;
  updatedAt: number;
  /** The key that wrote it: its tasks count as this caller's. */
  by: string | null;
  /** The definition whose code says it. */
  declaredBy?: string;
}

export interface ScheduleEntry {
  record: ScheduleRecord;
  versionstamp: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** KV takes 65,536 bytes. */
export const LARGEST_RECORD = 60_000;

export function scheduleBytes(record: ScheduleRecord): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

export function entryOf({ value, versionstamp }: Deno.KvEntryMaybe<Uint8Array>): ScheduleEntry | null {
  return value === null ? null : { record: JSON.parse(decoder.decode(value)), versionstamp };
}

export function keyOf({ name, tenant }: Pick<ScheduleRecord, "name" | "tenant">): Deno.KvKey {
  return keys.schedule(name, tenant);
}

/** Names a schedule in its timer. */
export function timerId(name: string, tenant: string): string {
  return tenant === "" ? name : `${name}~${tenant}`;
}

export function namedBy(id: string): { name: string; tenant: string } {
  const at = id.indexOf("~");
  return at < 0 ? { name: id, tenant: "" } : { name: id.slice(0, at), tenant: id.slice(at + 1) };
}

/** What a commit writes to take a schedule from one record to another; null: it is not there. */
export function writesOf(before: ScheduleRecord | null, next: ScheduleRecord | null): Write[] {
  const { name, tenant } = (next ?? before)!;
  const writes: Write[] = [{
    key: keys.schedule(name, tenant),
    value: next === null ? undefined : scheduleBytes(next),
  }];
  const [was, is] = [before?.dueAt ?? null, next?.dueAt ?? null];
  if (was === is && before?.task === next?.task) return writes;
  const id = timerId(name, tenant);
  if (was !== null && was !== is) writes.push({ key: keys.due("schedule", was, id) });
  // The definition, so that whoever lacks it need not read the record.
  if (is !== null) writes.push({ key: keys.due("schedule", is, id), value: next!.task });
  return writes;
}

/** The id of the task of a time, as callers know it: one for each, whoever fires it, and however often. */
export function slotId({ name, tenant }: Pick<ScheduleRecord, "name" | "tenant">, at: number): string {
  return derivedId(at, ["schedule", tenant, name, String(at)]);
}

/** When a schedule fires for a time. */
export function dueAtOf(
  { name, tenant, windowMs }: Pick<ScheduleRecord, "name" | "tenant" | "windowMs">,
  { at, isExcluded }: Slot,
): number {
  if (windowMs === 0 || isExcluded) return at;
  const digest = sha256().update(JSON.stringify(["window", tenant, name, at])).digest();
  return at + Math.floor(digest.readUInt32BE(0) / 2 ** 32 * windowMs);
}

/** The record with the next time behind an instant, if it is to fire again. */
export function planned(record: ScheduleRecord, expansion: Expansion, after: number): ScheduleRecord {
  const isOver = record.paused !== null || record.left === 0;
  const next = isOver ? null : expansion.next(after);
  return { ...record, next, dueAt: next && dueAtOf(record, next) };
}

/** What a caller has said, with what holds where it said nothing. */
export function saidBy(config: ScheduleConfig) {
  const { task, options, spec, exclude, startAt, endAt } = config;
  return {
    task,
    input: toJsonText(config.input === undefined ? {} : config.input),
    options,
    spec,
    exclude,
    startAt,
    endAt,
    windowMs: config.windowMs ?? 0,
    overlap: config.overlap ?? "skip",
    catchupMs: config.catchupMs ?? DEFAULT_CATCHUP_MS,
    pauseOnFailure: config.pauseOnFailure ?? false,
    remaining: config.remaining ?? null,
    note: config.note ?? null,
  };
}

/** True if both mean the same times. */
export function sameTimes(a: Times, b: Times): boolean {
  const textOf = ({ spec, exclude, startAt, endAt }: Times) =>
    JSON.stringify([spec, exclude ?? [], startAt ?? null, endAt ?? null]);
  return textOf(a) === textOf(b);
}
