// The first answer to a call again, whatever has become of its tasks since.

import type { Entry } from "../core/task.ts";
import { submitted } from "../core/transitions.ts";
import { dependencyGraphOf } from "./dependency_graph.ts";
import type { IdempotencyRecord } from "./idempotency.ts";
import { type Checked, draftOf } from "./prepare.ts";

/** The tasks as they were submitted. They carry no version. */
export function replayed(
  checked: Checked[],
  ids: string[],
  { groupId, createdAt }: IdempotencyRecord,
  maxConcurrent?: number,
): Entry[] {
  const graph = dependencyGraphOf(checked, ids);
  const options = { now: createdAt, groupId, maxConcurrent };
  return checked.map((one, i): Entry => {
    const draft = { ...draftOf(one, ids[i], i, options), input: { json: one.input } };
    const upstreams = graph?.upstreams[i] ?? [];
    if (upstreams.length > 0) {
      draft.deps = {
        upstreams: { json: JSON.stringify(upstreams) },
        total: upstreams.length,
        waitFor: graph!.waitFor[i],
        allowFailure: one.submission.options?.allowFailure ?? false,
        released: false,
      };
    }
    return { record: submitted(draft, createdAt), versionstamp: "" };
  });
}
