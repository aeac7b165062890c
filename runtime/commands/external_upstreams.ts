// Tasks outside a call that tasks of the call wait for.

import { type Caller, knows } from "../core/caller.ts";
import { ForgottenError, NotFoundError } from "../core/errors.ts";
import { pointer } from "../core/json.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { inTenant } from "../core/tenant.ts";
import { namedIn } from "../core/wait_for.ts";
import type { Store } from "../store/store.ts";
import { type Batch, MOST_FAULTS, type PartFault, validationError } from "./batch.ts";
import type { DependencyGraph } from "./dependency_graph.ts";
import { refuseReferences } from "./kept_results.ts";
import type { Checked } from "./prepare.ts";

/**
 * These tasks as they are now, by their ids.
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
  if (missing.size > 0) throw validationError(batch, faultsOfMissing(checked, missing, caller.tenant));
  const ignored = [...external.values()].filter(({ record }) => record.ignoreResult);
  if (ignored.length > 0) {
    refuseReferences(checked, new Set(ignored.map(({ record }) => record.id)), batch, caller.tenant);
  }
  return external;
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
