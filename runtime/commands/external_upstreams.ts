// Tasks and groups outside a call that tasks of the call wait for.

import { type Caller, knows } from "../core/caller.ts";
import { ForgottenError, NotFoundError } from "../core/errors.ts";
import { pointer } from "../core/json.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { inTenant } from "../core/tenant.ts";
import { isWaiting, namedIn } from "../core/wait_for.ts";
import { keys } from "../platform/keys.ts";
import { knowsAll } from "../queries/group_list.ts";
import { GroupMembers } from "../queries/group_members.ts";
import type { Following } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import { type Batch, MOST_FAULTS, type PartFault, validationError } from "./batch.ts";
import type { DependencyGraph } from "./dependency_graph.ts";
import { refuseReferences } from "./kept_results.ts";
import type { Checked } from "./prepare.ts";

/** Each is one more line in the record of the task that waits. */
export const MOST_GROUPS = 100;

/**
 * These tasks as they are now, by their ids. Which of the upstreams are groups is written into the graph.
 *
 * @throws {ValidationError} if one of them is not there.
 */
export async function readExternal(
  store: Store,
  graph: DependencyGraph,
  checked: Checked[],
  batch: Batch,
  caller: Caller,
): Promise<Map<string, Entry>> {
  const ids = [...graph.external.keys()];
  const entries = await store.readMany(ids);
  const missing = new Map<string, string>();
  const external = new Map<string, Entry>();
  ids.forEach((id, i) => {
    const entry = entries[i];
    if (entry === null) missing.set(id, new NotFoundError("task", id).message);
    else if (isForgotten(entry.record)) missing.set(id, new ForgottenError(id).message);
    else if (!knows(caller, entry.record)) missing.set(id, new NotFoundError("task", id).message);
    else external.set(id, entry as Entry);
  });
  graph.groups = missing.size > 0 ? await groupsAmong(store, missing, checked, caller) : NO_GROUPS;
  for (const group of graph.groups.keys()) missing.delete(group);
  if (missing.size > 0) throw validationError(batch, faultsOfMissing(checked, missing, caller.tenant));
  const ignored = [...external.values()].filter(({ record }) => record.ignoreResult);
  if (ignored.length > 0) {
    refuseReferences(checked, new Set(ignored.map(({ record }) => record.id)), batch, caller.tenant);
  }
  if (graph.groups.size > MOST_GROUPS) requireFewGroups(graph, checked, batch);
  return external;
}

const NO_GROUPS: ReadonlyMap<string, Following> = new Map();

/** Those of the ids that are groups which the caller may know, and whether their results are taken. */
async function groupsAmong(
  store: Store,
  ids: ReadonlyMap<string, unknown>,
  checked: Checked[],
  caller: Caller,
): Promise<Map<string, Following>> {
  const groups = new Map<string, Following>();
  const found = await store.kv.getMany([...ids.keys()].map(keys.group));
  for (const [i, id] of [...ids.keys()].entries()) {
    if (found[i].value !== null && await knowsAll(new GroupMembers(store), id, caller)) {
      groups.set(id, "waits");
    }
  }
  for (const { references } of groups.size > 0 ? checked : []) {
    for (const { task } of references) {
      const id = inTenant(task, caller.tenant);
      if (groups.has(id)) groups.set(id, "refers");
    }
  }
  return groups;
}

function requireFewGroups({ upstreams, groups }: DependencyGraph, checked: Checked[], batch: Batch): void {
  const faults = upstreams.flatMap((ids, index): PartFault[] => {
    const count = ids.reduce((sum, id) => sum + Number(groups.has(id)), 0);
    if (count <= MOST_GROUPS) return [];
    const part = isWaiting(checked[index].submission.options?.waitFor) ? "/options/waitFor" : "/input";
    return [{ index, part, message: `a task waits for at most ${MOST_GROUPS} groups (got ${count})` }];
  });
  if (faults.length > 0) throw validationError(batch, faults.slice(0, MOST_FAULTS));
}

/** Places where the call names a task that is not there: all, or the first of very many. */
export function faultsOfMissing(
  checked: Checked[],
  missing: ReadonlyMap<string, string>,
  tenant = "",
): PartFault[] {
  const faults: PartFault[] = [];
  const look = (index: number, id: string, part: () => string) => {
    const message = missing.get(inTenant(id, tenant));
    if (message) faults.push({ index, part: part(), message });
    return faults.length < MOST_FAULTS;
  };
  for (const [index, { submission, references }] of checked.entries()) {
    for (const { id, pointer } of namedIn(submission.options?.waitFor)) {
      if (!look(index, id, () => `/options/waitFor${pointer}`)) return faults;
    }
    for (const { task, path } of references) {
      if (!look(index, task, () => `/input${pointer(path)}/$task`)) return faults;
    }
  }
  return faults;
}
