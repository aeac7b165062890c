// Stores a call over several commits. No task starts before the last commit lifts the barrier. A call that is
// cut off before that is undone (maintenance/cut_off_calls.ts).

import { ConflictError } from "../core/errors.ts";
import type { Entry } from "../core/task.ts";
import {
  type Barrier,
  liftBarrier,
  raiseBarrier,
  type RaisedBarrier,
  requireNotAbandoned,
  TOO_LATE,
} from "../dependencies/barrier.ts";
import {
  type BarrierEdgeKind,
  edgeBlocks,
  edgeBlockSize,
  edgeWrite,
  mostInlineDependents,
} from "../dependencies/edges.ts";
import { keys } from "../platform/keys.ts";
import { barrierId } from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import type { Change } from "../store/commit_unit.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import type { Store } from "../store/store.ts";
import type { AtomicPlan } from "./atomic_plan.ts";
import { attachExternal } from "./attach_external.ts";
import { commitPack, conflictOf, type PackOptions } from "./commit_pack.ts";
import { counterOf, dependentChange, edgeWrites } from "./dependent_change.ts";
import { joinLater } from "./unique/joining.ts";

const EDGES_PER_WRITE = 20;

/** @throws {ConflictError} if the call took so long that it was given up, or another one resumed it. */
export async function storeBehindBarrier(store: Store, atomic: AtomicPlan): Promise<Entry[]> {
  const { plan, graph } = atomic;
  plan.isLong = true;
  const barrier = barrierId(plan.ids[0]);
  const raised = await raiseBarrier(store, barrier, plan.now);
  // Dependents before their upstreams: a counter must exist when the first end that it counts is committed.
  const order = atomic.order.toReversed();
  await writeEdges(store, atomic, order);
  const entries: Entry[] = [];
  let checks = plan.guards;
  for (const [n, pack] of (await packsOf(store, atomic, raised, order)).entries()) {
    const from = entries.length;
    const places = order.slice(from, from + pack.length);
    const resumed = plan.storedBefore(from);
    const blocks = blockWrites(store, atomic, raised, n, await unstored(store, atomic, places, resumed));
    const writes = [...plan.everyWrites(from + pack.length), ...signsOfLife(atomic, raised), ...blocks];
    if (n === 0) writes.push(...firstWrites(atomic, raised));
    const options = { fresh: plan.fresh, checks, writes, resumed };
    entries.push(...await commitUnlessAbandoned(store, atomic, pack, options));
    if (n === 0) checks = [await raised.confirm()];
  }
  await attachExternal(store, graph, plan.ids[0], checks);
  await joinLater(store, plan);
  await liftWhenStored(store, atomic, checks);
  const entryAt = new Map(order.map((place, k) => [place, entries[k]]));
  return plan.ids.map((_, place) => entryAt.get(place)!);
}

function firstWrites({ plan }: AtomicPlan, raised: RaisedBarrier): Write[] {
  return [...plan.firstWrites(), ...plan.sameIdsWrites(plan.allSameIds), ...raised.writes];
}

/** Written by each commit: while they change, the call is not cut off. */
function signsOfLife({ plan }: AtomicPlan, raised: RaisedBarrier): Write[] {
  return plan.recountKey ? [raised.timer, { key: plan.recountKey, value: null }] : [raised.timer];
}

async function packsOf(
  store: Store,
  atomic: AtomicPlan,
  raised: RaisedBarrier,
  order: number[],
): Promise<Change[][]> {
  const { plan } = atomic;
  const { limits } = store.kv;
  const turn = store.turns.begin();
  const changes: Change[] = [];
  for (const place of order) {
    const next = turn.over();
    if (next) await next;
    const counter = counterOf(atomic, place);
    if (waitsForBarrier(atomic, place)) counter.left++;
    changes.push(dependentChange(store, atomic, place, counter, { writesEdges: false }));
  }
  return await store.pack(changes, {
    fresh: plan.fresh,
    checks: [...plan.guards, { key: keys.barrier(raised.barrier), versionstamp: null }],
    writes: [
      ...plan.everyWrites(plan.ids.length),
      ...signsOfLife(atomic, raised),
      ...firstWrites(atomic, raised),
    ],
    listOf: (_, k) => ({ list: kindOf(atomic, order[k]) ?? "counted", perBlock: edgeBlockSize(limits) }),
  });
}

async function commitUnlessAbandoned(
  store: Store,
  { plan }: AtomicPlan,
  pack: Change[],
  options: PackOptions,
): Promise<Entry[]> {
  try {
    const applied = await commitPack(store, pack, options);
    if (applied) return applied;
    throw await conflictOf(store, pack);
  } catch (error) {
    await requireNotAbandoned(store, barrierId(plan.ids[0]));
    throw error;
  }
}

/**
 * The tasks of a pack stand under the barrier in blocks. Their names sort dependents before their upstreams:
 * a call that is cut off is undone in this order, which releases none of its tasks.
 */
function blockWrites(
  store: Store,
  atomic: AtomicPlan,
  { barrier, by }: RaisedBarrier,
  pack: number,
  places: number[],
): Write[] {
  const kinds = ["inside", undefined, "direct"] as const;
  return kinds.flatMap((kind, rank) => {
    const ids = places.filter((place) => kindOf(atomic, place) === kind).map((place) =>
      atomic.plan.ids[place]
    );
    return edgeBlocks(store.kv.limits, ids).map((block, n) => {
      // A call that is resumed may be packed in another way: the blocks of its first try stay as they are.
      const name = [pack, rank, n].map((part) => String(part).padStart(6, "0")).join(".");
      return edgeWrite(barrier, `${name}.${by}`, block, null, kind);
    });
  });
}

function kindOf(atomic: AtomicPlan, place: number): BarrierEdgeKind | undefined {
  if (!waitsForBarrier(atomic, place)) return "inside";
  return atomic.graph.upstreams[place].length === 0 ? "direct" : undefined;
}

/**
 * A task that waits for another one of the call cannot start while that one waits for the barrier. With
 * `allowFailure`, or a condition, it could: its upstream may be cancelled behind the barrier.
 */
function waitsForBarrier({ plan, graph }: AtomicPlan, place: number): boolean {
  if (plan.checked[place].submission.options?.allowFailure || graph.conditions[place]) return true;
  return !graph.upstreams[place].some((upstream) => graph.dependents.has(upstream));
}

/** Stored tasks have a block already: it is written in their commit. */
async function unstored(
  store: Store,
  { plan }: AtomicPlan,
  places: number[],
  resumed: number | null,
): Promise<number[]> {
  if (resumed === null) return places;
  const there = await store.peekMany(places.map((place) => plan.ids[place]));
  return places.filter((_, k) => k >= resumed && there[k] === null);
}

/**
 * Blocks from a first try of the call stay as they are: they may have counted an end of their upstream. Those
 * of a stored upstream may be gone again, with the upstream.
 */
async function writeEdges({ kv }: Store, { graph, plan }: AtomicPlan, order: number[]): Promise<void> {
  const stored = new Set(order.slice(0, plan.storedBefore(0) ?? 0).map((place) => plan.ids[place]));
  const limited = new Map(plan.ids.map((id, place) => [id, plan.checked[place].limits?.length ?? 0]));
  const many = [...graph.dependents].filter(([upstream, dependents]) =>
    dependents.length > mostInlineDependents(kv.limits, limited.get(upstream) ?? 0) && !stored.has(upstream)
  );
  const writes = many.flatMap(([upstream, dependents]) => edgeWrites(kv.limits, upstream, dependents));
  for (let at = 0; at < writes.length; at += EDGES_PER_WRITE) {
    await Promise.all(
      writes.slice(at, at + EDGES_PER_WRITE).map(({ key, value }) => {
        return kv.commit(kv.atomic().check({ key, versionstamp: null }).set(key, value));
      }),
    );
  }
}

/** All tasks are stored: the outbox processor releases those that wait for nothing else. */
async function liftWhenStored(
  store: Store,
  { plan }: AtomicPlan,
  checks: Deno.AtomicCheck[],
): Promise<void> {
  const barrier = barrierId(plan.ids[0]);
  const key = keys.barrier(barrier);
  const { value } = await store.kv.get<Barrier>(key);
  if (value && !value.sealed && !value.givenUp) {
    const writes = [
      ...liftBarrier(barrier, value, plan.now),
      outboxWrite(barrier),
      ...plan.everyWrites(null),
    ];
    if (await store.commit("submit", [], { checks, writes })) return;
  }
  // Another try of the call may have lifted it. Then all tasks are stored too.
  if (!(await store.kv.get<Barrier>(key)).value?.sealed) throw new ConflictError(TOO_LATE);
}
