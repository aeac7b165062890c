// How the tasks must end that a task waits for, on the wire.

import type { Conditions } from "../../runtime/core/condition_terms.ts";
import type { TaskRecord } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import type { Text } from "../http/json_response.ts";

/** Only of a task that waits for others under conditions. */
export function conditionsText({ deps }: TaskRecord): Text {
  return deps?.conditions ? `"conditions":${JSON.stringify(conditionsView(deps.conditions))},` : "";
}

function conditionsView({ each = {}, any = [] }: Conditions) {
  return [
    ...Object.entries(each).map(([id, { on, optional }]) => ({ task: bare(id), on, optional })),
    ...any.map(({ of, count, on, cancelRest, met }) => ({
      anyOf: of.map(bare),
      count,
      on,
      cancelRest,
      met: met?.map(bare),
    })),
  ];
}
