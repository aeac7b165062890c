// The errors of a group: of its first failures in time, and of its deadline.

import { type Entry, type TaskError, typeOf } from "../core/task.ts";
import { failuresOf, type GroupRecord, MOST_ERRORS } from "../store/group_record.ts";
import type { LogValue } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import { presentOrNull } from "./group_members.ts";

/** An entry of a group's completion log. */
export interface LogEntry extends LogValue {
  seq: number;
  task: string;
}

export interface GroupError {
  /** The task that failed; null for what is wrong with the group as a whole. */
  entry: Entry | null;
  error: TaskError;
  /** A compensation that could not be submitted: of which task, and by which definition. */
  refused?: { task: string; definition: string };
}

/** What of a group's log is looked at for failures. With a policy the group itself says where they are. */
const MOST_LOOKED_AT = 10_000;
const LOG_PER_READ = 500;

/** Reads entries of the log from a place on. */
export type ReadLog = (from: number, limit: number) => Promise<LogEntry[]>;

/** At most {@linkcode MOST_ERRORS} of tasks, in the order in which they failed. */
export async function errorsOf(store: Store, group: GroupRecord, log: ReadLog): Promise<GroupError[]> {
  const errors: GroupError[] = [];
  const { stopped } = group;
  if (stopped?.cause === "timeout") errors.push({ entry: null, error: timeoutError(group) });
  if (failuresOf(group) === 0) return errors;
  const ids = await (group.failed ? placesOf(group.failed, log) : failuresIn(group, log));
  for (const found of await store.readMany([...new Set(ids)], "caller")) {
    const entry = presentOrNull(found);
    // One that was retried since has no error.
    if (entry === null || !isFailure(entry)) continue;
    errors.push({ entry, error: entry.record.error ?? { name: "Error", message: "", retryable: false } });
  }
  return errors;
}

async function placesOf(places: number[], log: ReadLog): Promise<string[]> {
  const found = await Promise.all(places.map((seq) => log(seq, 1)));
  return found.flat().map(({ task }) => task);
}

async function failuresIn(group: GroupRecord, log: ReadLog): Promise<string[]> {
  const most = Math.min(MOST_ERRORS, failuresOf(group));
  const found: string[] = [];
  for (let from = 1; from <= MOST_LOOKED_AT && found.length < most; from += LOG_PER_READ) {
    const page = await log(from, LOG_PER_READ);
    found.push(...page.filter(({ type }) => type === "FAILED" || type === "CRASHED").map(({ task }) => task));
    if (page.length < LOG_PER_READ) break;
  }
  return found.slice(0, MOST_ERRORS);
}

function isFailure({ record }: Entry): boolean {
  return ["FAILED", "CRASHED"].includes(typeOf(record));
}

function timeoutError({ policy, createdAt }: GroupRecord): TaskError {
  const message = `the group did not end within ${policy!.until! - createdAt} ms`;
  return { name: "TimeoutError", message, retryable: false };
}
