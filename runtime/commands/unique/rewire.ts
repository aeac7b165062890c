// Submissions of a call that refer to others of it, where some of those got another's task.

import { referTo } from "../../core/references.ts";
import { toJsonText } from "../../core/json.ts";
import { namedIn, renamed, waitItems } from "../../core/wait_for.ts";
import type { Checked } from "../prepare.ts";

/** @param as ids, as callers know them, by the ids that stand in the call */
export function rewired(checked: Checked, as: ReadonlyMap<string, string>): Checked {
  const { submission, references, input } = checked;
  const waitFor = submission.options?.waitFor ?? [];
  const isReferred = references.some(({ task }) => as.has(task));
  const isWaitedFor = namedIn(waitFor).some(({ id }) => as.has(id));
  if (!isReferred && !isWaitedFor) return checked;
  const idOf = (id: string) => as.get(id) ?? id;
  const items = waitItems(waitFor).map(({ item }) => item);
  return {
    ...checked,
    submission: isWaitedFor
      ? { ...submission, options: { ...submission.options, waitFor: items.map((one) => renamed(one, idOf)) } }
      : submission,
    references: references.map((reference) => ({ ...reference, task: idOf(reference.task) })),
    input: isReferred ? toJsonText(referTo(JSON.parse(input), idOf)) : input,
  };
}
