// How a record is stored: JSON in UTF-8. KV takes bytes as they are, which costs half of what its own
// serialisation of an object costs (2.9 against 5.0 µs, two or three times a task), and makes the size of a
// record something one can know. SQLite keeps about 1,000 bytes of a row, with its key, in place; a record
// that is larger by a byte takes pages of its own, and its commit up to a third longer. The record of a small
// task stays below that, also with a limit: a longer one took a quarter more of the processor.
//
// Each record says the version of its form and the release that wrote it. Older forms are upgraded here, as
// they are read; newer ones are refused. All other values are covered by the version of the database
// (format.ts).

import { NewerRecordError } from "../core/errors.ts";
import { RELEASE } from "../core/release.ts";
import { isLimited } from "../core/limits.ts";
import { type Entry, isForgotten, type Stored, type TaskRecord } from "../core/task.ts";

type Upgrade = (stored: Stored) => Stored;

/**
 * At n - 1: from version n to n + 1. A new form needs an entry here, and a fixture (tests/fixtures). Version
 * 2 may have limits by key, a queue and conditions: older releases would start the task without them; wait
 * for groups, which they do not know; or have a compensation, which they would let go. All else is as in
 * version 1.
 */
const UPGRADES: Upgrade[] = [(stored) => stored];

/** The newest one. Release 0.1 wrote version 1 without saying so, and keeps fields that it does not know. */
export const RECORD_VERSION = UPGRADES.length + 1;
/** A record is written in the oldest form that can say it: older releases then go on with the task. */
const PLAIN = 1;

/** The form of a record and the release that wrote it. Release 0.1 has left out both. */
interface Stamp {
  v?: number;
  by?: string;
}

/**
 * What each stored record begins with. In memory records have no stamp: V8 copies objects of more than 32
 * fields at half the speed, and each task takes several copies.
 */
const stamp = (version: number) => `{"v":${version},"by":${JSON.stringify(RELEASE)},`;
const STAMP = stamp(PLAIN);
const STAMP_OF_MORE = stamp(2);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encode(stored: Stored): Uint8Array<ArrayBuffer> {
  const isPlain = isForgotten(stored) || isPlainTask(stored);
  const [own, said] = isPlain ? [STAMP, stored] : [STAMP_OF_MORE, withoutNulls(stored)];
  return encoder.encode(own + JSON.stringify(said).slice(1));
}

function isPlainTask(record: TaskRecord): boolean {
  return !isLimited(record) && record.queue === undefined && record.deps?.conditions === undefined &&
    record.deps?.groups === undefined && record.replacement === undefined && record.compensate === undefined;
}

/** @throws {NewerRecordError} */
export function decode(bytes: Uint8Array): Stored {
  const text = decoder.decode(bytes);
  if (text.startsWith(STAMP)) return JSON.parse(`{${text.slice(STAMP.length)}`);
  if (text.startsWith(STAMP_OF_MORE)) return withNulls(JSON.parse(`{${text.slice(STAMP_OF_MORE.length)}`));
  return upgraded(JSON.parse(text));
}

/**
 * What version 2 leaves out where it is null. So the record of a small task with a limit is no longer than
 * that of one without, and stays in its row, too.
 */
const NULLS = [
  "lease",
  "result",
  "error",
  "progress",
  "cancel",
  "parentId",
  "timeoutMs",
  "startedAt",
  "finishedAt",
  "expiresAt",
] as const satisfies readonly (keyof TaskRecord)[];

function withoutNulls(record: TaskRecord): Partial<TaskRecord> {
  const short: Partial<TaskRecord> = { ...record };
  for (const field of NULLS) if (short[field] === null) short[field] = undefined;
  return short;
}

function withNulls<T extends Stored>(stored: T): T {
  if (isForgotten(stored)) return stored;
  const record: Partial<Pick<TaskRecord, typeof NULLS[number]>> = stored;
  for (const field of NULLS) if (record[field] === undefined) record[field] = null;
  return stored;
}

/** @throws {NewerRecordError} */
export function upgraded(stored: Stored & Stamp, upgrades = UPGRADES): Stored {
  const { v = 1, by, ...rest } = stored;
  const known = upgrades.length + 1;
  if (v > known) throw new NewerRecordError(stored, v, by ? `Errand ${by}` : "a newer Errand", known);
  const whole = v < 2 ? rest as Stored : withNulls(rest as Stored);
  const record = upgrades.slice(v - 1).reduce((record, upgrade) => upgrade(record), whole);
  return by === undefined ? withItsRetention(record) : record;
}

/** Release 0.1 had one retention for all ends. A task keeps what it was promised. */
function withItsRetention(stored: Stored): Stored {
  if (isForgotten(stored)) return stored;
  return { ...stored, failureRetentionMs: stored.failureRetentionMs ?? stored.retentionMs };
}

/**
 * Null for a key that holds nothing.
 *
 * @throws {NewerRecordError}
 */
export function entryOf({ value, versionstamp }: Deno.KvEntryMaybe<Uint8Array>): Entry<Stored> | null {
  return value === null ? null : { record: decode(value), versionstamp };
}

/** What a key holds: of many records those that can be read are, and the error stands for the others. */
export type Found = Entry<Stored> | null | NewerRecordError;

export function entryOrNewer(found: Deno.KvEntryMaybe<Uint8Array>): Found {
  try {
    return entryOf(found);
  } catch (error) {
    if (error instanceof NewerRecordError) return error;
    throw error;
  }
}

export function isNewerRecord(entry: Found): entry is NewerRecordError {
  return entry instanceof NewerRecordError;
}
