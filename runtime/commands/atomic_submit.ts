// Stores a call none of whose tasks may start before all are stored: in one commit if they fit, else behind a
// barrier.

import { endOf } from "../core/conditions.ts";
import { ConflictError, LimitFullError } from "../core/errors.ts";
import { type Entry, isTerminal, type TaskRecord } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { edgeBlocks, edgeWrite, groupEdgeWrite } from "../dependencies/edges.ts";
import { keys } from "../platform/keys.ts";
import { type Change, groupStepsOf, type UnitOptions } from "../store/commit_unit.ts";
import { stepped } from "../store/dependency_counters.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import { type AtomicPlan, atomicPlanOf } from "./atomic_plan.ts";
import { storeBehindBarrier } from "./barrier_submit.ts";
import type { Batch } from "./batch.ts";
import { anyFull, asSubmitted, refusingLimits } from "./commit_pack.ts";
import { acyclicOrder, type DependencyGraph } from "./dependency_graph.ts";
import { counterOf, dependentChange } from "./dependent_change.ts";
import { readExternal } from "./external_upstreams.ts";
import { requireUnchanged } from "./guard.ts";
import { requireOthersGroups } from "./own_group.ts";
import type { SubmitPlan } from "./submit_plan.ts";

/**
 * @throws {ValidationError} if tasks wait for each other, or for one that is not there.
 * @throws {ConflictError} if an id is taken, or another process was first with the call's idempotency key.
 */
export async function storeAtomically(
  store: Store,
  values: Values,
  plan: SubmitPlan,
  graph: DependencyGraph,
  batch: Batch,
): Promise<Entry[]> {
  const order = await acyclicOrder(graph, plan.ids, batch, store.turns);
  let external = await readExternal(store, graph, plan.checked, batch, plan.caller);
  await requireOthersGroups(store, values, graph, plan.checked, batch, plan.caller.tenant);
  const atomic = await atomicPlanOf(values, plan, graph, order, store.turns.begin());
  while (!plan.resumed) {
    const commit = inOneCommit(store, atomic, external);
    if (!commit) break;
    const applied = await store.commit("submit", commit.changes, commit.options);
    if (applied) {
      return plan.ids.map((_, i) => asSubmitted(applied[i], commit.changes[i].next as TaskRecord));
    }
    await requireStillPossible(store, plan);
    const refusing = refusingLimits(commit.changes.map(({ next }) => next as TaskRecord));
    if (refusing.length > 0 && await anyFull(store, plan.caller.tenant, refusing)) {
      throw new LimitFullError(refusing);
    }
    // An external upstream has moved on.
    external = await readExternal(store, graph, plan.checked, batch, plan.caller);
  }
  return await storeBehindBarrier(store, atomic);
}

/** Null if the tasks are too many for one commit. */
function inOneCommit(
  store: Store,
  atomic: AtomicPlan,
  external: ReadonlyMap<string, Entry>,
): { changes: Change[]; options: UnitOptions } | null {
  const { plan, graph } = atomic;
  if (plan.ids.length > store.kv.limits.mutations) return null;
  const checks = [...plan.guards];
  const writes = [...plan.everyWrites(null), ...plan.sameIdsWrites(plan.allSameIds)];
  const changes: Change[] = plan.ids.map((_, place) => {
    const counter = graph.upstreams[place].reduce((counter, upstream) => {
      const entry = external.get(upstream);
      return entry ? stepped(counter, { upstream, was: null, is: endOf(entry.record) }) : counter;
    }, counterOf(atomic, place));
    return dependentChange(store, atomic, place, counter, { writesEdges: true });
  });
  const { touched, joins } = othersOf(plan, changes);
  for (const [upstream, dependents] of graph.external) {
    const entry = external.get(upstream);
    if (!entry) {
      edgeBlocks(store.kv.limits, dependents).forEach((block, n) => {
        writes.push(groupEdgeWrite(upstream, `${plan.ids[0]}.${n}`, block));
      });
      continue;
    }
    edgeBlocks(store.kv.limits, dependents).forEach((block, n) => {
      writes.push(edgeWrite(upstream, `${plan.ids[0]}.${n}`, block, endOf(entry.record)));
    });
    const change = touched.get(upstream);
    if (change) change.next = { ...change.next as TaskRecord, followed: true };
    // An ended upstream may be deleted at this moment. A check alone would let both commits pass.
    else if (entry.record.followed && !isTerminal(entry.record)) {
      checks.push({ key: keys.task(upstream), versionstamp: entry.versionstamp });
    } else changes.push({ before: entry, next: { ...entry.record, followed: true } });
  }
  changes.push(...joins);
  const steps = changes.flatMap(({ before, next }) => groupStepsOf(before?.record ?? null, next));
  writes.push(...plan.firstWrites(steps));
  const options: UnitOptions = { fresh: plan.fresh, checks, writes };
  if (graph.groups.size > 0) options.follows = graph.groups;
  return store.fits(changes, options) ? { changes, options } : null;
}

/** Changes of others' tasks that go with it: their keys are taken, or they join the call's group. */
function othersOf(
  { part }: SubmitPlan,
  changes: Change[],
): { touched: Map<string, Change>; joins: Change[] } {
  // Copies: another try of the commit begins anew.
  const joins = (part?.joins ?? []).map((change) => ({ ...change }));
  const touched = new Map(joins.map((change) => [change.next.id, change]));
  for (const { beside } of changes) if (beside) touched.set(beside.next.id, beside);
  return { touched, joins };
}

/** @throws {ConflictError} if the same commit would conflict again, however often it is tried. */
async function requireStillPossible({ kv }: Store, { ids, fresh, guards, part }: SubmitPlan): Promise<void> {
  // Nobody else can have fresh ones; a fence of the store may stand in their place.
  const found = fresh ? [] : await kv.getMany(ids.map(keys.task));
  const taken = found.findIndex(({ versionstamp }) => versionstamp !== null);
  if (taken >= 0) throw new ConflictError(`id ${bare(ids[taken])} is taken`);
  await requireUnchanged(kv, part ? [...guards, ...part.found] : guards);
}
