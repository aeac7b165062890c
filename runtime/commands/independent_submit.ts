// Stores tasks that do not wait for each other, in as many commits as they need. Each one may run as soon as
// it is stored.

import type { Entry, TaskRecord } from "../core/task.ts";
import { submitted } from "../core/transitions.ts";
import type { Write } from "../platform/kv.ts";
import type { Change } from "../store/commit_unit.ts";
import type { GroupStep } from "../store/group_counters.ts";
import type { PackOptions } from "../store/packing.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import { commitPack, conflictOf } from "./commit_pack.ts";
import type { SubmitPlan } from "./submit_plan.ts";

/** Of more tasks than this a caller is told the ids alone. */
export const MOST_TOLD_IN_FULL = 1_000;
/** Tasks of a call whose records are held in memory at a time: about as many as one commit takes. */
const SLICE = 500;

/**
 * @returns the tasks, or none of more than {@linkcode MOST_TOLD_IN_FULL}.
 * @throws {ConflictError} if an id is taken, or another process was first with the call's idempotency key.
 */
export async function storeIndependent(store: Store, values: Values, plan: SubmitPlan): Promise<Entry[]> {
  const { ids, fresh } = plan;
  const entries: Entry[] = [];
  let stored = 0;
  let made: Change[] = [];
  let checks = plan.guards;
  // A call without tasks may still make a group.
  for (let from = 0, to = -1; to < ids.length; from = to) {
    to = Math.min(ids.length, from + SLICE - made.length);
    made.push(...await changesOf(plan, from, to));
    const isEnd = to === ids.length;
    const packs = made.length <= 1 ? [made] : await store.pack(made, mostOf(plan));
    plan.isLong = packs.length > 1 || ids.length > SLICE;
    // The last commit of a slice would be a small one: the next slice fills it.
    made = isEnd || packs.length === 1 ? [] : packs.pop()!;
    for (const [n, pack] of packs.entries()) {
      const isLast = isEnd && n === packs.length - 1;
      const resumed = plan.storedBefore(stored);
      const writes = writesOf(plan, stored === 0, isLast ? null : stored + pack.length);
      stored += pack.length;
      const applied = await commitPack(store, pack, { fresh, resumed, checks, writes });
      if (!applied) {
        await discardInputs(values, pack);
        if (stored > pack.length) await plan.laterChecks();
        throw await conflictOf(store, pack);
      }
      if (!isLast) checks = await plan.laterChecks();
      if (ids.length <= MOST_TOLD_IN_FULL) entries.push(...applied);
    }
  }
  return entries;
}

async function changesOf(plan: SubmitPlan, from: number, to: number): Promise<Change[]> {
  const changes: Change[] = [];
  for (let i = from; i < to; i++) {
    changes.push({ before: null, next: submitted(await plan.draft(i), plan.now) });
  }
  return changes;
}

/** What a commit of the call checks and writes at the most, beside its tasks. */
export function mostOf(plan: SubmitPlan): Required<Pick<PackOptions, "fresh" | "checks" | "writes">> {
  const { fresh, mostChecks: checks, recountKey } = plan;
  const writes = writesOf(plan, true, plan.ids.length);
  if (recountKey) writes.push({ key: recountKey, value: null });
  return { fresh, checks, writes };
}

/**
 * @param stored how many tasks are stored then; null with the last ones
 * @param steps of the group that the first commit makes
 */
export function writesOf(
  plan: SubmitPlan,
  isFirst: boolean,
  stored: number | null,
  steps: GroupStep[] = [],
): Write[] {
  const writes = isFirst ? plan.firstWrites(steps) : [];
  writes.push(...plan.everyWrites(stored));
  // Each commit renews it: the call is not cut off. It goes with the last word on the total.
  if (plan.recountKey && plan.isLong) writes.push({ key: plan.recountKey, value: null });
  return writes;
}

async function discardInputs(values: Values, pack: Change[]): Promise<void> {
  await Promise.all(pack.map(({ next }) => values.discard(next.id, (next as TaskRecord).input)));
}
