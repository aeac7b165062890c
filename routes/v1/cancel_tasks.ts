// Cancels many tasks: those of a list of ids, or all that a filter matches.

import { z } from "zod";
import { MOST_CANCELLED, type Runtime } from "../../runtime/mod.ts";
import { isTerminalType } from "../../runtime/core/states.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import { createRoute } from "../http/operation.ts";
import { bodyProblems, jsonAnswer, problems } from "../wire/schemas.ts";
import { filterOf, filterQuery } from "../wire/task_filter.ts";
import { cancelRequestOf, cancelShape } from "./task_actions.ts";

/** Room for so many ids. */
const LONGEST_BODY = 512 * 1024;

const filterShape = once(() => {
  const { finishedAfter: _, finishedBefore: __, state, ...rest } = filterQuery();
  const ended = { error: "must be states of tasks that have not ended: an ended one is not cancelled" };
  return { ...rest, state: state.refine((types = []) => !types.some(isTerminalType), ended) };
});

const WHICH = ["ids", "filter", "all"] as const;

const bodySchema = once(() =>
  strictObject({
    ids: z.array(z.uuid().toLowerCase()).max(MOST_CANCELLED).optional(),
    filter: strictObject(filterShape())
      .refine((filter) => Object.values(filter).some((value) => value !== undefined), {
        error: "must say something; {all: true} in its place means all tasks that have not ended",
      })
      .optional()
      .describe(`All of what it says must hold. At most ${MOST_CANCELLED} tasks that have not ended.`),
    all: z.literal(true).optional().describe("All tasks of the caller that have not ended."),
    ...cancelShape(),
  }).superRefine((body, context) => {
    const said = WHICH.filter((field) => body[field] !== undefined);
    if (said.length === 1) return;
    const message = said.length === 0
      ? "is missing; or give ids, or all: true"
      : `not together with ${said[0]}`;
    context.addIssue({ code: "custom", path: [said[1] ?? "filter"], message });
  }).meta({ id: "CancelTasksRequest", description: "One of ids, filter and all." })
);

const countsSchema = once(() =>
  z.object({
    cancelled: z.int().describe("Those that had not started, and those that were cancelled before."),
    requested: z.int().describe("Those that run, and were asked to stop."),
    tooLate: z.int().describe(
      "Those that have ended otherwise; with onlyWaiting also those that have started.",
    ),
    notFound: z.int().describe("Of the ids: those of no task that the caller may know."),
  }).meta({ id: "CancelCounts" })
);

export function cancelTasksRoutes(app: App, runtime: Runtime): void {
  const cancel = createRoute({
    method: "post",
    path: "/v1/tasks/cancel",
    operationId: "cancelTasks",
    summary: "Cancel many tasks, by their ids or by a filter",
    tags: ["tasks"],
    middleware: jsonBody({ limitBytes: LONGEST_BODY, turns: runtime.turns }),
    request: () => ({ body: { required: true, content: { "application/json": { schema: bodySchema() } } } }),
    responses: () => ({
      200: jsonAnswer(countsSchema(), "What became of how many of them; a filter may match none"),
      ...problems(bodyProblems),
    }),
  });
  app.openapi(cancel, async (c) => {
    const { ids, filter = {}, all: _, ...how } = c.req.valid("json");
    const which = ids ? { ids } : { filter: filterOf(filter) };
    const counts = await viewOf(c, runtime).cancelMany(which, cancelRequestOf(how));
    c.set("audited", ids ? `${ids.length} ids` : JSON.stringify(filter));
    return jsonResponse(JSON.stringify(counts), 200, { "cache-control": "no-store" });
  });
}
