// Submissions of a call that refer to others of it, where some of those got another's task.

import { referTo } from "../../core/references.ts";
import { toJsonText } from "../../core/json.ts";
import type { Checked } from "../prepare.ts";

/** @param as ids, as callers know them, by the ids that stand in the call */
export function rewired(checked: Checked, as: ReadonlyMap<string, string>): Checked {
  const { submission, references, input } = checked;
  const waitFor = submission.options?.waitFor;
  const isReferred = references.some(({ task }) => as.has(task));
  const isWaitedFor = waitFor?.some((id) => as.has(id)) ?? false;
  if (!isReferred && !isWaitedFor) return checked;
  const idOf = (id: string) => as.get(id) ?? id;
  return {
    ...checked,
    submission: isWaitedFor
      ? { ...submission, options: { ...submission.options, waitFor: waitFor!.map(idOf) } }
      : submission,
    references: references.map(({ task, path }) => ({ task: idOf(task), path })),
    input: isReferred ? toJsonText(referTo(JSON.parse(input), idOf)) : input,
  };
}
