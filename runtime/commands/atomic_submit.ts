// Stores the tasks of a call that belong together, because they wait for each other or for others, or because the
// caller wants all or none: in one commit where they fit, else under a seal.

import { edgeBlocks, edgeWrite, mostInlineDependents } from "../dependencies/edges.ts";
import { ConflictError } from "../core/errors.ts";
import {
  counterWrite,
  decisionOf,
  type DependencyCounter,
  outboxWrite,
  stepped,
} from "../store/dependency_counters.ts";
import { barrierId, keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import {
  type Barrier,
  liftBarrier,
  raiseBarrier,
  type RaisedBarrier,
  requireNotAbandoned,
  TOO_LATE,
} from "../dependencies/barrier.ts";
import type { Store } from "../store/store.ts";
import {
  type Entry,
  isTerminal,
  type StateType,
  type StoredValue,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { submitted } from "../core/transitions.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { type DependencyGraph, inOrder } from "./dependency_graph.ts";

/** All there is to store. */
export interface AtomicSubmit {
  ids: string[];
  /** Everything of the records but their first state and whom they wait for. */
  drafts: TaskRecord[];
  graph: DependencyGraph;
  /** The ids of upstreams as they are stored, for each task. */
  upstreams: StoredValue[];
  allowFailure: boolean[];
  now: number;
  /** The ids were drawn just now. */
  fresh: boolean;
  /** The call was cut off before: some of its tasks may be there. */
  resumed: boolean;
  /** Checked by the first commit. */
  guards: Deno.AtomicCheck[];
  /** Written by the first commit. */
  first: Write[];
  /** The timer that counts the group again, if the call is cut off. */
  recount: Deno.KvKey | null;
  /** Written by each commit that is not the last, and by the last: how an idempotency key tells how far the call got. */
  progress: (complete: boolean) => Write[];
}

/** Tasks outside the call that are followed from now on, taken care of so many at a time. */
const ATTACHED_AT_ONCE = 20;
const EDGES_PER_WRITE = 20;

/**
 * All in one commit.
 *
 * @param outside the tasks outside the call that those of it wait for, as they are now.
 * @returns null if they are too many for that.
 */
export function inOneCommit(
  store: Store,
  whole: AtomicSubmit,
  outside: ReadonlyMap<string, Entry>,
): { changes: Change[]; options: UnitOptions } | null {
  const { ids, graph } = whole;
  const options: UnitOptions = {
    fresh: whole.fresh,
    checks: [...whole.guards],
    writes: [...whole.first, ...whole.progress(true)],
  };
  const changes = whole.drafts.map((_, i) => {
    let join = joinOf(whole, i);
    for (const upstream of graph.upstreams[i]) {
      const entry = outside.get(upstream);
      if (entry) join = stepped(join, { upstream, was: null, is: endOf(entry) });
    }
    return changeOf(store, whole, i, join, true);
  });
  for (const [upstream, followers] of graph.outside) {
    const entry = outside.get(upstream)!;
    edgeBlocks(store.kv.limits, followers).forEach((block, n) => {
      options.writes!.push(edgeWrite(upstream, `${ids[0]}.${n}`, block, endOf(entry)));
    });
    // One that has ended may be deleted at this moment: a mere check would let both pass.
    if (entry.record.followed && !isTerminal(entry.record)) {
      options.checks!.push({ key: keys.task(upstream), versionstamp: entry.versionstamp });
    } else changes.push({ before: entry, next: { ...entry.record, followed: true } });
  }
  return store.fits(changes, options) ? { changes, options } : null;
}

/**
 * Over several commits, of which the last one lets them go.
 *
 * @param commit stores one part; those of its tasks that are there already it leaves as they are.
 * @throws {ConflictError} if the call took so long that it was given up, or another one took it up.
 */
export async function behindBarrier(
  store: Store,
  whole: AtomicSubmit,
  commit: (changes: Change[], options: UnitOptions) => Promise<Entry[]>,
): Promise<Entry[]> {
  const { ids, graph, fresh } = whole;
  const seal = barrierId(ids[0]);
  const opening = await raiseBarrier(store, seal, whole.now);
  await writeEdges(store, whole);
  let sure: Deno.AtomicCheck[] = whole.guards;
  const entries: Entry[] = [];
  // Whoever waits for another comes first: then its join is there before anything that the join counts.
  const order = inOrder(graph, ids).reverse();
  const changes = order.map((i) => {
    const join = joinOf(whole, i);
    return changeOf(store, whole, i, waitsForSeal(whole, i) ? { ...join, left: join.left + 1 } : join, false);
  });
  for (const [n, pack] of store.pack(changes, { fresh }, sealsCost(store)).entries()) {
    const from = entries.length;
    const places = await withoutBlocks(store, whole, pack.map((_, k) => order[from + k]));
    const writes = [...whole.progress(false), ...sealedWrites(store, whole, opening, n, places)];
    if (n === 0) writes.push(...whole.first, ...opening.writes);
    if (n === 0 && whole.recount) writes.push({ key: whole.recount, value: null });
    try {
      entries.push(...await commit(pack, { fresh, checks: sure, writes }));
    } catch (error) {
      await requireNotAbandoned(store, seal);
      throw error;
    }
    if (n === 0) sure = [await opening.confirm()];
  }
  const outside = [...graph.outside];
  for (let at = 0; at < outside.length; at += ATTACHED_AT_ONCE) {
    await Promise.all(
      outside.slice(at, at + ATTACHED_AT_ONCE).map(([upstream, followers]) => {
        return attach(store, upstream, followers, ids[0], sure);
      }),
    );
  }
  await close(store, seal, whole, sure);
  const placed = new Map(order.map((i, k) => [i, entries[k]]));
  return ids.map((_, i) => placed.get(i)!);
}

/** What a pack's commit takes for its blocks, beside its tasks. */
function sealsCost({ kv: { limits } }: Store): number {
  const [block] = edgeBlocks(limits, Array(limits.checks).fill(""));
  // A task with its lists or its join takes two mutations at the least.
  return 10 + Math.ceil(limits.mutations / 2 / block.length);
}

/**
 * All tasks of a pack stand under the seal, in blocks whose names sort such that nobody comes ahead of those that wait for
 * him: so a call that is cut off can be undone without letting anyone go.
 */
function sealedWrites(
  store: Store,
  whole: AtomicSubmit,
  { barrier: seal, by }: RaisedBarrier,
  pack: number,
  places: number[],
): Write[] {
  const kindOf = (i: number) =>
    !waitsForSeal(whole, i) ? "inside" : whole.graph.upstreams[i].length === 0 ? "direct" : undefined;
  return (["inside", undefined, "direct"] as const).flatMap((kind, rank) => {
    const ids = places.filter((i) => kindOf(i) === kind).map((i) => whole.ids[i]);
    return edgeBlocks(store.kv.limits, ids).map((block, n) => {
      // A call that is taken up again may be packed otherwise: what the first try has written stays as it is.
      const name = [pack, rank, n].map((part) => String(part).padStart(6, "0")).join(".");
      return edgeWrite(seal, `${name}.${by}`, block, null, kind);
    });
  });
}

/** Each task is stored together with its block: those that are there have one. */
async function withoutBlocks(
  store: Store,
  { ids, resumed }: AtomicSubmit,
  places: number[],
): Promise<number[]> {
  if (!resumed) return places;
  const there = await store.peekMany(places.map((i) => ids[i]));
  return places.filter((_, k) => there[k] === null);
}

/**
 * Those that wait for another one of the call to complete cannot begin before that, and none does under the seal; one that
 * may fail can end there all the same.
 */
function waitsForSeal(whole: AtomicSubmit, i: number): boolean {
  return isRoot(whole, i) || whole.allowFailure[i];
}

/** True if it waits for no other one of the call. */
function isRoot({ graph }: AtomicSubmit, i: number): boolean {
  return !graph.upstreams[i].some((upstream) => graph.inside.has(upstream));
}

/** What a task waits for before any of it has ended. */
function joinOf({ drafts, graph, allowFailure }: AtomicSubmit, i: number): DependencyCounter {
  return {
    task: drafts[i].task,
    left: graph.upstreams[i].length,
    failed: 0,
    first: null,
    allowFailure: allowFailure[i],
  };
}

function changeOf(
  store: Store,
  whole: AtomicSubmit,
  i: number,
  join: DependencyCounter,
  alone: boolean,
): Change {
  const { ids, drafts, graph, upstreams, now } = whole;
  const id = ids[i];
  const draft = { ...drafts[i] };
  const writes: Write[] = [];
  const total = graph.upstreams[i].length;
  const decision = decisionOf(join);
  if (total > 0 || join.left > 0) {
    draft.deps = {
      upstreams: upstreams[i],
      total,
      waitFor: graph.waitFor[i],
      allowFailure: join.allowFailure,
      released: decision === "go",
    };
    // Who waits for the seal alone is let go by it.
    if (decision !== "go" && total > 0) writes.push(counterWrite(id, join));
    if (decision === "fail") writes.push(outboxWrite(id));
  }
  const followers = graph.inside.get(id) ?? [];
  if (followers.length > mostInlineDependents(store.kv.limits)) {
    draft.followed = true;
    if (alone) {
      edgeBlocks(store.kv.limits, followers).forEach((block) =>
        writes.push(edgeWrite(id, block[0], block, null))
      );
    }
  } else if (followers.length > 0) draft.next = followers;
  return { before: null, next: submitted(draft, now), writes };
}

/**
 * Blocks of those that many of the call wait for, unless a call that was cut off has left them: what they were told
 * since stays.
 */
async function writeEdges(store: Store, { graph }: AtomicSubmit): Promise<void> {
  const { kv } = store;
  const writes: Write[] = [];
  for (const [upstream, followers] of graph.inside) {
    if (followers.length <= mostInlineDependents(kv.limits)) continue;
    for (const block of edgeBlocks(kv.limits, followers)) {
      writes.push(edgeWrite(upstream, block[0], block, null));
    }
  }
  for (let at = 0; at < writes.length; at += EDGES_PER_WRITE) {
    await Promise.all(
      writes.slice(at, at + EDGES_PER_WRITE).map(({ key, value }) => {
        return kv.commit(kv.atomic().check({ key, versionstamp: null }).set(key, value));
      }),
    );
  }
}

/** Has tasks of a call follow one that is not of it, whether it has ended or not; once, however often it is tried. */
async function attach(
  store: Store,
  upstream: string,
  followers: string[],
  call: string,
  sure: Deno.AtomicCheck[],
): Promise<void> {
  for (const [n, ids] of edgeBlocks(store.kv.limits, followers).entries()) {
    const key = keys.edge(upstream, `${call}.${n}`);
    for (;;) {
      if ((await store.kv.get(key)).versionstamp !== null) break;
      const entry = await store.read(upstream) as Entry | null;
      // It was deleted while the call was stored: as if it had been before.
      if (!entry || "forgottenAt" in entry.record) {
        throw new ConflictError(`task ${upstream} was deleted meanwhile`);
      }
      const is = endOf(entry);
      const applied = await store.commit("submit", [{
        before: entry,
        next: { ...entry.record, followed: true },
      }], {
        checks: [{ key, versionstamp: null }, ...sure],
        writes: [edgeWrite(upstream, `${call}.${n}`, ids, is)],
        counterSteps: is === null ? [] : ids.map((dependent) => ({ dependent, upstream, was: null, is })),
      });
      if (applied) break;
      await requireStill(store, barrierId(call), sure);
    }
  }
}

/** @throws {ConflictError} if the seal is another's by now. */
async function requireStill(store: Store, seal: string, sure: Deno.AtomicCheck[]): Promise<void> {
  await requireNotAbandoned(store, seal);
  for (const { key, versionstamp } of sure) {
    if ((await store.kv.get(key)).versionstamp !== versionstamp) {
      throw new ConflictError("another call with this idempotency key took it up");
    }
  }
}

async function close(
  store: Store,
  seal: string,
  whole: AtomicSubmit,
  sure: Deno.AtomicCheck[],
): Promise<void> {
  const key = keys.barrier(seal);
  const { value } = await store.kv.get<Barrier>(key);
  if (value && !value.sealed && !value.givenUp) {
    const applied = await store.commit("submit", [], {
      checks: sure,
      writes: [
        ...liftBarrier(seal, value, whole.now),
        outboxWrite(seal),
        ...whole.progress(true),
        ...whole.recount ? [{ key: whole.recount }] : [],
      ],
    });
    if (applied) return;
  }
  // Without an answer to the commit it is not known who wrote it: whoever did has all of these tasks.
  if (!(await store.kv.get<Barrier>(key)).value?.sealed) throw new ConflictError(TOO_LATE);
}

function endOf({ record }: Entry): StateType | null {
  return isTerminal(record) ? typeOf(record) : null;
}
