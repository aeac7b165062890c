// A task whose result is not kept has none to hand on: who refers to it is refused at the submit.

import { pointer } from "../core/json.ts";
import { bare, inTenant } from "../core/tenant.ts";
import { type Batch, MOST_FAULTS, type PartFault, validationError } from "./batch.ts";
import type { Checked } from "./prepare.ts";

/**
 * Of tasks of one call among each other.
 *
 * @throws {ValidationError}
 */
export function requireKeptResults(checked: Checked[], ids: string[], batch: Batch, tenant: string): void {
  const ignored = ids.filter((_, place) => checked[place].ignoreResult);
  if (ignored.length > 0) refuseReferences(checked, new Set(ignored), batch, tenant);
}

/**
 * @param ignored ids of tasks whose results are not kept
 * @throws {ValidationError} with all references to them, or the first of very many
 */
export function refuseReferences(
  checked: Checked[],
  ignored: ReadonlySet<string>,
  batch: Batch,
  tenant: string,
): void {
  const faults: PartFault[] = [];
  for (const [index, { references }] of checked.entries()) {
    for (const { task, path } of references) {
      if (faults.length === MOST_FAULTS || !ignored.has(inTenant(task, tenant))) continue;
      const message = `the result of task ${bare(task)} is not kept (ignoreResult): ` +
        "wait for it by waitFor, or keep its result";
      faults.push({ index, part: `/input${pointer(path)}/$task`, message });
    }
  }
  if (faults.length > 0) throw validationError(batch, faults);
}
