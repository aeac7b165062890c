// What becomes of a submission whose key a task has: decided by what is stored now, and checked by the commit
// that stores what follows.

import { ConflictError } from "../../core/errors.ts";
import { type Entry, isForgotten, isTerminal, type TaskRecord, typeOf } from "../../core/task.ts";
import { bare } from "../../core/tenant.ts";
import { cancelRequested } from "../../core/transitions.ts";
import { keepsOthersOut, postponed, superseded, withoutKey } from "../../core/unique_key.ts";
import { edgeWrite } from "../../dependencies/edges.ts";
import { keys } from "../../platform/keys.ts";
import type { Change } from "../../store/commit_unit.ts";
import { counterWrite } from "../../store/dependency_counters.ts";
import type { Store } from "../../store/store.ts";
import { type Holder, holdersOf, taking } from "../../store/unique_holders.ts";
import type { Values } from "../../store/values.ts";
import type { Checked } from "../prepare.ts";

/** How long a running task may take to stop for a newer one. */
const GRACE_MS = 10_000;

export interface Wanted {
  place: number;
  /** Of the task that it would make. */
  id: string;
  checked: Checked;
  /** Whose input the task gets: its own, or that of another one of the call with the same key. */
  input: Pick<Checked, "input" | "special">;
  /** Where its option stands in what the caller sent. */
  pointer: string;
}

/** A new task is stored with `with`, and perhaps waits for the end of another one. */
export interface Make {
  kind: "make";
  with: Pick<Change, "checks" | "beside" | "writes">;
  after?: string;
}

/** There is such a task; it may change with this submit. */
export interface There {
  kind: "there";
  entry: Entry;
  change: Change | null;
}

export type Decision = Make | There;

/** @throws {ConflictError} for one that is to be refused. */
export async function decide(store: Store, values: Values, wanted: Wanted[]): Promise<Decision[]> {
  const holders = await holdersOf(store, wanted.map(({ checked }) => checked.unique!.digest));
  const now = store.clock.now();
  return await Promise.all(wanted.map((one): Decision | Promise<Decision> => {
    const holder = holders.get(one.checked.unique!.digest)!;
    const { entry } = holder;
    // An earlier try of the call has stored it.
    if (entry?.record.id === one.id) return { kind: "make", with: {} };
    if (!entry || !keepsOthersOut(entry.record, now)) return { kind: "make", with: taking(holder) };
    return conflicting(store, values, one, { ...holder, entry }, now);
  }));
}

async function conflicting(
  store: Store,
  values: Values,
  wanted: Wanted,
  holder: Holder & { entry: Entry },
  now: number,
): Promise<Decision> {
  const { checked: { unique }, pointer } = wanted;
  const { entry } = holder;
  const { record } = entry;
  const which = `task ${bare(record.id)} (${typeOf(record)})`;
  switch (unique!.onConflict) {
    case "return":
      return { kind: "there", entry, change: null };
    case "reject":
      throw new ConflictError(`${which} has its unique key`, pointer);
    case "replace": {
      if (record.startedAt === null && !isTerminal(record)) {
        const next = await withInput(values, record, wanted);
        return { kind: "there", entry, change: { before: entry, next } };
      }
      const message = `${which} has its unique key, and has started: it keeps its input. Wait for its end, ` +
        'or let onConflict be "cancel"';
      throw new ConflictError(message, pointer);
    }
    case "postpone": {
      const { delayMs, maxDelayMs, input } = unique!.debounce!;
      const runAt = Math.min(now + delayMs, record.createdAt + maxDelayMs);
      const moved = postponed(record, now, runAt);
      const next = input === "last" ? await withInput(values, moved, wanted) : moved;
      return { kind: "there", entry, change: next === record ? null : { before: entry, next } };
    }
    case "cancel":
      return await instead(store, wanted, holder, now);
  }
}

async function withInput(values: Values, record: TaskRecord, { input }: Wanted): Promise<TaskRecord> {
  const next = { ...record, input: await values.store(record.id, input.input) };
  if (input.special) next.special = true;
  else delete next.special;
  return next;
}

/** The task gives up its key and its run for a new one. */
async function instead(
  store: Store,
  { id, checked: { submission: { task } } }: Wanted,
  { check, entry }: Holder & { entry: Entry },
  now: number,
): Promise<Make> {
  const { record } = entry;
  const made = (next: TaskRecord): Make => ({
    kind: "make",
    with: { checks: [check], beside: { before: entry, next } },
  });
  if (isTerminal(record)) return made(withoutKey(record));
  const type = typeOf(record);
  if (type === "RUNNING" || type === "CANCELLING") {
    const asked = type === "RUNNING"
      ? cancelRequested(record, now, `task ${bare(id)} takes its place`, GRACE_MS)
      : record;
    return waitingFor(made({ ...withoutKey(asked), followed: true }), record.id, id, task);
  }
  const make = made(superseded(record, now, id));
  // One that runs may have been asked to stop for the one that ends here.
  const [running] = record.unique!.after === undefined ? [] : await store.peekMany([record.unique!.after]);
  if (!running || isForgotten(running.record) || isTerminal(running.record)) return make;
  const { record: { id: upstream }, versionstamp } = running;
  make.with.checks!.push({ key: keys.task(upstream), versionstamp });
  return waitingFor(make, upstream, id, task);
}

function waitingFor(make: Make, upstream: string, id: string, task: string): Make {
  const counter = { task, left: 1, failed: 0, first: null, allowFailure: true };
  const writes = [counterWrite(id, counter), edgeWrite(upstream, `${id}.0`, [id], null)];
  return { ...make, with: { ...make.with, writes }, after: upstream };
}

/** The record of a new task as it is stored by this decision. */
export function draftBy({ after }: Make, draft: TaskRecord): TaskRecord {
  if (after === undefined) return draft;
  const deps = {
    upstreams: { json: JSON.stringify([after]) },
    total: 1,
    waitFor: 1,
    allowFailure: true,
    released: false,
  };
  return { ...draft, deps, unique: { ...draft.unique!, after } };
}
