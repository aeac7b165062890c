// The options of a call that makes a group of its tasks: those of each task, and a policy for all of them.

import type { z } from "zod";
import { type GroupOptions, groupOptionsSchema } from "./group_policy.ts";
import { once } from "./once.ts";
import { schemaOfOptions, type SubmitOptions } from "./submission.ts";

export interface GroupedOptions extends SubmitOptions {
  /** What a failure of one task does to the others, and when all must have ended. */
  group?: GroupOptions;
}

export const groupedOptionsSchema = once((): z.ZodType<GroupedOptions, GroupedOptions> =>
  schemaOfOptions<GroupedOptions>({ group: groupOptionsSchema().optional() }, "GroupedOptions")
);

/** What is said of each task, and of the group. */
export function parted(options: GroupedOptions | undefined): { each?: SubmitOptions; policy?: GroupOptions } {
  if (options?.group === undefined) return { each: options };
  const { group, ...each } = options;
  return { each: Object.keys(each).length === 0 ? undefined : each, policy: group };
}
