// Which tasks the options of a command mean.

import type { CancelFilter } from "../../client/mod.ts";
import type { FilterGiven } from "../given.ts";

/** As the service takes it. */
export function filterOf(given: FilterGiven): CancelFilter {
  const { state, task, queue, tag, group: groupId, parent: parentId, search: q } = given;
  const { createdAfter, createdBefore } = given;
  return { state, task, queue, tag, groupId, parentId, q, createdAfter, createdBefore };
}
