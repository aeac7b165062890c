// Changes of a schedule on request, as pure functions of its record.

import { type Fault, TooLargeError, ValidationError } from "../core/errors.ts";
import type { ScheduleConfig, Times } from "../core/schedule_config.ts";
import type { SchedulePatch } from "./config.ts";
import { type OwnTask, runningOf } from "./decision.ts";
import { LARGEST_RECORD, planned, saidBy, sameTimes, scheduleBytes, type ScheduleRecord } from "./record.ts";
import { Expansion, expansionOf } from "./spec.ts";

/** Who changes it, and when. */
export interface Change {
  now: number;
  by: string | null;
  op: string;
  /** Code says it, which may stand there for longer than the times that it names. */
  isDeclared?: boolean;
}

/** @throws {ValidationError} */
export function requireExpansion(times: Times, now: number | null): Expansion {
  const expansion = expansionOf(times, now);
  if (expansion instanceof Expansion) return expansion;
  throw new ValidationError(expansion as Fault[]);
}

/**
 * The schedule as it is to be from now on.
 *
 * @param known as it is; null if it is new
 * @throws {ValidationError | TooLargeError}
 */
export function configured(
  known: ScheduleRecord | null,
  name: string,
  tenant: string,
  config: ScheduleConfig,
  { now, by, op, isDeclared = false }: Change,
): ScheduleRecord {
  const said = saidBy(config);
  const isSame = known !== null && sameTimes(known, said);
  // Saying the same once more is no fault when its time has come meanwhile.
  const expansion = requireExpansion(said, isSame || isDeclared ? null : now);
  const wasPaused = known?.paused ?? null;
  const paused = config.paused === undefined
    ? wasPaused
    : config.paused
    ? wasPaused ?? { note: said.note, since: now, by }
    : null;
  const record: ScheduleRecord = {
    ...(known ?? fresh(now)),
    ...said,
    v: 1,
    name,
    tenant,
    op,
    by,
    paused,
    left: known && known.remaining === said.remaining ? known.left : said.remaining,
    updatedAt: now,
  };
  const goesOn = isSame && known.next !== null;
  const next = planned(record, expansion, goesOn ? record.seenUntil : Math.max(now, record.seenUntil));
  const { byteLength } = scheduleBytes(next);
  if (byteLength <= LARGEST_RECORD) return next;
  const rule = "for all that it says, with its input: keep large data elsewhere, and say where";
  throw new TooLargeError("/input", "the schedule", byteLength, LARGEST_RECORD, rule);
}

function fresh(now: number) {
  return {
    next: null,
    dueAt: null,
    seenUntil: now,
    last: null,
    active: [],
    fired: 0,
    skipped: 0,
    fault: null,
    createdAt: now,
  };
}

/** What its record says, as a caller would. */
export function configOf(record: ScheduleRecord): ScheduleConfig {
  const { task, input, options, spec, exclude, startAt, endAt, remaining, note, ...rest } = record;
  const { windowMs, overlap, catchupMs, pauseOnFailure } = rest;
  return {
    task,
    input: JSON.parse(input),
    options,
    spec,
    exclude,
    startAt,
    endAt,
    windowMs,
    overlap,
    catchupMs,
    pauseOnFailure,
    remaining: remaining ?? undefined,
    note: note ?? undefined,
  };
}

/** Null takes a field away. */
export function patched(config: ScheduleConfig, patch: SchedulePatch): ScheduleConfig {
  const next: Record<string, unknown> = { ...config };
  for (const [field, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete next[field];
    else next[field] = value;
  }
  return next as unknown as ScheduleConfig;
}

export function pausedOnRequest(
  record: ScheduleRecord,
  note: string | null,
  { now, by, op }: Change,
): ScheduleRecord {
  const since = record.paused?.since ?? now;
  return { ...record, op, paused: { note, since, by }, next: null, dueAt: null, updatedAt: now };
}

/** It goes on with the first time from now on: what came while it was paused is left out. */
export function resumed(
  record: ScheduleRecord,
  expansion: Expansion,
  tasks: OwnTask[],
  { now, op }: Change,
): ScheduleRecord {
  // A failure that had paused it is looked at no more.
  const next = { ...record, op, active: runningOf(tasks), paused: null, updatedAt: now };
  if (record.paused === null) return next;
  return planned(next, expansion, Math.max(now, record.seenUntil));
}
