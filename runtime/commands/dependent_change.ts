// How a task that waits for others, or that others wait for, is stored: its record, and its dependency
// counter.

import { cancelsRest, metConditions } from "../core/conditions.ts";
import { submitted } from "../core/transitions.ts";
import { edgeBlocks, edgeWrite, mostInlineDependents } from "../dependencies/edges.ts";
import type { Write } from "../platform/kv.ts";
import { restSubject } from "../platform/outbox_subject.ts";
import type { Change } from "../store/commit_unit.ts";
import {
  counterWrite,
  decisionOf,
  type DependencyCounter,
  newCounter,
  outboxWrite,
} from "../store/dependency_counters.ts";
import type { Store } from "../store/store.ts";
import type { AtomicPlan } from "./atomic_plan.ts";
import { dependenciesOf } from "./dependency_graph.ts";

/** The counter before any upstream has ended. */
export function counterOf({ drafts, graph, plan, upstreams }: AtomicPlan, place: number): DependencyCounter {
  return newCounter(drafts[place], dependenciesOf(graph, place, plan.checked[place], upstreams[place]));
}

/** @param writesEdges also the blocks of its dependents, if its record cannot name them all. */
export function dependentChange(
  { kv: { limits } }: Store,
  { plan, drafts, graph, upstreams }: AtomicPlan,
  place: number,
  counter: DependencyCounter,
  { writesEdges }: { writesEdges: boolean },
): Change {
  const id = plan.ids[place];
  const draft = { ...drafts[place] };
  const writes: Write[] = [];
  const total = graph.upstreams[place].length;
  const decision = decisionOf(counter);
  if (total > 0 || counter.left > 0) {
    draft.deps = dependenciesOf(graph, place, plan.checked[place], upstreams[place]);
    if (decision === "go") {
      draft.deps.released = true;
      if (counter.tally) draft.deps.conditions = metConditions(counter.tally);
      if (counter.tally && cancelsRest(counter.tally.conditions)) writes.push(outboxWrite(restSubject(id)));
    }
    // A task that waits for a barrier alone has no counter: the barrier releases it.
    if (decision !== "go" && total > 0) writes.push(counterWrite(id, counter));
    if (decision === "fail") writes.push(outboxWrite(id));
  }
  const dependents = graph.dependents.get(id) ?? [];
  if (dependents.length > mostInlineDependents(limits, draft.limits?.length ?? 0)) {
    draft.followed = true;
    if (writesEdges) writes.push(...edgeWrites(limits, id, dependents));
  } else if (dependents.length > 0) draft.next = dependents;
  const change: Change = { before: null, next: submitted(draft, plan.now), writes };
  const { checks, beside } = plan.part?.with[place] ?? {};
  if (checks) change.checks = checks;
  if (beside) change.beside = { ...beside };
  return change;
}

/** The dependents that a call stores together with their upstream. */
export function edgeWrites(limits: Store["kv"]["limits"], upstream: string, dependents: string[]): Write[] {
  return edgeBlocks(limits, dependents).map((block) => edgeWrite(upstream, block[0], block, null));
}
