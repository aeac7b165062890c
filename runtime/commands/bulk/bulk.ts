// One action on many tasks, as a task of the engine: it goes page by page, keeps its place in the database,
// and so goes on where it was, in any process. It is cancelled as any task.

import { z } from "zod";
import type { Caller } from "../../core/caller.ts";
import { type AnyDefinition, define, type TaskContext } from "../../core/define.ts";
import { ForbiddenError, ValidationError } from "../../core/errors.ts";
import { onceLoaded } from "../../core/once.ts";
import { type Entry, isForgotten, typeOf } from "../../core/task.ts";
import { inTenant } from "../../core/tenant.ts";
import { serviceKeys } from "../../platform/service_keys.ts";
import { list, type Page } from "../../queries/list.ts";
import { fits, ofTenant, type TaskFilter } from "../../queries/list_filter.ts";
import type { Store } from "../../store/store.ts";
import type { CommandContext } from "../context.ts";
import type { Idempotency } from "../idempotency.ts";
import type { Submitted, Submitter } from "../submit.ts";
import {
  BULK,
  type BulkAction,
  type BulkInput,
  type BulkPlace,
  mayBeFor,
  PLACE_KEPT_MS,
  STATES,
} from "./order.ts";

export interface BulkRequest {
  action: BulkAction;
  which: { ids: readonly string[] } | { filter: TaskFilter };
  /** With the action "priority". */
  priority?: number;
  /** With the action "cancel". */
  reason?: string;
  graceMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SAMPLES = 10;
const OPTIONS = {
  priority: 10,
  maxCrashes: 100,
  // Whatever lasts: a database that is away.
  retry: { maxAttempts: 1_000, delayMs: 1_000, factor: 2, maxDelayMs: 30_000, jitter: false },
  retentionMs: 7 * DAY_MS,
};

/** Loaded by the first bulk action. */
export const loadBulkWork = onceLoaded(() => import("./bulk_work.ts"));

/** The definition of its task. */
export function bulkDefinition(context: () => CommandContext): AnyDefinition {
  return define({ name: BULK, input: z.unknown() }, async (task: TaskContext<unknown>) => {
    const { bulkWork } = await loadBulkWork();
    return await bulkWork(context(), task);
  });
}

/** The tasks that it would be for now, as far as they are counted in a moment, with the first ones. */
export async function previewBulk(
  store: Store,
  request: BulkRequest,
  caller: Caller,
): Promise<Required<Pick<Page, "entries" | "count">>> {
  const { action, which } = request;
  requireWhole(caller);
  if ("filter" in which) {
    const filter = meant(action, ofTenant(which.filter, caller.tenant));
    const { entries, count } = await list(store, { ...filter, limit: SAMPLES, counts: true, caller });
    return { entries, count: count! };
  }
  const ids = [...new Set(which.ids.map((id) => inTenant(id, caller.tenant)))];
  const found = await store.readMany(ids, "caller");
  const fitting = found.filter((entry): entry is Entry => {
    return entry !== null && !isForgotten(entry.record) && mayBeFor(action, typeOf(entry.record)) &&
      fits(entry.record, {}, caller);
  });
  return { entries: fitting.slice(0, SAMPLES), count: { value: fitting.length, exact: true } };
}

/**
 * The filter means the tasks that there are now: those that are submitted later are left alone.
 *
 * @throws {ForbiddenError} for a caller who may know some of its tenant's tasks only
 * @throws {ValidationError} if the action is for none of the states of the filter
 */
export async function submitBulk(
  { store }: CommandContext,
  submitter: Submitter,
  request: BulkRequest,
  caller: Caller,
  idempotency?: Idempotency,
): Promise<Submitted> {
  const { action, which, priority, reason, graceMs } = request;
  const { count } = await previewBulk(store, request, caller);
  const { tenant } = caller;
  const now = store.clock.now();
  const input: BulkInput = {
    action,
    tenant,
    total: count.exact ? count.value : null,
    graceMs,
    ...priority !== undefined && { priority },
    ...reason !== undefined && { reason },
    ..."ids" in which
      ? { ids: which.ids.map((id) => inTenant(id, tenant)) }
      : { filter: before(now, meant(action, ofTenant(which.filter, tenant))) },
  };
  const place: BulkPlace = { cursor: null, counts: { done: 0, skipped: 0, failed: 0 }, isOver: false };
  return await submitter.submit({
    batch: {
      submissions: [{ task: BULK, input, options: OPTIONS, isBuiltin: true }],
      pointerOf: (_, part) => part,
    },
    writes: ([id]) => [{ key: serviceKeys.bulk(id), value: place, expireAt: now + PLACE_KEPT_MS }],
    idempotency,
    caller,
  });
}

function requireWhole({ name, patterns }: Caller): void {
  if (patterns.length === 0) return;
  throw new ForbiddenError(
    `the key "${name}" may know only some of the tasks that this concerns: it has the pattern ${patterns[0]}`,
  );
}

function meant(action: BulkAction, filter: TaskFilter): TaskFilter {
  const { possible, meant = possible } = STATES[action];
  const said = filter.states ?? [];
  const states = said.length === 0 ? meant : said.filter((state) => possible.includes(state));
  if (states.length > 0) return { ...filter, states };
  const message = `${action} is for tasks that are ${possible.join(", ")}`;
  throw new ValidationError([{ pointer: "/filter/state", message }]);
}

function before(now: number, filter: TaskFilter): TaskFilter {
  const { createdBefore = Infinity } = filter;
  return { ...filter, createdBefore: Math.min(createdBefore, now + 1) };
}
