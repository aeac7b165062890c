// Cancels a task: a waiting one at once, a running one by asking it to stop.

import { wasStoppedByUpstream } from "../core/conditions.ts";
import { ForgottenError, NotFoundError } from "../core/errors.ts";
import { type Entry, isTerminal, type TaskRecord, typeOf } from "../core/task.ts";
import { cancelled, cancelRequested } from "../core/transitions.ts";
import { parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import type { Store } from "../store/store.ts";
import { isReplaced, replacementCancelled } from "../core/replaced.ts";
import { type IfMatch, requirePresent } from "./present_task.ts";

export interface CancelRequest {
  reason?: string | null;
  /** How long a running function may take to stop. */
  graceMs: number;
  ifMatch?: IfMatch;
  /**
   * Also cancels the tasks that it has submitted, and theirs. The default is true for a task of a flow, but
   * false with `onlyWaiting`.
   */
  children?: boolean;
  /** Only if it has not started: of those that have, none is asked to stop. */
  onlyWaiting?: boolean;
  /** What a running function still returns is kept. The task ends CANCELLED all the same. */
  keepResult?: boolean;
  /** One that a retry of another task would put back stays cancelled, too. Only of many: cancel_many.ts. */
  isForGood?: boolean;
}

export interface Cancelled {
  outcome: "cancelled" | "requested" | "too_late";
  /** The task after the cancel. */
  entry: Entry;
}

const CHILDREN_AT_ONCE = 200;

/**
 * A waiting task is cancelled at once and for good. A running one is asked to stop, and ends CANCELLED when
 * its function returns or after `graceMs`. Asking again changes nothing.
 *
 * @param known the task as it was read just now
 * @throws {NotFoundError | ForgottenError | PreconditionError}
 */
export async function cancel(
  store: Store,
  id: string,
  request: CancelRequest,
  known: Entry | null = null,
): Promise<Cancelled> {
  const cancelled = await cancelOne(store, id, request, known);
  const { node, startedAt } = cancelled.entry.record;
  // One that has not started has no children.
  const byDefault = node !== undefined && !request.onlyWaiting;
  if (startedAt !== null && (request.children ?? byDefault)) {
    await cancelChildren(store, id, request);
  }
  return cancelled;
}

async function cancelOne(
  store: Store,
  id: string,
  request: CancelRequest,
  known: Entry | null,
): Promise<Cancelled> {
  let outcome: Cancelled["outcome"] = "too_late";
  let seen: Entry | undefined;
  const after = await store.update("change", id, (entry) => {
    seen = requirePresent(entry, request.ifMatch);
    const step = cancelStep(seen.record, store.clock.now(), request);
    outcome = step.outcome;
    return step.next ? { next: step.next } : null;
  }, known);
  if (after === undefined) throw new NotFoundError("task", id);
  return { outcome, entry: (after ?? seen) as Entry };
}

function cancelStep(
  record: TaskRecord,
  now: number,
  { reason = null, graceMs, onlyWaiting, keepResult }: CancelRequest,
): { outcome: Cancelled["outcome"]; next: TaskRecord | null } {
  const type = typeOf(record);
  // Noted in the record, so that it stays cancelled when its upstream is retried.
  if (wasStoppedByUpstream(record)) {
    return { outcome: "cancelled", next: { ...record, cancel: { reason, graceMs: 0 } } };
  }
  if (type === "CANCELLED") return { outcome: "cancelled", next: null };
  if (type === "CANCELLING") return { outcome: "requested", next: null };
  if (isTerminal(record) || onlyWaiting && record.startedAt !== null) {
    return { outcome: "too_late", next: null };
  }
  if (isReplaced(record)) {
    const isAsked = record.cancel !== null;
    return {
      outcome: "requested",
      next: isAsked ? null : replacementCancelled(record, now, reason, graceMs),
    };
  }
  if (type === "RUNNING") {
    return { outcome: "requested", next: cancelRequested(record, now, reason, graceMs, keepResult) };
  }
  return { outcome: "cancelled", next: cancelled(record, now, reason) };
}

/** Children of an ended task are cancelled too: they may outlive it. */
async function cancelChildren(store: Store, parent: string, request: CancelRequest): Promise<void> {
  const prefix = prefixes.index("parent", parent);
  for await (const page of pages(store.kv, { prefix }, { size: CHILDREN_AT_ONCE })) {
    await Promise.all(page.map(({ key }) => {
      return cancelIfThere(store, parse.index(key).id, { ...request, ifMatch: undefined, children: true });
    }));
  }
}

/** Null if the task was deleted meanwhile. */
export async function cancelIfThere(
  store: Store,
  id: string,
  request: CancelRequest,
  known: Entry | null = null,
): Promise<Cancelled | null> {
  try {
    return await cancel(store, id, request, known);
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof ForgottenError) return null;
    throw error;
  }
}
