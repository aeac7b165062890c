// Which tasks a list is asked for: parameters of a query, and what the engine makes of them.

import { z } from "zod";
import { instantText } from "../../runtime/core/instant.ts";
import { once } from "../../runtime/core/once.ts";
import { queueName } from "../../runtime/core/submission.ts";
import type { TaskFilter } from "../../runtime/mod.ts";
import { stateQuery } from "./query.ts";

const LONGEST_SEARCH = 200;

export const filterQuery = once(() => ({
  state: stateQuery(),
  task: z.string().max(200).optional().describe("The name of a definition."),
  queue: queueName().optional(),
  tag: z.string().max(100).optional(),
  groupId: z.uuid().toLowerCase().optional(),
  parentId: z.uuid().toLowerCase().optional(),
  createdAfter: instantText().optional(),
  createdBefore: instantText().optional(),
  finishedAfter: instantText().optional().describe("Only tasks that have ended."),
  finishedBefore: instantText().optional().describe("Only tasks that have ended."),
  q: z.string().min(1).max(LONGEST_SEARCH).optional()
    .describe("The beginning of an id, 8 digits or more; or a part of an error, in any case."),
}));

type Given = z.output<z.ZodObject<ReturnType<typeof filterQuery>>>;

export function filterOf(
  { state, createdAfter, createdBefore, finishedAfter, finishedBefore, ...rest }: Given,
): TaskFilter {
  return {
    ...rest,
    states: state,
    createdAfter: instantOf(createdAfter),
    createdBefore: instantOf(createdBefore),
    finishedAfter: instantOf(finishedAfter),
    finishedBefore: instantOf(finishedBefore),
  };
}

export function instantOf(iso: string | undefined): number | undefined {
  return iso === undefined ? undefined : Date.parse(iso);
}
