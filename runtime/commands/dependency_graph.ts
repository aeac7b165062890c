// What the tasks of one call wait for: each other, and tasks and groups that exist already.

import type { Turns } from "../platform/turns.ts";
import { type Batch, validationError } from "./batch.ts";
import type { Conditions } from "../core/condition_terms.ts";
import type { Dependencies, StoredValue } from "../core/task.ts";
import { bare, inTenant } from "../core/tenant.ts";
import type { Following } from "../store/group_counters.ts";
import { isWaiting, namedIn } from "../core/wait_for.ts";
import { conditionsOf } from "./conditions_of_task.ts";
import type { Checked } from "./prepare.ts";
import { roundTrip, topologicalOrder } from "./topological_order.ts";

export interface DependencyGraph {
  /** For each task the ids that it waits for: those of `waitFor` first, each once. */
  upstreams: string[][];
  /** How many of these stand in `waitFor`. */
  waitFor: number[];
  /** How some of them must end. */
  conditions: (Conditions | undefined)[];
  /** For each task of the call the tasks of the call that wait for it. */
  dependents: Map<string, string[]>;
  /** For each task or group outside the call the tasks of the call that wait for it. */
  external: Map<string, string[]>;
  /** Those of them that are groups, and what is wanted of them (external_upstreams.ts). */
  groups: ReadonlyMap<string, Following>;
}

/**
 * Null if no task of the call waits for another one.
 *
 * @param ids of the tasks
 * @param tenant whose tasks they may wait for
 */
export function dependencyGraphOf(
  checked: Checked[],
  ids: string[],
  turns: Turns,
  tenant = "",
): Promise<DependencyGraph> | null {
  return mayDepend(checked) ? graphOf(checked, ids, turns, tenant) : null;
}

/** True if a task of the call waits for another one. */
export function mayDepend(checked: Checked[]): boolean {
  return checked.some(({ references, submission: { options } }) =>
    references.length > 0 || isWaiting(options?.waitFor)
  );
}

async function graphOf(
  checked: Checked[],
  ids: string[],
  turns: Turns,
  tenant: string,
): Promise<DependencyGraph> {
  const graph = withoutDependencies([]);
  const own = new Set(ids);
  const turn = turns.begin();
  for (const [i, { submission, references }] of checked.entries()) {
    const next = turn.over();
    if (next) await next;
    const ordered = new Set(waitForOf(submission).map((id) => inTenant(id, tenant)));
    graph.waitFor.push(ordered.size);
    const upstreams = [...ordered.union(new Set(references.map(({ task }) => inTenant(task, tenant))))];
    graph.upstreams.push(upstreams);
    graph.conditions.push(conditionsOf(submission, references, tenant).conditions);
    for (const upstream of upstreams) {
      const side = own.has(upstream) ? graph.dependents : graph.external;
      const dependents = side.get(upstream);
      if (dependents) dependents.push(ids[i]);
      else side.set(upstream, [ids[i]]);
    }
  }
  return graph;
}

export function withoutDependencies(ids: string[]): DependencyGraph {
  return {
    upstreams: ids.map(() => []),
    waitFor: ids.map(() => 0),
    conditions: ids.map(() => undefined),
    dependents: new Map(),
    external: new Map(),
    groups: new Map(),
  };
}

/** The ids that its `waitFor` names, in order. */
export function waitForOf({ options }: Checked["submission"]): string[] {
  return namedIn(options?.waitFor).map(({ id }) => id);
}

/** A record's dependencies on the tasks that it waits for, before any has ended. */
export function dependenciesOf(
  { upstreams, waitFor, conditions, groups }: DependencyGraph,
  place: number,
  { submission: { options } }: Checked,
  stored: StoredValue,
): Dependencies {
  const deps: Dependencies = {
    upstreams: stored,
    total: upstreams[place].length,
    waitFor: waitFor[place],
    allowFailure: options?.allowFailure ?? false,
    released: false,
  };
  if (conditions[place]) deps.conditions = conditions[place];
  const ofThem = groups.size > 0 ? upstreams[place].filter((id) => groups.has(id)) : [];
  if (ofThem.length > 0) deps.groups = ofThem;
  return deps;
}

/**
 * Places of the call's tasks, each behind those that it waits for.
 *
 * @throws {ValidationError} if tasks wait for each other, with one such cycle.
 */
export async function acyclicOrder(
  graph: DependencyGraph,
  ids: string[],
  batch: Batch,
  turns: Turns,
): Promise<number[]> {
  const placeOf = new Map(ids.map((id, place) => [id, place]));
  const { order, cycles: [cycle] } = await topologicalOrder(
    ids.keys(),
    (place) => graph.upstreams[place].flatMap((id) => placeOf.get(id) ?? []),
    turns.begin(),
  );
  if (!cycle) return order;
  const path = roundTrip(cycle).map((place) => bare(ids[place])).join(" → ");
  throw validationError(batch, [
    { index: cycle[0], part: "", message: `these wait for each other: ${path}` },
  ]);
}
