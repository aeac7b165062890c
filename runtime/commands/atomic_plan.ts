import type { StoredValue, TaskRecord } from "../core/task.ts";
import type { Turn } from "../platform/turns.ts";
import type { Values } from "../store/values.ts";
import type { DependencyGraph } from "./dependency_graph.ts";
import type { SubmitPlan } from "./submit_plan.ts";

/** What a call stores if none of its tasks may start before all are stored. */
export interface AtomicPlan {
  plan: SubmitPlan;
  graph: DependencyGraph;
  /** Places of the tasks, each behind those that it waits for. */
  order: number[];
  /** The records without their states and upstreams. */
  drafts: TaskRecord[];
  /** The ids that each task waits for, as its record keeps them. */
  upstreams: StoredValue[];
}

export async function atomicPlanOf(
  values: Values,
  plan: SubmitPlan,
  graph: DependencyGraph,
  order: number[],
  turn: Turn,
): Promise<AtomicPlan> {
  const drafts: TaskRecord[] = [];
  const upstreams: StoredValue[] = [];
  for (const [place, id] of plan.ids.entries()) {
    const next = turn.over();
    if (next) await next;
    drafts.push(await plan.draft(place));
    upstreams.push(await values.store(id, JSON.stringify(graph.upstreams[place])));
  }
  return { plan, graph, order, drafts, upstreams };
}
