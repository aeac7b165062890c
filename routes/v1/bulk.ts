// POST /v1/bulk: one action on many tasks, as a task.

import { z } from "zod";
import { holds } from "../../runtime/core/caller.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { BULK_ACTIONS, type BulkRequest, type Runtime } from "../../runtime/mod.ts";
import { callerOf, viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { createRoute } from "../http/operation.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import { forbidden, ProblemError } from "../http/problem.ts";
import {
  bodyProblems,
  idempotencyHeader,
  jsonAnswer,
  problems,
  summarySchema,
  taskSchema,
} from "../wire/schemas.ts";
import { filterOf, filterQuery } from "../wire/task_filter.ts";
import { summaryTexts, taskHeaders, taskText } from "../wire/task_json.ts";
import { beforeHeaders, idempotencyOf } from "./idempotency.ts";
import { cancelShape, DEFAULT_GRACE_MS } from "./task_actions.ts";

const MOST_IDS = 10_000;
const LONGEST_BODY = 512 * 1024;
const TIMES = ["createdAfter", "createdBefore", "finishedAfter", "finishedBefore"] as const;

const bulkSchema = once(() => {
  const { reason, graceMs } = cancelShape();
  return strictObject({
    action: z.enum(BULK_ACTIONS),
    filter: strictObject(filterQuery()).optional()
      .describe("As of GET /v1/tasks: the tasks that fit it now. Those that come later are left alone."),
    ids: z.array(z.uuid().toLowerCase()).min(1).max(MOST_IDS).optional(),
    all: z.boolean().optional().describe("Must be true where the filter has no bound in time."),
    priority: z.int().min(-10).max(10).optional().describe("The new one, with the action priority."),
    reason,
    graceMs,
    dryRun: z.boolean().optional().describe("Only tell how many tasks it would be for, and the first ones."),
  }).superRefine((body, context) => {
    const { action, filter, ids, all, priority, reason, graceMs } = body;
    const fault = (field: string, message: string) => {
      context.addIssue({ code: "custom", path: [field], message });
    };
    if (ids !== undefined && (filter !== undefined || all !== undefined)) {
      fault(filter === undefined ? "all" : "filter", "not together with ids");
    }
    const isBounded = TIMES.some((name) => filter?.[name] !== undefined);
    if (ids === undefined && !isBounded && all !== true) {
      fault(
        "all",
        `must be true where no filter has a bound in time (${TIMES.join(", ")}), and no ids are given`,
      );
    }
    if (action === "priority" && priority === undefined) {
      fault("priority", "is missing: the new one, −10 to 10");
    }
    if (action !== "priority" && priority !== undefined) fault("priority", "only with the action priority");
    if (action === "cancel") return;
    if (reason !== undefined) fault("reason", "only with the action cancel");
    if (graceMs !== undefined) fault("graceMs", "only with the action cancel");
  }).meta({ id: "BulkRequest" });
});

const previewSchema = once(() =>
  z.object({
    count: z.object({
      value: z.int(),
      exact: z.boolean().describe("False: there are at least so many."),
    }),
    samples: z.array(summarySchema()).describe("The newest ones, at most 10."),
  }).meta({ id: "BulkPreview" })
);

export function bulkRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "post",
    path: "/v1/bulk",
    operationId: "bulk",
    summary: "Cancel, retry or delete many tasks, or give them another priority: a task with progress",
    tags: ["tasks"],
    middleware: jsonBody({ limitBytes: LONGEST_BODY, turns: runtime.turns }),
    request: () => ({
      headers: idempotencyHeader(),
      body: { required: true, content: { "application/json": { schema: bulkSchema() } } },
    }),
    responses: () => ({
      200: jsonAnswer(previewSchema(), "With dryRun: nothing was done"),
      202: jsonAnswer(taskSchema(), "The task that does it; its result is {done, skipped, failed}", [
        "Location",
      ]),
      ...problems({
        ...bodyProblems,
        403: "The key lacks a scope (delete needs admin), or may know some of the tasks only",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(route, async (c) => {
    const { action, filter = {}, ids, priority, reason, graceMs = DEFAULT_GRACE_MS, dryRun } = c.req.valid(
      "json",
    );
    if (action === "delete" && !dryRun && !holds(callerOf(c), "admin")) {
      throw new ProblemError(
        forbidden("what is deleted is gone for good: the action delete needs the scope admin", {
          scope: "admin",
        }),
      );
    }
    const which = ids ? { ids } : { filter: filterOf(filter) };
    const request: BulkRequest = { action, which, priority, reason, graceMs };
    const view = viewOf(c, runtime).operation;
    const prefix = prefixOf(c);
    if (dryRun) {
      const { entries, count } = await view.previewBulk(request);
      const samples = await summaryTexts(runtime, entries, prefix, runtime.turns.begin());
      const text = `{"count":${JSON.stringify(count)},"samples":[${samples.join("")}]}`;
      return pieces.json(c, text, 200, { "cache-control": "no-store" });
    }
    using room = pieces.room(c);
    const submitted = await view.bulk(request, await idempotencyOf(c, await c.req.text()));
    const { entries: [entry] } = submitted;
    const id = bare(entry.record.id);
    c.set("audited", `${action} ${ids ? `${ids.length} ids` : JSON.stringify(filter)}, as ${id}`);
    const headers = { ...beforeHeaders(submitted), location: `${prefix}/v1/tasks/${id}`, "retry-after": "1" };
    const told = entry.versionstamp === "" ? headers : { ...headers, ...taskHeaders(entry) };
    return room.json(await taskText(runtime, entry, prefix), 202, told);
  });
}
